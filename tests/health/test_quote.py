"""What of a liquidation quote is the same for every protocol."""

import pytest

from monitor.health.quote import profit_base_down


@pytest.mark.parametrize(
    ("collateral_raw", "debt_raw", "profit"),
    [(105, 100, 5), (100, 105, -5), (0, 0, 0), (0, 1, -1)],
)
def test_profit_is_what_is_received_less_what_is_paid(collateral_raw: int, debt_raw: int, profit: int):
    assert profit_base_down(collateral_raw, 10, 10, debt_raw, 10, 10) == profit


def test_profit_is_never_rounded_up():
    assert profit_base_down(19, 1, 10, 11, 1, 10) == 1 - 2
