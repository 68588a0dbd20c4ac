"""Finds where a predicate over integers flips, with few evaluations: interpolated guesses first, then bisection."""

from collections.abc import Callable, Iterable

Holds = Callable[[int], bool]
Margin = Callable[[int], int]

_GUESSES = 4


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


def flip_of_line(holds: Holds, margin: Margin, low: int, high: int) -> tuple[int, int]:
    """Return a flip as `flip` does, where the predicate follows the sign of a margin that is nearly linear.

    One interpolation finds the flip of a line but for its rounding; a few more find that of a line with kinks.
    """
    for _ in range(_GUESSES):
        start, end = margin(low), margin(high)
        if high - low <= 1 or start == end:
            break
        guess = low + (high - low) * start // (start - end)
        low, high = narrowed(holds, low, high, widening(guess, 1))
    return flip(holds, low, high)


def widening(guess: int, step: int, times: int = 4) -> tuple[int, ...]:
    """Return hints around a guess, nearest first, each pair eight times farther out than the one before."""
    return (guess, *(guess + sign * step * 8**i for i in range(times) for sign in (-1, 1)))


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
