"""Perpetual Protocol v2 (curie): perpetual futures on a virtual market maker, one cross margin account per address."""
