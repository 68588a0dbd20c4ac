"""Liquity v2 (BOLD): a branch of troves for each collateral, with rates that owners or batch managers choose."""
