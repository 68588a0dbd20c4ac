"""Who is read next, and who is judged now."""

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from monitor import resources
from monitor.cycle.venues.holdings import Owned
from monitor.cycle.venues.standing import AGAIN_AT_LEAST_MS, Judged, Standing
from monitor.cycle.venues.turns import in_order
from monitor.domain.alerts import Level
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account
from monitor.rules.levels import Levels, Threshold
from monitor.settings import table

LEVELS = Levels.parse(table(resources.config() / "levels.toml"))
PLAIN = replace(
    LEVELS.default,
    steps={s: Threshold(step.health_wad, step.distance_bps) for s, step in LEVELS.default.steps.items()},
)
PACE_MS, LIMIT_S = 4_000, 3_600
NOW_MS = 1_000_000


def health(pct: int) -> Measured:
    """A health of so many hundredths."""
    return Measured(pct, 100, Line.BELOW, None)


def standing(level: Level | None, now: Health, was: Health | None = None, distance_bps: int | None = None) -> Standing:
    """A position judged a second ago."""
    was = now if was is None else was
    judged = Judged(NOW_MS - 1_000, level, (was, was), PLAIN, distance_bps)
    return Standing(Account(PositionKey("0x01"), 0, ()), (now, now), judged, is_fresh=False)


def owner(number: int, level: Level | None, tried_ms: int | None, pct: int = 300) -> Owned:
    """An owner of one position."""
    made = Owned(MarketKey("main"), Address(f"0x{number:040x}"), read_ms=tried_ms, tried_ms=tried_ms)
    made.standings[PositionKey("0x01")] = standing(level, health(pct))
    return made


def names(owners: list[Owned], reads: int) -> list[int]:
    """The owners read in a turn of so many reads, in their order."""
    return [int(one.owner, 16) for one in islice(in_order(owners, NOW_MS, PACE_MS, reads, LIMIT_S), reads)]


def test_of_the_worst_level_those_who_waited_longest_come_first_and_the_nearest_of_them():
    owners = [
        owner(1, Level.OK, NOW_MS - 600_000),
        owner(2, Level.CRITICAL, NOW_MS - 4_000, pct=130),
        owner(3, Level.CRITICAL, NOW_MS - 4_000, pct=120),
        owner(4, Level.CRITICAL, NOW_MS - 8_000, pct=140),
        owner(5, Level.LIQUIDATABLE, NOW_MS - 4_000, pct=90),
        owner(6, Level.DANGER, NOW_MS - 4_000, pct=90),
    ]
    assert names(owners, 10)[:4] == [5, 4, 3, 6]


def test_each_turn_reads_its_part_of_every_level_so_that_they_come_round_evenly():
    owners = [owner(n, Level.CRITICAL, NOW_MS - 4_000) for n in range(50)]
    owners += [owner(n, Level.DANGER, NOW_MS - 4_000) for n in range(100, 114)]
    owners += [owner(n, Level.WARN, NOW_MS - 4_000) for n in range(200, 228)]
    read = names(owners, 35)
    parts = [sum(low <= n < low + 100 for n in read) for low in (0, 100, 200)]
    assert parts[0] >= 25
    assert parts[1:] == [3, 3]


def test_one_who_could_not_be_measured_is_as_urgent_as_the_critical():
    owners = [owner(1, Level.DANGER, NOW_MS - 60_000), owner(2, None, NOW_MS - 4_000)]
    assert names(owners, 2)[0] == 2


def test_however_many_are_critical_everyone_is_read_within_the_limit():
    owners = [owner(n, Level.CRITICAL, NOW_MS - 4_000) for n in range(1_000)]
    owners += [owner(n, Level.OK, NOW_MS - n) for n in range(1_000, 5_000)]
    read = names(owners, 34)
    calm = sum(n >= 1_000 for n in read)
    assert calm * LIMIT_S * 1_000 >= len(owners) * PACE_MS
    assert calm <= len(read) // 3


def test_half_of_the_reads_go_to_those_of_whom_nothing_is_known_yet():
    owners = [owner(n, Level.CRITICAL, NOW_MS - 4_000) for n in range(50)]
    owners += [owner(n, Level.OK, None) for n in range(100, 200)]
    assert sum(n >= 100 for n in names(owners, 30)) == 15


def test_nobody_is_read_twice_in_a_turn():
    owners = [owner(n, Level.CRITICAL, NOW_MS - 400_000) for n in range(20)]
    assert sorted(names(owners, 100)) == list(range(20))


@pytest.mark.parametrize(
    ("one", "is_due"),
    [
        (standing(Level.OK, health(300)), False),
        (standing(Level.CRITICAL, health(103)), True),
        (standing(Level.OK, health(149), health(151)), True),
        (standing(Level.OK, health(152), health(160)), True),
        (standing(Level.OK, health(155), health(160)), False),
        (standing(Level.DANGER, health(99), health(107)), True),
        (standing(Level.OK, Unmeasurable("no price"), health(300)), True),
        (standing(Level.OK, health(300), NoDebt()), True),
        (standing(Level.OK, NoDebt()), False),
        (standing(Level.WATCH, health(180), health(300), 2_000), True),
        (standing(Level.WATCH, health(290), health(300), 2_000), False),
        (standing(Level.OK, health(301), health(300), 2_580), True),
    ],
)
def test_a_position_is_judged_anew_when_a_line_may_lie_between_then_and_now(one: Standing, is_due: bool):
    assert one.is_due(NOW_MS) is is_due


def test_where_a_level_is_told_by_deviations_a_twentieth_of_the_margin_is_judged_anew():
    steps = {**PLAIN.steps, Level.WATCH: replace(PLAIN.steps[Level.WATCH], sigmas_ppm=3_000_000)}
    for pct, is_due in ((309, False), (311, True), (289, True)):
        one = standing(Level.OK, health(pct), health(300))
        assert one.judged is not None
        assert not one.is_due(NOW_MS)
        one.judged = replace(one.judged, thresholds=replace(PLAIN, steps=steps))
        assert one.is_due(NOW_MS) is is_due


@pytest.mark.parametrize(
    ("lines", "name", "measured"),
    [
        ({"sigmas_ppm": 3_000_000}, "sigmas_ppm", 3_100_000),
        ({"joint_bps": 500}, "joint_ppm", 51_700),
        ({"time_to_liquidation_s": 86_400}, "left_s", 89_300),
    ],
)
def test_a_measure_that_follows_the_margin_past_its_line_is_judged_anew(
    lines: dict[str, int], name: str, measured: int
):
    """A margin of 200 % that is now 199 %: half a per cent less of each measure, which lies 3 % off its line."""
    steps = {**PLAIN.steps, Level.WATCH: replace(PLAIN.steps[Level.WATCH], **lines)}

    def is_due(**found: Any) -> bool:
        one = standing(Level.OK, health(299), health(300))
        assert one.judged is not None
        one.judged = replace(one.judged, thresholds=replace(PLAIN, steps=steps, release_bps=10_000), **found)
        return one.is_due(NOW_MS)

    assert not is_due()
    assert is_due(**{name: measured})
    assert not is_due(**{name: measured * 2})


def test_a_row_is_never_older_than_two_minutes_and_not_all_are_due_at_once():
    ones = [standing(Level.OK, health(300)) for _ in range(200)]
    for number, one in enumerate(ones):
        one.account = Account(PositionKey(f"0x{number:040x}"), 0, ())
    due = [
        sum(one.is_due(NOW_MS - 1_000 + after_ms) for one in ones) for after_ms in (59_000, 90_000, AGAIN_AT_LEAST_MS)
    ]
    assert due[0] == 0
    assert 50 < due[1] < 150
    assert due[2] == 200
