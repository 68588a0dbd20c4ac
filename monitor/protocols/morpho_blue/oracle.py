"""What stands behind a market's `price()`: the feeds and vaults of a MorphoChainlinkOracleV2, or one opaque contract.

Contract files: MorphoChainlinkOracleV2.sol, ChainlinkDataFeedLib.sol, VaultLib.sol (morpho-blue-oracles).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.abi import Call, interface
from monitor.domain.ids import Address
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.pricing.aggregator import Aggregator, Round, aggregators, price_used
from monitor.pricing.formula import Formula, Product, Quotient, Scaled
from monitor.pricing.graph import Derived, PriceGraph, relabelled
from monitor.pricing.sanity import DEFAULT_HEARTBEAT_S, Bounds, Doubt
from monitor.protocols.morpho_blue.math import ORACLE_PRICE_SCALE
from monitor.query import Ask, Failed, ask_each

_ORACLE = interface("morpho_blue", "oracle")
_VAULT = interface("morpho_blue", "vault")
_FEED = interface("shared", "chainlink_aggregator")
_ERC20 = interface("shared", "erc20")
_NONE = Address("0x" + 40 * "0")
_FEEDS = ("BASE_FEED_1", "BASE_FEED_2", "QUOTE_FEED_1", "QUOTE_FEED_2")
_REST = ("BASE_VAULT", "BASE_VAULT_CONVERSION_SAMPLE", "QUOTE_VAULT", "QUOTE_VAULT_CONVERSION_SAMPLE", "SCALE_FACTOR")
PRICE_DECIMALS = 36
_ONE = Node("one")


def oracle_node(oracle: Address) -> Node:
    """Return the node of what an oracle says: loan token units per collateral token unit, times 1e36."""
    return Node(f"oracle:{oracle}")


def loan_node(loan: Address) -> Node:
    """Return the node of the loan token's price in itself, times 1e36."""
    return Node(f"loan:{loan}")


@dataclass(frozen=True, slots=True)
class Vault:
    """An ERC-4626 vault whose exchange rate is a factor of a price: what the sample of its shares is worth.

    `decimals` are of what is inside, where the vault says what that is.
    """

    address: Address
    sample: int
    decimals: int

    @property
    def node(self) -> Node:
        return Node(f"ratio:{self.address}:{self.sample}")

    @property
    def call(self) -> Call:
        return _VAULT["convertToAssets"].at(self.address, self.sample)


@dataclass(frozen=True, slots=True)
class Side:
    """The collateral's factors or the loan's: feeds, then a vault; none where that side is worth one."""

    feeds: tuple[Aggregator, ...]
    vaults: tuple[Vault, ...]

    @property
    def factors(self) -> tuple[tuple[Node, int], ...]:
        """The node of each factor and its decimals."""
        feeds = ((_feed_node(feed.address), feed.decimals) for feed in self.feeds)
        return (*feeds, *((vault.node, vault.decimals) for vault in self.vaults))


@dataclass(frozen=True, slots=True)
class Composition:
    """The factors of a price, collateral side over loan side, and what scales it to 36 decimals."""

    base: Side
    quote: Side
    scale: int

    @property
    def feeds(self) -> tuple[Aggregator, ...]:
        return (*self.base.feeds, *self.quote.feeds)

    @property
    def vaults(self) -> tuple[Vault, ...]:
        return (*self.base.vaults, *self.quote.vaults)


@dataclass(frozen=True, slots=True)
class OracleLayout:
    """An oracle; `composition` is None where its getters are not those of a MorphoChainlinkOracleV2."""

    oracle: Address
    composition: Composition | None


def read_layout(oracle: Address) -> Ask[OracleLayout]:
    """Return what an oracle is made of, which never changes."""
    answers = yield from ask_each([_ORACLE[getter].at(oracle) for getter in (*_FEEDS, *_REST)])
    known = [answer for answer in answers if not isinstance(answer, Failed)]
    if len(known) < len(answers):
        return OracleLayout(oracle, None)
    feeds, (base, base_sample, quote, quote_sample, scale) = known[: len(_FEEDS)], known[len(_FEEDS) :]
    named = [feed for feed in feeds if feed != _NONE]
    made = dict(zip(named, (yield from aggregators(named)), strict=True))
    places = yield from _decimals_inside([vault for vault in (base, quote) if vault != _NONE])
    base_side, quote_side = (
        Side(
            feeds=tuple(_aggregator(feed, made[feed]) for feed in own if feed != _NONE),
            vaults=(Vault(vault, sample, places.get(vault, _digits(sample))),) if vault != _NONE else (),
        )
        for own, vault, sample in ((feeds[:2], base, base_sample), (feeds[2:], quote, quote_sample))
    )
    return OracleLayout(oracle, Composition(base_side, quote_side, scale))


def _decimals_inside(vaults: Sequence[Address]) -> Ask[dict[Address, int]]:
    """Return the decimals of what each vault holds, without those that do not say."""
    assets = yield from ask_each([_VAULT["asset"].at(vault) for vault in vaults])
    inside = [(v, asset) for v, asset in zip(vaults, assets, strict=True) if not isinstance(asset, Failed)]
    found = yield from ask_each([_ERC20["decimals"].at(asset, untrusted=True) for _, asset in inside])
    return {v: places for (v, _), places in zip(inside, found, strict=True) if not isinstance(places, Failed)}


def _digits(sample: int) -> int:
    return len(str(sample)) - 1


def _aggregator(address: Address, known: Aggregator | Failed) -> Aggregator:
    return Aggregator(address, 0, Bounds()) if isinstance(known, Failed) else known


def read_prices(
    layout: OracleLayout, loan: Address, decimals: int, now_s: int, heartbeats_s: Mapping[Address, int]
) -> Ask[PriceGraph]:
    """Return the price graph at the moment of the read, whose time is `now_s`.

    Every node holds what its contract answered; an oracle whose factors give another price than it does is one opaque
    node, and one that does not answer is `Unknown`. `decimals` are those of the price.
    """
    composition = layout.composition
    feeds, vaults = (composition.feeds, composition.vaults) if composition else ((), ())
    price, *answers = yield from ask_each(
        [
            _ORACLE["price"].at(layout.oracle),
            *(_FEED["latestRoundData"].at(feed.address) for feed in feeds),
            *(vault.call for vault in vaults),
        ]
    )
    unit = PriceUsed(loan_node(loan), ORACLE_PRICE_SCALE, PRICE_DECIMALS, loan, "hardcoded")
    node, answer = oracle_node(layout.oracle), _value(price, f"oracle {layout.oracle}")
    if composition is not None:
        inputs = dict(_inputs(feeds, vaults, answers, now_s, heartbeats_s))
        derived = tuple(_derived(node, composition, layout.oracle, decimals))
        graph = PriceGraph.of((*inputs.values(), *_constants(composition), unit), derived)
        if _same(graph.values[node], answer):
            return graph
    opaque = PriceUsed(node, answer, decimals, layout.oracle, "market")
    return PriceGraph.of((relabelled(opaque, Doubt.OPAQUE), unit))


def _inputs(
    feeds: Sequence[Aggregator],
    vaults: Sequence[Vault],
    answers: Sequence[Any],
    now_s: int,
    heartbeats_s: Mapping[Address, int],
) -> Iterator[tuple[Node, PriceUsed]]:
    for feed, answer in zip(feeds, answers, strict=False):
        node, heartbeat_s = _feed_node(feed.address), heartbeats_s.get(feed.address, DEFAULT_HEARTBEAT_S)
        yield node, price_used(node, feed, _round(answer), heartbeat_s, now_s)
    for vault, answer in zip(vaults, answers[len(feeds) :], strict=True):
        value = _value(answer, f"vault {vault.address}")
        yield vault.node, PriceUsed(vault.node, value, vault.decimals, vault.address, "exchange-rate")


def _round(answer: Any) -> Round:
    """ChainlinkDataFeedLib.getPrice: the answer of `latestRoundData`, whatever its age."""
    if isinstance(answer, Failed):
        return Round(Unknown(f"latestRoundData: {answer.reason}"))
    number, raw_answer, _, updated_at_s, _ = answer
    value: Value = raw_answer if raw_answer >= 0 else Unknown(f"the negative answer {raw_answer} reverts")
    return Round(value, raw_answer, number, updated_at_s)


def _derived(node: Node, composition: Composition, oracle: Address, decimals: int) -> Iterator[Derived]:
    """Yield MorphoChainlinkOracleV2.price: scale times base over quote, rounded once, down."""
    sides: list[Node] = []
    for name, side in (("base", composition.base), ("quote", composition.quote)):
        (so_far, places), *rest = side.factors or ((_ONE, 0),)
        for number, (factor, more) in enumerate(rest):
            product, places = Node(f"{node}:{name}:{number}"), places + more
            yield Derived(product, Product(1), (so_far, factor), places, oracle)
            so_far = product
        sides.append(so_far)
    is_priced_in_loan = not composition.quote.factors
    formula: Formula = Scaled(composition.scale, is_up=True) if is_priced_in_loan else Quotient(composition.scale)
    yield Derived(node, formula, (sides[0],) if is_priced_in_loan else (sides[0], sides[1]), decimals, oracle)


def _constants(composition: Composition) -> Iterator[PriceUsed]:
    if not composition.base.factors:
        yield PriceUsed(_ONE, 1, 0, "constant", "hardcoded")


def _feed_node(feed: Address) -> Node:
    return Node(f"feed:{feed}")


def _same(made: Value, answer: Value) -> bool:
    return made == answer or (isinstance(made, Unknown) and isinstance(answer, Unknown))


def _value(answer: int | Failed, what: str) -> Value:
    return Unknown(f"{what} does not answer: {answer.reason}") if isinstance(answer, Failed) else answer
