"""A comptroller at the moment of a read: interest, terms and prices of every cToken, in one round of questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor import abi
from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed, Unknown
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.graph import PriceGraph
from monitor.protocols.compound_v2.market import Asset, Layout, Listed, Market, as_accrued
from monitor.protocols.compound_v2.math import Interest
from monitor.protocols.compound_v2.reading.layout import COMPTROLLER, CTOKEN, read_layout
from monitor.protocols.compound_v2.variants.rules import Grant, Granted
from monitor.query import Ask, Failed, ask_all, ask_each, moment, together

ROOT = "comptroller"
_ORACLE = abi.interface("compound_v2", "oracle")
_STORED = ("getCash", "totalBorrows", "totalReserves", "totalSupply", "reserveFactorMantissa", "borrowIndex")
_NOW = ("exchangeRateStored", "interestRateModel")
_EVERY_BLOCK = ("accrualBlockNumber", "borrowRatePerBlock")
_EVERY_SECOND = ("accrualBlockTimestamp", "borrowRatePerTimestamp")


def read_comptrollers(deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
    """Return the deployment's comptroller; raises ReadError when the root is none, ConfigError when it is not given."""
    if ROOT not in deployment.roots:
        found = ", ".join(deployment.roots) or "none"
        raise ConfigError(f"expected {ROOT} in deployment {deployment.name}, found {found}")
    comptroller = deployment.roots[ROOT]
    try:
        yield from ask_all([COMPTROLLER[one].at(comptroller) for one in ("getAllMarkets", "closeFactorMantissa")])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected a comptroller (Compound v2) at {comptroller} on {deployment.chain} ({deployment.name}), "
            f"found another contract or none: {e}"
        ) from e
    return (MarketKey(comptroller),)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the comptroller at the moment of the read; raises UnexpectedAnswer when a part of itself is missing.

    A cToken whose own views fail is `Unknown`, and so are those who are in it; the others are read.
    """
    (ctokens,) = yield from ask_all([COMPTROLLER["getAllMarkets"].at(Address(key))])
    layout = yield from read_layout(ctokens)
    market = yield from _market(deployment, key, layout)
    if market is None:
        raise UnexpectedAnswer(f"expected {key} to list the same markets within one block, found two lists that differ")
    return market


def read_again(market: Market) -> Ask[Market]:
    """Return the same comptroller at the moment of this read, in one round of questions unless it lists others."""
    again = yield from _market(market.deployment, market.key, market.layout)
    if again is None:
        again = yield from read_market(market.deployment, market.key)
    return again


@dataclass(frozen=True, slots=True)
class _Now:
    """What one round of questions answered of the comptroller itself."""

    at: BlockRef
    oracle: Address
    granted: Granted


def _market(deployment: Deployment, key: MarketKey, layout: Layout) -> Ask[Market | None]:
    """Return the comptroller at the moment of the read; None when it lists other markets than the layout."""
    at, comptroller, assets = (yield from moment()), Address(key), tuple(layout.assets.values())
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read comptroller {comptroller} at, found {at}")
    (listed, oracle), (number,), granted, states = yield from together(
        ask_all([COMPTROLLER["getAllMarkets"].at(comptroller), COMPTROLLER["oracle"].at(comptroller)]),
        ask_each([COMPTROLLER["getBlockNumber"].at(comptroller)]),
        layout.rules.read_terms(comptroller, assets),
        _states(assets),
    )
    if tuple(listed) != tuple(layout.assets):
        return None
    graph = yield from _prices(oracle, assets)
    block = at.number if isinstance(number, Failed) else number
    found = (
        _listed(asset, at.timestamp_s if asset.counts_seconds else block, grant, state)
        for asset, grant, state in zip(assets, granted.grants, states, strict=True)
    )
    market = Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        listed={one.place: one for one in found},
        accrual=Accrual.STORED,
        oracle=oracle,
        close_factor_wad=granted.close_factor_wad,
        min_collateral=granted.min_collateral,
        stopped=granted.stopped,
        liquidator=granted.liquidator,
        face_value=granted.face_value,
        graph=graph,
    )
    return as_accrued(market)


def _states(assets: Sequence[Asset]) -> Ask[tuple[tuple[Any, ...], ...]]:
    per_asset = [(*_STORED, *(_EVERY_SECOND if asset.counts_seconds else _EVERY_BLOCK), *_NOW) for asset in assets]
    answers = iter(
        (
            yield from ask_each(
                [
                    CTOKEN[getter].at(asset.ctoken.address)
                    for asset, getters in zip(assets, per_asset, strict=True)
                    for getter in getters
                ]
            )
        )
    )
    return tuple(tuple(next(answers) for _ in getters) for getters in per_asset)


def _listed(asset: Asset, now: int, grant: Grant, state: tuple[Any, ...]) -> Listed:
    interest = _interest(asset, state)
    rate_model = state[-1]
    return Listed(
        asset=asset,
        now=now,
        interest=interest,
        standing=interest if isinstance(interest, Unknown) else interest.standing,
        terms=grant.terms,
        collateral_factor_wad=grant.collateral_factor_wad,
        seize_share_wad=grant.seize_share_wad,
        closed=grant.closed,
        is_forced=grant.is_forced,
        supply_cap_raw=grant.supply_cap_raw,
        rate_model=Address("") if isinstance(rate_model, Failed) else rate_model,
    )


def _interest(asset: Asset, state: tuple[Any, ...]) -> Interest | Unknown:
    """Return the stored interest; `Unknown` where a view fails, or the exchange rate is made another way than here."""
    *stored, since, rate, exchange_rate_wad, _ = state
    where = f"{asset.ctoken.address}"
    missing = next((one for one in (*stored, since, exchange_rate_wad) if isinstance(one, Failed)), None)
    if missing is not None:
        return Unknown(f"cToken {where}: {missing.reason}")
    cash_raw, borrows_raw, reserves_raw, supply, reserve_factor_wad, index = stored
    interest = Interest(
        cash_raw=cash_raw,
        extra_raw=0,
        borrows_raw=borrows_raw,
        reserves_raw=reserves_raw,
        supply=supply,
        reserve_factor_wad=reserve_factor_wad,
        borrow_index=index,
        rate_wad=Unknown(rate.reason) if isinstance(rate, Failed) else rate,
        since=since,
        initial_rate_wad=0 if supply else exchange_rate_wad,
    )
    if interest.exchange_rate_wad != exchange_rate_wad:
        return Unknown(
            f"cToken {where}: expected an exchange rate of {interest.exchange_rate_wad} from its parts, "
            f"found {exchange_rate_wad}: it counts something else"
        )
    return interest


def _prices(oracle: Address, assets: Sequence[Asset]) -> Ask[PriceGraph]:
    """Return one node per cToken: what the oracle answers for its underlying, times 1e(36 - decimals) per dollar."""
    prices = yield from ask_each([_ORACLE["getUnderlyingPrice"].at(oracle, asset.ctoken.address) for asset in assets])
    return PriceGraph.of(
        PriceUsed(
            asset.node,
            Unknown(f"getUnderlyingPrice: {price.reason}") if isinstance(price, Failed) else price,
            asset.price_decimals,
            oracle,
            "market",
        )
        for asset, price in zip(assets, prices, strict=True)
    )
