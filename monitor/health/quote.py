"""What of a liquidation quote is the same for every protocol: its profit."""

from monitor.units import mul_div_down, mul_div_up


def profit_base_down(
    collateral_raw: int, collateral_price: int, collateral_unit: int, debt_raw: int, debt_price: int, debt_unit: int
) -> int:
    """Return the worth of the collateral received less that of the debt covered, in the base unit, rounded down.

    Prices are per whole token, units are 10^decimals; gas and the price of selling are not in it.
    """
    received = mul_div_down(collateral_raw, collateral_price, collateral_unit)
    return received - mul_div_up(debt_raw, debt_price, debt_unit)
