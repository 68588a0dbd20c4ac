"""Hyperliquid: perpetuals of the main dex and of builder dexes, read over the info API."""
