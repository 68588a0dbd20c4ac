"""Where a protocol is deployed: roots only, the rest is derived on chain and checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, Slug


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of one protocol on one chain.

    `markets` are the only ones wanted, empty for all; no log of the deployment is older than `first_block`.
    """

    name: DeploymentName
    protocol: Slug
    chain: ChainId
    roots: Mapping[str, Address]
    source: str = ""
    markets: tuple[MarketKey, ...] = ()
    first_block: int = 0

    def venue(self, api: str) -> str:
        """Return under which name one of the deployment's own APIs is asked: `gmx-arbitrum/prices`."""
        return f"{self.name}/{api}"
