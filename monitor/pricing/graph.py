"""The protocol's own price graph: what it reads, and how prices follow from that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from monitor.domain.prices import Node, PriceUsed, Repricing, SidedValue, Unknown, Value
from monitor.errors import UsageError
from monitor.pricing.formula import FixedCap, Formula, PeggedCap, Quotient, RatioCap

Prices = Mapping[Node, Value | SidedValue]
"""Every node of a graph with its value under one repricing."""

_REMEMBERED = 4


@dataclass(frozen=True, slots=True)
class Derived:
    """A node computed from others. `method` is what the node does while no cap holds; empty: as its first input."""

    node: Node
    formula: Formula
    inputs: tuple[Node, ...]
    decimals: int
    source: str
    method: str = ""

    def present(self, of: Mapping[Node, PriceUsed]) -> PriceUsed:
        """Return the node's own price, with the oldest time and every doubt of what it is made from."""
        inputs = [of[node] for node in self.inputs]
        times = [used.updated_at_s for used in inputs if used.updated_at_s is not None]
        values = [used.value for used in inputs]
        is_capped = _is_capped(self.formula, values)
        return PriceUsed(
            node=self.node,
            value=self.formula.of(values),
            decimals=self.decimals,
            source=self.source,
            method="capped" if is_capped or inputs[0].method == "capped" else self.method or inputs[0].method,
            updated_at_s=min(times, default=None),
            raw_answer=inputs[0].raw_answer,
            round=inputs[0].round,
            labels=tuple(dict.fromkeys(label for used in inputs for label in used.labels)),
        )


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap of the graph: what it holds down, where, and how far below the cap that is now.

    `headroom_bps` is rounded down and negative where the cap holds; None where a side of it is unknown.
    """

    node: Node
    formula: FixedCap | RatioCap | PeggedCap
    uncapped: Value
    limit: Value
    headroom_bps: int | None

    @property
    def is_capped(self) -> bool:
        """Whether the contract's isCapped() is true."""
        return (
            not isinstance(self.uncapped, Unknown)
            and not isinstance(self.limit, Unknown)
            and (self.uncapped > self.limit)
        )


@dataclass(frozen=True, slots=True)
class PriceGraph:
    """Input nodes, and derived nodes in an order in which each follows what it is made from.

    Made by `PriceGraph.of`. `present` is every node's own price; `drivers` the inputs each node is made from, an input
    its own; `affected` the derived nodes that depend on each node, in order.
    """

    inputs: tuple[PriceUsed, ...]
    derived: tuple[Derived, ...]
    present: Mapping[Node, PriceUsed]
    values: Mapping[Node, Value]
    drivers: Mapping[Node, tuple[Node, ...]]
    affected: Mapping[Node, tuple[Derived, ...]]
    _recent: list[tuple[Repricing, Prices]] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def of(cls, inputs: Iterable[PriceUsed], derived: Iterable[Derived] = ()) -> "PriceGraph":
        """Return the graph of these nodes, in any order.

        Raises UsageError for a node named twice, made from a node that is not there, or from itself.
        """
        inputs = tuple(inputs)
        ordered = _ordered(inputs, tuple(derived))
        used = {price.node: price for price in inputs}
        for node in ordered:
            used[node.node] = node.present(used)
        drivers, affected = _dependencies(inputs, ordered)
        return cls(
            inputs=inputs,
            derived=ordered,
            present=used,
            values={node: price.value for node, price in used.items()},
            drivers=drivers,
            affected=affected,
        )

    @property
    def prices(self) -> tuple[PriceUsed, ...]:
        """Every node's own price."""
        return tuple(self.present.values())

    def evaluate(self, repricing: Repricing) -> Prices:
        """Return every node's value; a replaced node passes through whatever is made from it.

        A replaced derived node stands as given. Only what depends on a replaced node is computed again, and the last
        few repricings of several nodes are remembered, so that many accounts of a market cost one evaluation. Raises
        UsageError when the repricing names a node that the graph does not have.
        """
        if not repricing.nodes:
            return self.values
        if len(repricing.nodes) == 1:
            return self._evaluated(repricing.nodes)
        for known, prices in self._recent:
            if known is repricing:
                return prices
        prices = self._evaluated(repricing.nodes)
        self._recent.append((repricing, prices))
        del self._recent[:-_REMEMBERED]
        return prices

    @property
    def caps(self) -> tuple[Cap, ...]:
        """Every cap with its parameters and headroom."""
        return tuple(cap for node in self.derived if (cap := self._cap(node)) is not None)

    def _evaluated(self, nodes: Mapping[Node, Value | SidedValue]) -> Prices:
        prices: dict[Node, Value | SidedValue] = dict(self.values)
        affected: dict[Node, Derived] = {}
        for node, value in nodes.items():
            if node not in prices:
                raise UsageError(f"expected a node of the price graph, found {node!r} in the repricing")
            prices[node] = value
            affected.update((derived.node, derived) for derived in self.affected[node])
        again: Iterable[Derived] = affected.values()
        if len(nodes) > 1:
            again = [derived for derived in self.derived if derived.node in affected]
        for derived in again:
            if derived.node not in nodes:
                prices[derived.node] = _sided(derived.formula, [prices[node] for node in derived.inputs])
        return prices

    def _cap(self, node: Derived) -> Cap | None:
        if not isinstance(node.formula, FixedCap | RatioCap | PeggedCap):
            return None
        uncapped, limit = node.formula.limit([self.values[source] for source in node.inputs])
        known = isinstance(uncapped, int) and isinstance(limit, int) and limit > 0
        headroom = (limit - uncapped) * 10_000 // limit if known else None  # type: ignore[operator]  # both are int
        return Cap(node.node, node.formula, uncapped, limit, headroom)


def relabelled(used: PriceUsed, *labels: str) -> PriceUsed:
    """Return the price with more doubts named."""
    return replace(used, labels=tuple(dict.fromkeys((*used.labels, *labels))))


def on_collateral_side(value: Value | SidedValue) -> Value:
    """Return what the node is worth as collateral."""
    return value.collateral if isinstance(value, SidedValue) else value


def on_debt_side(value: Value | SidedValue) -> Value:
    """Return what the node is worth as debt."""
    return value.debt if isinstance(value, SidedValue) else value


def _sided(formula: Formula, values: Sequence[Value | SidedValue]) -> Value | SidedValue:
    if not any(isinstance(value, SidedValue) for value in values):
        return formula.of(values)  # type: ignore[arg-type]  # none is sided
    collateral = [on_collateral_side(value) for value in values]
    debt = [on_debt_side(value) for value in values]
    if isinstance(formula, Quotient):
        collateral[1], debt[1] = debt[1], collateral[1]
    return SidedValue(formula.of(collateral), formula.of(debt))


def _is_capped(formula: Formula, values: Sequence[Value]) -> bool:
    if not isinstance(formula, FixedCap | RatioCap | PeggedCap):
        return False
    uncapped, limit = formula.limit(values)
    return isinstance(uncapped, int) and isinstance(limit, int) and uncapped > limit


def _ordered(inputs: Sequence[PriceUsed], derived: Sequence[Derived]) -> tuple[Derived, ...]:
    by_node = {node.node: node for node in derived}
    known = {price.node for price in inputs}
    if len(known) != len(inputs) or len(by_node) != len(derived) or known & by_node.keys():
        raise UsageError("expected every node of a price graph once, found one twice")
    missing = {source for node in derived for source in node.inputs} - known - by_node.keys()
    if missing:
        raise UsageError(f"expected the inputs of every node in the price graph, found none for {sorted(missing)}")
    try:
        order = tuple(TopologicalSorter({node.node: node.inputs for node in derived}).static_order())
    except CycleError as e:
        raise UsageError(f"expected no node to depend on itself, found {e.args[1]}") from e
    return tuple(by_node[node] for node in order if node in by_node)


def _dependencies(
    inputs: Sequence[PriceUsed], derived: Sequence[Derived]
) -> tuple[dict[Node, tuple[Node, ...]], dict[Node, tuple[Derived, ...]]]:
    drivers: dict[Node, tuple[Node, ...]] = {price.node: (price.node,) for price in inputs}
    made_from: dict[Node, set[Node]] = {price.node: set() for price in inputs}
    affected: dict[Node, list[Derived]] = {node: [] for node in (*drivers, *(made.node for made in derived))}
    for made in derived:
        drivers[made.node] = tuple(dict.fromkeys(node for source in made.inputs for node in drivers[source]))
        made_from[made.node] = set(made.inputs).union(*(made_from[source] for source in made.inputs))
        for source in made_from[made.node]:
            affected[source].append(made)
    return drivers, {node: tuple(found) for node, found in affected.items()}
