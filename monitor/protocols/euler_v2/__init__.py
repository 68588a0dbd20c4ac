"""Euler v2: vaults of the Euler Vault Kit, tied together by the Ethereum Vault Connector."""
