"""The price graph behind an AaveOracle: found once, then read whole at every moment and checked against the oracle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from monitor.abi import interface
from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.errors import UnexpectedAnswer
from monitor.pricing.aggregator import Round, price_used, rounds
from monitor.pricing.formula import Formula, Identity, Positive, PositiveOrFallback
from monitor.pricing.graph import Derived, PriceGraph, relabelled
from monitor.pricing.sanity import DEFAULT_HEARTBEAT_S, Doubt
from monitor.pricing.source import Source, sources
from monitor.query import Ask, Failed, ask_all, ask_each, together

_ABI = interface("shared", "aave_oracle")
_ZERO = Address("0x" + "00" * 20)


def asset_node(asset: Address) -> Node:
    """Return the node of what the oracle says about an asset."""
    return Node(f"asset:{asset}")


def feed_node(source: Address) -> Node:
    """Return the node of what a source answers."""
    return Node(f"feed:{source}")


def ratio_node(source: Address) -> Node:
    """Return the node of the exchange rate that an adapter multiplies with."""
    return Node(f"ratio:{source}")


def fallback_node(asset: Address) -> Node:
    """Return the node of what the oracle falls back to for an asset."""
    return Node(f"fallback:{asset}")


@dataclass(frozen=True, slots=True)
class OracleLayout:
    """Where an oracle's prices come from. `source_of` goes with `assets`; a zero source means the fallback oracle."""

    oracle: Address
    fallback: Address
    base_currency: Address
    base_unit: int
    assets: tuple[Address, ...]
    source_of: tuple[Address, ...]
    sources: tuple[Source, ...]

    @property
    def base_decimals(self) -> int:
        """The decimals of every price."""
        return len(str(self.base_unit)) - 1


@dataclass(frozen=True, slots=True)
class _Answers:
    asset_prices: Mapping[Address, Value]
    fallbacks: Mapping[Address, Value]
    rounds: Mapping[Address, Round]
    parameters: Mapping[Address, tuple[Any, ...]]
    fallback: Address
    source_of: tuple[Address, ...]


def oracle_layout(
    oracle: Address, assets: Sequence[Address], base: tuple[Address, int] | None = None
) -> Ask[OracleLayout]:
    """Return where the prices of the assets come from; raises UnexpectedAnswer when this is no AaveOracle.

    `base`: its base currency and that one's unit, for an oracle that has no views of them.
    """
    own = (_ABI["BASE_CURRENCY"].at(oracle), _ABI["BASE_CURRENCY_UNIT"].at(oracle)) if base is None else ()
    fallback, *found = yield from ask_all(
        [_ABI["getFallbackOracle"].at(oracle), *own, *(_ABI["getSourceOfAsset"].at(oracle, asset) for asset in assets)]
    )
    (currency, unit), source_of = base or found[:2], found[len(own) :]
    if unit != 10 ** (len(str(unit)) - 1):
        raise UnexpectedAnswer(f"expected a base currency unit that is a power of ten at {oracle}, found {unit}")
    known = yield from sources(address for address in source_of if address != _ZERO)
    return OracleLayout(oracle, fallback, currency, unit, tuple(assets), tuple(source_of), known)


def oracle_prices(
    layout: OracleLayout, now_s: int, heartbeats_s: Mapping[Address, int] = MappingProxyType({})
) -> Ask[tuple[OracleLayout, PriceGraph]]:
    """Return the price graph at the moment of the read, whose time is `now_s`, and the layout that holds now.

    Every node holds what its contract answered. An adapter whose formula gives another integer is taken as it is and
    labelled opaque; an asset the oracle has no price for is `Unknown`. `heartbeats_s` are those of single feeds. When
    the oracle has changed its sources, the layout is read again.
    """
    answers = yield from _answers(layout)
    if answers.source_of != layout.source_of or answers.fallback != layout.fallback:
        layout = yield from oracle_layout(layout.oracle, layout.assets, (layout.base_currency, layout.base_unit))
        answers = yield from _answers(layout)
    used: dict[Node, PriceUsed] = {}
    derived: list[Derived] = []
    for source in layout.sources:
        _add_source(source, answers, used, derived, heartbeats_s.get(source.address, DEFAULT_HEARTBEAT_S), now_s)
    for asset, source_address in zip(layout.assets, layout.source_of, strict=True):
        _add_asset(layout, asset, source_address, answers, used, derived)
    made = {node.node for node in derived}
    return layout, PriceGraph.of((price for node, price in used.items() if node not in made), derived)


def _answers(layout: OracleLayout) -> Ask[_Answers]:
    oracle, assets = layout.oracle, layout.assets
    prices, fallbacks, latest, parameters, (fallback, *source_of) = yield from together(
        ask_each([_ABI["getAssetPrice"].at(oracle, asset) for asset in assets]),
        ask_each([_ABI["getAssetPrice"].at(layout.fallback, a) for a in assets] if layout.fallback != _ZERO else []),
        rounds([source.address for source in layout.sources]),
        ask_each([call for source in layout.sources for call in source.calls]),
        ask_all([_ABI["getFallbackOracle"].at(oracle), *(_ABI["getSourceOfAsset"].at(oracle, a) for a in assets)]),
    )
    rest = iter(parameters)
    return _Answers(
        asset_prices={asset: _value(price) for asset, price in zip(assets, prices, strict=True)},
        fallbacks={asset: _value(price) for asset, price in zip(assets, fallbacks, strict=False)},
        rounds={source.address: one for source, one in zip(layout.sources, latest, strict=True)},
        parameters={source.address: tuple(next(rest) for _ in source.calls) for source in layout.sources},
        fallback=fallback,
        source_of=tuple(source_of),
    )


def _add_source(
    source: Source,
    answers: _Answers,
    used: dict[Node, PriceUsed],
    derived: list[Derived],
    heartbeat_s: int,
    now_s: int,
) -> None:
    address, kind, latest = source.address, source.kind, answers.rounds[source.address]
    node = feed_node(address)
    plain = price_used(node, source.feed, latest, heartbeat_s, now_s)
    if kind is None:
        used[node] = _judged(plain, source, latest)
        return
    values = answers.parameters[address]
    parameters = values[1:] if kind.ratio else values
    inputs = [feed_node(upstream) for upstream in source.upstream]
    if kind.ratio:
        inputs.append(ratio_node(address))
        used[inputs[-1]] = PriceUsed(inputs[-1], _value(values[0]), _ratio_decimals(values[-1]), address, kind.method)
    if not any(isinstance(parameter, Failed) for parameter in parameters):
        formula = kind.formula(parameters, now_s)
        made = Derived(node, formula, tuple(inputs), source.feed.decimals, address, kind.method)
        if _add_if_true(made, latest.answer, used, derived):
            return
    used[node] = relabelled(plain, Doubt.OPAQUE)


def _add_asset(
    layout: OracleLayout,
    asset: Address,
    source: Address,
    answers: _Answers,
    used: dict[Node, PriceUsed],
    derived: list[Derived],
) -> None:
    node, price = asset_node(asset), answers.asset_prices[asset]
    if asset == layout.base_currency:
        used[node] = PriceUsed(node, price, layout.base_decimals, layout.oracle, "hardcoded")
        return
    inputs: tuple[Node, ...] = () if source == _ZERO else (feed_node(source),)
    if layout.fallback != _ZERO:
        inputs += (fallback_node(asset),)
        used[inputs[-1]] = PriceUsed(
            inputs[-1], answers.fallbacks[asset], layout.base_decimals, layout.fallback, "market"
        )
    formula: Formula = PositiveOrFallback() if len(inputs) == 2 else Positive() if source != _ZERO else Identity()
    made = Derived(node, formula, inputs, layout.base_decimals, layout.oracle)
    if not inputs or not _add_if_true(made, price, used, derived):
        used[node] = PriceUsed(node, price, layout.base_decimals, layout.oracle, "market", labels=(Doubt.OPAQUE,))


def _add_if_true(made: Derived, answer: Value, used: dict[Node, PriceUsed], derived: list[Derived]) -> bool:
    present = made.present(used)
    if present.value != answer and not (isinstance(present.value, Unknown) and isinstance(answer, Unknown)):
        return False
    used[made.node] = present
    derived.append(made)
    return True


def _judged(price: PriceUsed, source: Source, latest: Round) -> PriceUsed:
    if source.is_fixed:
        return PriceUsed(price.node, price.value, price.decimals, price.source, "hardcoded", labels=(Doubt.HARDCODED,))
    if latest.updated_at_s is None and isinstance(price.value, int):
        return relabelled(price, Doubt.OPAQUE)
    return price


def _value(answer: int | Failed) -> Value:
    return Unknown(answer.reason) if isinstance(answer, Failed) else answer


def _ratio_decimals(answer: int | Failed) -> int:
    return 18 if isinstance(answer, Failed) else answer
