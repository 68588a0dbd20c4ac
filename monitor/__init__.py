"""hfm: margin health of DeFi lending and perpetual positions, equal to the protocol's own integers."""
