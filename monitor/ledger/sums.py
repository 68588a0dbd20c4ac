"""Exact sums of balances by asset and kind, to be held against the totals that the contracts keep."""

from collections.abc import Mapping

import numpy as np

from monitor.ledger.accounts import Accounts

Sums = dict[tuple[int, int], int]
"""By asset and kind; a sum of nothing is left out."""

_HALF, _HALF_MASK = 32, 2**32 - 1


def sums(accounts: Accounts) -> Sums:
    """Return the sums of fewer than 2^32 balances: quarters of 32 bits are added in 64, then put together."""
    places, which = np.unique(accounts.asset.astype(np.uint32) << 8 | accounts.kind, return_inverse=True)
    totals = [0] * len(places)
    for shift, limb in ((0, accounts.low), (64, accounts.high)):
        for half, part in ((0, limb & _HALF_MASK), (_HALF, limb >> _HALF)):
            added = np.zeros(len(places), np.uint64)
            np.add.at(added, which, part)
            totals = [total + (more << shift + half) for total, more in zip(totals, added.tolist(), strict=True)]
    return {(place >> 8, place & 255): total for place, total in zip(places.tolist(), totals, strict=True) if total}


def moved(totals: Sums, by: Mapping[tuple[int, int], int], sign: int) -> None:
    """Add sums to the totals, or take them away when the sign is -1."""
    for place, more in by.items():
        total = totals.get(place, 0) + sign * more
        if total:
            totals[place] = total
        else:
            del totals[place]
