"""Finds out how a vault's oracle prices tokens: through which vaults and adapters, until it is configured anew.

Contract files: EulerRouter.sol (resolveOracle), ChainlinkOracle.sol, CrossAdapter.sol.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor import abi
from monitor.domain.ids import Address
from monitor.domain.token import Token
from monitor.pricing.aggregator import Aggregator, aggregators
from monitor.pricing.sanity import Bounds
from monitor.protocols.euler_v2.oracle.path import (
    Feed,
    Path,
    Quoted,
    Sources,
    Stage,
    oracle_node,
    price_node,
    rate_node,
)
from monitor.query import Answer, Ask, EthCall, Failed, ask_each, must_be_bytes, together

_ORACLE = abi.interface("euler_v2", "oracle")
_ERC20 = abi.interface("shared", "erc20")
_NONE = Address("0x" + 40 * "0")
_ADAPTER = ("base", "quote", "feed", "maxStaleness", "cross", "oracleBaseCross", "oracleCrossQuote")
_NO_DECIMALS = 18
"""What Euler takes for a token that has no decimals, as the dollar (BaseAdapter._getDecimals)."""
_PRICE_DECIMALS = 27
_SAMPLE_DECIMALS = 18
_DEEPEST = 5
_NO_WAY = "the oracle has no price for {} in {}"
NO_BOUNDS = Bounds()


class _Pair(NamedTuple):
    """An oracle asked for one token in another."""

    oracle: Address
    base: Address
    quote: Address


class _Chainlink(NamedTuple):
    base: Address
    quote: Address
    feed: Address
    max_staleness_s: int


class _Crossed(NamedTuple):
    """The two pairs that a cross adapter asks in turn."""

    first: _Pair
    second: _Pair


_Kind = _Chainlink | _Crossed | None
"""What an oracle is; None for something that is only asked."""


@dataclass(slots=True)
class _Route:
    """How the router resolves a token so far; `pair` is set once it has come to an oracle."""

    token: Address
    vaults: list[Address] = field(default_factory=list)
    pair: _Pair | None = None
    problem: str | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return _ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def read_tokens(addresses: Sequence[Address]) -> Ask[dict[Address, Token]]:
    """Return the tokens; one without decimals has 18, one without a symbol its address."""
    decimals, symbols = yield from together(
        ask_each([_ERC20["decimals"].at(address, untrusted=True) for address in addresses]),
        ask_each([Text(address) for address in addresses]),
    )
    return {
        address: Token(
            address,
            symbol if isinstance(symbol, str) and symbol else address,
            _NO_DECIMALS if isinstance(places, Failed) else places,
        )
        for address, places, symbol in zip(addresses, decimals, symbols, strict=True)
    }


def read_paths(
    oracle: Address, bases: Sequence[Address], unit: Token, opaque: frozenset[Address]
) -> Ask[tuple[dict[Address, Path], Sources]]:
    """Return how each token is priced in the unit of account, and everything that is read for it.

    A token in `opaque` is one whose price the parts that were found do not give: the oracle is only asked for it.
    """
    routes = yield from _routes(oracle, [base for base in bases if base not in opaque], unit.address)
    routes |= {base: _Route(base, pair=_Pair(oracle, base, unit.address)) for base in opaque}
    asked = [route.pair for base, route in routes.items() if route.pair is not None and base not in opaque]
    kinds = yield from _kinds(asked)
    kinds |= {_Pair(oracle, base, unit.address): None for base in opaque}
    feeds = dict.fromkeys(kind.feed for kind in kinds.values() if isinstance(kind, _Chainlink))
    named = dict.fromkeys(route.token for route in routes.values())
    pairs = dict.fromkeys(token for pair, kind in kinds.items() for token in _tokens_of(pair, kind))
    tokens, known = yield from together(read_tokens([*dict.fromkeys((*named, *pairs))]), aggregators([*feeds]))
    tokens[unit.address] = unit
    made = _Made(kinds, tokens, dict(zip(feeds, known, strict=True)))
    paths = {base: made.path(route, unit) for base, route in routes.items()}
    return paths, made.sources()


def _tokens_of(pair: _Pair, kind: _Kind) -> Iterable[Address]:
    return (kind.base, kind.quote) if isinstance(kind, _Chainlink) else (pair.base, pair.quote)


def _routes(oracle: Address, bases: Sequence[Address], unit: Address) -> Ask[dict[Address, _Route]]:
    """Follow the router: a configured oracle, else the vault's asset, else the fallback (EulerRouter.resolveOracle)."""
    routes = {base: _Route(base, is_done=base == unit) for base in bases}
    (fallback,) = yield from ask_each([_ORACLE["fallbackOracle"].at(oracle)])
    for _ in range(_DEEPEST):
        going = [route for route in routes.values() if not route.is_done]
        if not going:
            break
        configured, resolved = yield from together(
            ask_each([_ORACLE["getConfiguredOracle"].at(oracle, route.token, unit) for route in going]),
            ask_each([_ORACLE["resolvedVaults"].at(oracle, route.token) for route in going]),
        )
        for route, adapter, inside in zip(going, configured, resolved, strict=True):
            _advance(route, unit, oracle, _known(adapter, oracle), _known(inside, _NONE), _known(fallback, _NONE))
    for route in routes.values():
        if not route.is_done:
            route.problem = f"the oracle opens more than {_DEEPEST} vaults in a row"
    return routes


def _advance(
    route: _Route, unit: Address, oracle: Address, adapter: Address, inside: Address, fallback: Address
) -> None:
    route.is_done = True
    if adapter != _NONE:
        route.pair = _Pair(adapter, route.token, unit)
    elif inside != _NONE:
        route.vaults.append(route.token)
        route.token, route.is_done = inside, inside == unit
    elif fallback not in (_NONE, oracle):
        route.pair = _Pair(fallback, route.token, unit)
    else:
        route.problem = _NO_WAY.format(route.token, unit)


def _known(answer: Address | Failed, otherwise: Address) -> Address:
    return otherwise if isinstance(answer, Failed) else answer


def _kinds(pairs: Iterable[_Pair]) -> Ask[dict[_Pair, _Kind]]:
    """Return what stands behind each pair, and behind those that cross adapters ask in turn."""
    kinds: dict[_Pair, _Kind] = {}
    level = tuple(dict.fromkeys(pairs))
    for depth in range(_DEEPEST):
        answers = yield from ask_each([_ORACLE[getter].at(pair.oracle) for pair in level for getter in _ADAPTER])
        rows = [answers[i : i + len(_ADAPTER)] for i in range(0, len(answers), len(_ADAPTER))]
        found = {pair: _kind(pair, row) for pair, row in zip(level, rows, strict=True)}
        if depth == _DEEPEST - 1:
            found = {pair: None if isinstance(kind, _Crossed) else kind for pair, kind in found.items()}
        kinds |= found
        crossed = (pair for kind in found.values() if isinstance(kind, _Crossed) for pair in kind)
        level = tuple(pair for pair in dict.fromkeys(crossed) if pair not in kinds)
        if not level:
            break
    return kinds


def _kind(pair: _Pair, row: Sequence[object]) -> _Kind:
    base, quote, feed, staleness_s, cross, base_cross, cross_quote = row
    if isinstance(base, Failed) or isinstance(quote, Failed) or {base, quote} != {pair.base, pair.quote}:
        return None
    if isinstance(feed, str) and isinstance(staleness_s, int):
        return _Chainlink(Address(str(base)), Address(str(quote)), Address(feed), staleness_s)
    if not all(isinstance(one, str) for one in (cross, base_cross, cross_quote)):
        return None
    middle, near, far = Address(str(cross)), Address(str(base_cross)), Address(str(cross_quote))
    if pair.base == base:
        return _Crossed(_Pair(near, pair.base, middle), _Pair(far, middle, pair.quote))
    return _Crossed(_Pair(far, pair.base, middle), _Pair(near, middle, pair.quote))


@dataclass(slots=True)
class _Made:
    """Paths and sources from what was found."""

    kinds: Mapping[_Pair, _Kind]
    tokens: Mapping[Address, Token]
    aggregators: Mapping[Address, Aggregator | Failed]

    def path(self, route: _Route, unit: Token) -> Path:
        token = self.tokens[route.token]
        stages = self._stages(route.pair) if route.pair is not None else ()
        is_exact = not any(stage.node.startswith("rate:") for stage in stages)
        node, decimals = price_node(route.token), _price_decimals(stages)
        if route.token == unit.address:
            token = unit
        return Path(tuple(route.vaults), token, stages, node, decimals, is_exact, route.problem)

    def sources(self) -> Sources:
        feeds = {
            pair.oracle: Feed(pair.oracle, self._aggregator(kind.feed), kind.max_staleness_s)
            for pair, kind in self.kinds.items()
            if isinstance(kind, _Chainlink)
        }
        quoted = (self._quoted(pair) for pair, kind in self.kinds.items() if kind is None)
        return Sources(tuple(feeds.values()), tuple(quoted))

    def _stages(self, pair: _Pair) -> tuple[Stage, ...]:
        kind = self.kinds[pair]
        if isinstance(kind, _Chainlink):
            places = self._aggregator(kind.feed).decimals
            scale, unit = 10 ** self._decimals(kind.quote), 10 ** (places + self._decimals(kind.base))
            return (Stage(oracle_node(pair.oracle), scale, unit, places, is_inverse=pair.base != kind.base),)
        if kind is None:
            quoted = self._quoted(pair)
            return (Stage(quoted.node, 1, quoted.sample, quoted.decimals, is_inverse=False),)
        return (*self._stages(kind.first), *self._stages(kind.second))

    def _quoted(self, pair: _Pair) -> Quoted:
        sample = 10 ** (_SAMPLE_DECIMALS + self._decimals(pair.base))
        return Quoted(rate_node(*pair), *pair, sample, _SAMPLE_DECIMALS + self._decimals(pair.quote))

    def _decimals(self, token: Address) -> int:
        return self.tokens[token].decimals

    def _aggregator(self, feed: Address) -> Aggregator:
        found = self.aggregators[feed]
        return found if isinstance(found, Aggregator) else Aggregator(feed, _NO_DECIMALS, NO_BOUNDS)


def _price_decimals(stages: Sequence[Stage]) -> int:
    """Return the decimals of a token's price: those of its one feed, else 27, and more where two feeds have more."""
    top = sum(stage.decimals for stage in stages if not stage.is_inverse)
    bottom = sum(stage.decimals for stage in stages if stage.is_inverse)
    if not stages:
        return _PRICE_DECIMALS
    if bottom:
        return max(_PRICE_DECIMALS, top - bottom)
    return top if len(stages) == 1 else min(_PRICE_DECIMALS, top)
