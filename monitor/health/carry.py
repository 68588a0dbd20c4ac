"""What interest alone does to a position: when it brings it past its line, and how far any can fall in some seconds."""

from collections.abc import Callable

from monitor.domain.health import Health, Measured
from monitor.units import WAD, YEAR_S, mul_div_up

HORIZON_S = 10 * YEAR_S
"""Beyond this nobody knows a rate."""
_QUICK_TURNS = 8

HealthAfter = Callable[[int], Health | None]
"""The exact health of one position after that many seconds of interest and nothing else; None where it is not known."""


def first_liquidatable_s(now: Health, after: HealthAfter, horizon_s: int = HORIZON_S) -> int | None:
    """Return the first second from now in which the position is past its line; the one before it is the last safe one.

    0 for a position that is past it. None where nothing is owed or measured, where the position is still safe at the
    horizon (its health may well rise), and where its growth is not known. Debts grow faster and faster and collateral
    steadily, so that the line is crossed once at most, up to rounding: where that makes health waver around the line,
    this is one of the crossings. Health is nearly exponential in time, so its logarithm is interpolated.
    """
    if not isinstance(now, Measured):
        return None
    if now.is_past_line:
        return 0
    end = after(horizon_s)
    if not isinstance(end, Measured) or not end.is_past_line:
        return None
    low, high = (0, _height_wad(now)), (horizon_s, _height_wad(end))
    one, other, turn = low, high, 0
    while high[0] - low[0] > 1:
        turn += 1
        is_slow = turn > _QUICK_TURNS and turn % 2 == 0
        guess = (low[0] + high[0]) // 2 if is_slow else _zero(one, other)
        guess = min(max(guess, low[0] + 1), high[0] - 1)
        found = after(guess)
        if not isinstance(found, Measured):
            return None
        one, other = other, (guess, _height_wad(found))
        low, high = (low, other) if found.is_past_line else (other, high)
    return high[0]


def raised_wad(line_wad: int, growth_wad: int) -> int:
    """Return the health now that surely leaves a position at or above the line, when debts grow by at most that part.

    It speaks of the lower end of a screen's interval, in which every rounding is allowed for; an exact health of a few
    units of dust can fall by more, because amounts are rounded again.
    """
    return mul_div_up(line_wad, WAD + growth_wad, WAD)


def _height_wad(health: Measured) -> int:
    """Return (h - 1) ÷ (h + 1), which near the line is half the logarithm of the health h."""
    both = health.numerator + health.denominator
    return (health.numerator - health.denominator) * WAD // both if both > 0 else -WAD


def _zero(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Return where the line through two points of time and height meets zero, their middle where it is level."""
    (start_s, start), (end_s, end) = one, other
    return (start_s + end_s) // 2 if start == end else end_s - (end_s - start_s) * end // (end - start)
