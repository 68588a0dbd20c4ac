"""Prices as the protocol sees them: nodes of its price graph, and what replaces them in a what-if."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NewType

Node = NewType("Node", str)
"""A node of a market's price graph, `feed:0x…` or `asset:0x…`."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A price that could not be established."""

    reason: str


Value = int | Unknown
"""A price in the protocol's own unit, or that it is unknown."""


@dataclass(frozen=True, slots=True)
class PriceUsed:
    """A price with what a reader needs to judge it; `updated_at_s` is None where the source does not say.

    `method` is one of market, exchange-rate, capped, hardcoded, mark. `labels` name doubts: stale, implausible…
    """

    node: Node
    value: Value
    decimals: int
    source: str
    method: str
    updated_at_s: int | None = None
    raw_answer: int | None = None
    round: int | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SidedValue:
    """A node that is worth one thing as collateral and another as debt."""

    collateral: Value
    debt: Value


@dataclass(frozen=True, slots=True)
class Repricing:
    """Replaces nodes of a market's price graph; the empty one is the protocol's own view."""

    name: str = "protocol"
    nodes: Mapping[Node, Value | SidedValue] = field(default_factory=lambda: MappingProxyType({}))


PROTOCOL = Repricing()
