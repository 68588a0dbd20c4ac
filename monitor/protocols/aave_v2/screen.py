"""What the screen needs to know of a pool: bounds of what each stored number is worth, from the contract's roundings.

Contract files: GenericLogic.sol, AToken.sol, VariableDebtToken.sol.
"""

from math import inf, nan

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.aave_v2.health import priced
from monitor.protocols.aave_v2.market import Market
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL, Term
from monitor.screen.factors import NOTHING, UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import BPS, RAY

CELLS = Cells(collateral=(COLLATERAL,), debt=(SCALED_DEBT, STABLE_PRINCIPAL))
"""A stable debt grows by a rate of its own, so an account that has one is left to the exact evaluator."""
_AMOUNT = 0.5
"""How far a stored balance, made an amount, is from the unrounded one, in token units."""
_VALUE = 1.0
"""How much pricing an amount takes off at most, in base units."""
_AVERAGING_BPS = 1
"""What averaging the thresholds takes off the weight of all collateral at most."""
_SLACK = 0.5
"""How far weighting the collateral is off at most, in base units."""


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the pool's factors under a repricing, by reserve; there is one category.

    Raises UsageError when the repricing names a node that the pool does not have.
    """
    view = priced(market, repricing)
    made = Factors.blank(CELLS, 1, max(market.reserves, default=-1) + 1)
    for number in market.reserves:
        term, code = view.terms[number], CELLS.collateral_code(number, COLLATERAL)
        made.collateral[0, code], made.worth[0, code] = _supplied(term)
        made.debt[0, CELLS.debt_code(number, SCALED_DEBT)] = _owed(term)
        stable = UNKNOWN if _is_unknown(term.debt_price) else UNBOUNDED
        made.debt[0, CELLS.debt_code(number, STABLE_PRINCIPAL)] = stable
    return made.widened(_SLACK)


def _is_unknown(price: object) -> bool:
    return isinstance(price, Unknown) or (isinstance(price, int) and price < 0)


def _owed(term: Term) -> Bounds:
    price = term.debt_price
    if isinstance(price, Unknown) or price < 0:
        return UNKNOWN
    try:
        per_token_unit, per_scaled = price / term.unit, term.debt_index_ray * price / (RAY * term.unit)
    except OverflowError:
        return UNBOUNDED
    return Bounds(per_scaled, per_scaled, _AMOUNT * per_token_unit + _VALUE, _AMOUNT * per_token_unit)


def _supplied(term: Term) -> tuple[Bounds, float]:
    """Return the bounds of a scaled supply, weighted by its threshold, and the worth of one unit of it."""
    price = term.collateral_price
    if isinstance(price, Unknown) or price < 0:
        return UNKNOWN, nan
    if not term.threshold_bps:
        return NOTHING, 0.0
    try:
        per_token_unit, worth = price / term.unit, term.supply_index_ray * price / (RAY * term.unit)
    except OverflowError:
        return UNBOUNDED, inf
    less, more = _AMOUNT * per_token_unit + _VALUE, _AMOUNT * per_token_unit
    weight, averaged = term.threshold_bps / BPS, (term.threshold_bps - _AVERAGING_BPS) / BPS
    return Bounds(averaged * worth, weight * worth, averaged * less, weight * more), worth
