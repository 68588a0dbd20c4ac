"""When a level that has not worsened is worth telling again."""

from monitor.domain.alerts import AlertKind, Level
from monitor.rules.levels import Levels
from monitor.rules.reading import Reading
from monitor.rules.state import PositionState


def reminder(past: PositionState, seen: Reading, level: Level, levels: Levels, now_s: int) -> AlertKind | None:
    """Return why an open incident is told again now, None while the last message still stands.

    `level` is what the evaluation says, or the level held while it says nothing. Losing the configured share of the
    distance that remained at the last message passes the repeat time.
    """
    if past.told is None or level not in levels.repeat_s:
        return None
    told = past.told
    views = ((told.remaining_ppm, seen.remaining_ppm), (told.cautious_ppm, seen.cautious_ppm))
    if any(_has_lost(before, left, levels.lost_pct) for before, left in views):
        return AlertKind.DETERIORATED
    return AlertKind.REPEATED if now_s - told.at_s >= levels.repeat_s[level] else None


def _has_lost(before_ppm: int | None, left_ppm: int | None, lost_pct: int) -> bool:
    if before_ppm is None or left_ppm is None or before_ppm == 0:
        return False
    return left_ppm * 100 <= before_ppm * (100 - lost_pct)
