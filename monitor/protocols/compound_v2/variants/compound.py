"""Compound v2 and the forks that kept its comptroller: Moonwell, Benqi.

Contract files: Comptroller.sol (getHypotheticalAccountLiquidityInternal, liquidateBorrowAllowed, isDeprecated),
CToken.sol (seizeInternal).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import interface
from monitor.domain.ids import Address, PositionKey
from monitor.protocols.compound_v2.market import UNLISTED, Asset, Closed, Market, Terms
from monitor.protocols.compound_v2.math import times
from monitor.protocols.compound_v2.variants.rules import Grant, Granted, Modifiers
from monitor.query import Ask, Failed, ask_all, ask_each, together

_COMPTROLLER = interface("compound_v2", "comptroller")
_CTOKEN = interface("compound_v2", "ctoken")


@dataclass(frozen=True, slots=True)
class Compound:
    """One collateral factor for borrowing and liquidation, one incentive, and any cToken can be seized."""

    name: str = "compound"
    seizes_idle: bool = True
    skips_empty: bool = False
    has_batches: bool = False
    is_proven_in_seconds: bool = False
    most_rate_wad: int | None = 5 * 10**12
    borrows_slots: tuple[int, ...] = (16, 17, 15, 14)
    seconds_getter: str = "accrualBlockTimestamp"
    clock_getter: str | None = None
    extra_getter: str | None = "badDebt"

    def accrual_getters(self, counts_seconds: bool) -> tuple[str, str]:  # noqa: FBT001  # what the contract answers
        unit = "Timestamp" if counts_seconds else "Number"
        return f"accrualBlock{unit}", "borrowRatePerTimestamp" if counts_seconds else "borrowRatePerBlock"

    def worth_wad(self, weight_wad: int, exchange_rate_wad: int, price: int) -> int:
        return times(times(weight_wad, exchange_rate_wad), price)

    def protocol_cut(self, seized: int, share_wad: int, incentive_wad: int) -> int:  # noqa: ARG002  # the interface's
        return times(seized, share_wad)

    def read_terms(self, comptroller: Address, assets: Sequence[Asset]) -> Ask[Granted]:
        """Return the terms; what a fork does not answer it does not have: pauses, caps, a share of what is seized."""
        ctokens = [asset.ctoken.address for asset in assets]
        (close_factor_wad, incentive_wad), (paused,), markets, optional, shares = yield from together(
            ask_all([_COMPTROLLER[getter].at(comptroller) for getter in ("closeFactorMantissa", _INCENTIVE)]),
            ask_each([_COMPTROLLER["seizeGuardianPaused"].at(comptroller)]),
            ask_all([_COMPTROLLER["markets"].at(comptroller, ctoken) for ctoken in ctokens]),
            ask_each([_COMPTROLLER[getter].at(comptroller, ctoken) for ctoken in ctokens for getter in _OPTIONAL]),
            ask_each([_CTOKEN["protocolSeizeShareMantissa"].at(ctoken) for ctoken in ctokens]),
        )
        rows = [optional[i : i + len(_OPTIONAL)] for i in range(0, len(optional), len(_OPTIONAL))]
        grants = tuple(
            _grant(market, incentive_wad, row, share) for market, row, share in zip(markets, rows, shares, strict=True)
        )
        stopped = ("seize paused",) if _or_zero(paused) else ()
        return Granted(close_factor_wad, grants, stopped)

    def read_modifiers(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Modifiers]:  # noqa: ARG002
        """Return nothing: the terms are the same for everybody."""
        yield from ()
        return Modifiers()


_INCENTIVE = "liquidationIncentiveMantissa"
_OPTIONAL = ("mintGuardianPaused", "isDeprecated", "supplyCaps")


def _grant(market: tuple[Any, ...], incentive_wad: int, optional: Sequence[Any], share: Any) -> Grant:
    is_listed, factor_wad = market
    mint_paused, is_deprecated, cap_raw = (_or_zero(one) for one in optional)
    return Grant(
        terms={0: Terms(factor_wad, incentive_wad)},
        collateral_factor_wad=factor_wad,
        seize_share_wad=_or_zero(share),
        closed=Closed(mint=bool(mint_paused)) if is_listed else UNLISTED,
        is_forced=bool(is_deprecated),
        supply_cap_raw=cap_raw - 1 if cap_raw else None,
    )


def _or_zero(answer: Any) -> int:
    return 0 if isinstance(answer, Failed) else int(answer)
