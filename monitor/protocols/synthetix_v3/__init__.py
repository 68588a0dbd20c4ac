"""Synthetix v3 perps: perpetual futures with cross margin in several synths, one account per NFT."""
