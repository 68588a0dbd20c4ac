"""One position between two looks at it: its balances as last read, and whether judging it could say anything new."""

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from monitor.domain.alerts import Level
from monitor.domain.health import Health, Measured, Unmeasurable
from monitor.domain.row import Evaluation
from monitor.ledger.accounts import Account
from monitor.rules.levels import Lines, Thresholds
from monitor.rules.reading import health_wad
from monitor.units import BPS, PPM, WAD, mul_div_down, mul_div_up

Views = tuple[Health, Health]
"""Health under the protocol's prices and under the cautious ones."""

AGAIN_MS = {Level.LIQUIDATABLE: 0, Level.CRITICAL: 0, Level.DANGER: 15_000, Level.WARN: 30_000}
AGAIN_AT_LEAST_MS = 120_000
"""No row is older. Each has its own time in the second half of it, so that not all are due at once."""
_JOINT_PARTS = 20
"""Where joint moves, deviations or time tell a level, a change of the margin by one of so many parts is judged."""
_SLACK_BPS = 300
"""How far a measure told from the margin alone may be from one that is searched for."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How a position stood when it was judged last, by the monotonic clock; None is a measure not worked out."""

    at_ms: int
    level: Level | None
    views: Views
    thresholds: Thresholds
    distance_bps: int | None = None
    joint_ppm: int | None = None
    sigmas_ppm: int | None = None
    left_s: int | None = None

    @classmethod
    def of(cls, seen: Evaluation, views: Views, level: Level | None, thresholds: Thresholds, at_ms: int) -> "Judged":
        """Return what to remember of a judgement; no level where nothing could be measured."""
        level, near = None if isinstance(seen.protocol.health, Unmeasurable) else level, seen.nearness
        joint, sigmas = (None, None) if near is None else (near.joint_ppm, near.sigmas_ppm)
        return cls(at_ms, level, views, thresholds, seen.distance_bps, joint, sigmas, seen.time_to_liquidation_s)

    @property
    def measures(self) -> Iterable[tuple[int, Lines]]:
        """How far away the position was in each measure that is proportional to its margin, and the lines of it."""
        lines = self.thresholds.lines
        joint_bps = None if self.joint_ppm is None else self.joint_ppm * BPS // PPM
        told = (
            (self.distance_bps, lines["distance_bps"]),
            (joint_bps, lines["joint_bps"]),
            (self.sigmas_ppm, lines["sigmas_ppm"]),
            (self.left_s, lines["time_to_liquidation_s"]),
        )
        return [(found, of) for found, of in told if found is not None]


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
        wary = last.thresholds.lines["cautious_line_wad"]
        if _is_past_a_line(last, self.views[0]) or _moved(last.views[1], self.views[1], wary, last.thresholds):
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
    lines = last.thresholds.lines["health_wad"]
    return _moved(last.views[0], now, lines, last.thresholds) or _came_near(last, now)


def _moved(was: Health, now: Health, lines: Lines, thresholds: Thresholds) -> bool:
    """Whether a health is on another side of one of the lines of its class than it was, or of another sort."""
    before, after = health_wad(was), health_wad(now)
    if before is None or after is None:
        return type(was) is not type(now)
    return any(
        (before < line) != (after < line) for line in _with_release(((Level.LIQUIDATABLE, WAD), *lines), thresholds)
    )


def _came_near(last: Judged, now: Health) -> bool:
    """Whether a measure may be on another side of one of its lines: each follows what equity has over requirement."""
    was = last.views[0]
    if not isinstance(was, Measured) or not isinstance(now, Measured):
        return False
    spare, spare_now = was.numerator - was.denominator, now.numerator - now.denominator
    if spare <= 0 or spare_now <= 0:
        return (spare > 0) != (spare_now > 0)
    if last.thresholds.is_told_jointly and abs(spare_now - spare) * _JOINT_PARTS > spare:
        return True
    return any(_crosses(found, lines, spare, spare_now, last.thresholds) for found, lines in last.measures)


def _crosses(was: int, lines: Lines, spare: int, spare_now: int, thresholds: Thresholds) -> bool:
    """Whether a measure that follows the margin may be on another side of a line now."""
    now = mul_div_down(was, spare_now, spare)
    ends = (mul_div_down(now, BPS - _SLACK_BPS, BPS), mul_div_up(now, BPS + _SLACK_BPS, BPS))
    return any((was < line) != (end < line) for line in _with_release(lines, thresholds) for end in ends)


def _with_release(lines: Lines, thresholds: Thresholds) -> Iterable[int]:
    for _, line in lines:
        yield line
        yield mul_div_up(line, thresholds.release_bps, BPS)
