"""Whole markets of made-up accounts, three balances each, for measurements."""

import numpy as np

from monitor.ledger.accounts import Accounts


def people(count: int, seed: int = 1, legs: int = 3, *, owners: bool = False) -> Accounts:
    chance = np.random.default_rng(seed)
    total = count * legs
    return Accounts(
        keys=chance.integers(0, 256, (count, 20), np.uint8),
        category=chance.integers(0, 3, count, np.uint16),
        offsets=np.arange(count + 1) * legs,
        asset=chance.integers(0, 60, total, np.uint16),
        kind=chance.integers(0, 5, total, np.uint8),
        high=chance.integers(0, 2**20, total, np.uint64),
        low=chance.integers(0, 2**64, total, np.uint64),
        owners=chance.integers(0, 256, (count, 20), np.uint8) if owners else None,
    )


def some(accounts: Accounts, start: int, stop: int) -> Accounts:
    """Return the accounts from `start` to `stop`."""
    first, last = accounts.offsets[start], accounts.offsets[stop]
    return Accounts(
        keys=accounts.keys[start:stop],
        category=accounts.category[start:stop],
        offsets=accounts.offsets[start : stop + 1] - first,
        asset=accounts.asset[first:last],
        kind=accounts.kind[first:last],
        high=accounts.high[first:last],
        low=accounts.low[first:last],
        owners=None if accounts.owners is None else accounts.owners[start:stop],
    )
