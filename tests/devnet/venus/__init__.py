"""Venus's real contracts on a devnet: isolated pools and the core pool, from the artifacts of their npm packages."""
