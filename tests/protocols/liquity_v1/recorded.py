"""The recorded system as the adapter sees it, and what the contracts said about every trove."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.ledger.accounts import Accounts
from monitor.protocols.liquity_v1.adapter import LiquityV1
from monitor.protocols.liquity_v1.market import Market
from tests.recordings.played import Played
from tests.recordings.recording import load

SLUG = Slug("liquity_v1")
ADAPTER = LiquityV1()
RECORDING = load("liquity_v1")
ROOTS = {name: Address(RECORDING.deployment[name]) for name in ("trove_manager", "borrower_operations")}
MANAGER = MarketKey(ROOTS["trove_manager"])
DEPLOYMENT = Deployment(DeploymentName("local-liquity"), SLUG, ChainId("eip155:31337"), ROOTS)


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number) for number in range(len(RECORDING.blocks)))


class Page(NamedTuple):
    """The system at one recorded block, everyone the recording has a truth for, and that truth in the same order."""

    played: Played
    market: Market
    accounts: Accounts
    truths: tuple[dict[str, Any], ...]

    @property
    def recovery_mode(self) -> bool:
        return bool(self.played.block.truth["recovery_mode"])


def pages() -> Iterator[Page]:
    """Every recorded block."""
    for played in moments():
        truths = played.block.truth["accounts"]
        market = played.read(ADAPTER.market(DEPLOYMENT, MANAGER))
        keys = [PositionKey(key) for key in truths]
        yield Page(played, market, played.read(ADAPTER.accounts(market, keys)), tuple(truths.values()))
