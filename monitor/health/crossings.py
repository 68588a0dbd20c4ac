"""Every place where a predicate over integers flips, for predicates that may flip more than once."""

from collections.abc import Callable, Iterable
from itertools import pairwise

from monitor.health.boundary import Holds, flip, nearly

Answers = Callable[[int], bool | None]
"""Whether something holds at a value; None where that cannot be said."""

_STRAIGHT = 10**5
"""A margin off a line by less than one part in this many is only rounded."""
_LADDER = 40
_RUNG = (17, 16)


def crossings(holds: Answers, margin: Callable[[int], int], points: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Return every pair of adjacent integers between which the predicate flips, as far as the points tell, ascending.

    Between two neighbouring points one flip is found where their answers differ, and none where they agree: the points
    have to hold every place where `margin` bends. On a line between two points there is no other flip. A stretch with
    an end that cannot be said is passed over. `margin` has the predicate's sign and only guides the search.
    """
    found: list[tuple[int, int]] = []
    ordered = sorted(set(points))
    answers = [(point, holds(point)) for point in ordered]
    for (low, at_low), (high, at_high) in pairwise(answers):
        if at_low is None or at_high is None or at_low == at_high:
            continue

        is_held = _said(holds, at_low)
        left, right = flip(is_held, *nearly(is_held, margin, low, high, 1))
        if holds(left) is not None and holds(right) is not None:
            found.append((left, right))
    return tuple(found)


def bent(margin: Callable[[int], int], low: int, high: int) -> bool:
    """Whether a margin leaves the line between two values by more than roundings, as far as two points between tell."""
    start, end = margin(low), margin(high)
    for probe in ((low + high) // 2, low + (high - low) // 4):
        found = margin(probe)
        straight = start + (end - start) * (probe - low) // (high - low)
        if abs(found - straight) * _STRAIGHT > max(abs(start), abs(end), abs(found)):
            return True
    return False


def ladder(now: int, low: int, high: int) -> tuple[int, ...]:
    """Return points around a value that lie between two others, close by it at first and further apart with distance.

    They catch what bends without an edge: caps, medians, prices that other prices follow.
    """
    points, up, down = list[int](), now, now
    over, under = _RUNG
    for _ in range(_LADDER):
        up, down = up * over // under + 1, down * under // over
        points += [up, down]
    return tuple(point for point in points if low < point < high)


def _said(holds: Answers, unsaid: bool) -> Holds:  # noqa: FBT001  # an answer
    """Return the predicate with an answer for what cannot be said."""

    def is_held(value: int) -> bool:
        said = holds(value)
        return unsaid if said is None else said

    return is_held
