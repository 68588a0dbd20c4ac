"""The fast path: account value over maintenance requirement, as ClearingHouse.liquidate compares them.

Contract functions: Vault.getAccountValue (toward minus infinity, in units of the settlement token),
ClearingHouse.getAccountValue, AccountBalance.getMarginRequirementForLiquidation, Vault.isLiquidatable.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.perp_v2.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    COIN,
    DEBT_LIMIT,
    FEE,
    FUNDING_DUE,
    FUNDING_OWED,
    LONG,
    ORDERS,
    OWN_LONG,
    OWN_QUOTE,
    OWN_QUOTE_OWED,
    OWN_SHORT,
    QUOTE,
    QUOTE_OWED,
    REALISED,
    REALISED_LOSS,
    SHORT,
    Market,
)
from monitor.protocols.perp_v2.math import coin_value_down, parsed, ratio_down, settled_down, value_to_zero

_MINUS = {CASH_OWED: CASH, REALISED_LOSS: REALISED, SHORT: LONG, QUOTE_OWED: QUOTE, FUNDING_OWED: FUNDING_DUE}
_OWN = {OWN_LONG: (LONG, 1), OWN_SHORT: (LONG, -1), OWN_QUOTE: (QUOTE, 1), OWN_QUOTE_OWED: (QUOTE, -1)}


@dataclass(frozen=True, slots=True)
class Priced:
    """A house under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


@dataclass(frozen=True, slots=True)
class Position:
    """One market of an account, signed: size, open notional, funding to receive, value, and what a maker owes of it."""

    place: int
    size: int
    notional: int
    funding: int
    orders: int
    value: int
    own_base: int
    own_quote: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What an account adds up to, 18 decimals unless it says `_raw` (settlement tokens).

    `collateral` is the totalCollateralValue of the contracts; `equity` the floored account value that is compared.
    `settlement` is the whole value in the settlement token, unrealised profit included.
    """

    positions: tuple[Position, ...]
    cash_raw: int
    fee: int
    realised: int
    coins: Mapping[int, tuple[int, int]]
    coins_counted: int
    coins_whole: int
    collateral: int
    account_value: int
    equity: int
    notional: int
    maintenance: int
    initial: int
    free_raw: int
    settlement: int
    coin_limit: int
    is_coin_sale_open: bool


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the house under a repricing; raises UsageError when that names a node it does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def mark_of(view: Priced, place: int, size: int) -> Value:
    """Return the price that values a position: as collateral a long's, as debt a short's."""
    price = view.prices[view.market.traded[place].node]
    return on_collateral_side(price) if size >= 0 else on_debt_side(price)


def sums_of(view: Priced, account: Account) -> Sums | str:
    """Return what an account adds up to, or why a price that the contracts read is not known."""
    market, ratios = view.market, view.market.ratios
    held = _held(account)
    positions: list[Position] = []
    for place in sorted({asset for asset, _ in held if asset % 2}):
        if place not in market.traded:
            return f"market {place} is not part of the house as it was read"
        found = _position(view, place, held)
        if isinstance(found, str):
            return found
        positions.append(found)
    coins, counted, whole = dict[int, tuple[int, int]](), 0, 0
    for (place, kind), raw in held.items():
        if kind != COIN:
            continue
        coin = market.coins.get(place)
        if coin is None:
            return f"collateral {place} is not part of the house as it was read"
        price = on_collateral_side(view.prices[coin.node])
        if isinstance(price, Unknown):
            return price.reason
        worth = coin_value_down(raw, coin.token.decimals, price, coin.price_unit)
        coins[place] = raw, worth
        counted += ratio_down(worth, coin.ratio_ppm)
        whole += worth
    decimals = market.layout.settlement.decimals
    cash_raw, fee, realised = (held.get((ACCOUNT, kind), 0) for kind in (CASH, FEE, REALISED))
    settlement_balance = parsed(cash_raw, decimals) + fee + sum(p.funding for p in positions) + realised
    unrealised = sum(p.value for p in positions) + sum(p.notional for p in positions)
    collateral = counted + settlement_balance
    account_value = collateral + unrealised
    notional = sum(abs(p.value) for p in positions)
    initial = ratio_down(_debt(positions, view), ratios.initial_ppm)
    settlement, limit_raw = settlement_balance + unrealised, held.get((ACCOUNT, DEBT_LIMIT), 0)
    coin_limit = min(ratio_down(counted, ratios.debt_to_coins_ppm), parsed(limit_raw + 1, decimals) - 1)
    is_short_of_margin = account_value < ratio_down(notional, ratios.coin_maintenance_ppm)
    return Sums(
        positions=tuple(positions),
        cash_raw=cash_raw,
        fee=fee,
        realised=realised,
        coins=coins,
        coins_counted=counted,
        coins_whole=whole,
        collateral=collateral,
        account_value=account_value,
        equity=parsed(settled_down(account_value, decimals), decimals),
        notional=notional,
        maintenance=ratio_down(notional, ratios.maintenance_ppm),
        initial=initial,
        free_raw=settled_down(max(min(collateral, account_value) - initial, 0), decimals),
        settlement=settlement,
        coin_limit=coin_limit,
        is_coin_sale_open=bool(coins) and (is_short_of_margin or max(-settlement, 0) > coin_limit),
    )


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health under the view's repricing."""
    sums = sums_of(view, account)
    return health_without(account, sums) if isinstance(sums, str) else health_by(sums)


def health_without(account: Account, reason: str) -> Health:
    """Return the health where a price is not known: no debt for who has neither a position nor anything to pay."""
    held = _held(account)
    has_position = any(asset % 2 for asset, _ in held)
    owes = held.get((ACCOUNT, CASH), 0) < 0 or held.get((ACCOUNT, REALISED), 0) < 0
    return Unmeasurable(reason) if has_position or owes else NoDebt()


def health_by(sums: Sums) -> Health:
    """Return account value over requirement; without a position, what a debt may be over the debt.

    A requirement that rounds to nothing is one unit where the value is negative: then any position can be taken.
    """
    if any(position.size for position in sums.positions):
        if sums.maintenance:
            return Measured(sums.equity, sums.maintenance, Line.BELOW, None)
        return Measured(sums.equity, 1, Line.BELOW, None) if sums.equity < 0 else NoDebt()
    debt = max(-sums.settlement, 0)
    if not debt or not sums.coins:
        return NoDebt()
    return Measured(min(sums.coin_limit, sums.coins_counted), debt, Line.BELOW, None)


def _held(account: Account) -> dict[tuple[int, int], int]:
    """Return the account's numbers with their signs, by asset and kind; OWN_* and DEBT_LIMIT as they are."""
    found: dict[tuple[int, int], int] = {}
    for balance in account.balances:
        if balance.kind in _MINUS:
            found[balance.asset, _MINUS[balance.kind]] = -balance.raw
        else:
            found[balance.asset, balance.kind] = balance.raw
    return found


def _position(view: Priced, place: int, held: Mapping[tuple[int, int], int]) -> Position | str:
    size, notional, funding = (held.get((place, kind), 0) for kind in (LONG, QUOTE, FUNDING_DUE))
    own = {LONG: size, QUOTE: notional}
    for kind, (whole, sign) in _OWN.items():
        if (place, kind) in held:
            own[whole] = sign * held[place, kind]
    value = 0
    if size or own[LONG] < 0:
        price = mark_of(view, place, size)
        if isinstance(price, Unknown):
            return price.reason
        value = value_to_zero(size, price)
    return Position(place, size, notional, funding, held.get((place, ORDERS), 0), value, own[LONG], own[QUOTE])


def _debt(positions: list[Position], view: Priced) -> int:
    """Return what an account owes in all its markets (AccountBalance.getTotalDebtValue)."""
    base = 0
    for position in positions:
        price = mark_of(view, position.place, position.own_base)
        if position.own_base < 0 and isinstance(price, int):
            base += value_to_zero(position.own_base, price)
    return -(base + min(sum(position.own_quote for position in positions), 0))
