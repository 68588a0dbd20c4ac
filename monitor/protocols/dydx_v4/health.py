"""The fast path: net collateral over maintenance requirement, as the chain compares them.

Chain functions: x/subaccounts/lib/updates.go, GetRiskForSubaccount; x/perpetuals/lib/lib.go,
GetPositionNetNotionalValueAndMarginRequirements; lib/margin/risk.go.
"""

from dataclasses import dataclass

from monitor.domain.health import Health, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.health.perp import health_of as equity_over
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.dydx_v4.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    ENTRY,
    HEIGHT,
    LONG,
    SHORT,
    Market,
    Traded,
)
from monitor.protocols.dydx_v4.math import Risk, initial_up, maintenance_up

MAX_SKEW_S = 3600
"""Positions and prices further apart than that are not joined: funding is taken each hour."""
BLOCK_S = 1
"""A block takes less: 0.62 to 0.65 s over the hours of 8 December 2025 that the indexer's funding times tell."""


@dataclass(frozen=True, slots=True)
class Priced:
    """The chain under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


@dataclass(frozen=True, slots=True)
class Position:
    """One position: signed size in base quantums, what it was opened for, and its part of the account's risk."""

    traded: Traded
    quantums: int
    entry: int
    price: int
    risk: Risk

    @property
    def value(self) -> int:
        return self.risk.net


@dataclass(frozen=True, slots=True)
class Sums:
    """What a subaccount adds up to, in quote quantums."""

    cash: int
    positions: tuple[Position, ...]
    risk: Risk

    @property
    def notional(self) -> int:
        return sum(abs(position.value) for position in self.positions)


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the chain under a repricing; raises UsageError when that names a node it does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def price_of(view: Priced, traded: Traded, quantums: int) -> Value:
    """Return the price that values a position: as collateral a long's, as debt a short's."""
    price = view.prices[traded.node]
    return on_collateral_side(price) if quantums >= 0 else on_debt_side(price)


def sums_of(view: Priced, account: Account) -> Sums | str:
    """Return what a subaccount adds up to, or why that is not known: a price, a market, or when it was."""
    cash, sizes, entries = 0, dict[int, int](), dict[int, int]()
    for balance in account.balances:
        match balance.kind:
            case kind if kind in (CASH, CASH_OWED) and balance.asset == ACCOUNT:
                cash = balance.raw if kind == CASH else -balance.raw
            case kind if kind in (LONG, SHORT):
                sizes[balance.asset] = balance.raw if kind == LONG else -balance.raw
            case kind if kind == ENTRY:
                entries[balance.asset] = balance.raw
    positions = list[Position]()
    for place, quantums in sizes.items():
        found = _position(view, place, quantums, entries.get(place, 0))
        if isinstance(found, str):
            return found
        positions.append(found)
    apart_s = skew_s(view.market, account)
    if positions and apart_s > MAX_SKEW_S:
        return f"its positions and the prices are {apart_s} s apart"
    risk = sum((position.risk for position in positions), Risk(cash, 0, 0))
    return Sums(cash, tuple(positions), risk)


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health under the view's repricing."""
    sums = sums_of(view, account)
    return health_without(account, sums) if isinstance(sums, str) else health_by(sums)


def health_without(account: Account, reason: str) -> Health:
    """Return the health where something is not known: nothing can be liquidated of who has no position."""
    has_position = any(balance.kind in (LONG, SHORT) for balance in account.balances)
    return Unmeasurable(reason) if has_position else NoDebt()


def health_by(sums: Sums) -> Health:
    """Return net collateral over maintenance requirement; without a requirement nothing is liquidatable.

    Unless net collateral is below zero: then positions too small to require anything are closed against others by
    deleveraging (x/clob/keeper/deleveraging.go, CanDeleverageSubaccount), and the requirement counts as one quantum.
    """
    risk = sums.risk
    if sums.positions and not risk.maintenance and risk.net < 0:
        return equity_over(risk.net, 1)
    return equity_over(risk.net, risk.maintenance)


def height_of(account: Account) -> int | None:
    """Return up to which block the indexer knew the subaccount, None where nothing was there to know."""
    return next((balance.raw for balance in account.balances if balance.kind == HEIGHT), None)


def skew_s(market: Market, account: Account) -> int:
    """Return how many seconds the subaccount is from the prices at most."""
    height = height_of(account)
    if height is None or market.at.height is None:
        return 0
    return abs(height - market.at.height) * BLOCK_S


def _position(view: Priced, place: int, quantums: int, entry: int) -> Position | str:
    traded = view.market.traded.get(place)
    if traded is None:
        return f"its market {place - 1} is not on the list as it was read"
    price = price_of(view, traded, quantums)
    if isinstance(price, Unknown):
        return price.reason
    return Position(traded, quantums, entry if quantums > 0 else -entry, price, risk_of(traded, quantums, price))


def risk_of(traded: Traded, quantums: int, price: int) -> Risk:
    """Return what a size in a market adds to an account's risk at a price."""
    value, tier = traded.value(quantums, price), traded.tier
    return Risk(
        value,
        initial_up(abs(value), traded.initial_ppm(price)),
        maintenance_up(abs(value), tier.initial_ppm, tier.maintenance_fraction_ppm),
    )
