"""Which assets move a position: the inputs of its market's price graph, and whose price each of them is."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.domain.assessment import Assessment, Side
from monitor.domain.ids import Address
from monitor.domain.prices import Node, Repricing
from monitor.domain.token import Token
from monitor.health.judge import Priced
from monitor.pricing.formula import Product, Quotient, RatioCap
from monitor.pricing.graph import Derived, PriceGraph
from monitor.risk.model import AssetClass, RiskModel

FIXED = "hardcoded"
_RATE = "exchange-rate"


class CountedIn(Priced, Protocol):
    """A market that says what it counts in."""

    @property
    def base_is_usd(self) -> bool: ...
    @property
    def base_token(self) -> Address | None: ...


@dataclass(frozen=True, slots=True)
class Asset:
    """What moves by itself: a token, or an exchange rate, which has none."""

    name: str
    of: AssetClass
    token: Token | None = None


@dataclass(frozen=True, slots=True)
class Driven:
    """An input of the graph, the asset whose price it is, and the one in which it is told, None for dollars."""

    node: Node
    now: int
    asset: Asset
    told_in: Asset | None


@dataclass(frozen=True, slots=True)
class Factors:
    """Everything that can move the healths of some positions.

    `priced` are the assets by whose prices the positions are valued, each with the nodes that do it.
    """

    assets: tuple[Asset, ...]
    driven: tuple[Driven, ...]
    priced: tuple[tuple[Node, Asset], ...] = ()

    def moved(self, ratios: Mapping[str, tuple[int, int]], name: str) -> Repricing:
        """Return the repricing in which each asset, by name, is worth numerator ÷ denominator times as much.

        A price moves at least as far as that: it rounds away from now, and stays above zero.
        """
        nodes: dict[Node, int] = {}
        for one in self.driven:
            up, down = ratios[one.asset.name]
            if one.told_in is not None:
                over, under = ratios[one.told_in.name]
                up, down = up * under, down * over
            numerator, denominator = one.now * up, max(down, 1)
            value = -(-numerator // denominator) if up > down else numerator // denominator
            nodes[one.node] = max(value, 1)
        return Repricing(name, nodes)


def factors_of(model: RiskModel, market: CountedIn, *seen: Assessment) -> Factors:
    """Return what moves the positions: the inputs under the prices of their legs and positions, fixed ones left out.

    An input that prices several assets is the price of the one that it passes on unchanged, else of the one that moves
    most. A market that counts in a token has prices told in that token, unless a formula divides by its price.
    """
    chain, graph = seen[0].id.chain, market.graph
    base = None if market.base_is_usd else market.base_token
    counted = None if base is None else Asset(base, model.owed(chain, base))
    walk = _Walk(graph, {made.node: made for made in graph.derived}, counted, model.rate)
    found: dict[Node, list[tuple[Driven, bool]]] = {}
    priced = tuple(dict.fromkeys(pair for one in seen for pair in _priced(model, one)))
    for node, asset in priced:
        for one in walk.under(node, asset, counted):
            found.setdefault(one.node, []).append((one, graph.values[node] == one.now))
    driven = tuple(max(some, key=_claim)[0] for some in found.values())
    names: dict[str, Asset] = {}
    for one in driven:
        names.setdefault(one.asset.name, one.asset)
        if one.told_in is not None:
            names.setdefault(one.told_in.name, one.told_in)
    return Factors(tuple(names.values()), driven, priced)


def _claim(claimed: tuple[Driven, bool]) -> tuple[bool, bool, int]:
    driven, is_unchanged = claimed
    return driven.asset.token is not None, is_unchanged, driven.asset.of.sigma_year_bps


def _priced(model: RiskModel, seen: Assessment) -> Iterator[tuple[Node, Asset]]:
    """Yield the nodes that value the position, with the asset whose price each is."""
    chain = seen.id.chain
    for leg in seen.legs:
        known = model.owed if leg.side is Side.DEBT else model.of
        yield leg.node, Asset(leg.token.address, known(chain, leg.token.address), leg.token)
    for held in seen.positions:
        asset = Asset(held.token.address, model.traded(chain, held.token), held.token)
        yield held.node, asset
        if held.index_node is not None:
            yield held.index_node, asset


@dataclass(frozen=True, slots=True)
class _Walk:
    """Down a price graph, from what values a position to what the chain answers."""

    graph: PriceGraph
    made: Mapping[Node, Derived]
    counted: Asset | None
    rate: AssetClass

    def under(self, node: Node, asset: Asset, told_in: Asset | None) -> Iterator[Driven]:
        """Yield the inputs of a node that is the asset's price, told in another."""
        made = self.made.get(node)
        if made is None:
            yield from self._input(node, asset, told_in)
            return
        match made.formula:
            case Quotient():
                over, under = made.inputs
                yield from self.under(over, asset, None)
                if self.counted is not None:
                    yield from self.under(under, self.counted, None)
            case Product() | RatioCap():
                price = max(made.inputs, key=self._priceness)
                yield from self.under(price, asset, told_in)
                for rate in made.inputs:
                    if rate != price:
                        yield from self._rates(self.graph.drivers[rate])
            case _:
                for source in made.inputs:
                    yield from self.under(source, asset, told_in)

    def _input(self, node: Node, asset: Asset, told_in: Asset | None) -> Iterator[Driven]:
        used = self.graph.present.get(node)
        if used is None or used.method == FIXED or not isinstance(used.value, int) or used.value <= 0:
            return
        if used.method == _RATE:
            yield from self._rates((node,))
        else:
            yield Driven(node, used.value, asset, None if told_in is None or told_in.name == asset.name else told_in)

    def _rates(self, nodes: Iterable[Node]) -> Iterator[Driven]:
        for node in nodes:
            used = self.graph.present[node]
            if used.method != FIXED and isinstance(used.value, int) and used.value > 0:
                yield Driven(node, used.value, Asset(node, self.rate), None)

    def _priceness(self, node: Node) -> tuple[bool, float]:
        """Return what tells a price from the rates it is multiplied by: those are worth about one."""
        used = self.graph.present[node]
        if not isinstance(used.value, int) or used.value <= 0:
            return False, 0.0
        whole = used.value / 10**used.decimals
        return used.method not in {FIXED, _RATE}, max(whole, 1 / whole)
