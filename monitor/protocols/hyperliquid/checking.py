"""Holds our equity, requirement, liquidation prices and mode against what the venue states, at the venue's marks."""

from collections.abc import Iterator, Sequence

from monitor.adapter import Mismatch
from monitor.domain.deployment import Deployment
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.prices import Node, Repricing
from monitor.ledger.accounts import Account
from monitor.protocols.hyperliquid import asking, wire
from monitor.protocols.hyperliquid.accounts import read_accounts, read_house
from monitor.protocols.hyperliquid.health import Sums, priced, sums_of
from monitor.protocols.hyperliquid.house import House, Opened, implied_mark, price_slack, stated_price
from monitor.protocols.hyperliquid.market import Market, Mode, asset_of, owner_of
from monitor.protocols.hyperliquid.math import CASH, PRICE_DECIMALS
from monitor.protocols.hyperliquid.reading import read_market
from monitor.query import Ask, ask_each, together
from monitor.units import decimal_text

_POOLED = {"unifiedAccount": Mode.UNIFIED, "portfolioMargin": Mode.PORTFOLIO}


def compare(deployment: Deployment, key: MarketKey, keys: Sequence[PositionKey]) -> Ask[tuple[Mismatch, ...]]:
    """Return where our values are not the venue's own, units of pooled margin within what prices do between questions.

    Equity and requirement are compared at the marks that the venue's answer implies, liquidation prices to their last
    digit; the mode with `userAbstraction`.
    """
    market = yield from read_market(deployment, key)
    users = list(dict.fromkeys(owner_of(one) for one in keys))
    accounts, modes, *houses = yield from together(
        read_accounts(market, keys),
        ask_each([asking.abstraction(user) for user in users]),
        *(read_house(market, user) for user in users),
    )
    by_user = dict(zip(users, zip(modes, houses, strict=True), strict=True))
    found = [Mismatch(one, "an answer that can be read", reason) for one, reason in accounts.failed]
    for account in accounts:
        mode, house = by_user[owner_of(account.key)]
        found += differences(market, account, mode, house)
    return tuple(found)


def differences(market: Market, account: Account, mode: object, house: House) -> Iterator[Mismatch]:
    """Yield where a unit differs from what its user has in the dex."""
    marks = {one.traded.node: implied_mark(one) for one in house.positions}
    sums = sums_of(priced(market, Repricing("stated", dict[Node, int](marks))), account)
    if isinstance(sums, str):
        yield Mismatch(account.key, "a value", sums)
        return
    number = asset_of(account.key)
    if number is not None:
        yield from _isolated(account, sums, house, number)
        return
    expected = _POOLED.get(str(mode), Mode.STANDARD)
    is_pooled = sums.mode in (Mode.UNIFIED, Mode.PORTFOLIO)
    if account.balances and is_pooled != (expected is not Mode.STANDARD):
        yield Mismatch(account.key, f"mode {mode}", f"mode {sums.mode.name.lower()}")
    elif not is_pooled:
        yield from _cross(account, sums, house)


def _cross(account: Account, sums: Sums, house: House) -> Iterator[Mismatch]:
    yield from _near(account, "equity", house.cross_value, sums.equity, house.tolerance)
    yield from _near(account, "requirement", house.cross_maintenance, sums.maintenance, house.tolerance)
    available = (sums.equity - sums.maintenance) // CASH
    for one in house.cross:
        yield from _line(account, one, available, house.tolerance)


def _isolated(account: Account, sums: Sums, house: House, number: int) -> Iterator[Mismatch]:
    one = next((one for one in house.isolated if one.traded.number == number), None)
    if one is None or not sums.positions:
        if (one is None) == bool(sums.positions):
            yield Mismatch(account.key, "no position" if one is None else "a position", "otherwise")
        return
    yield from _near(account, "isolated margin", one.margin_used, sums.equity, house.tolerance)
    yield from _line(account, one, (sums.equity - sums.maintenance) // CASH, house.tolerance)


def _near(account: Account, what: str, stated: int, ours: int, tolerance: int) -> Iterator[Mismatch]:
    if abs(stated * CASH - ours) > tolerance * CASH:
        yield Mismatch(account.key, f"{what} {decimal_text(stated, 8)}", f"{what} {decimal_text(ours, 18)}")


def _line(account: Account, one: Opened, available: int, tolerance: int) -> Iterator[Mismatch]:
    found = stated_price(one, available)
    told = None if one.liquidation_px is None else wire.nearest(one.liquidation_px, PRICE_DECIMALS, "liquidationPx")
    if (told is None) != (found is None) or (
        told is not None and found is not None and abs(told - found) > price_slack(one, tolerance, told)
    ):
        text = "none" if found is None else decimal_text(found, PRICE_DECIMALS)
        name = one.traded.token.symbol
        yield Mismatch(account.key, f"{name} liquidated at {one.liquidation_px}", f"{name} liquidated at {text}")
