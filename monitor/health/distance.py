"""How far a position is from its line, in basis points of a driving price."""

from collections.abc import Iterable

from monitor.domain.assessment import LiquidationPrice
from monitor.units import BPS


def distance_bps(price: LiquidationPrice) -> int:
    """Return how far the price may move before the first liquidatable answer, in bps of now, rounded toward danger.

    Negative for a position past its line: how far the price has to come back.
    """
    way = price.now - price.first_liquidatable if price.direction == "falls" else price.first_liquidatable - price.now
    return way * BPS // price.now


def nearest_bps(prices: Iterable[LiquidationPrice]) -> int | None:
    """Return the distance to the nearest boundary, None where no price leads to one."""
    return min((distance_bps(price) for price in prices), default=None)
