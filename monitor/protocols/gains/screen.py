"""What the screen needs to know: bounds of what each stored number adds to what is left, and what is required.

SDK function: getLiquidationPrice, multiplied out as in health.py.
"""

from collections.abc import Sequence

import numpy as np

from monitor.domain.prices import PROTOCOL, Repricing
from monitor.protocols.gains import math
from monitor.protocols.gains.health import Priced, priced, quotes_of
from monitor.protocols.gains.market import (
    COLLATERALS,
    Market,
    Old,
    Running,
    collateral_at,
    pair_at,
)
from monitor.protocols.gains.math import ONE
from monitor.protocols.gains.trades import (
    BORROW_CREDITED,
    CATEGORIES,
    CHARGED,
    COLLATERAL,
    CREDITED,
    CREDITED_BELOW,
    FEES,
    IS_V10,
    LONG,
    LOSS,
    OLD_PAID,
    PRICE,
    PROFIT,
    REQUIRED,
    SIZE,
    SPREAD,
    TOKEN_USD,
    UNITS,
    UNITS_DIGITS,
    WIDE,
)
from monitor.screen.factors import Bounds, Cells, Factors
from monitor.units import WAD

CELLS = Cells(
    collateral=(
        *(COLLATERAL, SIZE, FEES, PROFIT, LOSS, UNITS, SPREAD, CREDITED, CREDITED_BELOW, BORROW_CREDITED),
        *(CHARGED, OLD_PAID, WIDE),
    ),
    debt=(REQUIRED,),
)
_ROUNDED = 12.0
"""How many smallest units of the collateral the roundings of what is stored make up at most."""
_WIDEST = 1e60
"""More than any trade is worth, base units."""


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the deployment's factors under a repricing; raises UsageError when that names a node it does not have."""
    view = priced(market, repricing)
    made = Factors.blank(CELLS, CATEGORIES, len(market.layout.pairs) * COLLATERALS)
    for place, running in market.running.items():
        if isinstance(running, Running) and pair_at(place) < len(market.layout.pairs):
            for category in range(CATEGORIES):
                _fill(made, view, place, running, category)
    return made.widened()


def debt_growth_wad(market: Market, seconds: int) -> int:
    """Return a growth of the requirement that is as bad as what holding a trade takes in that time, rounded up.

    Rates are parts of a size that is up to 500 times a collateral, of which a tenth is required; at the present rates,
    twice over because what is left may be little more than what is required.
    """
    most = 0
    for running in market.running.values():
        if isinstance(running, Running):
            most = max(most, abs(running.funding.rate) + running.borrowing.rate)
    return most * seconds * 2 * 500 * 10 * WAD // (100 * ONE) + 1


def _fill(made: Factors, view: Priced, place: int, running: Running, category: int) -> None:
    """Put in the bounds of one place for trades of one category; without a price they stay unknown."""
    layout, is_long = view.market.layout, bool(category & LONG)
    quotes = quotes_of(view, place, is_long=is_long)
    if isinstance(quotes, str):
        return
    price, token_usd, measuring_usd = quotes
    decimals = layout.tokens[collateral_at(place)].decimals
    unit = 10.0 ** (30 - decimals) * token_usd / 1e8
    pair, sign = layout.pairs[pair_at(place)], 1.0 if is_long else -1.0
    fee = pair.fee / ONE
    least = fee * (pair.least_usd / 1e22 / token_usd) * 10.0**decimals
    is_v10, now_s = bool(category & IS_V10), view.market.at.timestamp_s
    accrued = math.borrowed(running.borrowing, price * PRICE, now_s) / ONE
    if is_v10:
        found = math.funded(running.funding, price * PRICE, now_s, measuring_usd * TOKEN_USD)
        accrued += (found.long if is_long else found.short) / ONE
    per_unit = sign * price - accrued * 1e8
    low_old, high_old = _old_bounds(running.old, 0 if is_long else 1)
    paid = 0.0 if running.old.groups[0] else 1.0
    rounded = _ROUNDED + abs(per_unit) * 10.0 ** (decimals - UNITS_DIGITS)
    cells = {
        COLLATERAL: Bounds(1.0, 1.0, 0.0, 0.0),
        SIZE: Bounds(-sign - high_old, -sign - low_old, rounded, rounded),
        FEES: Bounds(-1.0, -1.0, 0.0, 0.0),
        PROFIT: Bounds(1.0, 1.0, 0.0, 0.0),
        LOSS: Bounds(-1.0, -1.0, 0.0, 0.0),
        UNITS: _exact(per_unit * 10.0 ** (decimals - UNITS_DIGITS)),
        SPREAD: Bounds(-1.0, -1.0, 0.0, 0.0),
        CREDITED: _exact(1.0 if is_v10 else 0.0),
        CREDITED_BELOW: _exact(-1.0 if is_v10 else 0.0),
        BORROW_CREDITED: _exact(1.0),
        CHARGED: Bounds(-fee, -fee, least, 0.0),
        OLD_PAID: _exact(paid),
    }
    made.debt[category, CELLS.debt_code(place, REQUIRED)] = Bounds(unit, unit, unit, unit)
    for kind, bounds in cells.items():
        code = CELLS.collateral_code(place, kind)
        made.collateral[category, code] = np.array(bounds) * unit
        made.worth[category, code] = unit if kind == COLLATERAL else 0.0
    made.collateral[category, CELLS.collateral_code(place, WIDE)] = Bounds(-_WIDEST, 0.0, 0.0, np.inf)


def _old_bounds(old: Old, side: int) -> tuple[float, float]:
    """Return which part of its size version 1 of borrowing can have cost, what was paid before included."""
    groups, now = old.groups[side], old.now[side] / ONE / 100
    if not groups:
        return now, now
    return 0.0, (len(groups) + 1) * now + _sums(old, side, groups)


def _sums(old: Old, side: int, groups: Sequence[math.OldGroup]) -> float:
    return (old.group_now[side] + sum(one.previous for one in groups)) / ONE / 100


def _exact(slope: float) -> Bounds:
    return Bounds(slope, slope, 0.0, 0.0)
