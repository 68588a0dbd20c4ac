"""The questions that read a deployment: its markets and rules once, then prices and the state of each market."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Unknown
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.protocols.gmx_v2 import store as kept
from monitor.protocols.gmx_v2 import wire
from monitor.protocols.gmx_v2.events import changes
from monitor.protocols.gmx_v2.market import (
    Contracts,
    Layout,
    Listed,
    Market,
    State,
    Traded,
    graph,
    high_node,
    price_node,
)
from monitor.protocols.gmx_v2.wire import Quoted
from monitor.query import Answer, Ask, Failed, Logs, VenueCall, ask_all, ask_each, ask_raw, moment, together

READER, ERC20 = abi.interface("gmx_v2", "reader"), abi.interface("shared", "erc20")
API = "prices"
"""The API of a deployment that tells prices and tokens."""
NOBODY = Address("0x" + "0" * 40)
MOST_MARKETS = 10_000
RULES_HOLD_BLOCKS = 5_000
"""After so many blocks the rules are read anew although no log tells that they changed."""

Prices = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Quotes:
    """What each token is quoted at, or why the API does not say."""

    venue: str

    @property
    def question(self) -> VenueCall:
        return VenueCall(wire.TICKERS, venue=self.venue)

    def decode(self, answer: Answer) -> Mapping[Address, Quoted] | str:
        if isinstance(answer, Failed):
            return f"the price API does not answer: {answer.reason}"
        return wire.quotes(_text(answer))


def read_deployment(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's DataStore, its one market here.

    Raises ReadError when reader and store are no such pair, ConfigError when a root is not given.
    """
    contracts = contracts_of(deployment)
    try:
        (found,) = yield from ask_all([READER["getMarkets"].at(contracts.reader, contracts.store, 0, 1)])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected the Reader of GMX v2.2 at {contracts.reader} with a DataStore at {contracts.store} on "
            f"{deployment.chain} ({deployment.name}), found another contract or none: {e}"
        ) from e
    if not found:
        raise ReadError(f"expected a market in the DataStore {contracts.store} ({deployment.name}), found none")
    return MarketKey(contracts.store)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the deployment at the moment of the read; raises ReadError where its markets or tokens are not told."""
    at = yield from _block(deployment)
    layout = yield from _layout(deployment, at)
    return (yield from _market(deployment, key, layout, at))


def read_again(market: Market) -> Ask[Market]:
    """Return the same deployment at the moment of this read; rules are read anew where logs tell of a change."""
    at, layout = (yield from _block(market.deployment)), market.layout
    if (yield from _may_have_changed(layout, market.at, at)):
        layout = yield from _layout(market.deployment, at, layout)
    return (yield from _market(market.deployment, market.key, layout, at))


def contracts_of(deployment: Deployment) -> Contracts:
    """Return the contracts that a deployment names; raises ConfigError when one is missing."""
    roots = deployment.roots
    missing = [name for name in ("reader", "data_store", "event_emitter") if name not in roots]
    if missing:
        found = ", ".join(roots) or "none"
        raise ConfigError(f"expected {' and '.join(missing)} in deployment {deployment.name}, found {found}")
    referrals = roots.get("referral_storage", NOBODY)
    return Contracts(roots["reader"], roots["data_store"], referrals, roots["event_emitter"])


def prices_of(market: Market, listed: Listed) -> Prices | str:
    """Return the prices of a market as the Reader takes them, or why one of them is not known."""
    tokens = (listed.index_token, listed.long_token, listed.short_token)
    values = [market.graph.values[node(token)] for token in tokens for node in (price_node, high_node)]
    known = [value for value in values if isinstance(value, int)]
    if len(known) < len(values):
        return next(value.reason for value in values if isinstance(value, Unknown))
    return (known[0], known[1]), (known[2], known[3]), (known[4], known[5])


def _block(deployment: Deployment) -> Ask[BlockRef]:
    at = yield from moment()
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read {deployment.name} at, found {at}")
    return at


def _may_have_changed(layout: Layout, before: BlockRef, at: BlockRef) -> Ask[bool]:
    emitter = layout.contracts.emitter
    if at.hash == before.hash:
        return False
    if at.number <= before.number or at.number >= layout.rules_block + RULES_HOLD_BLOCKS:
        return True
    (logs,) = yield from ask_raw(Logs(changes(emitter), before.number + 1))
    return logs != ()


def _layout(deployment: Deployment, at: BlockRef, before: Layout | None = None) -> Ask[Layout]:
    """Return markets, tokens and rules; a market known before keeps its place."""
    contracts = contracts_of(deployment)
    rows, least_usd, counts_tokens = yield from ask_all(
        [
            READER["getMarkets"].at(contracts.reader, contracts.store, 0, MOST_MARKETS),
            kept.least_usd(contracts.store),
            kept.counts_tokens(contracts.store),
        ]
    )
    known = before.listed if before else ()
    listed = tuple(dict.fromkeys((*known, *(Listed(*row) for row in rows if row[1] != NOBODY))))
    tokens = yield from _tokens(deployment, listed, before.tokens if before else {})
    questions = [question for one in listed for question in kept.terms_questions(contracts.store, one)]
    answers = yield from ask_all(questions)
    return Layout(
        contracts=contracts,
        listed=listed,
        tokens=tokens,
        terms=tuple(kept.terms(share) for share in _shares(answers, kept.TERMS)),
        least_usd=least_usd,
        counts_tokens=counts_tokens,
        rules_block=at.number,
    )


def _tokens(
    deployment: Deployment, listed: Sequence[Listed], known: Mapping[Address, Token]
) -> Ask[Mapping[Address, Token]]:
    """Return every token of the markets; what backs a market is a contract, whose decimals are asked of it."""
    wanted = tuple(dict.fromkeys(token for one in listed for token in one[1:]))
    if all(token in known for token in wanted):
        return known
    (answer,) = yield from ask_raw(VenueCall(wire.TOKENS, venue=deployment.venue(API)))
    if isinstance(answer, Failed):
        raise ReadError(f"the price API of {deployment.name} does not tell its tokens: {answer.reason}")
    told = wire.tokens(_text(answer))
    held = tuple(dict.fromkeys(token for one in listed for token in (one.long_token, one.short_token)))
    decimals = yield from ask_all([ERC20["decimals"].at(token) for token in held])
    real = dict(zip(held, decimals, strict=True))
    missing = [token for token in wanted if token not in told and token not in real]
    if missing:
        raise UnexpectedAnswer(
            f"expected the decimals of {missing[0]} from the price API of {deployment.name}, found none"
        )
    return {token: _token(token, told, real) for token in wanted}


def _token(token: Address, told: Mapping[Address, Token], real: Mapping[Address, int]) -> Token:
    named = told.get(token)
    return Token(token, named.symbol if named else token, real[token] if token in real else told[token].decimals)


def _market(deployment: Deployment, key: MarketKey, layout: Layout, at: BlockRef) -> Ask[Market]:
    quotes = _Quotes(deployment.venue(API))
    (quoted,) = yield from ask_all([quotes])
    unread = Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        traded=(),
        quoted_ms={} if isinstance(quoted, str) else {token: one.updated_ms for token, one in quoted.items()},
        graph=graph(layout.tokens.values(), quoted, at),
    )
    return replace(unread, traded=(yield from _traded(unread)))


def _traded(market: Market) -> Ask[tuple[Traded, ...]]:
    """Return the state of each market; one without a price is asked for nothing and says why."""
    layout, contracts = market.layout, market.layout.contracts
    states: list[State | str] = ["" for _ in layout.listed]
    asked = list[int]()
    infos_asked = list[abi.Call]()
    for place, listed in enumerate(layout.listed):
        prices = prices_of(market, listed)
        if isinstance(prices, str):
            states[place] = prices
        else:
            asked.append(place)
            infos_asked.append(READER["getMarketInfo"].at(contracts.reader, contracts.store, prices, listed.market))
    questions = [kept.state_questions(contracts.store, layout.listed[place]) for place in asked]
    sums, infos = yield from together(ask_all([one for some in questions for one in some]), ask_each(infos_asked))
    for place, answers, info in zip(asked, _shares(sums, kept.STATES), infos, strict=True):
        listed, sold = layout.listed[place], layout.terms[place]
        states[place] = kept.state(listed, sold, answers, info, market.at.timestamp_s)
    rows = enumerate(zip(layout.listed, layout.terms, states, strict=True))
    return tuple(Traded(place, listed, sold, state) for place, (listed, sold, state) in rows)


def _text(answer: Answer) -> str:
    if not isinstance(answer, str):
        raise UnexpectedAnswer(f"expected JSON text of the price API, found {type(answer).__name__}")
    return answer


def _shares(answers: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (answers[at : at + size] for at in range(0, len(answers), size))
