"""Morpho Blue: isolated markets of one collateral and one loan token in a singleton contract."""
