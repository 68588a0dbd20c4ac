"""Every family at once, each on a node: played back where it is recorded, its real contracts elsewhere."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.devnet import aave_v36, running_chain
from tests.devnet.aave_v2.opening import aave_v2
from tests.devnet.chain.client import Chain
from tests.devnet.curie.opening import opened as curie
from tests.devnet.morpho.opening import morpho_blue
from tests.recordings.playback import playback

RECORDED = ("compound_v2", "compound_v3", "euler_v2", "liquity_v1", "liquity_v2", "maker", "synthetix_v3")
NUMBER = 2
"""The recorded block at which the nodes stand."""


@dataclass(frozen=True)
class Family:
    """One family on its node; its chain and its deployment have one name."""

    protocol: str
    chain: Chain
    roots: dict[str, str]

    def toml(self, url: str | None = None) -> str:
        """Return its part of a configuration, in which everyone is followed."""
        roots = "".join(f'{name} = "{value}"\n' for name, value in self.roots.items())
        return (
            f'[[chain]]\nname = "{self.name}"\nid = "eip155:31337"\nallow_private = true\n'
            f'rpc = ["{url or self.chain.node.http_url}"]\n'
            f'[[deployment]]\nname = "{self.name}"\nprotocol = "{self.protocol}"\nchain = "{self.name}"\n'
            f"start_block = 0\n{roots}"
        )

    @property
    def name(self) -> str:
        """The name of chain and deployment."""
        return f"local-{self.protocol.replace('_', '-')}"


@contextmanager
def all_families() -> Iterator[tuple[Family, ...]]:
    """Run all nodes."""
    with ExitStack() as stack:
        chain = stack.enter_context(running_chain())
        found = [Family("aave_v3", chain, {"pool_addresses_provider": aave_v36(chain, 10).deployed.provider})]
        morpho = morpho_blue(chain, 10)
        found.append(Family("morpho_blue", chain, {"morpho": morpho.address}))
        ether = aave_v2(chain, "ETH", 10)
        found.append(Family("aave_v2", chain, {"lending_pool": ether.deployed.pool}))
        house = curie(chain, 10)
        found.append(Family("perp_v2", chain, {"clearing_house": house.at["ClearingHouse"]}))
        for protocol in RECORDED:
            recorded: Any = import_module(f"tests.protocols.{protocol}.recorded")
            deployment = recorded.DEPLOYMENT if hasattr(recorded, "DEPLOYMENT") else recorded.deployment(0)
            played = stack.enter_context(playback(recorded.RECORDING, (NUMBER,)))
            found.append(Family(protocol, played, dict(deployment.roots)))
        yield tuple(found)


def written(families: tuple[Family, ...], folder: Path, more: str = "", down: str = "") -> Path:
    """Write one configuration of all; the node of `down` is one that nobody answers for."""
    path = folder / "hfm.toml"
    parts = (family.toml("http://127.0.0.1:1" if family.protocol == down else None) for family in families)
    path.write_text(more + "".join(parts))
    return path
