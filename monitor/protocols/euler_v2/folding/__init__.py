"""What logs did to a market and its accounts: exact collateral, liquidations, changed parameters."""
