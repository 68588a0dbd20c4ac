"""Questions about contracts, answered by one endpoint at one block: ways to run code, packing, splitting, isolating."""
