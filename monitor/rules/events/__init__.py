"""What happened to a position, as opposed to how near it stands: liquidations and changed parameters."""
