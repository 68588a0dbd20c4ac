"""The fast path: what is left of a trade's collateral over what must be left, where its liquidation price says so.

A long is liquidated at that price and below, a short at it and above. Multiplied out that is: collateral + profit -
costs <= collateral × (1 - threshold), with costs as of the same price. Functions: getLiquidationPrice of the SDK, and
FundingFeesUtils.sol, getTradePendingHoldingFeesCollateral, which unlike the SDK charges what funding had accrued before
it was switched off, borrowing of version 10 to older trades too, and counts a skew at what the collateral is worth.
"""

from dataclasses import dataclass
from typing import NamedTuple

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.gains import math
from monitor.protocols.gains.market import Market, Running, collateral_at, pair_at, pair_node, token_node
from monitor.protocols.gains.math import ONE, V10, Funded
from monitor.protocols.gains.trades import ACCRUED, PRICE, TOKEN_USD, Trade, trade_of


@dataclass(frozen=True, slots=True)
class Priced:
    """A deployment under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


class Quotes(NamedTuple):
    """Prices that a trade is judged at, as the nodes have them; the last is what the skew of its pair is counted in."""

    price: int
    token_usd: int
    measuring_usd: int


@dataclass(frozen=True, slots=True)
class Sums:
    """What a trade adds up to, in its collateral token times `ONE`; `price` is dollars × `ONE`.

    `token_usd` is dollars × 10^8, `old` what borrowing of version 1 costs, `realised` what has been booked of profit
    less fees, `spread` what that of closing costs. Costs are positive, funding that is earned is negative.
    """

    trade: Trade
    running: Running
    funded: Funded
    price: int
    token_usd: int
    collateral: int
    size: int
    pnl: int
    closing: int
    funding: int
    borrowing: int
    old: int
    realised: int
    spread: int
    required: int

    @property
    def costs(self) -> int:
        """What a liquidation price counts as fees."""
        return self.closing + self.funding + self.borrowing + self.old - self.realised

    @property
    def left(self) -> int:
        return self.collateral + self.pnl - self.costs - self.spread

    def usd(self, amount: int) -> int:
        """Return an amount of the collateral in dollars times `ONE`, of its first 22 decimals.

        Their ratio then does not depend on what the collateral is worth.
        """
        return amount // 10**8 * self.token_usd

    @property
    def liquidation_price(self) -> int:
        """The price the venue itself states, costs as they are now, dollars × `ONE`."""
        return math.liquidation_price(
            self.trade.open_price * PRICE,
            self.collateral,
            self.size,
            self.trade.may_lose,
            self.costs,
            math.over(self.spread, self.size),
            is_long=self.trade.is_long,
        )


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the deployment under a repricing; raises UsageError when that names a node it does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def health_of(view: Priced, account: Account) -> Health:
    """Return the health under the view's repricing."""
    trade = trade_of(account)
    if trade is None:
        return NoDebt()
    sums = sums_of(view, trade)
    return Unmeasurable(sums) if isinstance(sums, str) else health_by(sums)


def health_by(sums: Sums) -> Health:
    """Return the health that a trade's sums make, in dollars."""
    return Measured(sums.usd(sums.left), max(sums.usd(sums.required), 1), Line.AT_OR_BELOW, None)


def sums_of(view: Priced, trade: Trade) -> Sums | str:
    """Return what a trade adds up to, or why that is not known."""
    market, place = view.market, trade.place
    layout, number = market.layout, collateral_at(place)
    if pair_at(place) >= len(layout.pairs) or number not in layout.tokens:
        return f"pair {pair_at(place)} with collateral {number} is not part of the deployment as it was read"
    running = market.running.get(place, "what accrues in its pair was not read")
    quotes = quotes_of(view, place, is_long=trade.is_long)
    if isinstance(quotes, str) or isinstance(running, str):
        return str(quotes) if isinstance(quotes, str) else str(running)
    return _sums(market, trade, running, quotes)


def quotes_of(view: Priced, place: int, *, is_long: bool) -> Quotes | str:
    """Return the prices of trades at a place: what they own as collateral, what they owe as debt."""
    index, worth = view.prices[pair_node(pair_at(place))], view.prices[token_node(collateral_at(place))]
    values = (
        on_collateral_side(index) if is_long else on_debt_side(index),
        on_collateral_side(worth),
        on_debt_side(worth),
    )
    known = [value for value in values if isinstance(value, int)]
    unknown = next((value.reason for value in values if isinstance(value, Unknown)), None)
    if unknown is not None:
        return unknown
    price, token_usd, measuring_usd = known
    return (
        "a collateral without a price has no least fee" if token_usd <= 0 else Quotes(price, token_usd, measuring_usd)
    )


def _sums(market: Market, trade: Trade, running: Running, quotes: Quotes) -> Sums:
    number, price = collateral_at(trade.place), quotes.price * PRICE
    pair, scale = market.layout.pairs[pair_at(trade.place)], 10 ** (30 - market.layout.tokens[number].decimals)
    now_s, open_price = market.at.timestamp_s, trade.open_price * PRICE
    collateral, size = trade.collateral_raw * scale, trade.size_raw * scale
    moved = price - open_price if trade.is_long else open_price - price
    funded = math.funded(running.funding, price, now_s, quotes.measuring_usd * TOKEN_USD)
    funding, borrowed = 0, math.borrowed(running.borrowing, price, now_s) - trade.borrowed * ACCRUED
    if trade.version >= V10:
        accrued = funded.long if trade.is_long else funded.short
        funding = math.accrued_fee(size, accrued - trade.funded * ACCRUED, open_price)
    multiplier = pair.counter_multiplier if trade.is_counter else ONE
    return Sums(
        trade=trade,
        running=running,
        funded=funded,
        price=price,
        token_usd=quotes.token_usd,
        collateral=collateral,
        size=size,
        pnl=size * moved // open_price,
        closing=math.closing_fee(size, pair.fee, pair.least_usd, quotes.token_usd * TOKEN_USD, multiplier),
        funding=funding,
        borrowing=math.accrued_fee(size, borrowed, open_price),
        old=size * old_part(running, trade) // (100 * ONE),
        realised=(trade.profit_raw - trade.fees_raw) * scale,
        spread=math.times(size, trade.spread(pair.spread)),
        required=math.times(collateral, ONE - trade.may_lose),
    )


def old_part(running: Running, trade: Trade) -> int:
    """Return the per cent of its size that version 1 of borrowing has cost a trade so far, times `ONE`."""
    side = 0 if trade.is_long else 1
    old = running.old
    return math.old_part(trade.began, old.groups[side], old.now[side], old.group_now[side])
