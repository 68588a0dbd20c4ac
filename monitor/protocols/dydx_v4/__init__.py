"""dYdX v4: perpetual futures on a chain of their own, read from its indexer; each subaccount is one margin account."""
