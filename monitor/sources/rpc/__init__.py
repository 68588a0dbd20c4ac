"""One chain read through several endpoints: which are fit, at which block, and what to do when one fails."""
