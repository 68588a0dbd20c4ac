"""All that the accounts of one dex share at one moment: perpetuals with marks and tiers, collateral, sibling dexes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.errors import UsageError
from monitor.health.tiers import Tiers
from monitor.pricing.graph import PriceGraph
from monitor.units import WAD

MAIN = "main"
KEY_BYTES = 24
CROSS = 0xFFFFFFFF
"""The last four bytes of a key: this for what is cross, else the number of the asset held with isolated margin."""
PER_DEX = 1_000
MOST_DEXES = 65
BUILDER_ASSETS, PER_BUILDER = 100_000, 10_000
"""Assets of the n-th dex have the numbers 100,000 + 10,000·n and up, those of the main dex from 0."""

ACCOUNT = 0
"""The place of what belongs to an account as a whole; a perpetual has place 1 + 1,000 × number of its dex + index."""

READ_AT = 0
"""When the venue says it answered, in milliseconds since 1970."""
CASH, CASH_OWED = 1, 2
"""Equity less the value of all positions, above zero and below it, with eight decimals."""
HELD = 3
"""What resting orders keep from being withdrawn, with eight decimals."""
ELSEWHERE = 4
"""What positions that are not part of the market require, with eight decimals."""
BORROWED = 5
EXTRA, EXTRA_OWED = 6, 7
"""What portfolio margin counts beyond the balance and is not explained by a coin, with eight decimals."""
LONG, SHORT = 8, 9
ENTRY = 10
"""What a position was opened for, without a sign, with eight decimals."""
LEVERAGE = 11
"""The leverage its owner chose, which sets the initial margin."""
COIN, COUNTED = 12, 13
"""A coin of portfolio margin in the place of its perpetual, and how much of it counts; eight decimals."""


class Mode(IntEnum):
    """How an account pools its margin; stored as its category.

    An account is `UNEXPLAINED` where the venue states liquidation prices or requirements that do not follow from what
    it states beside them.
    """

    STANDARD = 0
    UNIFIED = 1
    PORTFOLIO = 2
    UNEXPLAINED = 3


@dataclass(frozen=True, slots=True)
class Dex:
    """One dex, by its number (the main one is 0) and the name the API knows it by, and its collateral."""

    number: int
    name: str
    collateral: Token
    collateral_number: int

    @property
    def key(self) -> MarketKey:
        return key_of(self.number, self.name)


@dataclass(frozen=True, slots=True)
class Traded:
    """One perpetual. `tiers` are None where its margin table is not told; `funding_wad` is paid each hour by longs."""

    place: int
    number: int
    token: Token
    node: Node
    index_node: Node
    tiers: Tiers | None
    funding_wad: int
    is_delisted: bool


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin that portfolio margin counts as collateral; it follows the mark of its perpetual."""

    place: int
    token: Token
    node: Node


@dataclass(frozen=True, slots=True)
class Market:
    """One dex at one moment, and its siblings: the other dexes with the same collateral that are watched.

    Where accounts pool one balance for all dexes of a collateral, their cross positions are one unit; it belongs to
    the first of these dexes, which is `is_home` and has the others as siblings. `is_by_mids`: valued at the middles of
    books and not at marks.
    """

    deployment: Deployment
    key: MarketKey
    at: VenueMoment
    dex: Dex
    siblings: tuple[Dex, ...]
    is_home: bool
    traded: Mapping[int, Traded]
    places: Mapping[str, int]
    coins: Mapping[int, Coin]
    graph: PriceGraph
    is_by_mids: bool = False

    @property
    def base_unit(self) -> int:
        return WAD

    @property
    def base_is_usd(self) -> bool:
        """Whether amounts are dollars: the venue counts its collaterals, dollar tokens all, as one dollar each."""
        return True

    @property
    def base_token(self) -> Address | None:
        return None

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        return self.graph.prices

    @property
    def tokens(self) -> tuple[tuple[Node, Token], ...]:
        """The node that prices each collateral; marks are prices of this venue alone."""
        return tuple((coin.node, coin.token) for coin in self.coins.values())

    @property
    def par_node(self) -> Node:
        return Node(f"par:{self.dex.collateral.address}")


def key_of(number: int, name: str) -> MarketKey:
    """Return how a dex is called as a market; a builder who takes the main one's name gets its number with it."""
    if not number:
        return MarketKey(MAIN)
    return MarketKey(f"{MAIN}@{number}" if name == MAIN else name)


def place_of(dex_number: int, index: int) -> int:
    """Return the place of a perpetual; raises UsageError where there are more than places."""
    if dex_number >= MOST_DEXES or index >= PER_DEX:
        raise UsageError(f"expected at most {MOST_DEXES} dexes of {PER_DEX} assets, found {dex_number} and {index}")
    return 1 + dex_number * PER_DEX + index


def number_of(dex_number: int, index: int) -> int:
    """Return the number by which the venue knows an asset."""
    return BUILDER_ASSETS + PER_BUILDER * dex_number + index if dex_number else index


def key_in(owner: Address, number: int = CROSS) -> PositionKey:
    """Return the key of an owner's cross unit, or of the position in an asset that is isolated."""
    return PositionKey(f"{owner}{number:08x}")


def owner_of(key: PositionKey) -> Address:
    """Return whose unit a key is."""
    return Address(key[:42])


def asset_of(key: PositionKey) -> int | None:
    """Return the asset whose isolated position a key is, None for the cross unit."""
    number = int(key[42:], 16)
    return None if number == CROSS else number
