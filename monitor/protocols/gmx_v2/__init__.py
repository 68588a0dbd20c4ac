"""GMX v2: isolated perpetual positions on Arbitrum, Avalanche and Botanix."""
