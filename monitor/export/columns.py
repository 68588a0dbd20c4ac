"""What each column of a row holds, as far as a file format has to know it."""

from monitor.domain.row import COLUMNS

INTEGERS = frozenset({"at_block", "at_time"})
FLAGS = frozenset({"is_insolvent", "is_liquidatable_now"})
JSON = frozenset({"blockers", "liquidation_prices", "legs"})
NUMBERS = INTEGERS | {
    "native_health", "health_numerator", "health_denominator", "health_factor", "cautious_health_factor", "base_unit",
    "collateral_base", "debt_base", "collateral_usd", "debt_usd", "equity_usd", "leverage", "distance_pct",
}  # fmt: skip
"""Columns whose cells are numbers, most of them as exact decimal text."""
TEXTS = frozenset(COLUMNS) - NUMBERS - FLAGS - JSON
"""Columns of plain text, some of it from contracts and venues."""
