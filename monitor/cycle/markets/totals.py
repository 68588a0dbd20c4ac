"""Holds balances against what the contract says they add up to."""

from collections.abc import Mapping
from typing import Any

from monitor.adapter import Followed, Market

Places = Mapping[tuple[int, int], int]
"""An amount by asset and kind."""


def apart(adapter: Followed[Any], market: Market, found: Places, totals: Places, accounts: int) -> Places:
    """Return the totals which the balances found, of so many accounts, are farther from than rounding explains."""
    return {
        place: total
        for place, total in totals.items()
        if abs(found.get(place, 0) - total) > adapter.totals_within_raw(market, total, accounts)
    }
