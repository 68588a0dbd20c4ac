"""One position at one moment as it is kept: the snapshot row without what follows from the rest of it."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from monitor.domain.row import COLUMNS as ROW_COLUMNS
from monitor.domain.row import Cell, Row, loan_cells, wad_text
from monitor.units import PPM, WAD, decimal_text, scaled_from_text

WATCHED, MARKET = "watched", "market"
"""Where a row comes from: a cycle that judged a watched position, or a snapshot of its whole market."""

Record = dict[str, Cell]

BIG, TEXT, FLAG = "VARCHAR", "VARCHAR", "BOOLEAN"
SMALL = "BIGINT"
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "chain": TEXT, "protocol": TEXT, "market": TEXT, "key": TEXT, "owner": TEXT,
        "at_time": SMALL, "at_block": SMALL, "at_hash": TEXT,
        "status": TEXT, "reason": TEXT, "kind": TEXT, "margin_mode": TEXT, "exactness": TEXT, "accrual": TEXT,
        "health_line": TEXT, "is_insolvent": FLAG, "is_liquidatable_now": FLAG, "blockers": TEXT,
        "health_numerator": BIG, "health_denominator": BIG, "debt_weight": SMALL,
        "health_ppm": SMALL, "cautious_health_ppm": SMALL,
        "collateral_base": BIG, "debt_base": BIG, "base_unit": BIG, "base_is_usd": FLAG,
        "equity_usd": TEXT, "leverage": TEXT, "distance_bps": SMALL,
        "native_health": BIG, "cautious_health_factor": TEXT, "liquidation_prices": TEXT, "legs": TEXT,
    }
)  # fmt: skip
"""The columns of a file, in order, with DuckDB's types; what the row of a snapshot also has is named as there.

Health is numerator ÷ denominator; `health_denominator` is empty where it is `debt_base` × `debt_weight`. Health in
millionths is rounded down and cut at 2^62. `equity_usd` and `leverage` are told of perpetual accounts; of a loan they
follow from the rest. The last four columns are told of watched positions alone. `scope`, `deployment` and `day` are
named by the folders.
"""
NUMBERS = (
    "at_time", "at_block", "health_numerator", "health_denominator", "debt_weight", "health_ppm",
    "cautious_health_ppm", "collateral_base", "debt_base", "base_unit", "distance_bps",
)  # fmt: skip
"""The columns that hold numbers of every row."""
_WATCHED_ALONE = ("native_health", "cautious_health_factor", "liquidation_prices", "legs")
_SAME = tuple(
    name for name in COLUMNS if name in ROW_COLUMNS and name not in (*_WATCHED_ALONE, "equity_usd", "leverage")
)
_MOST_PPM, _MOST_WEIGHT = 2**62, 10**18


def record(row: Row, scope: str) -> Record:
    """Return what is kept of a snapshot row, with the name of its deployment."""
    found: Record = {"deployment": row["deployment"]} | {name: row[name] for name in _SAME}
    is_loan, distance = row["kind"] == "lending", row["distance_pct"]
    found["health_ppm"] = _ppm(row["health_factor"])
    found["cautious_health_ppm"] = _ppm(row["cautious_health_factor"])
    found["distance_bps"] = None if distance is None else scaled_from_text(str(distance), 2)
    found["base_is_usd"] = row["collateral_usd"] is not None or row["debt_usd"] is not None
    for name in ("equity_usd", "leverage"):
        found[name] = None if is_loan else row[name]
    for name in _WATCHED_ALONE:
        found[name] = row[name] if scope == WATCHED else None
    found["debt_weight"] = _weight(found["health_denominator"], found["debt_base"])
    if found["debt_weight"] is not None:
        found["health_denominator"] = None
    return found


def row_of(kept: Mapping[str, Cell]) -> Row:
    """Return the snapshot row of what was kept; of a whole market it has no legs and no native health.

    The cautious health of such a row has six decimals, rounded down.
    """
    numerator, debt = kept["health_numerator"], kept["debt_base"]
    denominator = kept["health_denominator"]
    if kept["debt_weight"] is not None:
        denominator = str(int(str(debt)) * int(kept["debt_weight"]))
    cautious = kept["cautious_health_factor"]
    if cautious is None and kept["cautious_health_ppm"] is not None:
        cautious = wad_text(int(kept["cautious_health_ppm"]) * (WAD // PPM))
    told = {name: kept[name] for name in (*_SAME, *_WATCHED_ALONE)} | {
        "deployment": kept["deployment"],
        "health_denominator": denominator,
        "health_factor": _factor(numerator, denominator),
        "cautious_health_factor": cautious,
        "distance_pct": None if kept["distance_bps"] is None else decimal_text(int(kept["distance_bps"]), 2),
        "legs": kept["legs"] or "[]",
        "liquidation_prices": kept["liquidation_prices"] or "[]",
    }
    sums = [None if kept[name] is None else int(str(kept[name])) for name in ("collateral_base", "debt_base")]
    usd = loan_cells(sums[0], sums[1], int(str(kept["base_unit"])), base_is_usd=bool(kept["base_is_usd"]))
    if kept["kind"] != "lending":
        usd |= {name: kept[name] for name in ("equity_usd", "leverage")}
    told |= usd
    return {name: told[name] for name in ROW_COLUMNS}


def records(rows: Iterable[Row], scope: str) -> list[Record]:
    """Return what is kept of snapshot rows."""
    return [record(row, scope) for row in rows]


def _ppm(factor: Cell) -> int | None:
    if factor is None:
        return None
    found = int(str(factor).replace(".", "")) // (WAD // PPM)
    return max(min(found, _MOST_PPM), -_MOST_PPM)


def _weight(denominator: Cell, debt: Cell) -> int | None:
    """Return how many times the debt the denominator is, None where it is no small whole number of times."""
    if denominator is None or not debt or not int(str(debt)):
        return None
    weight, rest = divmod(int(str(denominator)), int(str(debt)))
    return weight if not rest and 0 < weight <= _MOST_WEIGHT else None


def _factor(numerator: Cell, denominator: Cell) -> str | None:
    if numerator is None or denominator is None:
        return None
    return wad_text(int(str(numerator)) * WAD // int(str(denominator)))
