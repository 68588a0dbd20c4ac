"""What the screen needs to know of a pool: bounds of what each stored number is worth, from the contract's roundings.

Contract files: GenericLogic.sol, ScaledBalanceTokenBase.sol, TokenMath.sol.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, nan
from types import MappingProxyType

from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.protocols.aave_v3.health import NO_CATEGORY, Priced, priced
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.versions import directed, half_up
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, PLAIN_DEBT, SCALED_DEBT, STABLE_PRINCIPAL, Term
from monitor.screen.factors import NOTHING, UNBOUNDED, UNKNOWN, Bounds, Cells, Factors
from monitor.units import BPS, RAY

CELLS = Cells(collateral=(COLLATERAL,), debt=(SCALED_DEBT, PLAIN_DEBT, STABLE_PRINCIPAL))
"""A stable debt grows by a rate of its own, so an account that has one is left to the exact evaluator."""


@dataclass(frozen=True, slots=True)
class _Errors:
    """How far one rounding family strays from unrounded arithmetic, at most.

    `*_amount_*` in token units when a stored balance becomes an amount, `*_value_*` in base units when an amount is
    priced. `averaging_bps` is what averaging the thresholds takes off the weight of all collateral, `slack` what
    weighting it adds or takes, base units.
    """

    supplied_amount_less: float
    supplied_amount_more: float
    supplied_value_less: float
    owed_amount_less: float
    owed_amount_more: float
    owed_value_less: float
    owed_value_more: float
    averaging_bps: int
    slack: float


_ERRORS: Mapping[object, _Errors] = MappingProxyType(
    {
        half_up: _Errors(0.5, 0.5, 1.0, 0.5, 0.5, 1.0, 0.0, 1, 0.5),
        directed: _Errors(1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0, 0.0),
    }
)


@dataclass(frozen=True, slots=True)
class _Cell:
    """The bounds of one reserve for the accounts of one category, and what a raw unit of its collateral is worth."""

    supplied: Bounds
    scaled: Bounds
    plain: Bounds
    stable: Bounds
    worth: float


def factors(market: Market, repricing: Repricing = PROTOCOL) -> Factors:
    """Return the pool's factors under a repricing, by e-mode category and reserve.

    Raises UsageError when the repricing names a node that the pool does not have.
    """
    view, errors = priced(market, repricing), _ERRORS[market.rules.rounding]
    categories = max((NO_CATEGORY, *market.categories)) + 1
    made = Factors.blank(CELLS, categories, max(market.reserves, default=-1) + 1)
    for reserve_id in market.reserves:
        _put(made, NO_CATEGORY, reserve_id, _cell(view.terms[NO_CATEGORY][reserve_id], errors))
    for category in market.categories:
        for table in (made.collateral, made.debt, made.worth):
            table[category] = table[NO_CATEGORY]
        for reserve_id in _apart(view, category):
            _put(made, category, reserve_id, _cell(view.terms[category][reserve_id], errors))
    return made.widened(errors.slack)


def _apart(view: Priced, category_id: int) -> Iterator[int]:
    """Yield the reserves that may mean something else to the accounts of a category."""
    category = view.market.categories[category_id]
    may_hide_all = category.price is not None and not isinstance(view.prices[category.price], int)
    for reserve_id in view.market.reserves:
        if may_hide_all or category.has(reserve_id):
            yield reserve_id


def _put(made: Factors, category: int, reserve_id: int, cell: _Cell) -> None:
    collateral = CELLS.collateral_code(reserve_id, COLLATERAL)
    made.collateral[category, collateral], made.worth[category, collateral] = cell.supplied, cell.worth
    for kind, bounds in ((SCALED_DEBT, cell.scaled), (PLAIN_DEBT, cell.plain), (STABLE_PRINCIPAL, cell.stable)):
        made.debt[category, CELLS.debt_code(reserve_id, kind)] = bounds


def _cell(term: Term, errors: _Errors) -> _Cell:
    supplied, worth = _supplied(term, errors)
    price = term.debt_price
    if isinstance(price, Unknown) or price < 0:
        return _Cell(supplied, UNKNOWN, UNKNOWN, UNKNOWN, worth)
    try:
        per_token_unit, per_scaled = price / term.unit, term.debt_index_ray * price / (RAY * term.unit)
    except OverflowError:
        return _Cell(supplied, UNBOUNDED, UNBOUNDED, UNBOUNDED, worth)
    scaled = Bounds(
        per_scaled,
        per_scaled,
        errors.owed_amount_less * per_token_unit + errors.owed_value_less,
        errors.owed_amount_more * per_token_unit + errors.owed_value_more,
    )
    plain = Bounds(per_token_unit, per_token_unit, errors.owed_value_less, errors.owed_value_more)
    return _Cell(supplied, scaled, plain, UNBOUNDED, worth)


def _supplied(term: Term, errors: _Errors) -> tuple[Bounds, float]:
    """Return the bounds of a scaled supply, weighted by its threshold, and the worth of one unit of it."""
    price = term.collateral_price
    if isinstance(price, Unknown) or price < 0:
        return UNKNOWN, nan
    if not term.counts:
        return NOTHING, 0.0
    try:
        per_token_unit, worth = price / term.unit, term.supply_index_ray * price / (RAY * term.unit)
    except OverflowError:
        return UNBOUNDED, inf
    less = errors.supplied_amount_less * per_token_unit + errors.supplied_value_less
    more = errors.supplied_amount_more * per_token_unit
    weight, averaged = term.threshold_bps / BPS, (term.threshold_bps - errors.averaging_bps) / BPS
    low_less = averaged * less if averaged > 0 else -averaged * more
    return Bounds(averaged * worth, weight * worth, low_less, weight * more), worth
