"""Follows venues without blocks: prices again and again, accounts in turn within the rate budget."""
