"""Where the contracts of the family differ: one module each, chosen by what the comptroller answers."""
