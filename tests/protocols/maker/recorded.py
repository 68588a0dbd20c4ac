"""The recorded ilks as the adapter sees them, and what the contracts said about every urn."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.ledger.accounts import Accounts
from monitor.protocols.maker.adapter import Maker
from monitor.protocols.maker.market import NO_ADDRESS, Market
from monitor.protocols.maker.reading import DOG, VAT
from monitor.query import Failed
from tests.recordings.played import Played
from tests.recordings.recording import Block, Recording, load

SLUG = Slug("maker")
ADAPTER = Maker()
ROOTS = ("vat", "spotter", "jug", "dog", "dai", "cdp_manager", "get_cdps")


def _with_more(block: Block, recording: Recording) -> Block:
    """Add calls that the list does not have: a bark of each urn as the truth has it, and urns that no log names.

    What no log names is empty and so not unsafe: an owner of vaults has no urn at its own address unless recorded.
    """
    ilks = {one["name"]: bytes.fromhex(one["ilk"][2:]) for one in recording.deployment["ilks"]}
    vat, dog = recording.deployment["vat"], recording.deployment["dog"]
    owners = {one["owner"] for one in block.truth["accounts"]}
    places = [(ilk, owner) for ilk in ilks.values() for owner in owners]
    calls: dict[tuple[str, bytes], bytes | Failed] = {
        (vat, VAT["urns"].calldata(*place)): bytes(64) for place in places
    }
    safe = Failed("execution reverted", b"Dog/not-unsafe")
    calls |= {(dog, DOG["bark"].calldata(*place, NO_ADDRESS)): safe for place in places}
    for one in block.truth["accounts"]:
        said, call = one["bark"]["stored"], DOG["bark"].calldata(ilks[one["ilk"]], one["urn"], NO_ADDRESS)
        refused = bytes.fromhex(said["revert"]["data"][2:]) if not said["succeeds"] else b""
        calls[dog, call] = Failed("execution reverted", refused) if refused else int(said["id"]).to_bytes(32)
    return replace(block, calls=calls | dict(block.calls))


@cache
def recording() -> Recording:
    """The recording, in which every urn can be barked at and every owner asked for."""
    plain = load("maker")
    return replace(plain, blocks=tuple(_with_more(block, plain) for block in plain.blocks))


RECORDING = recording()
ILKS = {one["name"]: MarketKey(one["ilk"]) for one in RECORDING.deployment["ilks"]}
DEPLOYMENT = Deployment(
    DeploymentName("local"),
    SLUG,
    ChainId("eip155:31337"),
    {name: Address(RECORDING.deployment[name]) for name in ROOTS},
)


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number) for number in range(len(RECORDING.blocks)))


class Spoken(NamedTuple):
    """What the contracts said about one urn of one ilk at one block."""

    key: PositionKey
    role: str
    truth: dict[str, Any]


class Page(NamedTuple):
    """One ilk at one recorded block, every urn the recording has a truth for, and that truth."""

    played: Played
    market: Market
    accounts: Accounts
    spoken: tuple[Spoken, ...]


def pages(*names: str) -> Iterator[Page]:
    """Every ilk, or those named, at every recorded block."""
    for played in moments():
        for name, key in ILKS.items():
            if names and name not in names:
                continue
            truths = [one for one in played.block.truth["accounts"] if one["ilk"] == name]
            spoken = tuple(Spoken(PositionKey(one["urn"]), one["role"], one) for one in truths)
            market = played.read(ADAPTER.market(DEPLOYMENT, key))
            yield Page(played, market, played.read(ADAPTER.accounts(market, [one.key for one in spoken])), spoken)
