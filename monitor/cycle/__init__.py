"""The order of work: one file per loop, and the steps they share."""
