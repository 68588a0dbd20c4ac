"""Finds where a predicate over integers flips, with few evaluations: interpolated guesses first, then bisection."""

from collections.abc import Callable, Iterable

Holds = Callable[[int], bool]
Margin = Callable[[int], int]


def flip(holds: Holds, low: int, high: int, hints: Iterable[int] = ()) -> tuple[int, int]:
    """Return two adjacent integers between which the predicate flips, the lower first.

    The predicate has to differ at `low` and `high`. Hints inside the interval are tried first, so that good ones save
    nearly all of the bisection. Where the predicate flips more than once, this is one of the flips.
    """
    low, high = narrowed(holds, low, high, hints)
    at_low = holds(low)
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle) == at_low:
            low = middle
        else:
            high = middle
    return low, high


def nearly(holds: Holds, margin: Margin, low: int, high: int, step: int) -> tuple[int, int]:
    """Return an interval of at most two steps with a flip inside, where the predicate follows the sign of a margin.

    One interpolation finds the flip of a line. Where the line has kinks or teeth, interpolation and bisection take
    turns, so no shape costs more than four times the bisection.
    """
    while high - low > 2 * step:
        start, end = margin(low), margin(high)
        middle = (low + high) // 2
        guess = low + (high - low) * start // (start - end) if start != end else middle
        guess = min(max(guess, low + 1), high - 1)
        low, high = narrowed(holds, low, high, (guess, guess - step, guess + step, middle))
    return low, high


def widening(guess: int, step: int) -> tuple[int, ...]:
    """Return hints around a guess, nearest first."""
    return (guess, *(guess + sign * step * factor for factor in (1, 8, 64) for sign in (-1, 1)))


def narrowed(holds: Holds, low: int, high: int, hints: Iterable[int]) -> tuple[int, int]:
    """Return the interval that is left when the hints inside it are tried; the predicate differs at its ends."""
    at_low = holds(low)
    for hint in hints:
        if low < hint < high:
            if holds(hint) == at_low:
                low = hint
            else:
                high = hint
    return low, high
