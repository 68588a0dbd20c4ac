"""The fast path: available margin over required maintenance margin, as PerpsAccount.isEligibleForLiquidation does.

Contract functions: PerpsAccount.getAvailableMargin, getAccountRequiredMargins, getPossibleLiquidationReward,
isEligibleForMarginLiquidation, getWithdrawableMargin; LiquidationModule.canLiquidate, canLiquidateMarginOnly.
"""

from dataclasses import dataclass

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.synthetix_v3.market import (
    CHARGED,
    COIN,
    DEBT,
    ENTRY,
    FUNDED,
    FUNDED_BELOW,
    LONG,
    SHORT,
    USD,
    Market,
    Traded,
    feeds_of,
)
from monitor.protocols.synthetix_v3.math import discount, initial_ratio, keeper_reward, mul, windows
from monitor.units import WAD


@dataclass(frozen=True, slots=True)
class Priced:
    """A perps market under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


@dataclass(frozen=True, slots=True)
class Position:
    """One position, in dollars: what it is worth, was opened for, has gained, received in funding and owes in interest.

    `initial` and `maintenance` are its own parts of the requirements.
    """

    place: int
    size: int
    price: int
    entry: int
    gain: int
    funding: int
    interest: int
    notional: int
    initial: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class Held:
    """One collateral: amount, worth, and the part that does not count."""

    place: int
    raw: int
    worth: int
    discount: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What an account adds up to in dollars. `initial` and `maintenance` include the reward, as getRequiredMargins has.

    `margin_reward` is what liquidating it pays where it has no positions; `flag_cost` and `flag_reward` make `reward`.
    """

    positions: tuple[Position, ...]
    coins: tuple[Held, ...]
    debt: int
    counted: int
    whole: int
    available: int
    initial: int
    maintenance: int
    reward: int
    margin_reward: int
    flag_cost: int
    flag_reward: int
    withdrawable: int
    is_flagged: bool

    @property
    def notional(self) -> int:
        return sum(one.notional for one in self.positions)

    @property
    def can_liquidate(self) -> bool:
        """What canLiquidate says: flagged already, or less margin than required, which may be nothing."""
        return self.is_flagged or self.maintenance > self.available

    @property
    def can_liquidate_margin(self) -> bool:
        """What canLiquidateMarginOnly says: a debt without positions that the margin less the reward does not cover."""
        return not self.positions and self.debt > 0 and self.available < self.margin_reward


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the market under a repricing; raises UsageError when that names a node it does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def price_of(view: Priced, traded: Traded, *, is_long: bool) -> Value:
    """Return the price that values a position: as collateral a long's, as debt a short's."""
    price = view.prices[traded.node]
    return on_collateral_side(price) if is_long else on_debt_side(price)


def sums_of(view: Priced, account: Account) -> Sums | str:
    """Return what an account adds up to, or why a price that the contracts read is not known."""
    market, found = view.market, _parts(view, account)
    if isinstance(found, str):
        return found
    debt, coins, positions = found
    if isinstance(market.costs, Unknown):
        return market.costs.reason
    feeds = feeds_of(account.balances)
    if feeds >= len(market.costs.flag):
        return f"what flagging costs with {feeds} feeds is more than the caps of the market let an account have"
    counted = sum(mul(one.worth, WAD - one.discount) for one in coins)
    whole = sum(one.worth for one in coins)
    gained = sum(one.gain + one.funding - one.interest for one in positions)
    available = counted + gained - debt
    flag_cost, cost = market.costs.flag[feeds], market.costs.liquidate
    collateral_reward = mul(whole, market.collateral_reward_ratio)
    flag_reward = sum(mul(one.notional, market.traded[one.place].terms.flag_reward_ratio) for one in positions)
    reward, initial, maintenance = 0, 0, 0
    if positions:
        reward = keeper_reward(max(flag_reward, collateral_reward), flag_cost + cost, whole, market.guards)
        count = max(windows(abs(one.size), market.traded[one.place].window) for one in positions)
        if count:
            reward += keeper_reward(0, cost, 0, market.guards) * (count - 1)
        initial = sum(one.initial for one in positions) + reward
        maintenance = sum(one.maintenance for one in positions) + reward
    return Sums(
        positions=tuple(positions),
        coins=tuple(coins),
        debt=debt,
        counted=counted,
        whole=whole,
        available=available,
        initial=initial,
        maintenance=maintenance,
        reward=reward,
        margin_reward=0 if positions else keeper_reward(collateral_reward, flag_cost + cost, whole, market.guards),
        flag_cost=flag_cost,
        flag_reward=flag_reward,
        withdrawable=0 if debt else available - initial if positions else whole,
        is_flagged=int(account.key, 16) in market.flagged,
    )


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health under the view's repricing."""
    sums = sums_of(view, account)
    return health_without(account, sums) if isinstance(sums, str) else health_by(sums)


def health_without(account: Account, reason: str) -> Health:
    """Return the health where a price is not known: no debt for who has neither a position nor a debt."""
    is_exposed = any(b.kind in (LONG, SHORT, DEBT) for b in account.balances)
    return Unmeasurable(reason) if is_exposed else NoDebt()


def health_by(sums: Sums) -> Health:
    """Return available margin over requirement; of a debt without positions, over what its liquidation pays.

    A requirement of nothing is one unit where the margin is negative: then it can be liquidated.
    """
    required = sums.maintenance if sums.positions else sums.margin_reward if sums.debt else 0
    if required:
        return Measured(sums.available, required, Line.BELOW, None)
    return Measured(sums.available, 1, Line.BELOW, None) if sums.available < 0 else NoDebt()


def _parts(view: Priced, account: Account) -> tuple[int, list[Held], list[Position]] | str:
    """Return debt, collaterals and positions, or why a price is not known."""
    debt, sizes, stored, coins = 0, dict[int, int](), dict[tuple[int, int], int](), list[Held]()
    for balance in account.balances:
        kind, place = balance.kind, balance.asset
        if kind == COIN:
            held = _held(view, place, balance.raw)
            if isinstance(held, str):
                return held
            coins.append(held)
        elif kind in (LONG, SHORT):
            sizes[place] = balance.raw if kind == LONG else -balance.raw
        elif kind == DEBT:
            debt = balance.raw
        else:
            stored[place, kind] = balance.raw
    positions = list[Position]()
    for place, size in sizes.items():
        found = _position(view, place, size, stored)
        if isinstance(found, str):
            return found
        positions.append(found)
    return debt, coins, positions


def _held(view: Priced, place: int, raw: int) -> Held | str:
    coin = view.market.coins.get(place)
    if coin is None:
        return f"collateral {(place - 2) // 2} is none that the market accepts, so that its terms were not read"
    if place == USD:
        return Held(place, raw, raw, 0)
    price = on_collateral_side(view.prices[coin.node])
    if isinstance(price, Unknown):
        return price.reason
    return Held(place, raw, mul(raw, price), discount(raw, coin.skew_scale, coin.scalar, coin.lower, coin.upper))


def _position(view: Priced, place: int, size: int, stored: dict[tuple[int, int], int]) -> Position | str:
    market = view.market
    traded = market.traded.get(place)
    if traded is None:
        return f"market {place} is not part of the house as it was read"
    price = price_of(view, traded, is_long=size > 0)
    if isinstance(price, Unknown):
        return price.reason
    terms, entry, size_abs = traded.terms, stored.get((place, ENTRY), 0), abs(size)
    funded = stored.get((place, FUNDED), 0) - stored.get((place, FUNDED_BELOW), 0)
    charged = market.interest.accrued - stored.get((place, CHARGED), 0)
    if charged < 0:
        return "interest below what the position was charged reverts"
    notional = mul(size_abs, price)
    ratio = initial_ratio(size_abs, terms.skew_scale, terms.initial_margin_ratio, terms.least_initial_ratio)
    return Position(
        place=place,
        size=size,
        price=price,
        entry=entry,
        gain=mul(size, price - entry),
        funding=mul(size, traded.stored_funding + mul(traded.per_price, price) - funded),
        interest=mul(mul(notional, terms.locked_ratio), charged),
        notional=notional,
        initial=mul(notional, ratio) + terms.least_margin,
        maintenance=mul(notional, mul(ratio, terms.maintenance_scalar)) + terms.least_margin,
    )
