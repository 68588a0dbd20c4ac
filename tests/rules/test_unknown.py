"""Unknown is never healthy: it resolves nothing, improves nothing, and is told when it lasts."""

import pytest

from monitor.domain.alerts import AlertKind, Level
from monitor.domain.health import Line, Measured
from tests.rules.scene import Scene, spoken

UNKNOWN = "?the feed's answer is stale"


@pytest.mark.parametrize(("health", "cautious"), [(UNKNOWN, UNKNOWN), (UNKNOWN, "9"), ("9", UNKNOWN)])
def test_an_unmeasurable_position_never_resolves_an_alert(health: str, cautious: str):
    scene = Scene()
    scene.see("1.04")
    for _ in range(50):
        scene.see(health, cautious, after_s=660)
    assert scene.level() == Level.CRITICAL
    assert AlertKind.RECOVERED not in scene.kinds()


def test_one_unmeasurable_evaluation_starts_the_proof_of_improvement_again():
    scene = Scene()
    scene.see("1.04")
    scene.see("2", after_s=400)
    scene.see(UNKNOWN, after_s=60)
    scene.see("2", after_s=400)
    assert scene.level() == Level.CRITICAL
    assert spoken(scene.see("2", after_s=600)) == [(AlertKind.RECOVERED, Level.OK)]


def test_it_is_told_once_when_it_lasts_and_once_when_it_is_over():
    scene = Scene()
    scene.see("2")
    assert scene.see(UNKNOWN) == ()
    assert scene.see(UNKNOWN, after_s=119) == ()
    (told,) = scene.see(UNKNOWN, after_s=1)
    assert (told.kind, told.facts["unknown"], told.facts["last_health"]) == (
        AlertKind.UNKNOWN,
        "protocol health: the feed s answer is stale; cautious health: the feed s answer is stale",
        "2",
    )
    assert scene.see(UNKNOWN, after_s=86_400) == ()
    assert scene.see("2") == ()
    (known,) = scene.see("2", after_s=120)
    assert (known.kind, known.incident, known.seq) == (AlertKind.KNOWN_AGAIN, told.incident, 1)


def test_a_short_gap_is_not_worth_a_message():
    scene = Scene()
    for _ in range(20):
        scene.see("2", after_s=60)
        scene.see(UNKNOWN, after_s=60)
    assert scene.said == []


def test_a_source_that_comes_and_goes_costs_one_message_while_it_lasts():
    scene = Scene()
    for _ in range(100):
        scene.see(UNKNOWN, after_s=130)
        scene.see(UNKNOWN, after_s=130)
        scene.see("2", after_s=60)
    assert scene.kinds() == [AlertKind.UNKNOWN]


def test_a_position_never_measured_is_unknown_and_not_ok():
    scene = Scene()
    scene.see(UNKNOWN)
    assert scene.state is not None
    assert scene.level() is None
    assert scene.state.is_unknown
    assert [a.kind for a in scene.see(UNKNOWN, after_s=120)] == [AlertKind.UNKNOWN]


def test_the_view_that_can_still_be_measured_may_worsen_the_level():
    scene = Scene()
    scene.see("1.3")
    assert spoken(scene.see(UNKNOWN, "1.02")) == [(AlertKind.WORSENED, Level.CRITICAL)]
    assert spoken(scene.see("0.99", UNKNOWN)) == [(AlertKind.WORSENED, Level.LIQUIDATABLE)]


def test_a_firing_alert_is_repeated_while_its_health_is_unknown():
    scene = Scene()
    scene.see("1.04")
    alerts = scene.see(UNKNOWN, after_s=3600)
    assert (AlertKind.REPEATED, Level.CRITICAL) in spoken(alerts)
    assert alerts[0].facts["last_health"] == "1.04"


@pytest.mark.parametrize("denominator", [0, -1])
def test_an_impossible_ratio_is_unknown_and_never_ok(denominator: int):
    scene = Scene()
    scene.see(Measured(5, denominator, Line.BELOW, None), Measured(5, denominator, Line.BELOW, None))
    assert scene.level() is None


def test_debt_that_is_gone_needs_no_price():
    scene = Scene()
    scene.see("none", UNKNOWN)
    assert scene.state is not None
    assert (scene.level(), scene.state.is_unknown) == (Level.OK, False)


def test_a_gap_is_told_with_the_level_that_is_held_and_how_long_it_has_lasted():
    scene = Scene()
    scene.see("1.04")
    scene.see(UNKNOWN)
    (told,) = scene.see(UNKNOWN, after_s=150)
    assert (told.kind, told.level, told.previous) == (AlertKind.UNKNOWN, Level.CRITICAL, Level.CRITICAL)
    assert told.facts["unknown_s"] == "150"


def test_while_one_view_is_unknown_the_level_held_is_repeated_and_not_what_the_other_view_would_allow():
    scene = Scene()
    scene.see("1.04")
    assert (AlertKind.REPEATED, Level.CRITICAL) in spoken(scene.see(UNKNOWN, "1.2", after_s=3600))
