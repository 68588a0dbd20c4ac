"""Accounts whose collateral is too small for a single liquidation: Venus's isolated pools close them as a whole.

Contract functions: Comptroller.liquidateAccount (all debts repaid against collateral of the liquidator's choice) and
Comptroller.healAccount (a part of every debt repaid for all collateral, the rest written off as bad debt).
"""

from dataclasses import dataclass

from monitor.domain.assessment import Quote
from monitor.domain.prices import Unknown
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v2.health import (
    Priced,
    Sums,
    collateral_of,
    collateral_price,
    debt_price,
    stakes_of,
    sums_of,
)
from monitor.protocols.compound_v2.market import Listed, Market
from monitor.protocols.compound_v2.math import owed_raw, seize_ratio_wad, times
from monitor.units import BPS, WAD

LIQUIDATE_ACCOUNT = "liquidateAccount(address,(address,address,uint256)[])"
HEAL_ACCOUNT = "healAccount(address)"


@dataclass(frozen=True, slots=True)
class Order:
    """One repayment of a batch: `repaid_raw` of a debt for `seized` cTokens, of which the protocol keeps `cut`."""

    debt: Listed
    collateral: Listed
    repaid_raw: int
    seized: int
    cut: int


@dataclass(frozen=True, slots=True)
class Healing:
    """What a healing repays of each debt, and takes of each collateral with what the protocol keeps of it, by place."""

    percentage_wad: int
    repaid_raw: dict[int, int]
    seized: dict[int, tuple[int, int]]


def is_small(view: Priced, account: Account) -> bool:
    """Return whether a single liquidation of the account is refused for the little collateral it has."""
    worth = collateral_of(view, account) if view.market.layout.rules.has_batches else None
    return isinstance(worth, int) and worth <= view.market.min_collateral


def is_healed(view: Priced, account: Account) -> bool:
    """Return whether the collateral does not pay for all debts with their bonus, so that the account is healed."""
    sums, worth = sums_of(view, account), collateral_of(view, account)
    if not isinstance(sums, Sums) or isinstance(worth, Unknown):
        return False
    return times(_incentive_wad(view.market), sums.debt) >= worth


def healing(view: Priced, account: Account) -> Healing | None:
    """Return what a healing does (Comptroller.healAccount); None where it would not go through."""
    sums, worth, market = sums_of(view, account), collateral_of(view, account), view.market
    if not isinstance(sums, Sums) or isinstance(worth, Unknown) or not sums.debt:
        return None
    incentive_wad = _incentive_wad(market)
    percentage_wad = worth * WAD // times(sums.debt, incentive_wad)
    repaid, seized = dict[int, int](), dict[int, tuple[int, int]]()
    for stake in stakes_of(account):
        one = market.listed[stake.place]
        if isinstance(one.standing, Unknown):
            return None
        if stake.held:
            if one.closed.seize:
                return None
            cut = market.layout.rules.protocol_cut(stake.held, one.seize_share_wad, incentive_wad)
            seized[stake.place] = stake.held, cut
        if stake.principal_raw:
            owed = owed_raw(stake.principal_raw, stake.at_index, one.standing.borrow_index)
            repaid[stake.place] = times(percentage_wad, owed)
            if repaid[stake.place] and one.closed.repay:
                return None
    return Healing(percentage_wad, repaid, seized)


def orders(view: Priced, account: Account) -> tuple[Order, ...]:
    """Return orders that repay every debt, each against the collateral that lasts; none where that does not do."""
    market = view.market
    left = {s.place: s.held for s in stakes_of(account) if s.held and not market.listed[s.place].closed.seize}
    made: list[Order] = []
    for stake in stakes_of(account):
        if not stake.principal_raw:
            continue
        debt = market.listed[stake.place]
        if isinstance(debt.standing, Unknown) or debt.closed.repay or debt.closed.liquidate:
            return ()
        owed = owed_raw(stake.principal_raw, stake.at_index, debt.standing.borrow_index)
        for place in list(left):
            order = _order(view, debt, market.listed[place], owed, left[place])
            if order is None:
                continue
            made.append(order)
            owed, left[place] = owed - order.repaid_raw, left[place] - order.seized
            if not owed:
                break
        if owed:
            return ()
    return tuple(made)


def quote(view: Priced, account: Account) -> Quote | None:
    """Return the closing of a small account; None where it would not go through or brings nothing.

    The two amounts are those of the debt and the collateral worth most; the profit is that of the whole.
    """
    if is_healed(view, account):
        healed = healing(view, account)
        if healed is None or not healed.seized:
            return None
        return _quote(view, healed.repaid_raw, healed.seized, HEAL_ACCOUNT, (account.key,))
    made = orders(view, account)
    if not made:
        return None
    repaid, seized = dict[int, int](), dict[int, tuple[int, int]]()
    for order in made:
        debt, collateral = order.debt.place, order.collateral.place
        repaid[debt] = repaid.get(debt, 0) + order.repaid_raw
        before = seized.get(collateral, (0, 0))
        seized[collateral] = before[0] + order.seized, before[1] + order.cut
    tuples = ",".join(
        f"({o.collateral.asset.ctoken.address},{o.debt.asset.ctoken.address},{o.repaid_raw})" for o in made
    )
    return _quote(view, repaid, seized, LIQUIDATE_ACCOUNT, (account.key, f"[{tuples}]"))


def _order(view: Priced, debt: Listed, collateral: Listed, owed: int, held: int) -> Order | None:
    price, worth = debt_price(view, debt.asset.node), collateral_price(view, collateral.asset.node)
    if isinstance(price, Unknown) or isinstance(worth, Unknown) or isinstance(collateral.standing, Unknown):
        return None
    incentive_wad = _incentive_wad(view.market)
    ratio_wad = seize_ratio_wad(incentive_wad, price, worth, collateral.standing.exchange_rate_wad)
    repaid_raw = min(owed, ((held + 1) * WAD - 1) // ratio_wad) if ratio_wad else 0
    if not ratio_wad or not repaid_raw:
        return None
    seized = times(ratio_wad, repaid_raw)
    cut = view.market.layout.rules.protocol_cut(seized, collateral.seize_share_wad, incentive_wad)
    return Order(debt, collateral, repaid_raw, seized, cut)


def _quote(
    view: Priced,
    repaid_raw: dict[int, int],
    seized: dict[int, tuple[int, int]],
    function: str,
    arguments: tuple[str, ...],
) -> Quote:
    listed = view.market.listed
    costs = {place: _debt_value(view, listed[place], raw) for place, raw in repaid_raw.items()}
    gains = {place: _collateral_value(view, listed[place], held - cut) for place, (held, cut) in seized.items()}
    debt, collateral = max(costs, key=costs.__getitem__), max(gains, key=gains.__getitem__)
    held, cut = seized[collateral]
    return Quote(
        debt=listed[debt].asset.underlying,
        collateral=listed[collateral].asset.ctoken,
        debt_to_cover_raw=repaid_raw[debt],
        collateral_to_liquidator_raw=held - cut,
        protocol_fee_raw=cut,
        bonus_bps=(_incentive_wad(view.market) - WAD) * BPS // WAD,
        profit_base=sum(gains.values()) - sum(costs.values()),
        target=view.market.comptroller,
        function=function,
        arguments=arguments,
    )


def _debt_value(view: Priced, one: Listed, raw: int) -> int:
    price = debt_price(view, one.asset.node)
    return 0 if isinstance(price, Unknown) else -(-price * raw // WAD)


def _collateral_value(view: Priced, one: Listed, ctokens: int) -> int:
    price = collateral_price(view, one.asset.node)
    if isinstance(price, Unknown) or isinstance(one.standing, Unknown):
        return 0
    return times(price, times(one.standing.exchange_rate_wad, ctokens))


def _incentive_wad(market: Market) -> int:
    """Return the pool's one incentive, which stands with every market."""
    return next(iter(market.listed.values())).terms_of(0).incentive_wad
