"""Perpetual accounts: health as equity over maintenance requirement, and every price at which it crosses its line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from monitor.domain.assessment import Assessment, LiquidationPrice
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Node, Repricing
from monitor.domain.token import Token
from monitor.health.crossings import bent, crossings, ladder
from monitor.health.distance import distance_bps
from monitor.health.liquidation_price import driving_nodes, token_of
from monitor.pricing.graph import PriceGraph
from monitor.pricing.repricing import at

HealthAt = Callable[[Repricing], Health]

REACH = 2**10
"""A price that would have to rise more than a thousandfold is out of reach."""


def health_of(equity: int, maintenance: int, line: Line = Line.BELOW, native: int | None = None) -> Health:
    """Return equity over maintenance requirement by the venue's own comparison, both in one unit.

    Nothing is required where nothing is open: then nothing can be liquidated, whatever the equity. A venue that
    compares one net number with zero has its mark-to-market value as equity and that value less the net number as
    requirement (`of_net`). A venue that compares with another line than 1, such as a ratio above 0.95, multiplies both
    sides out.
    """
    if maintenance <= 0:
        return NoDebt()
    return Measured(equity, maintenance, line, native)


def of_net(value: int, net: int, line: Line = Line.BELOW) -> Health:
    """Return the health of a venue whose margin is one net number, liquidatable below zero.

    value ÷ (value - net) is below 1 exactly where the net number is below 0. Where a negative net number goes with a
    value below it, which implies no requirement, it is measured over one unit.
    """
    requirement = value - net
    if requirement <= 0 <= net:
        return NoDebt()
    return Measured(value, max(requirement, 1), line, net)


def liquidation_prices(
    health: HealthAt, graph: PriceGraph, seen: Assessment, tokens: Iterable[tuple[Node, Token]] = ()
) -> tuple[LiquidationPrice, ...]:
    """Return every boundary of a perpetual account, one price moved at a time and all else as it is now.

    The prices are those that value its positions, and the drivers of its collateral. Health need not be monotone in
    any of them (tiers, hedges, collateral of the same asset), so that a price can have several boundaries, ascending;
    `first_liquidatable` lies on the liquidatable side of each.
    """
    if not isinstance(seen.health, Measured):
        return ()
    named = {leg.node: leg.token for leg in seen.positions} | dict(tokens)
    nodes = dict.fromkeys((*(leg.node for leg in seen.positions), *driving_nodes(graph, seen.legs)))
    found: list[LiquidationPrice] = []
    for node in nodes:
        edges = [edge for leg in seen.positions if leg.node == node for edge in leg.edges]
        driven = [leg for leg in seen.legs if node in graph.drivers[leg.node]]
        token = named.get(node) or token_of(graph, node, driven)
        found += boundaries(health, graph, node, edges, token)
    return tuple(found)


def boundaries(
    health: HealthAt, graph: PriceGraph, node: Node, edges: Sequence[int], token: Token | None
) -> tuple[LiquidationPrice, ...]:
    """Return the boundaries on one node, found by integer bisection between breakpoints.

    Breakpoints are the edges given, the present value and the ends of its reach; and a ladder of points wherever the
    margin between two of them is no line.
    """
    now = graph.values.get(node)
    if not isinstance(now, int) or now <= 0:
        return ()
    line = _Line(health, node)
    bends = (edge + step for edge in edges for step in (-1, 0))
    points = sorted({1, now, now * REACH, *(bend for bend in bends if 0 < bend < now * REACH)})
    bowed = (pair for pair in pairwise(points) if pair[1] - pair[0] > 1 and bent(line.margin, *pair))
    rungs = (rung for low, high in bowed for rung in ladder(now, low, high))
    pairs = crossings(line.is_past, line.margin, (*points, *rungs))
    decimals = graph.present[node].decimals
    return tuple(_boundary(node, token, decimals, now, pair, line) for pair in pairs)


def nearest_bps(prices: Iterable[LiquidationPrice], health_now: Health) -> int | None:
    """Return how far the nearest boundary is, in bps of its price now, rounded toward danger.

    Of a safe account only boundaries whose liquidatable side lies away from now count: what lies beyond a first one
    is not nearer. Negative for an account past its line: the least way back on any price.
    """
    if not isinstance(health_now, Measured):
        return None
    ways = [distance_bps(price) for price in prices]
    if health_now.is_past_line:
        return max((way for way in ways if way <= 0), default=None)
    return min((way for way in ways if way >= 0), default=None)


def _boundary(
    node: Node, token: Token | None, decimals: int, now: int, pair: tuple[int, int], line: "_Line"
) -> LiquidationPrice:
    low, high = pair
    safe, past = (high, low) if line.is_past(low) else (low, high)
    return LiquidationPrice(node, token, decimals, now, safe, past, "falls" if past < safe else "rises")


@dataclass(frozen=True, slots=True)
class _Line:
    """One account's health along one node, each value asked for once."""

    health: HealthAt
    node: Node
    known: dict[int, Health] = field(default_factory=dict)

    def is_past(self, value: int) -> bool | None:
        match self._at(value):
            case Measured() as found:
                return found.is_past_line
            case NoDebt():
                return False
            case Unmeasurable():
                return None

    def margin(self, value: int) -> int:
        found = self._at(value)
        return found.numerator - found.denominator if isinstance(found, Measured) else 0

    def _at(self, value: int) -> Health:
        found = self.known.get(value)
        if found is None:
            found = self.known[value] = self.health(at(self.node, value))
        return found
