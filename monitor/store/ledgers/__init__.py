"""Ledgers as the store keeps them, what audits found of them, and checkpoints, which are files of them."""
