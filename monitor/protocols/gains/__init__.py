"""gTrade v10 (Gains Network)."""
