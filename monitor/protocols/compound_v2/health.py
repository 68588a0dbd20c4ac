"""The fast path: the exact health of an account, as getAccountLiquidity decides it.

Contract function: Comptroller.getHypotheticalAccountLiquidityInternal. It reads the price of every entered market, also
of those in which the account has nothing, so one broken price hides everybody who is in that market and owes.
"""

from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Node, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.compound_v2.market import HELD, IDLE, INDEX, MINTED, PRINCIPAL, SCALED, Listed, Market
from monitor.protocols.compound_v2.math import Standing, minted_owed_raw, owed_raw
from monitor.units import WAD


@dataclass(frozen=True, slots=True)
class Priced:
    """A market under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


class Stake(NamedTuple):
    """What an account has stored in one market; `held` is None where it has not entered, `idle` is held there then."""

    place: int
    held: int | None
    idle: int
    principal_raw: int
    at_index: int
    bearing_raw: int = 0


class Sums(NamedTuple):
    """Both sides of the comparison, in base units: weighted collateral, and debt."""

    collateral: int
    debt: int


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node the market does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def stakes_of(account: Account) -> list[Stake]:
    """Return what the account has in each market, in the order of the places."""
    found: dict[int, list[int | None]] = {}
    for asset, kind, raw in ((b.asset, b.kind, b.raw) for b in account.balances):
        row = found.get(asset)
        if row is None:
            row = found[asset] = [None, 0, 0, 0, 0, 0]
        row[kind] = raw
    return [
        Stake(place, row[HELD], row[IDLE] or 0, row[PRINCIPAL] or 0, row[INDEX] or 0, row[SCALED] or 0)
        for place, row in found.items()
    ]


def debt_of(stake: Stake, standing: Standing) -> int:
    """Return what is owed in a market whose interest stands there."""
    if stake.place == MINTED:
        return minted_owed_raw(stake.principal_raw, stake.at_index, stake.bearing_raw, standing.borrow_index)
    return owed_raw(stake.principal_raw, stake.at_index, standing.borrow_index)


def is_debtor(account: Account) -> bool:
    """Whether anything is owed."""
    return any(balance.kind == PRINCIPAL for balance in account.balances)


def collateral_price(view: Priced, node: Node) -> Value:
    """Return a price as collateral; zero is the contract's own word for an error."""
    return _positive(on_collateral_side(view.prices[node]))


def debt_price(view: Priced, node: Node) -> Value:
    """Return a price as debt."""
    return _positive(on_debt_side(view.prices[node]))


def sums_of(view: Priced, account: Account) -> Sums | Unknown:
    """Return both sides, or why something that the contract reads is not known.

    One pass over the rows as they are ordered: by market, cTokens before the debt, its principal before its index.
    """
    listed, category = view.market.listed, account.category
    collateral = debt = principal_raw = 0
    entered: Listed | None = None
    for row in account.balances:
        kind = row.kind
        if kind == HELD:
            entered = listed.get(row.asset)
            if entered is None:
                return Unknown(f"market {row.asset} is not part of the comptroller as it was read")
            worth = _worth_of_collateral(view, entered, category, row.raw)
            if isinstance(worth, Unknown):
                return worth
            collateral += worth
        elif kind == PRINCIPAL:
            principal_raw = row.raw
        elif kind == INDEX and entered is not None and entered.place == row.asset:
            worth = _worth_of_debt(view, entered, principal_raw, row.raw)
            if isinstance(worth, Unknown):
                return worth
            debt += worth
    minted = _worth_of_minted(view, account)
    return minted if isinstance(minted, Unknown) else Sums(collateral, debt + minted)


def _worth_of_collateral(view: Priced, one: Listed, category: int, held: int) -> int | Unknown:
    rules, standing = view.market.layout.rules, one.standing
    if isinstance(standing, Unknown):
        return standing
    if not held and rules.skips_empty:
        return 0
    price = view.prices[one.asset.node]
    if type(price) is not int or price <= 0:
        price = collateral_price(view, one.asset.node)
        if isinstance(price, Unknown):
            return price
    return rules.worth_wad(one.terms_of(category).weight_wad, standing.exchange_rate_wad, price) * held // WAD


def _worth_of_debt(view: Priced, one: Listed, principal_raw: int, at_index: int) -> int | Unknown:
    standing, price = one.standing, view.prices[one.asset.node]
    if isinstance(standing, Unknown):
        return standing
    if type(price) is not int or price <= 0:
        price = debt_price(view, one.asset.node)
        if isinstance(price, Unknown):
            return price
    return price * owed_raw(principal_raw, at_index, standing.borrow_index) // WAD


def _worth_of_minted(view: Priced, account: Account) -> int | Unknown:
    """Return what a minted debt is worth, which stands before all other rows."""
    one = view.market.minted
    if one is None or not account.balances or account.balances[0].asset != MINTED:
        return 0
    price = debt_price(view, one.asset.node)
    if isinstance(one.standing, Unknown):
        return one.standing
    return price if isinstance(price, Unknown) else price * debt_of(stakes_of(account)[0], one.standing) // WAD


def collateral_of(view: Priced, account: Account) -> int | Unknown:
    """Return what all entered collateral is worth without weights, in base units."""
    total = 0
    for stake in stakes_of(account):
        held, one = stake.held, view.market.listed.get(stake.place)
        if not held or one is None:
            continue
        price = collateral_price(view, one.asset.node)
        if isinstance(price, Unknown):
            return price
        if isinstance(one.standing, Unknown):
            return one.standing
        total += one.standing.exchange_rate_wad * price // WAD * held // WAD
    return total


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health; without a debt no price is read, and a debt worth nothing in base units is none."""
    if not is_debtor(account):
        return NoDebt()
    sums = sums_of(view, account)
    if isinstance(sums, Unknown):
        return Unmeasurable(sums.reason)
    if not sums.debt:
        return NoDebt()
    return Measured(sums.collateral, sums.debt, Line.BELOW, None)


def _positive(value: Value) -> Value:
    return value if isinstance(value, Unknown) or value > 0 else Unknown("the oracle's price is 0 (PRICE_ERROR)")
