"""Liquity v1: troves of ether against LUSD, without interest, each owner with one."""
