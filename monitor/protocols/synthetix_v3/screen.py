"""What the screen needs to know of a perps market: bounds of what each stored number adds to margin and requirement.

Contract functions: PerpsAccount.getAvailableMargin, getAccountRequiredMargins, getPossibleLiquidationReward.
"""

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.pricing.graph import on_collateral_side
from monitor.protocols.synthetix_v3.health import Priced, price_of, priced
from monitor.protocols.synthetix_v3.market import (
    ACCOUNT,
    COIN,
    COIN_SQUARE,
    DEBT,
    FLAGGED,
    INTEREST,
    LONG,
    MOST_FEEDS,
    PAID,
    RECEIVED,
    SHORT,
    SQUARE,
    SQUARE_UNIT,
    USD,
    Coin,
    Costs,
    Market,
    Traded,
)
from monitor.protocols.synthetix_v3.math import keeper_reward, mul
from monitor.screen.factors import NOTHING, UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import WAD

CELLS = Cells(
    collateral=(DEBT, COIN, COIN_SQUARE, LONG, SHORT, PAID, RECEIVED, INTEREST),
    debt=(DEBT, COIN, LONG, SHORT, SQUARE, FLAGGED),
)
"""A size stands on both sides: it is worth something, and it requires something. Who is flagged is left to the exact
evaluator, which knows that this forces a liquidation.

A keeper's reward stands in the requirement, by the number of feeds that flagging has to update, an account's category.
What it is between nothing and its most depends on the account as a whole, which bounds of single numbers do not tell.
"""
_ROUNDINGS = 4.0
_RATIO_ROUNDINGS = 5e-18


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the market's factors under a repricing; raises UsageError when that names a node it does not have."""
    view = priced(market, repricing)
    made = Factors.blank(CELLS, MOST_FEEDS, max(ACCOUNT, *market.traded, *market.coins) + 1)
    for category in range(MOST_FEEDS + 1):
        reward = _most_fixed_reward(market, category)
        made.collateral[category, CELLS.collateral_code(ACCOUNT, DEBT)] = Bounds(-1.0, -1.0, 0.0, 0.0)
        made.debt[category, CELLS.debt_code(ACCOUNT, DEBT)] = UNKNOWN if reward is None else Bounds(0, 0, 0, reward)
        made.debt[category, CELLS.debt_code(ACCOUNT, FLAGGED)] = UNBOUNDED
        for traded in market.traded.values():
            _fill_market(made, view, traded, category, reward)
        for coin in market.coins.values():
            _fill_coin(made, view, coin, category)
    return made.widened(slack=_ROUNDINGS)


def _most_fixed_reward(market: Market, category: int) -> float | None:
    """Return the most that a keeper gets beside its parts of notional and collateral; None where costs are unknown."""
    costs = market.costs
    if not isinstance(costs, Costs):
        return None
    known = costs.flag[category : category + 1] if category < MOST_FEEDS else costs.flag[category:]
    least_reward, profit_ratio, *_ = market.guards
    spent = [cost + costs.liquidate for cost in known]
    return float(max((max(cost + least_reward, mul(cost, profit_ratio + WAD)) for cost in spent), default=0) + 2)


def _fill_market(made: Factors, view: Priced, traded: Traded, category: int, reward: float | None) -> None:
    market, terms = view.market, traded.terms
    most_window = 0.0
    if isinstance(market.costs, Costs) and traded.window:
        most_window = keeper_reward(0, market.costs.liquidate, 0, market.guards) / traded.window
    for kind, sign in ((LONG, 1), (SHORT, -1)):
        price = price_of(view, traded, is_long=sign > 0)
        worth, required, square = UNKNOWN, UNKNOWN, UNKNOWN
        if not isinstance(price, Unknown):
            funding = traded.stored_funding + mul(traded.per_price, price)
            locked = price * (terms.locked_ratio / WAD) * (market.interest.accrued / WAD)
            slope = (sign * (price + funding) - locked) / WAD
            worth = Bounds(slope, slope, _ROUNDINGS, _ROUNDINGS)
            unit = price / WAD * (terms.maintenance_scalar / WAD)
            part = unit * (terms.least_initial_ratio / WAD)
            most = part + price / WAD * (terms.flag_reward_ratio / WAD) + most_window
            least = max(part - price / WAD * _RATIO_ROUNDINGS, 0.0)
            fixed = terms.least_margin
            required = UNKNOWN
            if reward is not None:
                required = Bounds(least, most, _ROUNDINGS - fixed * (1 - 2.0**-30), fixed + reward + _ROUNDINGS)
        made.collateral[category, CELLS.collateral_code(traded.place, kind)] = worth
        made.debt[category, CELLS.debt_code(traded.place, kind)] = required
        made.worth[category, CELLS.collateral_code(traded.place, kind)] = 0.0
    sides = [price_of(view, traded, is_long=is_long) for is_long in (True, False)]
    square = interest = UNKNOWN
    known = [side for side in sides if not isinstance(side, Unknown)]
    if len(known) == len(sides):
        low, high = (_square(traded, price) for price in (min(known), max(known)))
        square = Bounds(low, high, 0.0, high)
        low, high = (price / WAD * (terms.locked_ratio / WAD) for price in (min(known), max(known)))
        interest = Bounds(low, high, 0.0, high + _ROUNDINGS)
    made.debt[category, CELLS.debt_code(traded.place, SQUARE)] = square
    made.collateral[category, CELLS.collateral_code(traded.place, INTEREST)] = interest
    made.collateral[category, CELLS.collateral_code(traded.place, PAID)] = Bounds(-1.0, -1.0, 1.0, 0.0)
    made.collateral[category, CELLS.collateral_code(traded.place, RECEIVED)] = Bounds(1.0, 1.0, 0.0, 1.0)
    for kind in (INTEREST, PAID, RECEIVED):
        made.worth[category, CELLS.collateral_code(traded.place, kind)] = 0.0


def _square(traded: Traded, price: int) -> float:
    """Return what one unit of a square requires: impact on the skew times the price."""
    terms = traded.terms
    if not terms.skew_scale:
        return 0.0
    ratio = terms.initial_margin_ratio / WAD * (terms.maintenance_scalar / WAD)
    return SQUARE_UNIT / terms.skew_scale * ratio * (price / WAD)


def _fill_coin(made: Factors, view: Priced, coin: Coin, category: int) -> None:
    """Bounds of a collateral: its discount is at least the least one and at most what its amount makes of it."""
    market, code = view.market, CELLS.collateral_code(coin.place, COIN)
    price = WAD if coin.place == USD else on_collateral_side(view.prices[coin.node])
    worth = square = required = UNKNOWN
    unit = float("nan")
    if not isinstance(price, Unknown):
        unit = price / WAD
        keeps, growth = 1.0, 0.0
        if coin.skew_scale:
            least = min(coin.lower, coin.upper)
            keeps, growth = 1.0 - least / WAD, SQUARE_UNIT / coin.skew_scale * (coin.scalar / WAD)
        rounded = 0.0 if coin.place == USD else _ROUNDINGS + unit
        worth = Bounds(unit * keeps, unit * keeps, rounded, rounded)
        square = Bounds(-growth * unit, 0.0, growth * unit, 0.0) if growth else NOTHING
        required = Bounds(0.0, unit * (market.collateral_reward_ratio / WAD), 0.0, 2.0)
    made.collateral[category, code] = worth
    made.worth[category, code] = unit
    made.debt[category, CELLS.debt_code(coin.place, COIN)] = required
    if coin.place != USD:
        square_code = CELLS.collateral_code(coin.place, COIN_SQUARE)
        made.collateral[category, square_code] = square
        made.worth[category, square_code] = 0.0
