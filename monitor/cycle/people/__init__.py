"""Who hears of whom, as the loops ask it, and the digest of the day."""
