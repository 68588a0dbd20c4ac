"""One position between two looks at it: its balances as last read, and whether judging it could say anything new."""

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from monitor.domain.alerts import Level
from monitor.domain.health import Health, Measured, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.ledger.accounts import Account
from monitor.rules.levels import STEPS, Thresholds
from monitor.rules.reading import health_wad
from monitor.units import BPS, WAD, mul_div_down, mul_div_up

Views = tuple[Health, Health]
"""Health under the protocol's prices and under the cautious ones."""

AGAIN_MS = {Level.LIQUIDATABLE: 0, Level.CRITICAL: 0, Level.DANGER: 15_000, Level.WARN: 30_000}
AGAIN_AT_LEAST_MS = 120_000
"""No row is older. Each has its own time in the second half of it, so that not all are due at once."""
_JOINT_PARTS = 20
"""Where joint moves, deviations or time tell a level, a change of the margin by one of so many parts is judged."""
_SLACK_BPS = 300
"""How far a distance told from the margin alone may be from one that is searched for."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How a position stood when it was judged last, by the monotonic clock."""

    at_ms: int
    level: Level | None
    views: Views
    distance_bps: int | None
    thresholds: Thresholds

    @classmethod
    def of(cls, seen: Evaluation, views: Views, level: Level | None, thresholds: Thresholds, at_ms: int) -> "Judged":
        """Return what to remember of a judgement; no level where nothing could be measured."""
        level = None if isinstance(seen.protocol.health, Unmeasurable) else level
        return cls(at_ms, level, views, seen.distance_bps, thresholds)


@dataclass(slots=True)
class Standing:
    """A position as last read, its healths at the present prices, and how it was judged last.

    `is_fresh`: it was read since. `is_gone`: its owner has no such position any more, which is to be said once.
    """

    account: Account
    views: Views | None = None
    judged: Judged | None = None
    is_fresh: bool = True
    is_gone: bool = False

    def is_due(self, now_ms: int) -> bool:
        """Whether a judgement now may say something new, or the last one is too old to be shown."""
        if self.is_fresh or self.judged is None or self.views is None:
            return True
        last = self.judged
        if last.thresholds.is_told_jointly and last.distance_bps is not None:
            return True
        if _is_past_a_line(last, self.views[0]) or _moved(last.views[1], self.views[1], last.thresholds):
            return True
        wait_ms = None if last.level is None else AGAIN_MS.get(last.level)
        return now_ms - last.at_ms >= (self._calm_ms if wait_ms is None else wait_ms)

    @property
    def _calm_ms(self) -> int:
        return AGAIN_AT_LEAST_MS - crc32(self.account.key.encode()) % (AGAIN_AT_LEAST_MS // 2)

    def is_moved_by(self, health: Health) -> bool:
        """Whether that health would put it on another side of a line than where it was judged last."""
        return self.judged is not None and _is_past_a_line(self.judged, health)

    def nearness_wad(self) -> int:
        """Return the lower health factor of both views; 0 where one is not known, so that it comes first."""
        if self.views is None:
            return 0
        found = [health_wad(health) for health in self.views if isinstance(health, Measured)]
        known = [wad for wad in found if wad is not None]
        return min(known) if known else 2**255


def _is_past_a_line(last: Judged, now: Health) -> bool:
    return _moved(last.views[0], now, last.thresholds) or _came_near(last, now)


def _moved(was: Health, now: Health, thresholds: Thresholds) -> bool:
    """Whether a health is on another side of one of the lines of its class than it was, or of another sort."""
    before, after = health_wad(was), health_wad(now)
    if before is None or after is None:
        return type(was) is not type(now)
    lines = (WAD, *(thresholds.steps[level].health_wad for level in STEPS))
    return any((before < line) != (after < line) for line in _with_release(lines, thresholds))


def _came_near(last: Judged, now: Health) -> bool:
    """Whether the distance may be on another side of one of the lines: it follows what equity has over requirement."""
    was = last.views[0]
    if not isinstance(was, Measured) or not isinstance(now, Measured):
        return False
    spare, spare_now = was.numerator - was.denominator, now.numerator - now.denominator
    if spare <= 0 or spare_now <= 0:
        return (spare > 0) != (spare_now > 0)
    if last.thresholds.is_told_jointly and abs(spare_now - spare) * _JOINT_PARTS > spare:
        return True
    if last.distance_bps is None:
        return False
    distance = mul_div_down(last.distance_bps, spare_now, spare)
    ends = (mul_div_down(distance, BPS - _SLACK_BPS, BPS), mul_div_up(distance, BPS + _SLACK_BPS, BPS))
    lines = (last.thresholds.steps[level].distance_bps for level in STEPS)
    return any(
        (last.distance_bps < line) != (end < line) for line in _with_release(lines, last.thresholds) for end in ends
    )


def _with_release(lines: Iterable[int], thresholds: Thresholds) -> Iterable[int]:
    for line in lines:
        yield line
        yield mul_div_up(line, thresholds.release_bps, BPS)
