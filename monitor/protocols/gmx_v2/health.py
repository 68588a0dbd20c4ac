"""The fast path: what is left of a position's margin over what is required, as a liquidation compares them.

Contract functions: PositionUtils.isPositionLiquidatable with both flags set, as DecreasePositionUtils asks it after the
funding and borrowing of the market were brought to the block.
"""

from dataclasses import dataclass

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
    Traded,
    collateral_node,
    high_node,
    price_node,
)
from monitor.protocols.gmx_v2.math import Impact, Price
from monitor.protocols.gmx_v2.positions import Position, position_of


@dataclass(frozen=True, slots=True)
class Priced:
    """A deployment under one repricing."""

    market: Market
    repricing: Repricing
    prices: Prices


@dataclass(frozen=True, slots=True)
class Quotes:
    """The prices that a position is judged at; `pool` is that of the token the pool pays its profit in."""

    index: Price
    collateral: int
    pool: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What closing costs, in smallest units of the collateral, and what has been earned and not claimed."""

    fee_raw: int
    borrowing_raw: int
    funding_raw: int
    claim_long_raw: int
    claim_short_raw: int

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
    closing: Impact
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
    market = view.market
    if position.place >= len(market.traded):
        return f"market {position.place} is not part of the deployment as it was read"
    traded = market.traded[position.place]
    state, terms = traded.state, traded.terms
    if isinstance(state, str):
        return state
    quotes = quotes_of(view, traded, is_long=position.is_long, is_short_token=position.is_short_token)
    if isinstance(quotes, str):
        return quotes
    size_usd, is_long = position.size_usd, position.is_long
    uncapped = math.pnl_usd(
        size_usd, position.size_raw, quotes.index.for_pnl(is_long, is_maximised=False), is_long=is_long
    )
    closing = _closing(market, terms, state, position, quotes.index)
    costs = _costs(terms, state.stored if is_stored else state.now, position, quotes.collateral, closing)
    pnl = uncapped if uncapped <= 0 else _capped(terms, state, position, quotes, uncapped)
    impact_usd = math.liquidation_impact_usd(
        closing.usd,
        size_usd,
        min(terms.most_impact),
        math.pending_impact_usd(position.impact_raw, quotes.index),
        terms.most_impact_for_liquidations,
    )
    factor = terms.least_factor_for_liquidation if for_liquidation else terms.least_factor
    return Sums(
        position=position,
        quotes=quotes,
        collateral_usd=position.collateral_raw * quotes.collateral,
        pnl_usd=pnl,
        uncapped_pnl_usd=uncapped,
        closing=closing,
        impact_usd=impact_usd,
        costs=costs,
        remaining_usd=math.remaining_usd(position.collateral_raw, costs.total_raw, quotes.collateral, pnl, impact_usd),
        least_usd=market.layout.least_usd,
        least_for_leverage_usd=math.part_down(size_usd, factor),
    )


def quotes_of(view: Priced, traded: Traded, *, is_long: bool, is_short_token: bool) -> Quotes | str:
    """Return the prices of a position: what it owns as collateral, what it owes as debt."""
    listed = traded.listed
    pool_token = listed.long_token if is_long else listed.short_token
    values = [
        _side(view.prices[price_node(listed.index_token)], is_long=is_long),
        _side(view.prices[high_node(listed.index_token)], is_long=is_long),
        on_collateral_side(view.prices[collateral_node(listed.collateral(is_short_token))]),
        on_collateral_side(view.prices[price_node(pool_token)]),
    ]
    known = [value for value in values if isinstance(value, int)]
    unknown = next((value.reason for value in values if isinstance(value, Unknown)), None)
    if unknown is not None:
        return unknown
    low, high, collateral, pool = known
    if collateral <= 0:
        return "a collateral without a price cannot pay a fee"
    return Quotes(Price(low, high), collateral, pool)


def _side(value: Value | SidedValue, *, is_long: bool) -> Value:
    return on_collateral_side(value) if is_long else on_debt_side(value)


def _closing(market: Market, terms: Terms, state: State, position: Position, index: Price) -> Impact:
    interest = math.interest_for_balance(
        state.interest_usd, state.interest_raw, index, counts_tokens=market.layout.counts_tokens
    )
    return math.closing_impact(terms.curve, interest, state.virtual_usd, position.size_usd, is_long=position.is_long)


def _costs(terms: Terms, accrued: Accrued, position: Position, collateral_price: int, closing: Impact) -> Costs:
    size_usd, is_long = position.size_usd, position.is_long
    owed_usd = math.borrowing_usd(size_usd, accrued.borrowing.of(is_long), position.borrowing)
    per_size = accrued.fees.of(is_long, position.is_short_token)
    claims = (accrued.claimable.of(is_long, is_short_token) for is_short_token in (False, True))
    claim_long, claim_short = claims
    return Costs(
        fee_raw=math.fee_raw_down(
            size_usd, terms.fee_factor.of(closing.is_balancing), collateral_price, position.discount
        ),
        borrowing_raw=owed_usd // collateral_price,
        funding_raw=math.funding_fee_raw_up(size_usd, per_size, position.fees),
        claim_long_raw=math.claimable_raw_down(size_usd, claim_long, position.claim_long),
        claim_short_raw=math.claimable_raw_down(size_usd, claim_short, position.claim_short),
    )


def _capped(terms: Terms, state: State, position: Position, quotes: Quotes, pnl: int) -> int:
    is_long = position.is_long
    pool_pnl, pool_usd = math.pool_usd(
        state.interest_usd, state.interest_raw, state.pool_raw, quotes.index, quotes.pool, is_long=is_long
    )
    return math.capped_pnl_usd(pnl, pool_pnl, pool_usd, terms.most_pnl_factor.of(is_long))
