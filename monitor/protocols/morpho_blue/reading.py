"""The questions that read a deployment's markets: what never changes once, the rest in one round per block."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Unknown
from monitor.domain.token import Token
from monitor.errors import ConfigError, DecodeError, ReadError, UnexpectedAnswer
from monitor.pricing.heartbeat import heartbeats_s
from monitor.protocols.morpho_blue.interest import Interest, Totals, adaptive_rate_wad
from monitor.protocols.morpho_blue.market import BORROW_SHARES, LOAN_ASSET, NO_ADDRESS, Layout, Market, Parameters
from monitor.protocols.morpho_blue.oracle import PRICE_DECIMALS, read_layout, read_prices
from monitor.query import (
    Answer,
    Ask,
    EthCall,
    Failed,
    Log,
    LogFilter,
    Logs,
    ask,
    ask_all,
    ask_each,
    ask_raw,
    moment,
    must_be_bytes,
    together,
)

MORPHO = abi.interface("morpho_blue", "morpho")
IRM = abi.interface("morpho_blue", "irm")
ERC20 = abi.interface("shared", "erc20")
ROOT = "morpho"
_PARAMETERS = ("address", "address", "address", "address", "uint256")
_OWNER_SLOT = bytes(32)
_MARKET_SLOT = (3).to_bytes(32)
WORDS_AT_ONCE = 1_000
"""Slots of one call: 2.3 million gas, 32 kB up and down."""
CALLS_AT_ONCE = 8
"""Calls of one round, so that no request outgrows what an endpoint takes."""


@dataclass(frozen=True, slots=True)
class _Text:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


@dataclass(frozen=True, slots=True)
class _Words:
    """Storage words of Morpho, many to a call (Morpho.extSloads)."""

    morpho: Address
    slots: tuple[bytes, ...]

    @property
    def question(self) -> EthCall:
        head = MORPHO["extSloads"].selector + (32).to_bytes(32) + len(self.slots).to_bytes(32)
        return EthCall(self.morpho, head + b"".join(self.slots))

    def decode(self, answer: Answer) -> bytes:
        """Return the words one after the other; raises DecodeError when there are more or fewer than asked for."""
        found, count = must_be_bytes(answer, f"extSloads at {self.morpho}"), len(self.slots)
        if found[:64] != (32).to_bytes(32) + count.to_bytes(32) or len(found) != 64 + 32 * count:
            raise DecodeError(f"expected {count} words from extSloads at {self.morpho}, found {len(found)} bytes")
        return found[64:]


def read_words(morpho: Address, slots: Sequence[bytes]) -> Ask[bytes | Failed]:
    """Return storage words one after the other, or why they cannot be had."""
    parts = [tuple(slots[i : i + WORDS_AT_ONCE]) for i in range(0, len(slots), WORDS_AT_ONCE)]
    words: list[bytes] = []
    for start in range(0, len(parts), CALLS_AT_ONCE):
        for answer in (yield from ask_each([_Words(morpho, part) for part in parts[start : start + CALLS_AT_ONCE]])):
            if isinstance(answer, Failed):
                return answer
            words.append(answer)
    return b"".join(words)


def morpho_of(deployment: Deployment) -> Address:
    """Return the deployment's singleton; raises ConfigError when it is not given."""
    if ROOT not in deployment.roots:
        given = ", ".join(deployment.roots) or "none"
        raise ConfigError(f"expected {ROOT} in deployment {deployment.name}, found {given}")
    return deployment.roots[ROOT]


def listing(deployment: Deployment) -> LogFilter:
    """Return the filter of the logs that name every market there ever was."""
    return LogFilter((morpho_of(deployment),), ((MORPHO.topics["CreateMarket"],),))


def listed(logs: Iterable[Log]) -> tuple[MarketKey, ...]:
    """Return the markets that such logs name and that can lend, in the order of their creation.

    Raises DecodeError for a log of the wrong form.
    """
    found: dict[MarketKey, None] = {}
    for log in logs:
        words = abi.decode(_PARAMETERS, log.data, f"CreateMarket at {log.address}")
        if Parameters(*words).can_lend:
            found[MarketKey(log.topics[1])] = None
    return tuple(found)


def read_markets(deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
    """Return the deployment's markets: those it names, else all ever created in which anybody owes anything now.

    Raises ReadError when the root is no Morpho Blue.
    """
    if deployment.markets:
        yield from _check(deployment)
        return deployment.markets
    (logs,) = yield from ask_raw(Logs(listing(deployment), deployment.first_block))
    if isinstance(logs, Failed) or not isinstance(logs, tuple):
        raise UnexpectedAnswer(f"expected the CreateMarket logs of {morpho_of(deployment)}, found {logs!r:.80}")
    return (yield from read_used(deployment, listed(logs)))


def read_used(deployment: Deployment, keys: Sequence[MarketKey]) -> Ask[tuple[MarketKey, ...]]:
    """Return the markets in which anybody owes anything now, all where that cannot be told.

    Raises ReadError when the root is no Morpho Blue.
    """
    slots = [_borrowed_slot(key) for key in keys]
    _, words = yield from together(_check(deployment), read_words(morpho_of(deployment), slots))
    if isinstance(words, Failed):
        return tuple(keys)
    return tuple(key for i, key in enumerate(keys) if any(words[32 * i : 32 * i + 32]))


def _check(deployment: Deployment) -> Ask[None]:
    morpho = morpho_of(deployment)
    try:
        owner, (slot,) = yield from ask_all([MORPHO["owner"].at(morpho), MORPHO["extSloads"].at(morpho, [_OWNER_SLOT])])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected Morpho Blue at {morpho} on {deployment.chain} ({deployment.name}), found another contract or "
            f"none: {e}"
        ) from e
    if slot[12:].hex() != owner[2:]:
        raise ReadError(f"expected Morpho Blue at {morpho} of {deployment.name} to store its owner first: it does not")


def _borrowed_slot(key: MarketKey) -> bytes:
    """Return where a market's borrow assets and shares stand (MorphoStorageLib)."""
    return (int.from_bytes(keccak(bytes.fromhex(key[2:]) + _MARKET_SLOT)) + 1).to_bytes(32)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the market at the moment of the read.

    Raises UnexpectedAnswer when there is no such market or its tokens do not say their decimals. An oracle or rate
    model that does not answer makes its positions unmeasurable, not the read fail.
    """
    layout = yield from _layout(deployment, key)
    market = yield from _market(deployment, key, layout, None)
    return market


def read_again(market: Market) -> Ask[Market]:
    """Return the same market at the moment of this read: one round of questions unless somebody acted in it."""
    return _market(market.deployment, market.key, market.layout, market.interest)


def read_totals(market: Market) -> Ask[dict[tuple[int, int], int]]:
    """Return the borrow shares of all accounts, which add up to this exactly."""
    yield from ()
    shares = market.interest.stored.borrow_shares
    return {(LOAN_ASSET, BORROW_SHARES): shares} if shares else {}


def _layout(deployment: Deployment, key: MarketKey) -> Ask[Layout]:
    morpho = morpho_of(deployment)
    (words,) = yield from ask_all([MORPHO["idToMarketParams"].at(morpho, bytes.fromhex(key[2:]))])
    parameters = Parameters(*words)
    if MarketKey("0x" + keccak(_encoded(parameters)).hex()) != key:
        raise UnexpectedAnswer(f"expected market {key} in {morpho} of {deployment.name}, found none")
    (loan, collateral), oracle, (state,) = yield from together(
        _tokens((parameters.loan, parameters.collateral)),
        read_layout(parameters.oracle),
        ask_each([IRM["rateAtTarget"].at(parameters.irm, bytes.fromhex(key[2:]))]),
    )
    if PRICE_DECIMALS + loan.decimals < collateral.decimals:
        raise UnexpectedAnswer(
            f"expected at most {PRICE_DECIMALS} decimals more than the loan's of the collateral of market {key}, "
            f"found {collateral.decimals}"
        )
    return Layout(parameters, loan, collateral, oracle, is_adaptive=not isinstance(state, Failed))


def _encoded(parameters: Parameters) -> bytes:
    """MarketParamsLib.id hashes the five words."""
    addresses, lltv = parameters.words[:4], parameters.lltv_wad
    return b"".join(bytes.fromhex(str(a)[2:]).rjust(32, b"\0") for a in addresses) + lltv.to_bytes(32)


def _tokens(addresses: Sequence[Address]) -> Ask[tuple[Token, ...]]:
    decimals, symbols = yield from together(
        ask_all([ERC20["decimals"].at(token, untrusted=True) for token in addresses]),
        ask_each([_Text(token) for token in addresses]),
    )
    return tuple(
        Token(token, symbol if isinstance(symbol, str) and symbol else token, places)
        for token, symbol, places in zip(addresses, symbols, decimals, strict=True)
    )


def _market(deployment: Deployment, key: MarketKey, layout: Layout, known: Interest | None) -> Ask[Market]:
    at, parameters = (yield from moment()), layout.parameters
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read market {key} at, found {at}")
    decimals = PRICE_DECIMALS + layout.loan.decimals - layout.collateral.decimals
    interest, graph = yield from together(
        _interest(morpho_of(deployment), key, layout, known, at.timestamp_s),
        read_prices(layout.oracle, parameters.loan, decimals, at.timestamp_s, heartbeats_s(at.chain)),
    )
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        interest=interest,
        totals=interest.totals_at(at.timestamp_s),
        graph=graph,
    )


def _interest(morpho: Address, key: MarketKey, layout: Layout, known: Interest | None, now_s: int) -> Ask[Interest]:
    """Return totals and rate.

    The rate is of the stored totals: it is asked for with those known, and again only when others are stored.
    """
    market_id, parameters = bytes.fromhex(key[2:]), layout.parameters
    asked = MORPHO["market"].at(morpho, market_id)
    if known is None or parameters.irm == NO_ADDRESS:
        words, rate = (yield from ask(asked)), None
    else:
        words, rate = yield from ask_each([asked, _rate(parameters, known.stored)])
    if isinstance(words, Failed):
        raise UnexpectedAnswer(f"expected the totals of market {key}: {words.reason}")
    stored = Totals(*words)
    if not stored.updated_s:
        raise UnexpectedAnswer(f"expected market {key} to have been created, found no trace of it")
    if parameters.irm == NO_ADDRESS:
        return Interest(stored, 0)
    if known is not None and stored == known.stored:
        return _with_rate(stored, rate, known.rate_at_target_wad, now_s)
    states = [IRM["rateAtTarget"].at(parameters.irm, market_id)] if layout.is_adaptive else []
    rate, *state = yield from ask_each([_rate(parameters, stored), *states])
    return _with_rate(stored, rate, state[0] if state else None, now_s)


def _rate(parameters: Parameters, stored: Totals) -> abi.Call:
    return IRM["borrowRateView"].at(parameters.irm, parameters.words, stored.words)


def _with_rate(stored: Totals, rate: Any, rate_at_target_wad: Any, now_s: int) -> Interest:
    """Return the interest; a state whose curve does not give the rate that the model answers is of another model."""
    if not isinstance(rate, int):
        return Interest(stored, Unknown(f"the rate model does not answer: {getattr(rate, 'reason', 'nothing')}"))
    if isinstance(rate_at_target_wad, int):
        elapsed_s = max(now_s - stored.updated_s, 0)
        if adaptive_rate_wad(stored, rate_at_target_wad, elapsed_s) == rate:
            return Interest(stored, rate, rate_at_target_wad)
    return Interest(stored, rate)
