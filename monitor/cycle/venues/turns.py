"""Whose balances are read next: of each level so many that all are in time, and between them who waited longest."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from monitor.cycle.venues.holdings import Owned
from monitor.domain.alerts import Level

READ_AGAIN_MS = {
    Level.LIQUIDATABLE: 10_000,
    Level.CRITICAL: 10_000,
    Level.DANGER: 30_000,
    Level.WARN: 60_000,
    Level.WATCH: 300_000,
    Level.OK: 600_000,
}
"""Within how long the balances of an owner are read again while the venue lets us ask that much, the worst first."""
_SLACK_MS = 1_000


def is_over_by_next(since_ms: int | None, now_ms: int, pace_ms: int, most_ms: int) -> bool:
    """Whether something that happened last at a time will be older than that with the turn after this one."""
    return since_ms is None or now_ms - since_ms + pace_ms + _SLACK_MS > most_ms


def in_order(owners: Sequence[Owned], now_ms: int, pace_ms: int, reads: int, limit_s: int) -> Iterator[Owned]:
    """Yield the owners in the order in which they are read, each once, where a turn has room for so many `reads`.

    Of each level its part goes to those who waited longest, so that they come round evenly. However many are
    near liquidation, so many go to whoever waited longest of all that all are read before the limit; half of them while
    there is anybody of whom nothing was read yet.
    """
    urgent = (one for level, some in _by_level(owners) for one in some[: _part(some, level, now_ms, pace_ms)])
    waiting = iter(sorted(owners, key=_waited))
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


def _by_level(owners: Sequence[Owned]) -> list[tuple[Level, list[Owned]]]:
    """Return the owners of each level, the worst level first, and in it who waited longest, then who is nearest."""
    found = defaultdict[Level, list[Owned]](list)
    for one in owners:
        found[one.level].append(one)
    return [
        (level, sorted(some, key=lambda one: (_waited(one), _nearness_wad(one))))
        for level, some in sorted(found.items(), reverse=True)
    ]


def _part(owners: Sequence[Owned], level: Level, now_ms: int, pace_ms: int) -> int:
    """Return how many of a level are read in a turn so that all are in time: an eighth more than that, or all the late.

    Turns in which prices are read have less room than others.
    """
    most_ms, count = READ_AGAIN_MS[level], len(owners)
    turns = max((most_ms - _SLACK_MS) // pace_ms, 1)
    late = sum(is_over_by_next(one.tried_ms, now_ms, pace_ms, most_ms) for one in owners)
    return max(-(-count * 9 // (turns * 8)), late)


def _waited(one: Owned) -> int:
    return -1 if one.tried_ms is None else one.tried_ms


def _nearness_wad(one: Owned) -> int:
    return min((standing.nearness_wad() for standing in one.standings.values()), default=0)
