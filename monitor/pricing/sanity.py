"""Doubts about a price: stale, implausible, divergent, misconfigured. A doubt is a label; no price is ever dropped."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.prices import Node, Unknown, Value
from monitor.units import BPS, div_up

DEFAULT_HEARTBEAT_S = 86_400
"""The longest heartbeat in common use, for a feed whose own is not configured."""

_GRACE_S = 60
_MISCONFIGURED_TIMES = 100


class Doubt(StrEnum):
    """Why a price may be wrong although the protocol uses it."""

    STALE = "stale"
    UNDATED = "implausible: no time"
    FUTURE = "implausible: time in the future"
    NOT_POSITIVE = "implausible: not positive"
    AT_MINIMUM = "implausible: at the feed's minimum"
    AT_MAXIMUM = "implausible: at the feed's maximum"
    DIVERGENT = "divergent"
    MISCONFIGURED = "misconfigured: two orders of magnitude off"
    JUMP = "jump"
    UNCERTAIN = "uncertain"
    OPAQUE = "opaque: adapter not reproduced"
    HARDCODED = "hardcoded"


_DISTRUSTED = frozenset(
    {
        Doubt.STALE,
        Doubt.UNDATED,
        Doubt.FUTURE,
        Doubt.NOT_POSITIVE,
        Doubt.AT_MINIMUM,
        Doubt.AT_MAXIMUM,
        Doubt.MISCONFIGURED,
        Doubt.UNCERTAIN,
    }
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lowest and highest answer a feed can give, None where it does not say."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Divergence:
    """How far the protocol's price is from an independent one, as a fact; positive where the protocol's is higher.

    `bps` is of the independent price and rounded away from zero.
    """

    node: Node
    protocol: int
    independent: int
    bps: int
    limit_bps: int

    @property
    def is_divergent(self) -> bool:
        """Whether the two are as far apart as the limit, or farther."""
        return abs(self.bps) >= self.limit_bps


def is_stale(updated_at_s: int, heartbeat_s: int, now_s: int) -> bool:
    """Whether a feed is older than 1.1 heartbeats and a minute; exactly that old is not stale."""
    return (now_s - updated_at_s - _GRACE_S) * 10 > heartbeat_s * 11


def doubts(answer: Value, updated_at_s: int | None, bounds: Bounds, heartbeat_s: int, now_s: int) -> tuple[str, ...]:
    """Return every doubt about one feed's answer; `updated_at_s` is None where the feed does not say."""
    found: list[Doubt] = []
    if updated_at_s is not None:
        if updated_at_s == 0:
            found.append(Doubt.UNDATED)
        elif updated_at_s > now_s:
            found.append(Doubt.FUTURE)
        elif is_stale(updated_at_s, heartbeat_s, now_s):
            found.append(Doubt.STALE)
    if isinstance(answer, int):
        if answer <= 0:
            found.append(Doubt.NOT_POSITIVE)
        if bounds.low is not None and answer <= bounds.low:
            found.append(Doubt.AT_MINIMUM)
        if bounds.high is not None and answer >= bounds.high:
            found.append(Doubt.AT_MAXIMUM)
    return tuple(found)


def distrusted(labels: tuple[str, ...]) -> str | None:
    """Return the first label that forbids reading safety out of the price, None where there is none."""
    return next((label for label in labels if label in _DISTRUSTED), None)


def divergence(node: Node, protocol: Value, independent: Value, limit_bps: int) -> Divergence | None:
    """Return how far two prices in the same unit are apart; None where one is unknown or not positive."""
    if isinstance(protocol, Unknown) or isinstance(independent, Unknown) or protocol <= 0 or independent <= 0:
        return None
    apart = div_up(abs(protocol - independent) * BPS, independent)
    return Divergence(node, protocol, independent, apart if protocol >= independent else -apart, limit_bps)


def is_misconfigured(protocol: Value, independent: Value) -> bool:
    """Whether two known prices in the same unit are a hundred times apart or more, as with wrong decimals."""
    if isinstance(protocol, Unknown) or isinstance(independent, Unknown) or independent <= 0:
        return False
    return protocol >= independent * _MISCONFIGURED_TIMES or protocol * _MISCONFIGURED_TIMES <= independent


def is_jump(before: Value, after: Value, limit_bps: int) -> bool:
    """Whether a price moved by the limit or more between two reads; names the move, never hides it."""
    if isinstance(before, Unknown) or isinstance(after, Unknown) or before <= 0:
        return False
    return abs(after - before) * BPS >= limit_bps * before
