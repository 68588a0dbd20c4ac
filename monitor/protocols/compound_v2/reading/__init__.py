"""The questions that read a comptroller: all of it once, then one round per block."""
