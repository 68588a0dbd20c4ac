"""Aave v3, revisions 3.0 to 3.7, and its forks that keep the arithmetic (Spark)."""
