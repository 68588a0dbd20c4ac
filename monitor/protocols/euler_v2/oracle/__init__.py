"""How a vault's oracle prices a collateral: the path it takes, and the price graph along it."""
