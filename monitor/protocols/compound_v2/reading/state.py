"""A comptroller at the moment of a read: interest, terms and prices of every cToken, in one round of questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from monitor import abi
from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed, Unknown, Value
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.graph import PriceGraph
from monitor.protocols.compound_v2.market import SCALED, UNLISTED, Asset, Layout, Listed, Market, as_accrued
from monitor.protocols.compound_v2.math import Interest
from monitor.protocols.compound_v2.reading.layout import COMPTROLLER, CTOKEN, read_layout
from monitor.protocols.compound_v2.variants.rules import Grant, Rules
from monitor.query import Ask, Failed, ask_all, ask_each, moment, together
from monitor.units import WAD

ROOT, REGISTRY = "comptroller", "pool_registry"
_POOLS = abi.interface("compound_v2", "pool_registry")
_ORACLE = abi.interface("compound_v2", "oracle")
_STORED = ("getCash", "totalBorrows", "totalReserves", "totalSupply", "reserveFactorMantissa", "borrowIndex")
_MOST_ACCRUALS = 10**7
_NOW = ("exchangeRateStored", "interestRateModel")


def read_comptrollers(deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
    """Return the deployment's comptroller, or all that its registry of pools names.

    Raises ReadError when the root is none, ConfigError when it is not given.
    """
    root = next((root for root in (ROOT, REGISTRY) if root in deployment.roots), None)
    if root is None:
        found = ", ".join(deployment.roots) or "none"
        raise ConfigError(f"expected {ROOT} or {REGISTRY} in deployment {deployment.name}, found {found}")
    address = deployment.roots[root]
    try:
        if root == REGISTRY:
            (pools,) = yield from ask_all([_POOLS["getAllPools"].at(address)])
            return tuple(MarketKey(pool[2]) for pool in pools)
        yield from ask_all([COMPTROLLER[one].at(address) for one in ("getAllMarkets", "closeFactorMantissa")])
    except UnexpectedAnswer as e:
        what = "a comptroller (Compound v2)" if root == ROOT else "a pool registry (Venus)"
        raise ReadError(
            f"expected {what} at {address} on {deployment.chain} ({deployment.name}), "
            f"found another contract or none: {e}"
        ) from e
    return (MarketKey(address),)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the comptroller at the moment of the read; raises UnexpectedAnswer when a part of itself is missing.

    A cToken whose own views fail is `Unknown`, and so are those who are in it; the others are read.
    """
    (ctokens,) = yield from ask_all([COMPTROLLER["getAllMarkets"].at(Address(key))])
    layout = yield from read_layout(Address(key), ctokens)
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


def read_totals(market: Market) -> Ask[Mapping[tuple[int, int], int]]:
    """Return what the debts in each cToken add up to at an index of 1e18, by `totalBorrows` as the market was read.

    Who is in a market that is listed no longer is told by no view.
    """
    yield from ()
    listed = (one for one in market.listed.values() if one.closed != UNLISTED)
    interests = {one.place: one.interest for one in listed if isinstance(one.interest, Interest)}
    totals = {(place, SCALED): one.borrows_raw * WAD // one.borrow_index for place, one in interests.items()}
    return {place: total for place, total in totals.items() if total}


def totals_within_raw(total_raw: int, accounts: int) -> int:
    """Return how far a total may be from the debts of so many accounts by rounding.

    Each accrual drops up to one unit of the total and 1e-18 of the index, each debt up to one unit; ten million
    accruals are more than any market has had.
    """
    return accounts + _MOST_ACCRUALS * (total_raw // WAD + 1)


def _market(deployment: Deployment, key: MarketKey, layout: Layout) -> Ask[Market | None]:
    """Return the comptroller at the moment of the read; None when it lists other markets than the layout."""
    at, comptroller, assets = (yield from moment()), Address(key), tuple(layout.assets.values())
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read comptroller {comptroller} at, found {at}")
    (listed, oracle), (number,), granted, states = yield from together(
        ask_all([COMPTROLLER["getAllMarkets"].at(comptroller), COMPTROLLER["oracle"].at(comptroller)]),
        ask_each([COMPTROLLER["getBlockNumber"].at(comptroller)]),
        layout.rules.read_terms(comptroller, assets),
        _states(layout.rules, assets),
    )
    if tuple(listed) != tuple(layout.assets):
        return None
    graph = yield from _prices(oracle, assets, granted.minted)
    block = at.number if isinstance(number, Failed) else number
    found = (
        _listed(layout.rules, asset, at.timestamp_s if asset.counts_seconds else block, grant, state)
        for asset, grant, state in zip(assets, granted.grants, states, strict=True)
    )
    market = Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        listed={one.place: one for one in (*((granted.minted,) if granted.minted else ()), *found)},
        accrual=Accrual.STORED,
        oracle=oracle,
        close_factor_wad=granted.close_factor_wad,
        min_collateral=granted.min_collateral,
        stopped=granted.stopped,
        liquidator=granted.liquidator,
        graph=graph,
    )
    return as_accrued(market)


def _states(rules: Rules, assets: Sequence[Asset]) -> Ask[tuple[Mapping[str, Any], ...]]:
    also = tuple(getter for getter in (rules.clock_getter, rules.extra_getter) if getter)
    per_asset = [(*_STORED, *_NOW, *also, *rules.accrual_getters(asset.counts_seconds)) for asset in assets]
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
    return tuple({getter: next(answers) for getter in getters} for getters in per_asset)


def _listed(rules: Rules, asset: Asset, now: int, grant: Grant, state: Mapping[str, Any]) -> Listed:
    interest = _interest(rules, asset, state)
    rate_model = state["interestRateModel"]
    told = state.get(rules.clock_getter or "")
    return Listed(
        asset=asset,
        now=told if isinstance(told, int) else now,
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


def _interest(rules: Rules, asset: Asset, state: Mapping[str, Any]) -> Interest | Unknown:
    """Return the stored interest; `Unknown` where a view fails, or the exchange rate is made another way than here."""
    since, rate = (state[getter] for getter in rules.accrual_getters(asset.counts_seconds))
    extra = state[rules.extra_getter] if rules.extra_getter else 0
    stored = [state[getter] for getter in _STORED]
    told = state["exchangeRateStored"]
    missing = next((one for one in (*stored, since, told) if isinstance(one, Failed)), None)
    if missing is not None:
        return Unknown(f"cToken {asset.ctoken.address}: {missing.reason}")
    cash_raw, borrows_raw, reserves_raw, supply, reserve_factor_wad, index = stored
    interest = Interest(
        cash_raw=cash_raw,
        extra_raw=0 if isinstance(extra, Failed) else extra,
        borrows_raw=borrows_raw,
        reserves_raw=reserves_raw,
        supply=supply,
        reserve_factor_wad=reserve_factor_wad,
        borrow_index=index,
        rate_wad=_rate(rules, rate),
        since=since,
        initial_rate_wad=0 if supply else told,
    )
    if interest.exchange_rate_wad != told:
        made = f"an exchange rate of {interest.exchange_rate_wad} from its parts"
        return Unknown(f"cToken {asset.ctoken.address}: expected {made}, found {told}")
    return interest


def _rate(rules: Rules, rate: int | Failed) -> Value:
    if isinstance(rate, Failed):
        return Unknown(f"borrow rate: {rate.reason}")
    is_absurd = rules.most_rate_wad is not None and rate > rules.most_rate_wad
    return Unknown(f"the borrow rate {rate} is absurdly high") if is_absurd else rate


def _prices(oracle: Address, assets: Sequence[Asset], minted: Listed | None) -> Ask[PriceGraph]:
    """Return one node per cToken: what the oracle answers for its underlying, times 1e(36 - decimals) per dollar.

    A minted debt counts one for one, whatever it trades at.
    """
    prices = yield from ask_each([_ORACLE["getUnderlyingPrice"].at(oracle, asset.ctoken.address) for asset in assets])
    face = () if minted is None else (_face_price(minted.asset),)
    answered = (
        PriceUsed(
            asset.node,
            Unknown(f"getUnderlyingPrice: {price.reason}") if isinstance(price, Failed) else price,
            asset.price_decimals,
            oracle,
            "market",
        )
        for asset, price in zip(assets, prices, strict=True)
    )
    return PriceGraph.of((*face, *answered))


def _face_price(asset: Asset) -> PriceUsed:
    source = asset.ctoken.address
    return PriceUsed(asset.node, 10**asset.price_decimals, asset.price_decimals, source, "hardcoded")
