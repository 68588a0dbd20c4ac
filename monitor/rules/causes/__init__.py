"""What is wrong with prices and sources rather than with a position: divergence, and data that is too old."""
