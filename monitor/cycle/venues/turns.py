"""Whose balances are read next: who is near liquidation and due, and between them who waited longest."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from monitor.cycle.venues.holdings import Owned
from monitor.domain.alerts import Level

READ_AGAIN_MS = {
    Level.LIQUIDATABLE: 0,
    Level.CRITICAL: 0,
    Level.DANGER: 30_000,
    Level.WARN: 60_000,
    Level.WATCH: 300_000,
}
"""Within how long the balances of an owner are read again, ahead of all others; without a level, in turn.

Whoever is critical is read in each turn that has room, so that a turn without leaves them no older than two.
"""
_SLACK_MS = 1_000


def is_over_by_next(since_ms: int | None, now_ms: int, pace_ms: int, most_ms: int) -> bool:
    """Whether something that happened last at a time will be older than that with the turn after this one."""
    return since_ms is None or now_ms - since_ms + pace_ms + _SLACK_MS > most_ms


def in_order(owners: Sequence[Owned], now_ms: int, pace_ms: int, reads: int, limit_s: int) -> Iterator[Owned]:
    """Yield the owners in the order in which they are read, each once, where a turn has room for so many `reads`.

    However many are near liquidation, so many go to whoever waited longest that all are read before the limit; half of
    them while there is anybody of whom nothing was read yet.
    """
    near = (one for one in owners if _is_urgent(one, now_ms, pace_ms))
    urgent = iter(sorted(near, key=_urgency(now_ms, pace_ms)))
    waiting = iter(sorted(owners, key=lambda one: -1 if one.tried_ms is None else one.tried_ms))
    in_turn = -(-len(owners) * pace_ms * 8 // (limit_s * 7_000))
    if any(one.tried_ms is None for one in owners):
        in_turn = max(in_turn, reads // 2)
    ahead = max(reads // max(in_turn, 1) - 1, 1)
    seen = set[Owned]()
    while some := [*islice(urgent, ahead), *islice((one for one in waiting if one not in seen), 1)]:
        for one in some:
            if one not in seen:
                seen.add(one)
                yield one


def _is_urgent(one: Owned, now_ms: int, pace_ms: int) -> bool:
    most_ms = READ_AGAIN_MS.get(one.level)
    return most_ms is not None and is_over_by_next(one.tried_ms, now_ms, pace_ms, most_ms)


def _urgency(now_ms: int, pace_ms: int) -> Callable[[Owned], tuple[int, int, int]]:
    """Return the order of those near liquidation: the worst level, then who was passed over, then the nearest."""

    def order(one: Owned) -> tuple[int, int, int]:
        turns = 2**31 if one.tried_ms is None else (now_ms - one.tried_ms) // max(pace_ms, 1)
        return -one.level, -turns, min((standing.nearness_wad() for standing in one.standings.values()), default=0)

    return order
