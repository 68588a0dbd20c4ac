"""What people read: the five key facts first, always, and never too long."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import Alert, AlertKind, Level, Recipient, Route
from monitor.domain.health import Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address
from monitor.domain.people import Subscriber
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.row import Evaluation
from monitor.domain.token import Token
from monitor.outbox.figures import amount_text, away_text, duration_text, health_text, price_text
from monitor.outbox.lines import CHARACTERS
from monitor.outbox.render import render
from monitor.rules.events.liquidations import Sighting
from monitor.rules.events.parameters import Change
from monitor.rules.events.telling import liquidation_alert, parameter_alert
from monitor.rules.hearing.digest import Glance, Source, digest
from monitor.rules.judge import judge
from monitor.units import WAD
from tests.channels.markup import linked_by_itself, parse
from tests.domain.hostile import PAYLOADS
from tests.fakes.evaluations import USDC, WETH, block, evaluation, factor, position
from tests.outbox.hostile import hostile_alerts, hostile_events
from tests.rules.causes.scene import diverged
from tests.rules.events.forked import liquidation
from tests.rules.scene import LEVELS, Scene

OWNER = Recipient("telegram:42", (Route("telegram", "42"), Route("email", "a@b.c")))
BASE = "https://hfm.example/v1"
GOLDEN = Path(__file__).parent / "golden"
COMMANDS = {("bot_command", "/ack"), ("bot_command", "/mute")}
"""What a message offers to be pressed on purpose."""
OF_CAUSES = {AlertKind.STALE, AlertKind.STALE_OVER}
"""What is said of no position; `test_causes.py` has it."""


def shown(alert: Alert, route: int = 0, base: str = BASE):
    return render(alert, OWNER, "k" * 64, route, base)


def story() -> dict[AlertKind, Alert]:
    """One alert of every kind a position can have."""
    scene = Scene()
    scene.see("1.2", "1.04")
    scene.see("1.18", "1.02")
    scene.see("1.18", "1.02", after_s=3600)
    scene.see("?the feed is stale")
    scene.see("?the feed is stale", after_s=120)
    scene.see("2")
    scene.see("2", after_s=600)
    return {a.kind: a for a in (*scene.said, *happened(), replace(scene.said[0], kind=AlertKind.TEST))}


def happened() -> tuple[Alert, ...]:
    """One alert of every kind that tells an event."""
    after, at = evaluation("1.07", "1.02", at=110), block(110)
    one = replace(liquidation(0xAB54, 104, 1_250_000_000_000_000_001), position=position(), repaid_raw=2_345_678_901)
    sighting = Sighting(replace(one, written_off=((USDC, 12_000_000),)), block(105))
    closed = evaluation("none", at=110)
    cleared = replace(closed, protocol=replace(closed.protocol, legs=closed.protocol.legs[:1]))
    changes = (
        Change(WETH.address, "threshold_bps", 8_000, 7_550, one.transaction),
        Change(WETH.address, "is_frozen", 0, 1, one.transaction),
        Change("category 2", "price", None, "0x" + "45" * 20),
    )
    begun = diverged(AlertKind.DIVERGED, None, after, -280)
    return (
        liquidation_alert(sighting, AlertKind.LIQUIDATION_SEEN, after, LEVELS, at),
        liquidation_alert(sighting, AlertKind.LIQUIDATED, cleared, LEVELS, at),
        parameter_alert(factor("1.1339"), after, changes, (WETH, USDC), LEVELS, at),
        begun,
        diverged(AlertKind.DIVERGENCE_OVER, begun, evaluation("2", at=120), 13),
        daily(),
    )


def daily() -> Alert:
    """A digest with one position in danger, one that is well, and one of which nothing is known."""
    who = Subscriber("alice", routes=OWNER.routes, watches={Address("0x" + "11" * 20): "main"})
    positions = (
        Glance("main 0x1111…1111", "base-core", Level.OK, "2.400000000000000000", "51.02"),
        Glance("main 0x1111…1111", "ethereum-core", Level.DANGER, "1.082199000000000000", "7.59"),
        Glance("main 0x1111…1111", "arbitrum-core", None, None, None),
        Glance("main 0x1111…1111", "polygon-core", Level.OK, None, None, has_debt=False),
    )
    sources = (
        Source("arbitrum-core", "block 4000", 2400, is_current=False),
        Source("base-core", "block 30000000", 3, is_current=True),
        Source("ethereum-core", "block 21000000", 14, is_current=True),
    )
    return digest(who, positions, sources, 1_763_712_000)


KINDS = story()


def test_the_story_tells_every_kind():
    assert set(KINDS) | OF_CAUSES == set(AlertKind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_reads_as_it_is_written_down(kind: AlertKind):
    """To change a message, change its files in `golden` with it: they are read by people."""
    alert = KINDS[kind]
    message = shown(replace(alert, facts={**alert.facts, "label": "main"}))
    written = {suffix: (GOLDEN / f"{kind.value}.{suffix}").read_text() for suffix in ("txt", "html")}
    assert f"{message.subject}\n\n{message.text}\n" == written["txt"]
    assert f"{message.html}\n" == written["html"]


@pytest.mark.parametrize(
    ("kind", "first", "to_do"),
    [
        (AlertKind.WORSENED, "🔴 CRITICAL (was OK)", "To do, any one of these"),
        (AlertKind.DETERIORATED, "🔴 CRITICAL, GETTING WORSE", "To do, any one of these"),
        (AlertKind.REPEATED, "🔴 STILL CRITICAL", "To do, any one of these"),
        (AlertKind.RECOVERED, "🟢 RECOVERED, NOW OK (was CRITICAL)", "To do: nothing now."),
        (AlertKind.UNKNOWN, "❔ HEALTH UNKNOWN", "To do: look at the position yourself"),
        (AlertKind.KNOWN_AGAIN, "🟢 HEALTH KNOWN AGAIN, OK", "To do: nothing now."),
        (AlertKind.PARAMETER_CHANGED, "🔴 PARAMETERS CHANGED, CRITICAL", "To do, any one of these"),
        (AlertKind.LIQUIDATION_SEEN, "🚨 LIQUIDATED, NOT FINAL YET", "To do, any one of these"),
        (AlertKind.LIQUIDATED, "🚨 LIQUIDATED", "To do: no debt is left; withdraw"),
        (AlertKind.DIVERGED, "⚖ PRICES APART, CRITICAL", "To do, any one of these"),
        (AlertKind.DIVERGENCE_OVER, "🟢 PRICES TOGETHER AGAIN, OK", "To do: nothing now."),
        (AlertKind.TEST, "✅ TEST: this channel works", "To do: nothing, this is only a test."),
    ],
)
def test_the_first_line_names_the_kind_and_the_level(kind: AlertKind, first: str, to_do: str):
    lines = shown(KINDS[kind]).text.split("\n")
    assert lines[0] == first
    assert any(line.startswith(to_do) for line in lines)


def test_unknown_is_never_shown_as_healthy():
    text = shown(KINDS[AlertKind.UNKNOWN]).text
    assert "Health not measurable now, last 1.18 at block" in text
    assert "Why: protocol health: the feed is stale; cautious health: the feed is stale" in text
    assert "Level before: CRITICAL. Unknown is not safe." in text
    assert "OK" not in text


def test_recovery_tells_duration_and_worst_value():
    assert "Lasted 1 h 12 min; worst CRITICAL, health 1.18" in shown(KINDS[AlertKind.RECOVERED]).text


def test_a_position_without_debt_is_not_called_recovered():
    scene = Scene()
    scene.see("0.9")
    scene.see("none")
    (alert,) = scene.see("none", after_s=600)
    text = shown(alert).text
    assert text.startswith("🟢 NO DEBT LEFT (was LIQUIDATABLE)")
    assert "If you did not close it yourself, check what happened." in text


def test_a_blocked_liquidation_and_closed_ways_are_said():
    scene = Scene()
    (alert,) = scene.see("0.9", blockers=("the market is paused",))
    text = shown(replace(alert, facts={**alert.facts, "unavailable": "withdraw WETH: frozen"})).text
    assert "Past its line, but not liquidatable right now: the market is paused" in text
    assert "Not possible now: withdraw WETH: frozen" in text
    assert "is past" in text


def test_who_is_reached_over_the_next_route_is_told_why():
    assert "Sent here because telegram did not accept messages for you." in shown(KINDS[AlertKind.WORSENED], 1).text


def test_without_a_base_there_is_no_link():
    message = shown(KINDS[AlertKind.WORSENED], base="")
    assert message.html is not None
    assert "http" not in message.text + message.html


HEALTHS = st.one_of(
    st.integers(-(10**30), 10**30).map(lambda n: Measured(n, WAD, Line.BELOW, None)),
    st.builds(Measured, st.integers(0, 2**256), st.integers(1, 2**256), st.just(Line.BELOW), st.none()),
    st.just(NoDebt()),
    st.builds(Unmeasurable, st.text(max_size=2000)),
)


@given(
    HEALTHS,
    HEALTHS,
    st.sampled_from([kind for kind in AlertKind if kind not in {*OF_CAUSES, AlertKind.DIGEST}]),
    st.sampled_from(Level),
    st.integers(0, 200),
    st.one_of(st.sampled_from([p[:3000] for p in PAYLOADS]), st.text(max_size=64)),
)
def test_no_message_is_too_long_or_lacks_a_key_fact(protocol, cautious, kind, level, assets, symbol):
    seen = _portfolio(evaluation(protocol, cautious), assets, symbol)
    first = judge(None, evaluation("1.04"), LEVELS, 0).alerts[0]
    from_rules = judge(None, seen, LEVELS, 0).alerts
    facts = from_rules[0].facts if from_rules else first.facts
    event = {k: v for one in hostile_events(symbol, seen) for k, v in one.facts.items() if k not in facts}
    every = {**event, **facts, "label": symbol, "doubts": symbol * 9}
    message = shown(replace(first, kind=kind, level=level, facts=every))
    assert message.html is not None
    for form in (message.text, message.html):
        assert len(form.encode("utf-16-le")) // 2 <= CHARACTERS
        assert re.search(r"Health|Health not measurable", form)
        assert "Liquidation price:" in form
        assert "To do" in form
        assert f"Incident {first.incident}" in form
        assert BASE in form
    words = "LIQUIDATED|UNKNOWN|TEST|NO DEBT LEFT" if kind != AlertKind.WORSENED else level.name
    assert re.search(f"{words}|{level.name}", message.text.split("\n")[0])
    assert len(message.subject) < 200


def _portfolio(seen: Evaluation, assets: int, symbol: str) -> Evaluation:
    if not seen.liquidation_prices or seen.remedy is None:
        return seen
    token = Token(WETH.address, symbol, 18)
    price = replace(seen.liquidation_prices[0], token=token, node=Node(symbol))
    step = replace(seen.remedy.steps[0], token=token, amount_raw=10**60 + assets)
    remedy = replace(seen.remedy, steps=(step,) * assets, unavailable=(symbol,) * assets)
    used = PriceUsed(Node(symbol), 1, 8, symbol, symbol, 1_750_000_000 - assets)
    leg = replace(seen.protocol.legs[0], token=token, node=used.node)
    protocol = replace(seen.protocol, legs=(leg,), prices=(used,))
    apart_bps = {used.node: assets - 100}
    return replace(seen, protocol=protocol, liquidation_prices=(price,) * assets, remedy=remedy, apart_bps=apart_bps)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_name_reaches_no_form_of_the_message(payload: str):
    for alert in hostile_alerts(payload):
        message = shown(alert)
        assert message.html is not None
        parsed = parse(message.html)
        assert {tag for tag, _, _ in parsed.entities} <= {"b", "a"}
        assert all(url == "" or url.startswith(BASE) for _, _, url in parsed.entities)
        assert set(linked_by_itself(parsed.text)) <= COMMANDS
        assert {*linked_by_itself(message.text)} - COMMANDS == {("url", message.text.split("\n")[-1])}
        assert message.subject.isprintable()
        assert linked_by_itself(message.subject) == []
        if payload.isascii() or not payload.isalpha():
            assert all(payload not in form for form in (message.text, message.html, message.subject))


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        ("1.049999999999999999", "1.0499"),
        ("0.999999999999999999", "0.999999"),
        ("1.001234567", "1.001234"),
        ("12345.6", "12,345.60"),
        ("-0.00001", "-0.0001"),
        ("<b>", "b"),
    ],
)
def test_health_is_shown_rounded_down(factor: str, text: str):
    assert health_text(factor) == text


def test_amounts_round_up_and_prices_toward_danger():
    assert amount_text("0.312500000000000001") == "0.312501"
    assert amount_text("1234567.000000000000000001") == "1,234,567.01"
    assert amount_text("0.00000001") == "0.00000001"
    assert price_text("1538.461538", up=True) == "1,538.47"
    assert price_text("1538.469", up=False) == "1,538.46"
    assert away_text("2000", "1999.9999") == "0 %"
    assert duration_text("90061") == "1 d 1 h"


def test_a_link_leads_nowhere_but_home():
    message = shown(replace(KINDS[AlertKind.WORSENED], position=position(7)), base="https://hfm.example/v1/")
    assert message.html is not None
    (url,) = [url for tag, _, url in parse(message.html).entities if tag == "a"]
    assert url.startswith("https://hfm.example/v1/positions/eip155%3A31337%2F")
