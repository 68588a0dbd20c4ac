"""The fast path: what is left of a position's margin over what is required, as a liquidation compares them.

Contract functions: PositionUtils.isPositionLiquidatable with both flags set, as DecreasePositionUtils asks it after the
funding and borrowing of the market were brought to the block.
"""

from dataclasses import dataclass, field

from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, SidedValue, Unknown, Value
from monitor.ledger.accounts import Account
from monitor.pricing.graph import Prices, on_collateral_side, on_debt_side
from monitor.protocols.gmx_v2 import math
from monitor.protocols.gmx_v2.market import (
    Accrued,
    Market,
    State,
    Terms,
    collateral_node,
    high_node,
    price_node,
)
from monitor.protocols.gmx_v2.math import Price, Sides
from monitor.protocols.gmx_v2.positions import Position, position_of


@dataclass(frozen=True, slots=True)
class Priced:
    """A deployment under one repricing. `_quotes` remembers what one kind of position of a market is judged at."""

    market: Market
    repricing: Repricing
    prices: Prices
    _quotes: dict[tuple[int, bool, bool], "Quotes | str"] = field(default_factory=dict, compare=False, repr=False)

    def quotes(self, place: int, *, is_long: bool, is_short_token: bool) -> "Quotes | str":
        """Return the prices of a kind of position, or why one of them, or the state of its market, is not known."""
        key = place, is_long, is_short_token
        found = self._quotes.get(key)
        if found is None:
            found = self._quotes[key] = _quotes(self, place, is_long=is_long, is_short_token=is_short_token)
        return found


@dataclass(frozen=True, slots=True)
class Quotes:
    """What the positions of one side of a market with one collateral are judged at.

    `mark` is the end of the index's price that profit is counted at, `interest` what balance is measured by. The
    token that backs the position is worth `collateral` where it is held and `owed` where costs are paid in it, which
    only haircuts tell apart. `pool_pnl_usd` is the whole profit of the side, maximised, `pool_usd` what pays it.
    """

    state: State
    terms: Terms
    index: Price
    mark: int
    collateral: int
    owed: int
    interest: Sides
    pool_pnl_usd: int
    pool_usd: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What closing costs, in smallest units of the collateral."""

    fee_raw: int
    borrowing_raw: int
    funding_raw: int

    @property
    def total_raw(self) -> int:
        return self.fee_raw + self.borrowing_raw + self.funding_raw


@dataclass(frozen=True, slots=True)
class Sums:
    """What a position adds up to, in dollars × 1e30 unless it says `_raw`."""

    position: Position
    quotes: Quotes
    collateral_usd: int
    pnl_usd: int
    uncapped_pnl_usd: int
    impact_usd: int
    costs: Costs
    remaining_usd: int
    least_usd: int
    least_for_leverage_usd: int

    @property
    def required_usd(self) -> int:
        """The least margin that is safe: one unit where nothing is required, since nothing left is not enough."""
        return max(self.least_usd, self.least_for_leverage_usd, 1)


def priced(market: Market, repricing: Repricing = PROTOCOL) -> Priced:
    """Return the deployment under a repricing; raises UsageError when that names a node it does not have."""
    return Priced(market, repricing, market.graph.evaluate(repricing))


def health_of(view: Priced, account: Account) -> Health:
    """Return the exact health under the view's repricing."""
    position = position_of(account)
    if position is None or not position.size_usd:
        return NoDebt()
    sums = sums_of(view, position)
    return Unmeasurable(sums) if isinstance(sums, str) else health_by(sums)


def health_by(sums: Sums) -> Health:
    """Return what is left over what is required."""
    return Measured(sums.remaining_usd, sums.required_usd, Line.BELOW, None)


def sums_of(view: Priced, position: Position, *, is_stored: bool = False, for_liquidation: bool = True) -> Sums | str:
    """Return what a position adds up to, or why a number that the contract reads is not known.

    `is_stored` takes what had accrued when the market was last touched, as `Reader.isPositionLiquidatable` does;
    `for_liquidation` is the contract's flag: the requirement of a liquidation, or of any other change.
    """
    quotes = view.quotes(position.place, is_long=position.is_long, is_short_token=position.is_short_token)
    if isinstance(quotes, str):
        return quotes
    size_usd, terms, state = position.size_usd, quotes.terms, quotes.state
    uncapped = math.pnl_usd(size_usd, position.size_raw, quotes.mark, is_long=position.is_long)
    pnl = math.capped_pnl_usd(
        uncapped, quotes.pool_pnl_usd, quotes.pool_usd, terms.most_pnl_factor.of(position.is_long)
    )
    costs = _costs(quotes, state.stored if is_stored else state.now, position)
    impact_usd = _impact_usd(quotes, position)
    collateral_usd = position.collateral_raw * quotes.collateral
    factor = terms.least_factor_for_liquidation if for_liquidation else terms.least_factor
    return Sums(
        position=position,
        quotes=quotes,
        collateral_usd=collateral_usd,
        pnl_usd=pnl,
        uncapped_pnl_usd=uncapped,
        impact_usd=impact_usd,
        costs=costs,
        remaining_usd=collateral_usd + pnl + impact_usd - costs.total_raw * quotes.owed,
        least_usd=view.market.layout.least_usd,
        least_for_leverage_usd=math.part_down(size_usd, factor),
    )


def _quotes(view: Priced, place: int, *, is_long: bool, is_short_token: bool) -> Quotes | str:
    """Return the prices of a kind of position: what it owns as collateral, what it owes as debt."""
    market = view.market
    if place >= len(market.traded):
        return f"market {place} is not part of the deployment as it was read"
    traded = market.traded[place]
    state, terms, listed = traded.state, traded.terms, traded.listed
    if isinstance(state, str):
        return state
    backing = view.prices[collateral_node(listed.collateral(is_short_token))]
    values = [
        _side(view.prices[price_node(listed.index_token)], is_long=is_long),
        _side(view.prices[high_node(listed.index_token)], is_long=is_long),
        on_collateral_side(backing),
        on_debt_side(backing),
        on_collateral_side(view.prices[price_node(listed.collateral(not is_long))]),
    ]
    known = [value for value in values if isinstance(value, int)]
    if len(known) < len(values):
        return next(value.reason for value in values if isinstance(value, Unknown))
    low, high, collateral, owed, pool = known
    if owed <= 0:
        return "a collateral without a price cannot pay a fee"
    index, usd, raw = Price(low, high), state.interest_usd, state.interest_raw
    pool_pnl_usd, pool_usd = math.pool_usd(usd, raw, state.pool_raw, index, pool, is_long=is_long)
    return Quotes(
        state=state,
        terms=terms,
        index=index,
        mark=index.for_pnl(is_long, is_maximised=False),
        collateral=collateral,
        owed=owed,
        interest=math.interest_for_balance(usd, raw, index, counts_tokens=market.layout.counts_tokens),
        pool_pnl_usd=pool_pnl_usd,
        pool_usd=pool_usd,
    )


def _side(value: Value | SidedValue, *, is_long: bool) -> Value:
    return on_collateral_side(value) if is_long else on_debt_side(value)


def _impact_usd(quotes: Quotes, position: Position) -> int:
    """Return the impact that counts; most markets leave it out, and powers are slow."""
    most, terms = quotes.terms.most_impact_for_liquidations, quotes.terms
    if not most:
        return 0
    size_usd = position.size_usd
    closing_usd = math.closing_impact_usd(
        terms.curve, quotes.interest, quotes.state.virtual_usd, size_usd, is_long=position.is_long
    )
    pending_usd = math.pending_impact_usd(position.impact_raw, quotes.index)
    return math.liquidation_impact_usd(closing_usd, size_usd, min(terms.most_impact), pending_usd, most)


def _costs(quotes: Quotes, accrued: Accrued, position: Position) -> Costs:
    size_usd, is_long, price = position.size_usd, position.is_long, quotes.owed
    owed_usd = math.borrowing_usd(size_usd, accrued.borrowing.of(is_long), position.borrowing)
    per_size = accrued.fees.of(is_long, position.is_short_token)
    fee_factor = quotes.terms.fee_factor.of(math.is_balancing(quotes.interest, size_usd, is_long=is_long))
    return Costs(
        fee_raw=math.fee_raw_down(size_usd, fee_factor, price, position.discount),
        borrowing_raw=owed_usd // price,
        funding_raw=math.funding_fee_raw_up(size_usd, per_size, position.fees),
    )
