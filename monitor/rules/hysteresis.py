"""Worsen at once; improve only after enough evaluations on different blocks, and enough time, all clear of the line."""

from monitor.domain.alerts import Level
from monitor.rules.levels import Levels
from monitor.rules.reading import Reading
from monitor.rules.state import PositionState, Streak


def held(
    past: PositionState, seen: Reading, levels: Levels, block: int, now_s: int
) -> tuple[Level | None, Streak | None]:
    """Return the level from now on, and the streak that may end in an improvement.

    An evaluation that could not measure everything breaks the streak and never lowers the level.
    """
    if seen.level is None:
        return past.level, None
    if past.level is None:
        return seen.level, None
    if seen.level > past.level:
        return seen.level, None
    target = min(past.level, seen.keeps)
    if seen.unknown is not None or target == past.level:
        return past.level, None
    streak = _longer(past.streak, target, block, now_s)
    is_long = streak.count >= levels.improve_evaluations and now_s - streak.since_s >= levels.improve_after_s
    return (streak.level, None) if is_long else (past.level, streak)


def _longer(streak: Streak | None, target: Level, block: int, now_s: int) -> Streak:
    if streak is None:
        return Streak(target, now_s, block, 1)
    count = streak.count + (block > streak.block)
    return Streak(max(streak.level, target), streak.since_s, max(block, streak.block), count)
