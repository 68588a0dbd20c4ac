"""What one evaluation says at the very edge of each comparison."""

from dataclasses import replace

import pytest

from monitor.domain.alerts import Level
from monitor.domain.health import Line, Measured, Unmeasurable
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.row import Evaluation
from monitor.pricing.sanity import Doubt
from monitor.rules.levels import Threshold, Thresholds
from monitor.rules.reading import health_wad, reading
from monitor.units import PPM, WAD
from tests.fakes.evaluations import evaluation
from tests.rules.scene import LEVELS, Scene

NO_LINES = Thresholds({level: Threshold(0, 0, 0, PPM) for level in LEVELS.default.steps}, 10_300)


def small(numerator: int, denominator: int) -> Measured:
    return Measured(numerator, denominator, Line.BELOW, None)


def test_the_smallest_numbers_are_a_health_like_any_other():
    assert reading(evaluation(small(2, 1)), LEVELS).level == Level.OK
    assert reading(evaluation(small(2, 1)), LEVELS).unknown is None
    said = reading(evaluation(small(3, 2), small(4, 3)), LEVELS)
    assert (said.remaining_ppm, said.cautious_ppm) == (333_333, 250_000)


def test_a_ratio_is_a_factor_down_to_a_denominator_of_one():
    assert health_wad(small(2, 1)) == 2 * WAD
    assert health_wad(small(2, 0)) is None


def test_a_stale_price_is_the_cause_unless_something_else_hides_a_view():
    seen = evaluation("1.2")
    used = PriceUsed(Node("feed"), 1, 8, "0xfeed", "market", labels=(Doubt.STALE.value,))
    stale = replace(seen, protocol=replace(seen.protocol, prices=(used,)))
    assert reading(stale, LEVELS).is_caused
    assert reading(stale, LEVELS).unknown == f"price of feed: {Doubt.STALE.value}"
    for reason, is_caused in ((f"the feed is {Doubt.STALE.value}", True), ("the feed reverts", False)):
        blind = replace(stale.cautious, health=Unmeasurable(reason))
        assert reading(replace(stale, cautious=blind), LEVELS).is_caused is is_caused
    unread = replace(stale.protocol, health=Unmeasurable("no answer"))
    assert not reading(replace(stale, protocol=unread), LEVELS).is_caused
    assert not reading(seen, LEVELS).is_caused


@pytest.mark.parametrize("blockers", [(), ("paused",)])
def test_past_the_line_nothing_remains_in_either_view(blockers: tuple[str, ...]):
    said = reading(evaluation("0.9", "0.8", blockers=blockers), LEVELS)
    assert (said.remaining_ppm, said.cautious_ppm) == (0, 0)
    assert reading(evaluation("1", blockers=blockers), LEVELS).remaining_ppm == 0


def test_a_distance_below_nothing_is_nothing():
    assert reading(evaluation("1.5", distance_bps=-50), LEVELS).remaining_ppm == 0
    assert reading(evaluation("1.5", distance_bps=0), LEVELS).remaining_ppm == 0
    assert reading(evaluation("1.5", distance_bps=1), LEVELS).remaining_ppm == 100


def test_a_class_without_a_line_of_health_calls_what_is_past_its_line_critical_all_the_same():
    levels = replace(LEVELS, default=NO_LINES, classes=())
    said = reading(evaluation("0.9", "2", blockers=("paused",)), levels)
    assert (said.level, said.keeps) == (Level.CRITICAL, Level.LIQUIDATABLE)
    assert reading(evaluation("1.01", "2"), levels).keeps == Level.LIQUIDATABLE
    assert reading(evaluation("1.031", "2"), levels).keeps == Level.OK


def test_each_view_alone_holds_its_level_until_it_is_clear_of_the_line():
    for protocol, cautious in (("1.2", "9"), ("9", "1.2")):
        scene = Scene()
        scene.see(protocol, cautious)
        for _ in range(3):
            held = ("1.2875", "9") if protocol == "1.2" else ("9", "1.2875")
            scene.see(*held, after_s=3_600)
            assert scene.level() == Level.WARN


@pytest.mark.parametrize(("distance_bps", "keeps"), [(824, Level.DANGER), (825, Level.WARN), (1_545, Level.WARN)])
def test_a_measure_holds_its_level_up_to_the_line_times_the_release(distance_bps: int, keeps: Level):
    seen: Evaluation = evaluation("3", distance_bps=distance_bps)
    assert reading(seen, LEVELS).keeps == keeps
    assert reading(evaluation("3", distance_bps=1_546), LEVELS).keeps == Level.WATCH
