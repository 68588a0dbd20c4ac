"""What is said about one position, and when."""

import json
from dataclasses import replace

import pytest

from monitor.domain.alerts import AlertKind, Level
from monitor.domain.assessment import Foreseen
from monitor.domain.health import Line, Measured
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node
from monitor.rules.judge import judge
from monitor.rules.state import Driver
from tests.fakes.evaluations import evaluation
from tests.rules.scene import LEVELS, Scene, spoken

HOUR_S = 3600


@pytest.mark.parametrize(
    ("health", "level"),
    [
        ("1.5", Level.OK),
        ("1.499999999999999999", Level.WATCH),
        ("1.25", Level.WATCH),
        ("1.249999999999999999", Level.WARN),
        ("1.099999999999999999", Level.DANGER),
        ("1.049999999999999999", Level.CRITICAL),
        ("1", Level.CRITICAL),
        ("0.999999999999999999", Level.LIQUIDATABLE),
        ("0", Level.LIQUIDATABLE),
        ("-1", Level.LIQUIDATABLE),
        ("none", Level.OK),
    ],
)
def test_a_level_is_entered_below_its_threshold_and_not_at_it(health: str, level: Level):
    scene = Scene()
    said = scene.see(health)
    assert scene.level() == level
    assert spoken(said) == ([(AlertKind.WORSENED, level)] if level > Level.OK else [])


@pytest.mark.parametrize(
    ("distance_bps", "level"),
    [(2500, Level.OK), (2499, Level.WATCH), (1499, Level.WARN), (799, Level.DANGER), (0, Level.CRITICAL)],
)
def test_a_short_distance_raises_the_level_but_never_to_liquidatable(distance_bps: int, level: Level):
    scene = Scene()
    scene.see("2", distance_bps=distance_bps)
    assert scene.level() == level
    assert scene.state is not None
    assert (scene.state.driver == Driver.DISTANCE) == (level > Level.OK)


def test_the_level_follows_the_worse_view_and_says_which():
    scene = Scene()
    (alert,) = scene.see("1.3", "1.08")
    assert (alert.level, alert.facts["driver"]) == (Level.DANGER, "cautious")
    (alert,) = scene.see("1.04", "1.02")
    assert (alert.level, alert.facts["driver"]) == (Level.CRITICAL, "protocol")


def test_a_haircut_never_claims_that_a_position_is_liquidatable():
    scene = Scene()
    (alert,) = scene.see("1.3", "0.7")
    assert alert.level == Level.CRITICAL
    assert "is_liquidatable_now" not in alert.facts


def test_a_paused_market_is_critical_and_becomes_liquidatable_when_it_opens():
    scene = Scene()
    (alert,) = scene.see("0.9", blockers=("paused",))
    assert (alert.level, alert.facts["blockers"]) == (Level.CRITICAL, "paused")
    assert spoken(scene.see("0.9")) == [(AlertKind.WORSENED, Level.LIQUIDATABLE)]


def test_the_line_is_the_protocols_own_comparison():
    at_the_line = Measured(10**18, 10**18, Line.AT_OR_BELOW, None)
    assert spoken(Scene().see(at_the_line)) == [(AlertKind.WORSENED, Level.LIQUIDATABLE)]


def test_every_worsening_is_told_at_once_and_names_the_level_before():
    scene = Scene()
    path = ["2", "1.4", "1.2", "1.08", "1.04", "0.99"]
    assert [[(a.previous, a.level) for a in scene.see(health)] for health in path] == [
        [],
        [(Level.OK, Level.WATCH)],
        [(Level.WATCH, Level.WARN)],
        [(Level.WARN, Level.DANGER)],
        [(Level.DANGER, Level.CRITICAL)],
        [(Level.CRITICAL, Level.LIQUIDATABLE)],
    ]
    assert len({a.incident for a in scene.said}) == 1
    assert [a.seq for a in scene.said] == [0, 1, 2, 3, 4]


def test_it_recovers_once_with_duration_and_worst_value():
    scene = Scene()
    scene.see("1.04")
    scene.see("1.01", after_s=60)
    scene.see("1.6", after_s=60)
    scene.see("1.6", after_s=599)
    assert scene.kinds() == [AlertKind.WORSENED, AlertKind.DETERIORATED]
    (recovered,) = scene.see("1.6", after_s=1)
    assert spoken((recovered,)) == [(AlertKind.RECOVERED, Level.OK)]
    assert recovered.previous == Level.CRITICAL
    assert recovered.facts["duration_s"] == str(60 + 60 + 599 + 1)
    assert (recovered.facts["worst"], recovered.facts["worst_health"]) == ("CRITICAL", "1.01")
    assert scene.see("1.6", after_s=HOUR_S) == ()
    (again,) = scene.see("1.2")
    assert again.incident != recovered.incident


def test_two_evaluations_of_one_block_are_no_proof_of_improvement():
    scene = Scene()
    scene.see("1.04")
    scene.see("1.6")
    scene.see("1.6", after_s=HOUR_S, blocks=0)
    assert scene.level() == Level.CRITICAL
    scene.see("1.6", blocks=1)
    assert scene.level() == Level.OK


def test_a_level_is_left_only_clear_of_its_threshold():
    scene = Scene()
    scene.see("1.2")
    for _ in range(5):
        assert scene.see("1.2875", after_s=HOUR_S) == ()
    assert scene.level() == Level.WARN
    for _ in range(2):
        scene.see("1.287500000000000001", after_s=HOUR_S)
    assert scene.level() == Level.WATCH


def test_one_bad_evaluation_starts_the_proof_again():
    scene = Scene()
    scene.see("1.04")
    scene.see("1.6", after_s=700)
    scene.see("1.04", after_s=700)
    scene.see("1.6", after_s=700)
    assert scene.level() == Level.CRITICAL


def test_it_improves_only_to_the_worst_level_seen_on_the_way():
    scene = Scene()
    scene.see("1.04")
    scene.see("1.2", after_s=60)
    scene.see("1.9", after_s=600)
    assert scene.level() == Level.WARN
    assert AlertKind.RECOVERED not in scene.kinds()


def test_reaching_watch_ends_an_incident_that_was_worse():
    scene = Scene()
    scene.see("1.2")
    scene.see("1.4", after_s=60)
    assert spoken(scene.see("1.4", after_s=600)) == [(AlertKind.RECOVERED, Level.WATCH)]
    assert scene.see("1.4", after_s=90 * HOUR_S) == ()


@pytest.mark.parametrize(
    ("health", "repeat_s"),
    [("1.2", 24 * HOUR_S), ("1.08", 6 * HOUR_S), ("1.04", HOUR_S), ("0.9", 900)],
)
def test_a_level_that_stays_is_repeated_in_its_own_time(health: str, repeat_s: int):
    scene = Scene()
    scene.see(health)
    assert scene.see(health, after_s=repeat_s - 1) == ()
    (alert,) = scene.see(health, after_s=1)
    assert (alert.kind, alert.seq) == (AlertKind.REPEATED, 1)
    assert scene.see(health, after_s=repeat_s - 1) == ()


def test_watch_is_told_once_and_not_repeated():
    scene = Scene()
    scene.see("1.4")
    assert scene.see("1.4", after_s=1000 * HOUR_S) == ()


@pytest.mark.parametrize(
    ("health", "kinds"),
    [
        ("1.142857142857142858", []),
        ("1.142857142857142857", [AlertKind.DETERIORATED]),
        ("1.11", [AlertKind.DETERIORATED]),
    ],
)
def test_losing_a_quarter_of_the_remaining_distance_is_told_inside_the_cooldown(health: str, kinds: list[AlertKind]):
    scene = Scene()
    scene.see("1.2")
    assert [a.kind for a in scene.see(health)] == kinds


def test_a_quarter_lost_counts_from_the_last_message_in_each_view():
    scene = Scene()
    scene.see("1.2", "1.19")
    assert [a.kind for a in scene.see("1.2", "1.13")] == [AlertKind.DETERIORATED]
    assert scene.see("1.15", "1.13") == ()
    assert [a.kind for a in scene.see("1.14", "1.13")] == [AlertKind.DETERIORATED]
    assert scene.see("1.14", "1.13") == ()


def test_a_distance_of_the_driving_price_counts_too():
    scene = Scene()
    scene.see("1.2", distance_bps=1400)
    assert scene.see("1.2", distance_bps=1051) == ()
    assert [a.kind for a in scene.see("1.2", distance_bps=1050)] == [AlertKind.DETERIORATED]
    assert scene.see("1.2", distance_bps=801) == ()


def test_a_repeat_names_the_level_that_is_true_now():
    scene = Scene()
    scene.see("0.99")
    (alert,) = scene.see("1.02", after_s=HOUR_S)
    assert (alert.kind, alert.level) == (AlertKind.REPEATED, Level.CRITICAL)
    assert "is_liquidatable_now" not in alert.facts


def test_a_restart_with_nothing_changed_says_nothing_and_what_came_true_meanwhile_is_said_once():
    scene = Scene()
    scene.see("1.2")
    assert scene.see("1.2", after_s=HOUR_S, blocks=300) == ()
    assert spoken(scene.see("1.04", after_s=HOUR_S, blocks=300)) == [(AlertKind.WORSENED, Level.CRITICAL)]
    assert scene.see("1.04") == ()


def test_a_clock_put_back_silences_nothing():
    scene = Scene()
    scene.see("1.04")
    scene.see("1.04", after_s=-86_400)
    assert scene.see("1.04", after_s=HOUR_S - 1) == ()
    assert [a.kind for a in scene.see("1.04", after_s=1)] == [AlertKind.REPEATED]
    assert [a.kind for a in scene.see("0.9", after_s=-86_400)] == [AlertKind.WORSENED]


def test_a_closed_position_recovers_as_one_without_debt():
    scene = Scene()
    scene.see("1.04")
    scene.see("none", after_s=60)
    (alert,) = scene.see("none", after_s=600)
    assert (alert.kind, alert.facts["no_debt"]) == (AlertKind.RECOVERED, "yes")


def test_an_alert_knows_how_long_interest_takes_so_that_the_nearest_is_sent_first():
    seen = replace(evaluation("1.04"), time_to_liquidation_s=86_400)
    (alert,) = judge(None, seen, LEVELS, 1_750_000_000).alerts
    assert (alert.time_to_liquidation_s, alert.facts["time_to_liquidation_s"]) == (86_400, "86400")
    (unsaid,) = judge(None, evaluation("1.04"), LEVELS, 1_750_000_000).alerts
    assert unsaid.time_to_liquidation_s is None
    assert "time_to_liquidation_s" not in unsaid.facts


def test_an_alert_tells_the_health_at_a_price_that_is_foreseen():
    seen = evaluation("1.04")
    at = seen.protocol.at
    assert isinstance(at, BlockRef)
    coming = Foreseen("next price", Node("pip:0x"), 5, at.timestamp_s + 720, evaluation("0.98").protocol.health)
    told = replace(seen, protocol=replace(seen.protocol, foreseen=(coming,)))
    (alert,) = judge(None, told, LEVELS, 1_750_000_000).alerts
    assert json.loads(alert.facts["foreseen"]) == [
        {"name": "next price", "in_s": "720", "health": "0.98"},
    ]
    (unsaid,) = judge(None, seen, LEVELS, 1_750_000_000).alerts
    assert "foreseen" not in unsaid.facts


def test_an_incident_has_the_same_name_however_often_it_is_worked_out():
    first, second = Scene(), Scene()
    assert first.see("1.04")[0].incident == second.see("1.04")[0].incident
    assert len(first.said[0].incident) == 10


def test_incidents_are_counted_when_they_open_and_so_have_names_of_their_own_in_one_block():
    scene, counts = Scene(), list[int]()
    for health in ("2", "1.04", "1.03", "2", "2", "1.2"):
        scene.see(health, after_s=600)
        assert scene.state is not None
        counts.append(scene.state.incidents)
    assert counts == [0, 1, 1, 1, 1, 2]
    assert scene.state is not None
    calm = replace(scene.state, incident=None, level=Level.OK)
    opened = [judge(replace(calm, incidents=count), evaluation("1.2"), LEVELS, 0).state.incident for count in (1, 2)]
    assert len({incident.id for incident in opened if incident is not None}) == 2
