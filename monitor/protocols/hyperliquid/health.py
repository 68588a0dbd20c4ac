"""The fast path: equity over maintenance requirement, as the venue compares them in each mode.

Rules: Hyperliquid documentation, "liquidations" (account value below maintenance), "account abstraction modes" (the
ratio of unified accounts), "portfolio margin" (a ratio above 0.95).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.domain.health import Health, NoDebt, Unmeasurable
from monitor.domain.ids import PositionKey
from monitor.domain.moment import VenueMoment, skew_s
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.health.perp import health_of
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.hyperliquid.market import (
    ACCOUNT,
    BORROWED,
    CASH,
    CASH_OWED,
    COIN,
    COUNTED,
    ELSEWHERE,
    ENTRY,
    EXTRA,
    EXTRA_OWED,
    HELD,
    LEVERAGE,
    LONG,
    READ_AT,
    SHORT,
    Market,
    Mode,
    Traded,
    asset_of,
)
from monitor.protocols.hyperliquid.math import CASH as CASH_UNIT
from monitor.protocols.hyperliquid.math import (
    MIN_BORROW_OFFSET,
    MOST_SIZE_DECIMALS,
    PORTFOLIO_LINE_PERCENT,
    maintenance,
    value_of,
)
from monitor.units import div_up

MOST_SKEW_S = 3_600
"""Balances hold until their owner acts or funding is settled, which is hourly; older ones are not known any more."""
COIN_DECIMALS = MOST_SIZE_DECIMALS


@dataclass(frozen=True, slots=True)
class Priced:
    """A dex under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


@dataclass(frozen=True, slots=True)
class Position:
    """One position: what is traded, signed size, and signed value and entry, with what it requires."""

    traded: Traded
    size: int
    entry: int
    value: int
    initial: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class Pledged:
    """A coin of portfolio margin: how much there is and how much of it counts, with their values."""

    place: int
    amount_raw: int
    worth: int
    counted: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What a unit adds up to, 18 decimals unless it says `_raw` (collateral tokens).

    `equity` is what the predicate compares with `maintenance`; `balance` is cash and what positions were opened for.
    """

    mode: Mode
    positions: tuple[Position, ...]
    pledged: tuple[Pledged, ...]
    cash_raw: int
    balance: int
    extra: int
    elsewhere: int
    borrowed: int
    held: int
    notional: int
    initial: int
    maintenance: int
    equity: int

    @property
    def is_joined(self) -> bool:
        """Whether a part of it does not move with the prices of the market or is not told as the venue counts it."""
        return bool(
            self.borrowed or self.extra or self.pledged or self.mode is Mode.UNEXPLAINED
        ) or self.elsewhere * 100 > max(self.maintenance, 1)


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the dex under a repricing; raises UsageError when that names a node it does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def mark_of(view: Priced, traded: Traded, size: int) -> Value:
    """Return the price that values a position: as collateral a long's, as debt a short's."""
    price = view.prices[traded.node]
    return on_collateral_side(price) if size >= 0 else on_debt_side(price)


def held_by(account: Account) -> dict[tuple[int, int], int]:
    """Return the account's numbers by asset and kind."""
    return {(balance.asset, balance.kind): balance.raw for balance in account.balances}


def read_at(market: Market, held: Mapping[tuple[int, int], int]) -> VenueMoment:
    """Return when the balances were read; the market's own moment where they do not say it."""
    time_ms = held.get((ACCOUNT, READ_AT), market.at.server_time_ms)
    return VenueMoment(market.at.venue, None, time_ms, market.at.received_s)


def sums_of(view: Priced, account: Account) -> Sums | str:
    """Return what a unit adds up to, or why something that the venue counts is not known."""
    held, mode = held_by(account), Mode(account.category)
    apart_s = skew_s((view.market.at, read_at(view.market, held)))
    if apart_s > MOST_SKEW_S:
        return f"its balances and the prices are {apart_s} s apart, at most {MOST_SKEW_S} s hold"
    positions: list[Position] = []
    for place, kind in held:
        if kind in (LONG, SHORT):
            found = _position(view, place, kind, held)
            if isinstance(found, str):
                return found
            positions.append(found)
    pledged: list[Pledged] = []
    for place, kind in held:
        if kind == COUNTED:
            coin = _pledged(view, place, held)
            if isinstance(coin, str):
                return coin
            pledged.append(coin)
    cash_raw = held.get((ACCOUNT, CASH), 0) - held.get((ACCOUNT, CASH_OWED), 0)
    extra = (held.get((ACCOUNT, EXTRA), 0) - held.get((ACCOUNT, EXTRA_OWED), 0)) * CASH_UNIT
    elsewhere, borrowed = (held.get((ACCOUNT, kind), 0) * CASH_UNIT for kind in (ELSEWHERE, BORROWED))
    value = cash_raw * CASH_UNIT + extra + sum(p.value for p in positions) + sum(p.counted for p in pledged)
    required = elsewhere + sum(p.maintenance for p in positions)
    if borrowed:
        required += borrowed + MIN_BORROW_OFFSET
    return Sums(
        mode=mode,
        positions=tuple(positions),
        pledged=tuple(pledged),
        cash_raw=cash_raw,
        balance=cash_raw * CASH_UNIT + sum(p.entry for p in positions),
        extra=extra,
        elsewhere=elsewhere,
        borrowed=borrowed,
        held=held.get((ACCOUNT, HELD), 0) * CASH_UNIT,
        notional=sum(abs(p.value) for p in positions),
        initial=sum(p.initial for p in positions),
        maintenance=required,
        equity=value * PORTFOLIO_LINE_PERCENT // 100 if mode is Mode.PORTFOLIO else value,
    )


def health_of_account(view: Priced, account: Account) -> Health:
    """Return the exact health under the view's repricing."""
    sums = sums_of(view, account)
    return health_without(account, sums) if isinstance(sums, str) else health_by(sums)


def health_without(account: Account, reason: str) -> Health:
    """Return the health where something is not known: no debt for who has neither a position nor a loan."""
    risky = (LONG, SHORT, BORROWED, ELSEWHERE)
    return Unmeasurable(reason) if any(b.kind in risky and b.raw for b in account.balances) else NoDebt()


def health_by(sums: Sums) -> Health:
    """Return equity over requirement; one that is cut to nothing is one unit where the equity is negative."""
    is_under = bool(sums.positions) and sums.equity < 0
    return health_of(sums.equity, max(sums.maintenance, 1) if is_under else sums.maintenance)


def is_isolated(key: PositionKey) -> bool:
    return asset_of(key) is not None


def _position(view: Priced, place: int, kind: int, held: Mapping[tuple[int, int], int]) -> Position | str:
    traded = view.market.traded.get(place)
    if traded is None:
        return f"asset {place} is not part of the dex as it was read"
    if traded.tiers is None:
        return f"the margin table of {traded.token.symbol} is not told"
    sign = 1 if kind == LONG else -1
    size = sign * held[place, kind]
    price = mark_of(view, traded, size)
    if isinstance(price, Unknown):
        return f"{traded.token.symbol}: {price.reason}"
    value = value_of(size, traded.token.decimals, price)
    return Position(
        traded=traded,
        size=size,
        entry=sign * held.get((place, ENTRY), 0) * CASH_UNIT,
        value=value,
        initial=div_up(abs(value), max(held.get((place, LEVERAGE), 1), 1)),
        maintenance=maintenance(traded.tiers, abs(value)),
    )


def _pledged(view: Priced, place: int, held: Mapping[tuple[int, int], int]) -> Pledged | str:
    coin = view.market.coins.get(place)
    if coin is None:
        return f"coin {place} is not part of the dex as it was read"
    price = on_collateral_side(view.prices[coin.node])
    if isinstance(price, Unknown):
        return f"{coin.token.symbol}: {price.reason}"
    amount_raw = held.get((place, COIN), 0)
    worth = value_of(amount_raw, COIN_DECIMALS, price)
    return Pledged(place, amount_raw, worth, value_of(held[place, COUNTED], COIN_DECIMALS, price))
