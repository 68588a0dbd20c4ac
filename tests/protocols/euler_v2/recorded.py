"""The recorded vaults as the adapter sees them, and what the contracts said about every account."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from eth_utils.crypto import keccak

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, PositionKey, Slug
from monitor.ledger.accounts import Account
from monitor.protocols.euler_v2.adapter import EulerV2
from monitor.protocols.euler_v2.market import Market
from monitor.protocols.euler_v2.reading import ERC20, VAULT
from monitor.protocols.euler_v2.reading import EVC as CONNECTOR
from tests.recordings.played import Played
from tests.recordings.recording import Block, load

SLUG = Slug("euler_v2")
ADAPTER = EulerV2()
PLAIN = load("euler_v2")
EVC, FACTORY = Address(PLAIN.deployment["evc"]), Address(PLAIN.deployment["factory"])
VAULTS = tuple(Address(one["vault"]) for one in PLAIN.deployment["vaults"])
FAMILY_OF_THREE = Address(
    next(t["owner"] for t in PLAIN.blocks[0].truth["accounts"].values() if "three sub-accounts" in t["role"])
)


def completed(block: Block) -> Block:
    """The block with two things that follow from what is recorded.

    The storage word of whoever owes a vault nothing, from its recorded views; and that no vault controls those of an
    owner's 256 accounts that never were.
    """
    storage, calls = dict(block.storage), dict(block.calls)
    for account in block.truth["accounts"]:
        for vault in VAULTS:
            slot = int.from_bytes(keccak(bytes.fromhex(account[2:]).rjust(32, b"\0") + (13).to_bytes(32)))
            owed = calls[vault, VAULT["debtOfExact"].calldata(account)]
            if (vault, slot) not in storage and owed == bytes(32):
                shares = calls[vault, ERC20["balanceOf"].calldata(account)]
                assert isinstance(shares, bytes)
                storage[vault, slot] = shares
    for number in range(256):
        account = f"{FAMILY_OF_THREE[:40]}{number:02x}"
        for vault in VAULTS:
            calls.setdefault((EVC, CONNECTOR["isControllerEnabled"].calldata(account, vault)), bytes(32))
    return replace(block, storage=storage, calls=calls)


RECORDING = replace(PLAIN, blocks=tuple(completed(block) for block in PLAIN.blocks))
DEPLOYMENT = Deployment(DeploymentName("local-euler"), SLUG, ChainId("eip155:31337"), {"evc": EVC, "factory": FACTORY})


def moments() -> tuple[Played, ...]:
    return tuple(Played(RECORDING, number) for number in range(len(RECORDING.blocks)))


class Spoken(NamedTuple):
    """What the contracts said about one account at one block."""

    account: Account
    truth: dict[str, Any]


class Page(NamedTuple):
    """One market at one recorded block, and everyone whom it controls."""

    played: Played
    market: Market
    spoken: tuple[Spoken, ...]


def pages() -> Iterator[Page]:
    """Every market at every recorded block."""
    for played in moments():
        truths = played.block.truth["accounts"]
        for key in played.read(ADAPTER.markets(DEPLOYMENT)):
            market = played.read(ADAPTER.market(DEPLOYMENT, key))
            keys = [PositionKey(account) for account, truth in truths.items() if key in truth["controllers"]]
            accounts = played.read(ADAPTER.accounts(market, keys))
            assert accounts.failed == ()
            yield Page(played, market, tuple(Spoken(account, truths[account.key]) for account in accounts))
