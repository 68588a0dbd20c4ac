"""Liquidation prices: for each node that drives a position, the last safe and the first liquidatable integer."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from monitor.domain.assessment import Leg, LiquidationPrice, Side
from monitor.domain.health import Health, Measured
from monitor.domain.prices import Node, Repricing
from monitor.domain.token import Token
from monitor.health.boundary import flip, nearly
from monitor.pricing.formula import Quotient
from monitor.pricing.graph import PriceGraph
from monitor.pricing.repricing import at

HealthAt = Callable[[Repricing], Health]
"""The exact health of one position under a repricing."""

_REACH = 2**10
"""A price that would have to rise more than a thousandfold is out of reach."""

_PROBES = 14
_STRAIGHT = 10**7
"""Health off a line by less than one part in this many is only rounded, not bent."""


def driving_nodes(graph: PriceGraph, legs: Iterable[Leg]) -> tuple[Node, ...]:
    """Return the inputs of the graph that can move what the legs are worth, hardcoded prices left out."""
    nodes = dict.fromkeys(node for leg in legs for node in graph.drivers[leg.node])
    return tuple(node for node in nodes if graph.present[node].method != "hardcoded")


def liquidation_prices(
    health: HealthAt, graph: PriceGraph, legs: Sequence[Leg], health_now: Health
) -> tuple[LiquidationPrice, ...]:
    """Return every boundary of a position, one driving node moved at a time and all else as it is now."""
    found: list[LiquidationPrice] = []
    for node in driving_nodes(graph, legs):
        driven = [leg for leg in legs if node in graph.drivers[leg.node]]
        found += boundaries(health, graph, node, driven, health_now)
    return tuple(found)


def boundaries(
    health: HealthAt, graph: PriceGraph, node: Node, driven: Sequence[Leg], health_now: Health
) -> Iterator[LiquidationPrice]:
    """Yield the node's boundary below and the one above its present value, as far as there are any.

    Nothing for a position that is not measured or owes nothing, and for a node that is unknown, moves nothing or cannot
    reach the line. A position past its line has its boundary where it would be safe again. Health that is not monotone
    in a node (Aave up to 3.4 averages thresholds to whole basis points, a cap may hold one leg and not another) can
    cross the line more than once: each result is a true flip, the nearest to the present value that the probes find.
    """
    now = graph.values.get(node)
    if not isinstance(now, int) or now <= 0 or not isinstance(health_now, Measured):
        return
    side = _Side(health, graph, node, now, driven, health_now)
    for is_below in _directions(graph, node, driven, health_now):
        flip = side.nearest_flip(side.lowest() if is_below else now * _REACH)
        if flip is not None:
            safe, past = flip
            direction = "falls" if past < safe else "rises"
            yield LiquidationPrice(
                node, token_of(graph, node, driven), graph.present[node].decimals, now, safe, past, direction
            )


def token_of(graph: PriceGraph, node: Node, driven: Iterable[Leg]) -> Token | None:
    """Return the token whose price a node is: the only one it drives, or the one it passes through to unchanged.

    None where the price falls as the node rises: that is what another price is told in.
    """
    driven = tuple(driven)
    prices = {leg.token: leg.price for leg in driven}
    same = [token for token, price in prices.items() if price == graph.values[node]]
    if len(prices) > 1:
        return same[0] if len(same) == 1 else None
    return None if _divides(graph, node, driven) else next(iter(prices), None)


def _divides(graph: PriceGraph, node: Node, driven: Iterable[Leg]) -> bool:
    now = graph.values[node]
    if not isinstance(now, int) or not any(isinstance(made.formula, Quotient) for made in graph.affected[node]):
        return False
    twice = graph.evaluate(at(node, 2 * now))
    pairs = ((graph.values[leg.node], twice[leg.node]) for leg in driven)
    return any(isinstance(before, int) and isinstance(after, int) and after < before for before, after in pairs)


def _directions(graph: PriceGraph, node: Node, driven: Sequence[Leg], health_now: Measured) -> tuple[bool, ...]:
    """Return on which sides of now the line can be, below as True: on one where the node moves one kind of leg only."""
    sides = {leg.side for leg in driven}
    if len(sides) > 1 or any(isinstance(made.formula, Quotient) for made in graph.affected[node]):
        return True, False
    return ((Side.COLLATERAL in sides) != health_now.is_past_line,)


def _least_felt(now: int, driven: Iterable[Leg]) -> int:
    """Return by how much a node moves until what it drives is worth one base unit more: finer steps are not felt."""
    worth = sum(leg.value_base or 0 for leg in driven)
    return max(now // worth, 1) if worth else 1


class _Side:
    """One node of one position: its health at every value of the node, each asked for once."""

    def __init__(
        self, health: HealthAt, graph: PriceGraph, node: Node, now: int, driven: Sequence[Leg], health_now: Measured
    ) -> None:
        self._health, self._graph, self._node, self._now = health, graph, node, now
        self._priced = tuple(dict.fromkeys(leg.node for leg in driven if leg.price != now))
        self._step = _least_felt(now, driven)
        self._known: dict[int, Health] = {now: health_now}
        self._by_prices: dict[tuple[object, ...], Health] = {}

    def nearest_flip(self, end: int) -> tuple[int, int] | None:
        """Return the safe and the liquidatable integer of the flip between now and `end`, None where there is none."""
        now = self._now
        if self._is_past(end) == self._is_past(now):
            return None
        inner, outer = self._flip(end)
        if self._is_bent(inner):
            probe = next((p for p in self._probes(inner) if self._is_past(p) != self._is_past(now)), None)
            inner, outer = self._flip(probe) if probe is not None else (inner, outer)
        safe, past = (inner, outer) if self._is_past(outer) else (outer, inner)
        return (safe, past) if isinstance(self._at(safe), Measured) else None

    def lowest(self) -> int:
        """Return the least value at which the position can still be measured."""
        ends = (1, *(max(self._now >> bits, 1) for bits in (20, 10, 5)))
        return next((end for end in ends if isinstance(self._at(end), Measured)), self._now)

    def _flip(self, end: int) -> tuple[int, int]:
        """Return the two sides of a flip between now and `end`, the one nearer to now first."""
        low, high = sorted((self._now, end))
        low, high = flip(self._is_past, *nearly(self._is_past, self._margin, low, high, self._step))
        return (high, low) if end < self._now else (low, high)

    def _is_bent(self, inner: int) -> bool:
        """Whether a value halfway to the flip is off the line between, so that the line may be crossed twice."""
        middle = (self._now + inner) // 2
        found = self._at(middle)
        if inner == self._now or not isinstance(found, Measured):
            return False
        at_now, at_inner = self._margin(self._now), self._margin(inner)
        straight = at_now + (at_inner - at_now) * (middle - self._now) // (inner - self._now)
        return abs(self._margin(middle) - straight) * _STRAIGHT > found.denominator

    def _probes(self, inner: int) -> Iterator[int]:
        for shift in range(1, _PROBES + 1):
            yield inner + ((self._now - inner) >> shift)

    def _at(self, value: int) -> Health:
        found = self._known.get(value)
        if found is None:
            found = self._known[value] = self._asked(at(self._node, value))
        return found

    def _asked(self, repricing: Repricing) -> Health:
        """Return the health under a repricing, asked for once where many values of a node make the same prices."""
        if not self._priced:
            return self._health(repricing)
        prices = self._graph.evaluate(repricing)
        key = tuple(prices[node] for node in self._priced)
        found = self._by_prices.get(key)
        if found is None:
            found = self._by_prices[key] = self._health(repricing)
        return found

    def _is_past(self, value: int) -> bool:
        found = self._at(value)
        return isinstance(found, Measured) and found.is_past_line

    def _margin(self, value: int) -> int:
        found = self._at(value)
        return found.numerator - found.denominator if isinstance(found, Measured) else 0
