"""What the adapters behind a price are set to: caps, snapshots and discounts, which change while the sources stay."""

from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.domain.prices import Node
from monitor.pricing.formula import FixedCap, Formula, LinearDiscount, LinearDiscountBps, PeggedCap, RatioCap
from monitor.pricing.graph import PriceGraph
from monitor.units import YEAR_S, decimal_text

CAP_FIELDS = frozenset(
    {
        "price cap",
        "price cap ratio",
        "price cap snapshot",
        "price cap snapshot time",
        "price cap growth a year",
        "discount a year",
    }
)
"""How the settings are called; of several adapters in a row the last one that has a setting names it."""
_PERCENT_PLACES = 4
_LAST_S = 10**11

Terms = dict[str, int | str | None]


def cap_terms(graph: PriceGraph) -> Mapping[Node, Terms]:
    """Return the settings of the adapters behind each price that has any, in the words in which people read them."""
    found = dict[Node, Terms]()
    for derived in graph.derived:
        own = _terms(derived.formula, derived.decimals)
        for source in derived.inputs:
            own = found.get(source, {}) | own
        if own:
            found[derived.node] = own
    return found


def _terms(formula: Formula, decimals: int) -> Terms:
    match formula:
        case RatioCap():
            growth = formula.growth_per_second * YEAR_S * 10 ** (2 + _PERCENT_PLACES)
            per_snapshot = max(formula.snapshot_ratio, 1) * formula.scaling
            return {
                "price cap snapshot": decimal_text(formula.snapshot_ratio, formula.ratio_decimals),
                "price cap snapshot time": _time(formula.snapshot_time_s),
                "price cap growth a year": f"{decimal_text(growth // per_snapshot, _PERCENT_PLACES)} %",
            }
        case FixedCap():
            return {"price cap": decimal_text(formula.cap, decimals)}
        case PeggedCap():
            return {"price cap ratio": decimal_text(formula.cap_ratio, formula.ratio_decimals)}
        case LinearDiscount():
            return {"discount a year": f"{decimal_text(formula.rate_per_year, 16)} %"}
        case LinearDiscountBps():
            return {"discount a year": f"{decimal_text(formula.rate_per_year_bps, 2)} %"}
        case _:
            return {}


def _time(seconds: int) -> str:
    if not 0 <= seconds < _LAST_S:
        return str(seconds)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
