"""Who hears of what, and when: nothing that gets dangerous ever waits."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import Alert, AlertKind, Level, Route
from monitor.domain.people import Acknowledgement, Hours, Subscriber
from monitor.rules.hearing.hearing import Hearing, hearing
from tests.outbox.scene import alert

NOON_S = 1_750_075_200
NIGHT_S = NOON_S + 14 * 3600
WHO = Subscriber("alice", routes=(Route("telegram", "42"),), quiet=Hours(22 * 60, 7 * 60))
LEVEL_KINDS = (AlertKind.WORSENED, AlertKind.DETERIORATED, AlertKind.REPEATED)


def ended(worst: Level) -> Alert:
    return replace(alert(Level.OK, AlertKind.RECOVERED), facts={"worst": worst.name})


def seen(one: Alert, level: Level | None = None, at_s: int = NOON_S - 60, for_s: int = 3600) -> Acknowledgement:
    level = one.level if level is None else level
    return Acknowledgement("alice", one.incident, str(one.position), level, at_s, at_s + for_s)


@pytest.mark.parametrize("kind", LEVEL_KINDS)
@pytest.mark.parametrize("level", list(Level)[1:])
def test_quiet_hours_hold_watch_and_warn_and_nothing_above(kind: AlertKind, level: Level):
    held = level <= Level.WARN
    assert hearing(WHO, alert(level, kind), None, NIGHT_S) is (Hearing.HELD if held else Hearing.NOW)
    assert hearing(WHO, alert(level, kind), None, NOON_S) is Hearing.NOW


@pytest.mark.parametrize("worst", list(Level)[1:])
def test_the_end_of_what_woke_somebody_is_told_at_night_too(worst: Level):
    held = worst <= Level.WARN
    assert hearing(WHO, ended(worst), None, NIGHT_S) is (Hearing.HELD if held else Hearing.NOW)


@pytest.mark.parametrize("kind", [AlertKind.UNKNOWN, AlertKind.KNOWN_AGAIN, AlertKind.LIQUIDATED, AlertKind.DIGEST])
def test_what_is_no_matter_of_level_is_never_held_by_the_hour(kind: AlertKind):
    assert hearing(WHO, alert(Level.OK, kind), None, NIGHT_S) is Hearing.NOW


@given(
    st.sampled_from(AlertKind),
    st.sampled_from(Level),
    st.booleans(),
    st.booleans(),
    st.integers(NOON_S - 86_400, NOON_S + 86_400),
)
def test_worsening_to_danger_is_heard_at_once_through_mute_night_and_acknowledgement(kind, level, muted, acked, now_s):
    who = replace(WHO, muted_until_s=now_s + 3600 if muted else None)
    one = alert(level, kind)
    when = hearing(who, one, seen(one, Level.LIQUIDATABLE, now_s - 1) if acked else None, now_s)
    if kind is AlertKind.WORSENED and level >= Level.DANGER:
        assert when is Hearing.NOW
    if kind in (AlertKind.LIQUIDATED, AlertKind.LIQUIDATION_SEEN):
        assert when is Hearing.NOW
    if when is Hearing.NEVER:
        assert kind is AlertKind.REPEATED
        assert acked
    gone = replace(who, is_stopped=True)
    assert hearing(gone, one, None, now_s) is Hearing.NEVER


def test_a_mute_holds_repeats_of_any_level_until_it_is_over():
    who = replace(WHO, muted_until_s=NOON_S + 7200)
    one = alert(Level.CRITICAL, AlertKind.REPEATED)
    assert hearing(who, one, None, NOON_S) is Hearing.HELD
    assert hearing(who, one, None, NOON_S + 7199) is Hearing.HELD
    assert hearing(who, one, None, NOON_S + 7200) is Hearing.NOW


def test_a_mute_that_no_clock_could_have_set_holds_nothing():
    who = replace(WHO, muted_until_s=NOON_S + 30 * 86_400)
    assert hearing(who, alert(Level.WATCH, AlertKind.REPEATED), None, NOON_S) is Hearing.NOW


def test_an_acknowledgement_stops_repeats_of_its_level_and_no_other_message():
    repeat = alert(Level.CRITICAL, AlertKind.REPEATED)
    assert hearing(WHO, repeat, seen(repeat), NOON_S) is Hearing.NEVER
    assert hearing(WHO, repeat, seen(repeat, Level.DANGER), NOON_S) is Hearing.NOW
    assert hearing(WHO, repeat, seen(alert(incident="ANOTHER")), NOON_S) is Hearing.NOW
    for kind in (AlertKind.WORSENED, AlertKind.DETERIORATED, AlertKind.RECOVERED):
        assert hearing(WHO, alert(Level.CRITICAL, kind), seen(repeat), NOON_S) is Hearing.NOW


@pytest.mark.parametrize(("at_s", "holds"), [(NOON_S, True), (NOON_S - 3599, True), (NOON_S - 3600, False)])
def test_an_acknowledgement_runs_out_to_the_second(at_s: int, holds: bool):
    repeat = alert(Level.CRITICAL, AlertKind.REPEATED)
    assert (hearing(WHO, repeat, seen(repeat, at_s=at_s), NOON_S) is Hearing.NEVER) == holds


def test_a_clock_put_back_makes_an_acknowledgement_void():
    repeat = alert(Level.CRITICAL, AlertKind.REPEATED)
    assert hearing(WHO, repeat, seen(repeat, at_s=NOON_S + 1), NOON_S) is Hearing.NOW


def test_a_silenced_position_is_never_heard_of_not_even_its_liquidation():
    one = alert(Level.LIQUIDATABLE, AlertKind.LIQUIDATED)
    who = replace(WHO, silenced=frozenset({str(one.position)}))
    assert hearing(who, one, None, NOON_S) is Hearing.NEVER
