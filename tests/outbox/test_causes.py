"""What is said of data that is too old: which, since when, and never that anything is well."""

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.channels.channel import Message
from monitor.domain.alerts import Alert, AlertKind, Level, Notice
from monitor.domain.ids import Cause, ChainId, DeploymentName
from monitor.domain.prices import Node
from monitor.outbox.render import render
from monitor.rules.causes.stale import deployment_cause, endpoints_cause, feed_cause, over_alert, stale_alert
from monitor.store import Commit
from tests.channels.markup import parse
from tests.domain.hostile import PAYLOADS
from tests.outbox.scene import opened, to

GOLDEN = Path(__file__).parent / "golden"
BASE = ChainId("eip155:8453")
AT_S = 1_782_000_000
FACTS = {"chain": "base", "of": "WETH (0x1111…1111), cbETH (0x2222…2222)", "source": "0x" + "33" * 20, "age_s": "5821"}
CAUSES = {
    "feed": (feed_cause(BASE, Node("feed:0x" + "33" * 20)), FACTS),
    "deployment": (
        deployment_cause(BASE, DeploymentName("base-core")),
        {"chain": "base", "of": "base-core", "age_s": "37", "why": "the pool reverts"},
    ),
    "endpoints": (endpoints_cause(BASE), {"chain": "base", "age_s": "61", "why": "node: expected an answer in 10 s"}),
}


def news(which: str) -> tuple[Alert, Alert]:
    cause, facts = CAUSES[which]
    begun = stale_alert(cause, AT_S - int(facts["age_s"]), 36_000_000, AT_S, facts)
    return begun, over_alert(cause, begun, 36_000_400, AT_S + 800)


def shown(alert: Alert) -> Message:
    return render(alert, to("7"), "k" * 64, 0, "https://hfm.example")


@pytest.mark.parametrize("which", CAUSES)
def test_a_cause_reads_as_it_is_written_down(which: str):
    for alert in news(which):
        message = shown(alert)
        written = {s: (GOLDEN / f"{alert.kind.value}_{which}.{s}").read_text() for s in ("txt", "html")}
        assert f"{message.subject}\n\n{message.text}\n" == written["txt"]
        assert f"{message.html}\n" == written["html"]


@pytest.mark.parametrize("which", CAUSES)
def test_neither_its_beginning_nor_its_end_says_that_anything_is_well(which: str):
    for alert in news(which):
        message = shown(alert)
        words = message.text.replace(",", " ").replace(".", " ").split()
        assert not {"OK", "RECOVERED", "recovered", "safe.", "fine"} & set(words)
        assert "nothing now" not in message.text
        assert "To do:" in message.text
        assert f"Incident {alert.incident}" in message.text


def test_a_beginning_is_as_urgent_as_a_warning_and_an_end_can_wait():
    begun, over = news("feed")
    assert (begun.severity, over.severity) == (Level.WARN, Level.OK)
    assert begun.topic == over.topic


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_name_of_a_cause_reaches_no_form(payload: str):
    for which in CAUSES:
        for alert in news(which):
            facts = dict.fromkeys(("chain", "of", "source", "why", "age_s", "lasted_s", "cause"), payload)
            message = shown(replace(alert, facts={**alert.facts, **facts}))
            assert message.html is not None
            assert {tag for tag, _, _ in parse(message.html).entities} <= {"b"}
            assert message.subject.isprintable()


async def test_an_open_cause_is_found_again_and_an_ended_one_is_not(tmp_path: Path):
    nobody = DeploymentName("")
    async with opened(tmp_path) as store:
        for which in CAUSES:
            await store.commit(Commit(None, notices=[Notice(news(which)[0], (to("1"),))]))
        await store.commit(Commit(None, notices=[Notice(news("feed")[1], (to("1"),))]))
        left = await store.views.unended(nobody, AlertKind.STALE, AlertKind.STALE_OVER)
        assert left == (news("deployment")[0], news("endpoints")[0])
        later = stale_alert(CAUSES["feed"][0], AT_S + 5_000, 36_000_900, AT_S + 9_000, FACTS)
        await store.commit(Commit(None, notices=[Notice(later)]))
        assert later in await store.views.unended(nobody, AlertKind.STALE, AlertKind.STALE_OVER)
        assert await store.views.last_alert(feed_cause(BASE, Node("feed:0x" + "33" * 20))) == later


async def test_whoever_joins_an_open_cause_is_told_and_nobody_is_told_twice(tmp_path: Path):
    async with opened(tmp_path) as store:
        begun = news("feed")[0]
        await store.commit(Commit(None, notices=[Notice(begun, (to("1"),))]))
        await store.commit(Commit(None, notices=[Notice(begun, (to("1"), to("2")))]))
        owed = (await store.queue.look("telegram", 10, 2_000_000_000)).due
        assert [m.route.address for m in owed] == ["1", "2"]
        assert {m.alert.incident for m in owed} == {begun.incident}
        assert isinstance(owed[0].alert.position, Cause)
