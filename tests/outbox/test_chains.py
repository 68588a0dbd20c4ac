"""What is said of a whole chain: enough to act on, kept by the store, sent once."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.channels.channel import Message
from monitor.domain.alerts import Alert, AlertKind, Notice
from monitor.domain.ids import ChainId, ChainWide
from monitor.domain.liveness import Halted, Live
from monitor.domain.moment import BlockRef
from monitor.outbox.render import render
from monitor.rules.halt import halt_news
from monitor.store import Commit
from tests.channels.markup import parse
from tests.domain.hostile import PAYLOADS
from tests.outbox.scene import opened, to

BASE = ChainId("eip155:8453")
LAST = BlockRef(BASE, 36_000_000, "0xaa", "0xa9", 1_782_000_000)
NEXT = replace(LAST, number=36_000_001, hash="0xab", parent_hash="0xaa", timestamp_s=1_782_006_960)


def news(agreeing: int = 2, name: str = "base") -> tuple[Alert, Alert]:
    started = halt_news(None, Halted(LAST, LAST.timestamp_s, agreeing, 2), name, LAST.timestamp_s + 60)
    assert started is not None
    ended = halt_news(started, Live(NEXT), name, NEXT.timestamp_s)
    assert ended is not None
    return started, ended


def shown(alert: Alert) -> Message:
    return render(alert, to("7"), "k" * 64, 0, "https://hfm.example")


def test_a_halt_says_since_when_who_agrees_and_what_to_do():
    message = shown(news()[0])
    assert message.subject == "[CHAIN STANDS STILL] base"
    assert message.text.splitlines() == [
        "⏸ CHAIN STANDS STILL: base",
        "",
        "No block after 36000000, 2026-06-21 00:00:00 UTC.",
        "2 of 2 endpoints have that block, and none has a newer one.",
        "Health: not measured since then. Levels stay as they were, which does not mean safe.",
        "",
        "To do: have what you would repay or add at hand for when it goes on. Prices move meanwhile.",
        "",
        f"Incident {news()[0].incident}",
    ]


def test_its_end_says_how_long_it_lasted_and_that_time_to_act_may_not_be_given():
    message = shown(news()[1])
    assert message.subject == "[CHAIN GOES ON] base"
    assert "It stood still for 1 h 56 min after block 36000000." in message.text
    assert "oracle sentinel" in message.text
    assert "To do: look at your positions now." in message.text
    assert "As of block 36000001" in message.text


def test_a_single_endpoint_is_said_to_be_perhaps_cut_off():
    assert "One alone may itself be cut off" in shown(news(1)[0]).text
    assert "One alone" not in shown(news(2)[0]).text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_name_of_a_chain_reaches_no_form(payload: str):
    for alert in news(name=payload):
        message = shown(replace(alert, facts={**alert.facts, "chain": payload, "endpoints": payload}))
        assert message.html is not None
        assert {tag for tag, _, _ in parse(message.html).entities} <= {"b"}
        assert message.subject.isprintable()


async def test_both_are_kept_found_again_and_sent_once_however_often_they_are_committed(tmp_path: Path):
    async with opened(tmp_path) as store:
        assert await store.views.last_alert(ChainWide(BASE)) is None
        for alert in news():
            for _ in range(2):
                await store.commit(Commit(None, notices=[Notice(alert, (to("1"), to("2")))]))
            assert await store.views.last_alert(ChainWide(BASE)) == alert
            assert halt_news(alert, Halted(LAST, 0, 2, 2), "base", 0) is None or alert.kind is AlertKind.KNOWN_AGAIN
        kinds = [view.alert.kind for view in await store.views.alerts()]
        assert kinds == [AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN]
        owed = (await store.queue.look("telegram", 10, 2_000_000_000)).due
        assert [(m.route.address, m.alert.kind) for m in owed] == [
            ("1", AlertKind.KNOWN_AGAIN),
            ("2", AlertKind.KNOWN_AGAIN),
        ]
        assert await store.views.last_alert(ChainWide(ChainId("eip155:1"))) is None
