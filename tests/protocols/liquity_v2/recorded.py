"""The recorded branch as the adapter sees it, and what the contracts said about every trove."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.ledger.accounts import Accounts
from monitor.protocols.liquity_v2.adapter import LiquityV2
from monitor.protocols.liquity_v2.market import Market
from tests.recordings.played import Played
from tests.recordings.recording import load

SLUG = Slug("liquity_v2")
ADAPTER = LiquityV2()
RECORDING = load("liquity_v2")
REGISTRY = Address(RECORDING.deployment["addresses_registry"])
MANAGER = MarketKey(RECORDING.deployment["trove_manager"])
DEPLOYMENT = Deployment(DeploymentName("local-bold"), SLUG, ChainId("eip155:31337"), {"weth": REGISTRY})


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number) for number in range(len(RECORDING.blocks)))


def key_of(trove_id: str) -> PositionKey:
    return PositionKey(f"0x{int(trove_id):064x}")


class Page(NamedTuple):
    """The branch at one recorded block, every trove the recording has a truth for, and that truth in the same order."""

    played: Played
    market: Market
    accounts: Accounts
    truths: tuple[dict[str, Any], ...]


def pages() -> Iterator[Page]:
    """Every recorded block."""
    for played in moments():
        truths = played.block.truth["accounts"]
        market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
        keys = [key_of(trove_id) for trove_id in truths]
        yield Page(played, market, played.read(ADAPTER.accounts(market, keys)), tuple(truths.values()))
