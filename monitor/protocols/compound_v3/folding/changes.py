"""Parameters of a Comet that are not what they were: found by comparing, explained by the logs that tell them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from monitor.abi import interface
from monitor.adapter import Changed
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v3.market import BASE, BORROWED, COLLATERAL, Collateral, Market
from monitor.query import Log

_PAUSE_ACTION = interface("compound_v3", "comet").topics["PauseAction"]
_PROXY = interface("shared", "proxy")

_COLLATERAL = ("borrow_factor_wad", "liquidate_factor_wad", "liquidation_factor_wad", "supply_cap_raw")
_BEARS_ON_NOBODY = frozenset({"borrow_factor_wad", "transfer paused", "withdraw paused", "base borrow minimum"})
"""What binds borrowing and withdrawing only."""

Told = int | str | None


def changes(before: Market, market: Market, logs: Sequence[Log]) -> tuple[Changed, ...]:
    """Return every parameter that differs between two moments, and the upgrades that logs tell."""
    paused = next((log for log in reversed(logs) if log.topics[0] == _PAUSE_ACTION), None)
    upgraded = [log for log in logs if log.topics[0] == _PROXY.topics["Upgraded"]]
    last = upgraded[-1] if upgraded else None
    found = [
        Changed(subject, field, old, new, paused if field.endswith("paused") else last)
        for subject, field, old, new in _differences(before, market)
    ]
    told = (
        Changed(market.comet, "implementation", None, str(_PROXY.events["Upgraded"].values(log)[0]), log)
        for log in upgraded
    )
    return (*found, *told)


def bears_on(market: Market, change: Changed, account: Account) -> bool:
    """Return whether a changed parameter matters to an account that owes."""
    if change.field in _BEARS_ON_NOBODY or not any(b.kind == BORROWED for b in account.balances):
        return False
    places: dict[str, int] = {c.token.address: c.place for c in market.collaterals.values()}
    if change.subject not in places:
        return True
    return any(b.asset == places[change.subject] and b.kind == COLLATERAL for b in account.balances)


def _differences(before: Market, market: Market) -> Iterator[tuple[str, str, Told, Told]]:
    for place in sorted(before.collaterals.keys() | market.collaterals.keys()):
        yield from _differ(*(_settings(one, place) for one in (before, market)))
    yield from _differ(*(_general(one) for one in (before, market)))


def _settings(market: Market, place: int) -> dict[tuple[str, str], Told]:
    collateral: Collateral | None = market.collaterals.get(place)
    if collateral is None:
        return {}
    token = collateral.token.address
    terms: dict[tuple[str, str], Told] = {(token, name): int(getattr(collateral, name)) for name in _COLLATERAL}
    is_closed = int(place in market.closed_supply)
    feed = market.layout.feeds[place]
    return {(token, "listed"): token, (token, "price feed"): feed, (token, "supply paused"): is_closed, **terms}


def _general(market: Market) -> dict[tuple[str, str], Told]:
    comet, store_front = market.comet, market.store_front
    curves = {"supply rate": market.interest.supply_curve, "borrow rate": market.interest.borrow_curve}
    rates: dict[tuple[str, str], Told] = {
        (comet, f"{name} {part}"): value for name, curve in curves.items() for part, value in asdict(curve).items()
    }
    paused: dict[tuple[str, str], Told] = {
        (comet, f"{name} paused"): int(is_paused) for name, is_paused in market.paused._asdict().items()
    }
    return {
        (market.base.token.address, "price feed"): market.layout.feeds[BASE],
        (market.base.token.address, "supply paused"): int(BASE in market.closed_supply),
        (comet, "base borrow minimum"): market.base.borrow_min_raw,
        (comet, "store front price factor"): store_front.price_factor_wad,
        (comet, "target reserves"): store_front.target_reserves_raw,
        (comet, "extension"): market.layout.extension,
        **rates,
        **paused,
    }


def _differ(
    before: Mapping[tuple[str, str], Told], after: Mapping[tuple[str, str], Told]
) -> Iterator[tuple[str, str, Told, Told]]:
    for subject, field in dict.fromkeys((*before, *after)):
        old, new = before.get((subject, field)), after.get((subject, field))
        if old != new:
            yield subject, field, old, new
