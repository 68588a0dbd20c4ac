"""What of a liquidation quote is the same for every protocol."""

import pytest

from monitor.domain.assessment import Quote
from monitor.health.quote import best, profit_base_down
from tests.health.pool import token


def quote(profit_base: int, debt_raw: int = 1) -> Quote:
    weth = token("WETH")
    return Quote(weth, weth, debt_raw, 1, 0, 500, profit_base, weth.address, "liquidationCall", ())


@pytest.mark.parametrize(
    ("collateral_raw", "debt_raw", "profit"),
    [(105, 100, 5), (100, 105, -5), (0, 0, 0), (0, 1, -1)],
)
def test_profit_is_what_is_received_less_what_is_paid(collateral_raw: int, debt_raw: int, profit: int):
    assert profit_base_down(collateral_raw, 10, 10, debt_raw, 10, 10) == profit


def test_profit_is_never_rounded_up():
    assert profit_base_down(19, 1, 10, 11, 1, 10) == 1 - 2


def test_the_best_quote_earns_most_and_among_equals_binds_least_capital():
    assert best([quote(5), quote(7), quote(6)]) == quote(7)
    assert best([quote(7, 100), quote(7, 50), quote(7, 70)]) == quote(7, 50)
    assert best([quote(-1)]) == quote(-1)
    assert best([]) is None
