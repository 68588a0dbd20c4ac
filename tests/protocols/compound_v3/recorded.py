"""The recorded Comets as the adapter sees them, and what the contracts said about every account."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.ledger.accounts import Accounts
from monitor.protocols.compound_v3.adapter import CompoundV3
from monitor.protocols.compound_v3.market import Market
from tests.recordings.played import Played
from tests.recordings.recording import load

SLUG = Slug("compound_v3")
ADAPTER = CompoundV3()
RECORDING = load("compound_v3")
COMETS = tuple(Address(market["comet"]) for market in RECORDING.deployment["markets"])


def deployment(number: int) -> Deployment:
    return Deployment(DeploymentName(f"local-{number}"), SLUG, ChainId("eip155:31337"), {"comet": COMETS[number]})


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number) for number in range(len(RECORDING.blocks)))


class Spoken(NamedTuple):
    """What the contracts said about one account of one market at one block."""

    key: PositionKey
    role: str
    truth: dict[str, Any]


class Page(NamedTuple):
    """One market at one recorded block, everyone the recording has a truth for, and that truth."""

    played: Played
    market: Market
    accounts: Accounts
    spoken: tuple[Spoken, ...]


def pages() -> Iterator[Page]:
    """Every market at every recorded block."""
    for played in moments():
        for number, comet in enumerate(COMETS):
            spoken = tuple(
                Spoken(PositionKey(account), one["role"], one)
                for account, entries in played.block.truth["accounts"].items()
                for one in entries
                if one["market"] == comet
            )
            market = played.read(ADAPTER.market(deployment(number), MarketKey(comet)))
            keys = [one.key for one in spoken]
            yield Page(played, market, played.read(ADAPTER.accounts(market, keys)), spoken)
