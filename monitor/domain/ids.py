"""Names of chains, markets and positions, and how they are written as one line of text."""

from dataclasses import dataclass
from typing import ClassVar, NewType

from monitor.domain.spelling import bech32
from monitor.errors import UsageError

ChainId = NewType("ChainId", str)
"""CAIP-2: `eip155:1`, `cosmos:dydx-mainnet-1`, `venue:hyperliquid`."""
Slug = NewType("Slug", str)
"""A protocol's folder name, `aave_v3`."""
DeploymentName = NewType("DeploymentName", str)
"""`<chain>-<market>`, unique in the configuration."""
MarketKey = NewType("MarketKey", str)
"""What the protocol calls its unit of shared risk: a pool address, a market id."""
PositionKey = NewType("PositionKey", str)
"""Never changes while the position lives: address, urn, trove id, NFT id, sub-account."""
Address = NewType("Address", str)
"""`0x` and 40 lower-case hex digits."""

_DYDX = "dydx"


def address(text: str) -> Address:
    """Return the address in lower case; checksums are for display only, but that of a `dydx1…` address must fit.

    Raises UsageError when the text is no 20-byte address in either spelling.
    """
    if text.lower().startswith(_DYDX + "1"):
        return _of_cosmos(text)
    body = text[2:].lower()
    if len(text) != 42 or text[:2] not in ("0x", "0X") or body.strip("0123456789abcdef"):
        raise UsageError(f"expected an address of 0x and 40 hex digits, found {text[:60]!r}")
    return Address("0x" + body)


def spelled(chain: ChainId, owner: Address) -> str:
    """Return an address as people on its chain write it: `dydx1…` on dYdX."""
    if not chain.startswith(f"cosmos:{_DYDX}-"):
        return owner
    return bech32.encoded(_DYDX, bytes.fromhex(owner[2:]))


def _of_cosmos(text: str) -> Address:
    try:
        _, body = bech32.decoded(text)
    except ValueError as e:
        raise UsageError(f"expected an address of dydx1 and 38 characters, found {text[:60]!r}: {e}") from e
    if len(body) != 20:
        raise UsageError(f"expected an address of 20 bytes, found {len(body)} in {text[:60]!r}")
    return Address("0x" + body.hex())


@dataclass(frozen=True, slots=True, order=True)
class PositionId:
    """One liquidatable unit."""

    chain: ChainId
    protocol: Slug
    deployment: DeploymentName
    market: MarketKey
    key: PositionKey

    def __str__(self) -> str:
        return f"{self.chain}/{self.protocol}/{self.deployment}/{self.market}/{self.key}"

    @classmethod
    def parse(cls, text: str) -> "PositionId":
        """Return the id written by `str()`.

        Raises UsageError when the text has another number of parts.
        """
        parts = text.split("/")
        if len(parts) != 5 or not all(parts):
            raise UsageError(f"expected a position chain/protocol/deployment/market/key, found {text[:120]!r}")
        chain, protocol, deployment, market, key = parts
        return cls(ChainId(chain), Slug(protocol), DeploymentName(deployment), MarketKey(market), PositionKey(key))


@dataclass(frozen=True, slots=True, order=True)
class ChainWide:
    """Everything on one chain, of no protocol, deployment or market in particular; written as the chain's id alone."""

    chain: ChainId
    protocol: ClassVar[Slug] = Slug("")
    deployment: ClassVar[DeploymentName] = DeploymentName("")
    market: ClassVar[MarketKey] = MarketKey("")
    key: ClassVar[PositionKey] = PositionKey("")

    def __str__(self) -> str:
        return self.chain


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """What several positions have in common: a price feed, a deployment, a person's day; written `chain#what`.

    `chain` is empty for what belongs to none.
    """

    chain: ChainId
    what: str
    protocol: ClassVar[Slug] = Slug("")
    deployment: ClassVar[DeploymentName] = DeploymentName("")
    market: ClassVar[MarketKey] = MarketKey("")
    key: ClassVar[PositionKey] = PositionKey("")

    def __str__(self) -> str:
        return f"{self.chain}#{self.what}"


Subject = PositionId | ChainWide | Cause
"""Whom or what a message concerns."""


def subject(text: str) -> Subject:
    """Return the subject written by `str()`; raises UsageError when the text is none."""
    chain, mark, what = text.partition("#")
    if mark and "/" not in chain:
        return Cause(ChainId(chain), what)
    if "/" not in text and ":" in text:
        return ChainWide(ChainId(text))
    return PositionId.parse(text)
