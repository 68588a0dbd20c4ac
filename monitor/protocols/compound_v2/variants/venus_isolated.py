"""Venus isolated pools: a threshold apart from the collateral factor, values before weights, bad debt in the rate.

Contract files: Comptroller.sol (_getHypotheticalLiquiditySnapshot, preLiquidateHook, preSeizeHook), VToken.sol (_seize,
_exchangeRateStored).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import interface
from monitor.domain.ids import Address, PositionKey
from monitor.protocols.compound_v2.market import Asset, Closed, Market, Terms
from monitor.protocols.compound_v2.math import times
from monitor.protocols.compound_v2.variants.rules import Grant, Granted, Modifiers
from monitor.query import Ask, ask_all, together
from monitor.units import UINT256_MAX, WAD

ISOLATED = interface("compound_v2", "venus_isolated")
_CTOKEN = interface("compound_v2", "ctoken")
_WHOLE = ("closeFactorMantissa", "liquidationIncentiveMantissa", "minLiquidatableCollateral")
_ACTIONS = (MINT, REPAY, SEIZE, LIQUIDATE) = (0, 3, 4, 5)
"""Places in ComptrollerInterface.Action."""


@dataclass(frozen=True, slots=True)
class VenusIsolated:
    """What is seized must be entered; the protocol's share is a part of the repayment, not of what is seized."""

    name: str = "venus_isolated"
    seizes_idle: bool = False
    skips_empty: bool = False
    has_batches: bool = True
    is_proven_in_seconds: bool = True
    most_rate_wad: int | None = None
    borrows_slots: tuple[int, ...] = (217,)
    seconds_getter: str = "isTimeBased"
    clock_getter: str | None = "getBlockNumberOrTimestamp"
    extra_getter: str | None = "badDebt"

    def accrual_getters(self, counts_seconds: bool) -> tuple[str, str]:  # noqa: ARG002, FBT001  # the interface's
        return "accrualBlockNumber", "borrowRatePerBlock"

    def worth_wad(self, weight_wad: int, exchange_rate_wad: int, price: int) -> int:
        return times(weight_wad, times(exchange_rate_wad, price))

    def protocol_cut(self, seized: int, share_wad: int, incentive_wad: int) -> int:
        return times(seized, share_wad) * WAD // incentive_wad

    def read_terms(self, comptroller: Address, assets: Sequence[Asset]) -> Ask[Granted]:
        """Return the terms: thresholds, caps, what is paused, and where anybody can be liquidated."""
        ctokens = [asset.ctoken.address for asset in assets]
        (close_factor_wad, incentive_wad, least), markets, forced, caps, paused, shares = yield from together(
            ask_all([ISOLATED[getter].at(comptroller) for getter in _WHOLE]),
            ask_all([ISOLATED["markets"].at(comptroller, ctoken) for ctoken in ctokens]),
            ask_all([ISOLATED["isForcedLiquidationEnabled"].at(comptroller, ctoken) for ctoken in ctokens]),
            ask_all([ISOLATED["supplyCaps"].at(comptroller, ctoken) for ctoken in ctokens]),
            ask_all([ISOLATED["actionPaused"].at(comptroller, c, action) for c in ctokens for action in _ACTIONS]),
            ask_all([_CTOKEN["protocolSeizeShareMantissa"].at(ctoken) for ctoken in ctokens]),
        )
        pauses = [paused[i : i + len(_ACTIONS)] for i in range(0, len(paused), len(_ACTIONS))]
        rows = zip(markets, forced, caps, pauses, shares, strict=True)
        return Granted(close_factor_wad, tuple(_grant(incentive_wad, *row) for row in rows), (), least)

    def read_modifiers(self, market: Market, keys: Sequence[PositionKey]) -> Ask[Modifiers]:  # noqa: ARG002
        """Return nothing: the terms are the same for everybody."""
        yield from ()
        return Modifiers()


def _grant(
    incentive_wad: int,
    market: tuple[Any, ...],
    forced: bool,  # noqa: FBT001  # what the contract answers
    cap_raw: int,
    paused: Sequence[bool],
    share_wad: int,
) -> Grant:
    is_listed, factor_wad, threshold_wad = market
    mint, repay, seize, liquidate = (one or not is_listed for one in paused)
    return Grant(
        terms={0: Terms(threshold_wad, incentive_wad)},
        collateral_factor_wad=factor_wad,
        seize_share_wad=share_wad,
        closed=Closed(mint=mint, repay=repay, seize=seize, liquidate=liquidate),
        is_forced=forced,
        supply_cap_raw=None if cap_raw == UINT256_MAX else cap_raw,
    )
