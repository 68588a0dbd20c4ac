"""Compound III (Comet): one base asset to borrow, many collaterals, one contract per market."""
