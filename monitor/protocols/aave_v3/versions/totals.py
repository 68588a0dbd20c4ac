"""What the sums of an account are made from: kinds of stored numbers, and the terms of each reserve."""

from typing import NamedTuple

from monitor.domain.prices import Value

COLLATERAL = 0
"""Scaled aToken balance of a reserve the account uses as collateral."""
STABLE_RATE = 1
"""Yearly rate of the account's stable debt, ray."""
STABLE_SINCE = 2
"""Time the stable debt was last touched, seconds."""
STABLE_PRINCIPAL = 3
"""Stable debt at that time, raw token units; stands after its rate and time."""
SCALED_DEBT = 4
"""Scaled variable debt of a reserve the account borrows; the last number of its reserve."""
PLAIN_DEBT = 5
"""Variable debt as `balanceOf` says it, for the tokens whose debt no index tells (3.3, GHO with a discount).

Both kinds of variable debt come after all others.
"""


class Term(NamedTuple):
    """What one reserve means to the accounts of one e-mode category under one repricing.

    Prices are per whole token in the base unit, `unit` is 10^decimals. `counts` is False for collateral the version
    skips (no liquidation threshold).
    """

    supply_index_ray: int
    debt_index_ray: int
    unit: int
    collateral_price: Value
    debt_price: Value
    counts: bool
    threshold_bps: int
    ltv_bps: int


class Totals(NamedTuple):
    """Sums over an account's reserves in the base unit; the weighted ones are times 10^4."""

    collateral_base: int
    debt_base: int
    threshold_sum: int
    ltv_sum: int
    has_zero_ltv: bool


class Ratio(NamedTuple):
    """Both sides of the health ratio and the integer the contract returns for it."""

    numerator: int
    denominator: int
    native_wad: int
