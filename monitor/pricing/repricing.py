"""Repricings: what else the nodes of a price graph could be, beside what the protocol says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.domain.ids import ChainId
from monitor.domain.prices import Node, PriceUsed, Repricing, SidedValue, Unknown, Value
from monitor.domain.token import Token
from monitor.errors import UsageError
from monitor.pricing.graph import PriceGraph
from monitor.pricing.haircuts import Haircut, Haircuts
from monitor.pricing.sanity import Divergence, distrusted, divergence, is_misconfigured
from monitor.units import PPM, mul_div_down, mul_div_up

CAUTIOUS = "cautious"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a cautious reader believes: the repricing, and how far the protocol's prices are from independent ones."""

    repricing: Repricing
    divergences: tuple[Divergence, ...]
    misconfigured: tuple[Node, ...]


def cautious(
    tokens: Iterable[tuple[Node, Token]],
    graph: PriceGraph,
    independent: Mapping[Node, PriceUsed],
    haircuts: Haircuts,
    chain: ChainId,
) -> Outlook:
    """Return, for each token's node, the worse of protocol and independent price on each side, less the haircut.

    Where only one of the two is known, it is that one. A protocol price in doubt counts only beside an independent one:
    alone it makes the node `Unknown`, since safety may not be read out of it. A node that prices several tokens takes
    the worst of them on each side.
    """
    nodes: dict[Node, Value | SidedValue] = {}
    apart: dict[Node, Divergence] = {}
    misconfigured: list[Node] = []
    for node, token in tokens:
        haircut, price, other = haircuts.of(chain, token.address), graph.present[node], independent.get(node)
        value = _worse(price, other, haircut)
        nodes[node] = _worst(nodes[node], value) if node in nodes else value
        if other is None or distrusted(other.labels):
            continue
        market = other.value
        if isinstance(market, int):
            market = mul_div_down(market, 10**price.decimals, 10**other.decimals)
        fact = divergence(node, price.value, market, haircut.divergence_bps)
        if fact is not None:
            apart[node] = fact
        if is_misconfigured(price.value, market):
            misconfigured.append(node)
    return Outlook(Repricing(CAUTIOUS, nodes), tuple(apart.values()), tuple(misconfigured))


def shock(graph: PriceGraph, ratios_ppm: Mapping[Node, int], name: str = "shock") -> Repricing:
    """Return the repricing that multiplies nodes by ratios in millionths, 800,000 for a fall of 20 %.

    As collateral a price rounds down, as debt up. An unknown price stays unknown. Raises UsageError for a node that is
    not in the graph or a negative ratio.
    """
    nodes: dict[Node, Value | SidedValue] = {}
    for node, ratio_ppm in ratios_ppm.items():
        value = graph.values.get(node)
        if value is None or ratio_ppm < 0:
            raise UsageError(
                f"expected a node of the price graph and a ratio of at least 0, found {node!r}, {ratio_ppm}"
            )
        if isinstance(value, int):
            nodes[node] = _sided(mul_div_down(value, ratio_ppm, PPM), mul_div_up(value, ratio_ppm, PPM))
    return Repricing(name, nodes)


def at(node: Node, value: int) -> Repricing:
    """Return the repricing of one node, as a search for a liquidation price asks for."""
    return Repricing("at", {node: value})


def _worse(price: PriceUsed, other: PriceUsed | None, haircut: Haircut) -> Value | SidedValue:
    doubt = distrusted(price.labels)
    has_protocol = isinstance(price.value, int) and price.value > 0
    has_market = other is not None and isinstance(other.value, int) and other.value > 0
    has_market = has_market and other is not None and not distrusted(other.labels)
    if not has_market and (doubt or not has_protocol):
        return Unknown(doubt or _reason(price.value))
    low, high = [], []
    if isinstance(price.value, int) and has_protocol:
        low.append(price.value)
        high.append(price.value)
    if other is not None and isinstance(other.value, int) and has_market:
        low.append(mul_div_down(other.value, 10**price.decimals, 10**other.decimals))
        high.append(mul_div_up(other.value, 10**price.decimals, 10**other.decimals))
    return _sided(haircut.collateral_down(min(low)), haircut.debt_up(max(high)))


def _worst(one: Value | SidedValue, other: Value | SidedValue) -> Value | SidedValue:
    for value in (one, other):
        if isinstance(value, Unknown):
            return value
    sides = [value if isinstance(value, SidedValue) else SidedValue(value, value) for value in (one, other)]
    return _sided(
        min(side.collateral for side in sides if isinstance(side.collateral, int)),
        max(side.debt for side in sides if isinstance(side.debt, int)),
    )


def _sided(collateral: int, debt: int) -> Value | SidedValue:
    return collateral if collateral == debt else SidedValue(collateral, debt)


def _reason(value: Value) -> str:
    return value.reason if isinstance(value, Unknown) else f"the price is {value}"
