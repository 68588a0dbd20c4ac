"""Perpetual Protocol v2 (curie) from its npm artifacts on a local chain, with people who trade on it."""
