"""Aave v2 and its forks."""
