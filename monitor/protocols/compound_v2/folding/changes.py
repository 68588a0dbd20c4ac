"""Terms of a comptroller that are not what they were: found by comparing, explained by the logs that tell them."""

from collections.abc import Iterator, Mapping, Sequence

from monitor.adapter import Changed
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v2.events import TERMS, address_at
from monitor.protocols.compound_v2.health import is_debtor
from monitor.protocols.compound_v2.market import PRINCIPAL, Listed, Market
from monitor.query import Log

_TOLD_BY: Mapping[str, tuple[str, ...]] = {
    "listed": ("MarketListed", "MarketSupported", "MarketUnlisted"),
    "collateral factor": ("NewCollateralFactor", "NewCollateralFactor of a pool"),
    "liquidation weight": (
        *("NewLiquidationThreshold", "NewLiquidationThreshold of a pool", "NewCollateralFactor"),
        *("PoolMarketInitialized", "PoolMarketRemoved", "PoolActiveStatusUpdated", "PoolFallbackStatusUpdated"),
    ),
    "least collateral": ("NewMinLiquidatableCollateral",),
    "liquidation incentive": ("NewLiquidationIncentive", "NewLiquidationIncentive of a pool"),
    "liquidator": ("NewLiquidatorContract",),
    "supply cap": ("NewSupplyCap",),
    "protocol seize share": ("NewProtocolSeizeShare",),
    "reserve factor": ("NewReserveFactor",),
    "interest rate model": ("NewMarketInterestRateModel",),
    "close factor": ("NewCloseFactor",),
    "price oracle": ("NewPriceOracle",),
    "liquidation stopped": ("ActionProtocolPaused", "ActionPaused of all", "ActionPaused"),
    "forced liquidation": (
        *("IsForcedLiquidationEnabledUpdated", "ActionPaused", "NewReserveFactor", "NewCollateralFactor"),
    ),
}
_PAUSES = ("ActionPausedMarket", "ActionPausedMarket of a pool", "ActionPaused", "ActionPaused of all")
_OF_COLLATERAL = frozenset({"liquidation weight", "seizing paused", "protocol seize share"})
_OF_DEBT = frozenset({"forced liquidation", "liquidation paused", "repaying paused", "interest rate model"})
_BEARS_ON_NOBODY = frozenset({"reserve factor", "collateral factor"})

Told = int | str | None


def changes(before: Market, market: Market, logs: Sequence[Log]) -> tuple[Changed, ...]:
    """Return every term that differs between two moments, with the log that tells it, and upgrades that logs tell."""
    found = [
        Changed(subject, field, old, new, _telling(subject, field, logs))
        for subject, field, old, new in _differences(before, market)
    ]
    upgraded = (
        Changed(log.address, "implementation", str(address_at(log, 0)), str(address_at(log, 1)), log)
        for log in logs
        if log.topics[0] == TERMS["NewImplementation"]
    )
    return (*found, *upgraded)


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a changed term matters to an account that owes."""
    if change.field in _BEARS_ON_NOBODY or not is_debtor(account):
        return False
    listed = market.listed_of(change.subject)
    if listed is None:
        return True
    kinds = {b.kind for b in account.balances if b.asset == listed.place}
    if change.field in _OF_DEBT:
        return PRINCIPAL in kinds
    if change.field.split(" of pool ")[0] in _OF_COLLATERAL:
        return bool(kinds - {PRINCIPAL})
    return bool(kinds)


def _telling(subject: str, field: str, logs: Sequence[Log]) -> Log | None:
    names = _PAUSES if field.endswith("paused") else _TOLD_BY.get(field.split(" of pool ", maxsplit=1)[0], ())
    topics = {TERMS[name] for name in names}
    told = [log for log in logs if log.topics[0] in topics]
    own = [log for log in told if subject in (log.address.lower(), address_at(log, 0), address_at(log, 1))]
    return next(reversed(own or told), None)


def _differences(before: Market, market: Market) -> Iterator[tuple[str, str, Told, Told]]:
    for place in sorted(before.listed.keys() | market.listed.keys()):
        yield from _differ(_terms(before.listed.get(place)), _terms(market.listed.get(place)))
    yield from _differ(_general(before), _general(market))


def _terms(one: Listed | None) -> dict[tuple[str, str], Told]:
    if one is None:
        return {}
    ctoken = one.asset.ctoken.address
    found: dict[str, Told] = {
        "listed": ctoken,
        "collateral factor": one.collateral_factor_wad,
        "supply cap": one.supply_cap_raw,
        "protocol seize share": one.seize_share_wad,
        "reserve factor": None if isinstance(one.interest, Unknown) else one.interest.reserve_factor_wad,
        "interest rate model": one.rate_model,
        "forced liquidation": int(one.is_forced),
        "supply paused": int(one.closed.mint),
        "repaying paused": int(one.closed.repay),
        "seizing paused": int(one.closed.seize),
        "liquidation paused": int(one.closed.liquidate),
    }
    for category, terms in one.terms.items():
        pool = f" of pool {category}" if category else ""
        found[f"liquidation weight{pool}"] = terms.weight_wad
        found[f"liquidation incentive{pool}"] = terms.incentive_wad
    return {(ctoken, field): value for field, value in found.items()}


def _general(market: Market) -> dict[tuple[str, str], Told]:
    found: dict[str, Told] = {
        "close factor": market.close_factor_wad,
        "price oracle": market.oracle,
        "liquidation stopped": ", ".join(market.stopped),
        "least collateral": market.min_collateral,
        "liquidator": None if market.liquidator is None else market.liquidator.address,
    }
    return {(market.comptroller, field): value for field, value in found.items()}


def _differ(
    before: Mapping[tuple[str, str], Told], after: Mapping[tuple[str, str], Told]
) -> Iterator[tuple[str, str, Told, Told]]:
    for subject, field in dict.fromkeys((*before, *after)):
        old, new = before.get((subject, field)), after.get((subject, field))
        if old != new:
            yield subject, field, old, new
