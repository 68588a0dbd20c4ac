"""The questions that read a pool and its accounts."""
