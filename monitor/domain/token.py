"""A token as the chain describes it; its names are untrusted text."""

from dataclasses import dataclass

from monitor.domain.ids import Address


@dataclass(frozen=True, slots=True)
class Token:
    """An ERC-20. `symbol` is as the contract says it: only `safe_label` may show it."""

    address: Address
    symbol: str
    decimals: int
