"""What logs did to a Comet and its accounts: exact collateral, liquidations, changed parameters."""
