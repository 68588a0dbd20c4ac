"""Whose balances are read next: who is near liquidation and due, and between them who waited longest."""

from collections.abc import Callable, Iterable, Iterator
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
"""After how long the balances of an owner are read again ahead of all others; without a level, in turn."""
IN_TURN_EVERY = 8
"""One read in so many goes to whoever waited longest, however many are near liquidation."""


def in_order(everyone: Iterable[Owned], now_ms: int, pace_ms: int) -> Iterator[Owned]:
    """Yield the owners in the order in which they are read, each once."""
    owners = list(everyone)
    urgent = iter(sorted((one for one in owners if _is_urgent(one, now_ms)), key=_urgency(now_ms, pace_ms)))
    waiting = iter(sorted(owners, key=lambda one: -1 if one.tried_ms is None else one.tried_ms))
    seen = set[Owned]()
    while some := [*islice(urgent, IN_TURN_EVERY - 1), *islice((one for one in waiting if one not in seen), 1)]:
        for one in some:
            if one not in seen:
                seen.add(one)
                yield one


def _is_urgent(one: Owned, now_ms: int) -> bool:
    wait_ms = READ_AGAIN_MS.get(one.level)
    return wait_ms is not None and (one.tried_ms is None or now_ms - one.tried_ms >= wait_ms)


def _urgency(now_ms: int, pace_ms: int) -> Callable[[Owned], tuple[int, int, int]]:
    """Return the order of those near liquidation: the worst level, then who was passed over, then the nearest."""

    def order(one: Owned) -> tuple[int, int, int]:
        turns = 2**31 if one.tried_ms is None else (now_ms - one.tried_ms) // max(pace_ms, 1)
        return -one.level, -turns, min((standing.nearness_wad() for standing in one.standings.values()), default=0)

    return order
