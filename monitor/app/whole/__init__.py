"""Whole markets: screened for what-ifs, and kept in history."""
