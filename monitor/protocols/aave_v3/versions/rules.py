"""What differs from version to version, as one value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Balance
from monitor.protocols.aave_v3.versions.closing import Pair, Seizing
from monitor.protocols.aave_v3.versions.totals import Ratio, Term, Totals


class Rounding(Protocol):
    """One family of rounding; a module of this package."""

    def collateral_amount(self, scaled: int, index_ray: int, /) -> int:
        """Return the token amount of a scaled supply."""
        ...

    def debt_amount(self, scaled: int, index_ray: int, /) -> int:
        """Return the token amount of a scaled debt."""
        ...

    def scaled_supplied(self, amount_raw: int, index_ray: int, /) -> int:
        """Return what supplying an amount adds to the stored balance."""
        ...

    def scaled_withdrawn(self, amount_raw: int, index_ray: int, /) -> int:
        """Return what taking an amount of collateral removes from the stored balance."""
        ...

    def scaled_repaid(self, amount_raw: int, index_ray: int, /) -> int:
        """Return what repaying an amount removes from the stored debt."""
        ...

    def collateral_after(self, scaled: int, change_raw: int, index_ray: int, /) -> int:
        """Return the stored supply after the change of amount that the token's log tells."""
        ...

    def debt_after(self, scaled: int, change_raw: int, index_ray: int, /) -> int:
        """Return the stored debt after the change of amount that the token's log tells."""
        ...

    def debt_value(self, amount_raw: int, price: int, unit: int, /) -> int:
        """Return a debt in the base unit."""
        ...

    def totals(self, balances: Sequence[Balance], terms: Mapping[int, Term], now_s: int, /) -> Totals | Unknown:
        """Sum an account's reserves."""
        ...

    def ratio(self, sums: Totals, /) -> Ratio:
        """Return the health of an account with debt."""
        ...

    def available_borrows(self, sums: Totals, average_ltv_bps: int, /) -> int:
        """Return what the account may still borrow, in the base unit."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the protocol.

    `has_category_prices`: an e-mode category lists its reserves in their configuration and may price them itself.
    `counts_without_threshold`: collateral with a threshold of zero is summed with weight zero instead of skipped.
    `zero_ltv_wins`: a reserve's LTV of zero stands against the category's. `has_discounted_debt`: debt of a reserve
    without virtual accounting is what `balanceOf` says. `may_discount_debt`: such debt may shrink by more than its logs
    say (GHO with a discount). `forbids_dust`: a liquidation must take all of the debt or the collateral, or leave
    enough of both; and it writes off what is left without collateral.
    """

    version: str
    rounding: Rounding
    interest_ray: Callable[[int, int], int]
    max_debt_raw: Callable[[Pair], int]
    seizing: Seizing
    has_category_prices: bool = False
    has_stable_debt: bool = False
    has_discounted_debt: bool = False
    may_discount_debt: bool = False
    has_grace_period: bool = True
    has_sentinel: bool = True
    counts_without_threshold: bool = False
    zero_ltv_wins: bool = True
    has_isolated_categories: bool = False
    forbids_dust: bool = True
    is_proven: bool = False
