"""The way from an amount of a token to its worth in the unit of account: vaults to open, then oracles in a row.

Contract files: EulerRouter.sol (resolveOracle), ChainlinkOracle.sol, CrossAdapter.sol, ScaleUtils.sol.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.domain.ids import Address
from monitor.domain.prices import Node
from monitor.domain.token import Token
from monitor.pricing.aggregator import Aggregator

Step = tuple[int, int]
"""An amount is multiplied by the first and divided by the second, rounded down."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One oracle in a row: amount · `scale` · price ÷ `unit`, or its inverse.

    `decimals` are those of the price of a whole token in whole tokens.
    """

    node: Node
    scale: int
    unit: int
    decimals: int
    is_inverse: bool

    def step(self, price: int) -> Step:
        """Return what an amount is multiplied by and divided by (ScaleUtils.calcOutAmount)."""
        return (self.unit, self.scale * price) if self.is_inverse else (self.scale * price, self.unit)


@dataclass(frozen=True, slots=True)
class Path:
    """How a token is priced: its shares opened vault by vault, what comes out priced stage by stage.

    `problem` says why there is no way. `decimals` are those of the node's price of a whole `token`. A path `is_exact`
    when every rounding on it is the contracts' own: no foreign vault, no oracle that is only sampled.
    """

    vaults: tuple[Address, ...]
    token: Token
    stages: tuple[Stage, ...]
    node: Node
    decimals: int
    is_exact: bool = True
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A Chainlink adapter and its feed; the adapter reverts for an answer older than `max_staleness_s`."""

    adapter: Address
    aggregator: Aggregator
    max_staleness_s: int

    @property
    def node(self) -> Node:
        """What the adapter takes from the feed."""
        return oracle_node(self.adapter)


@dataclass(frozen=True, slots=True)
class Quoted:
    """An oracle that is only asked: what `sample` of one token is in another."""

    node: Node
    oracle: Address
    base: Address
    quote: Address
    sample: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that is read for the prices of a market at every block."""

    feeds: tuple[Feed, ...]
    quoted: tuple[Quoted, ...]


def oracle_node(adapter: Address) -> Node:
    """Return the node of what an adapter reads."""
    return Node(f"oracle:{adapter}")


def feed_node(feed: Address) -> Node:
    """Return the node of a feed's answer."""
    return Node(f"feed:{feed}")


def rate_node(oracle: Address, base: Address, quote: Address) -> Node:
    """Return the node of what an oracle that is only asked answers for a pair."""
    return Node(f"rate:{oracle}:{base}:{quote}")


def price_node(token: Address) -> Node:
    """Return the node of a token's price in the unit of account."""
    return Node(f"price:{token}")


def through(steps: Sequence[Step], amount: int) -> int:
    """Return what an amount becomes along the steps, rounded down at each."""
    for multiplier, divisor in steps:
        amount = amount * multiplier // divisor
    return amount
