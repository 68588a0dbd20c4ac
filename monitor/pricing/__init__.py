"""Prices: how a protocol makes them, how far they can be believed, and what else they could be."""
