"""Every account's raw balances, in columns, exactly as the contracts store them."""
