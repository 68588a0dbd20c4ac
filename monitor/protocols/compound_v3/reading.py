"""The questions that read a Comet: all of it once, then one round per block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor import abi
from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.graph import PriceGraph
from monitor.protocols.compound_v3.feeds import feed_node, read_feeds, read_prices
from monitor.protocols.compound_v3.market import (
    BASE,
    BORROWED,
    COLLATERAL,
    Base,
    Collateral,
    Layout,
    Market,
    Paused,
    StoreFront,
)
from monitor.protocols.compound_v3.math import Curve, Indices, Interest
from monitor.query import Answer, Ask, EthCall, Failed, ask_all, ask_each, moment, must_be_bytes, together

COMET = abi.interface("compound_v3", "comet")
ERC20 = abi.interface("shared", "erc20")
ROOT = "comet"

_SUPPLY_CURVE = (
    *("supplyPerSecondInterestRateBase", "supplyPerSecondInterestRateSlopeLow"),
    *("supplyPerSecondInterestRateSlopeHigh", "supplyKink"),
)
_BORROW_CURVE = (
    *("borrowPerSecondInterestRateBase", "borrowPerSecondInterestRateSlopeLow"),
    *("borrowPerSecondInterestRateSlopeHigh", "borrowKink"),
)
_MAKE_UP = ("extensionDelegate", "numAssets", "baseToken", "baseTokenPriceFeed")
_TERMS = ("baseScale", "baseBorrowMin", "storeFrontPriceFactor", "targetReserves", "getReserves", "totalsBasic")
_PAUSED = ("isSupplyPaused", "isTransferPaused", "isWithdrawPaused", "isAbsorbPaused", "isBuyPaused")
_EVERYTHING = (*_MAKE_UP, *_TERMS, *_PAUSED, *_SUPPLY_CURVE, *_BORROW_CURVE)


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def read_comet(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's Comet; raises ReadError when the root is none, ConfigError when it is not given."""
    if ROOT not in deployment.roots:
        raise ConfigError(
            f"expected {ROOT} in deployment {deployment.name}, found {', '.join(deployment.roots) or 'none'}"
        )
    comet = deployment.roots[ROOT]
    try:
        yield from ask_all([COMET[getter].at(comet) for getter in (*_MAKE_UP, "totalsBasic")])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected a Comet (Compound III) at {comet} on {deployment.chain} ({deployment.name}), "
            f"found another contract or none: {e}"
        ) from e
    return MarketKey(comet)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the Comet at the moment of the read; raises UnexpectedAnswer when a part is missing."""
    layout = yield from _layout(Address(key))
    market = yield from _market(deployment, key, layout)
    if market is None:
        raise UnexpectedAnswer(f"expected Comet {key} to be the same within one block, found two answers that differ")
    return market


def read_again(market: Market) -> Ask[Market]:
    """Return the same Comet at the moment of this read, in one round of questions unless it was upgraded."""
    again = yield from _market(market.deployment, market.key, market.layout)
    if again is None:
        again = yield from read_market(market.deployment, market.key)
    return again


def read_totals(market: Market) -> Ask[Mapping[tuple[int, int], int]]:
    """Return what the principals and the collateral balances of all accounts add up to.

    The totals of the market as it was read: the contract keeps them beside the accounts. What is supplied in the base
    asset is left out, because whoever only supplies is not followed.
    """
    yield from ()
    collateral = {(c.place, COLLATERAL): c.supplied_raw for c in market.collaterals.values()}
    totals = {(BASE, BORROWED): market.interest.borrowed_principal} | collateral
    return {place: total for place, total in totals.items() if total}


def _layout(comet: Address) -> Ask[Layout]:
    extension, count, base, base_feed = yield from ask_all([COMET[getter].at(comet) for getter in _MAKE_UP])
    infos = yield from ask_all([COMET["getAssetInfo"].at(comet, i) for i in range(count)])
    addresses = (base, *(info[1] for info in infos))
    feeds = (base_feed, *(info[2] for info in infos))
    (base_scale,), (limit,), symbols, (known, is_usd) = yield from together(
        ask_all([COMET["baseScale"].at(comet)]),
        ask_each([COMET["MAX_SUPPORTED_UTILIZATION"].at(comet)]),
        ask_each([_Symbol(address) for address in addresses]),
        read_feeds(feeds),
    )
    scales = (base_scale, *(info[3] for info in infos))
    return Layout(
        extension,
        not isinstance(limit, Failed),
        tuple(
            Token(address, symbol if isinstance(symbol, str) and symbol else address, len(str(scale)) - 1)
            for address, symbol, scale in zip(addresses, symbols, scales, strict=True)
        ),
        feeds,
        known,
        is_usd,
    )


def _market(deployment: Deployment, key: MarketKey, layout: Layout) -> Ask[Market | None]:
    """Return the Comet at the moment of the read; None when it is not made as the layout says."""
    at, comet = (yield from moment()), Address(key)
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read Comet {comet} at, found {at}")
    _, *collaterals = layout.tokens
    basics, infos, totals, closed, graph = yield from together(
        ask_all([COMET[getter].at(comet) for getter in _EVERYTHING]),
        ask_each([COMET["getAssetInfo"].at(comet, i) for i in range(len(collaterals))]),
        ask_each([COMET["totalsCollateral"].at(comet, token.address) for token in collaterals]),
        _closed_supply(comet, layout),
        read_prices(comet, layout, at),
    )
    known = dict(zip(_EVERYTHING, basics, strict=True))
    found = [(info[1], info[2]) if isinstance(info, tuple) else None for info in infos]
    made_of = [(token.address, feed) for token, feed in zip(collaterals, layout.feeds[1:], strict=True)]
    now = (layout.extension, len(collaterals), layout.tokens[BASE].address, layout.feeds[BASE])
    if tuple(known[getter] for getter in _MAKE_UP) != now or found != made_of:
        return None
    rows = enumerate(zip(collaterals, infos, totals, strict=True), start=1)
    places = frozenset(range(len(layout.tokens))) if known["isSupplyPaused"] else closed
    found_now = _Found(known, [_collateral(place, *row) for place, row in rows], places, graph)
    return _made(deployment, key, at, layout, found_now)


def _closed_supply(comet: Address, layout: Layout) -> Ask[frozenset[int]]:
    """Return the places of the assets whose supply is paused by itself, which the service patch can do."""
    if not layout.is_patched:
        return frozenset()
    count = len(layout.tokens) - 1
    base, collateral, *each = yield from ask_all(
        [
            COMET["isBaseSupplyPaused"].at(comet),
            COMET["isCollateralSupplyPaused"].at(comet),
            *(COMET["isCollateralAssetSupplyPaused"].at(comet, i) for i in range(count)),
        ]
    )
    places = (place for place, is_paused in enumerate(each, start=1) if is_paused or collateral)
    return frozenset((*((BASE,) if base else ()), *places))


@dataclass(frozen=True, slots=True)
class _Found:
    """What one round of questions answered."""

    known: Mapping[str, Any]
    collaterals: Sequence[Collateral]
    closed_supply: frozenset[int]
    graph: PriceGraph


def _made(deployment: Deployment, key: MarketKey, at: BlockRef, layout: Layout, found: _Found) -> Market:
    known = found.known
    supply_index, borrow_index, _, _, supplied, borrowed, since_s, _ = known["totalsBasic"]
    interest = Interest(
        Indices(supply_index, borrow_index),
        supplied,
        borrowed,
        since_s,
        Curve(*(known[getter] for getter in _SUPPLY_CURVE)),
        Curve(*(known[getter] for getter in _BORROW_CURVE)),
        rests_when_empty=layout.is_patched,
    )
    base = Base(layout.tokens[BASE], feed_node(layout.feeds[BASE]), known["baseScale"], known["baseBorrowMin"])
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        base=base,
        collaterals={collateral.place: collateral for collateral in found.collaterals},
        interest=interest,
        indices=interest.indices_at(at.timestamp_s),
        accrual=Accrual.ACCRUED,
        paused=Paused(*(known[getter] for getter in _PAUSED)),
        closed_supply=found.closed_supply,
        store_front=StoreFront(known["storeFrontPriceFactor"], known["targetReserves"], known["getReserves"]),
        graph=found.graph,
    )


def _collateral(place: int, token: Token, info: tuple[Any, ...], totals: Any) -> Collateral:
    if not isinstance(totals, tuple):
        raise UnexpectedAnswer(f"expected the total of collateral {token.address}, found {totals}")
    _, _, feed, scale, borrow_factor, liquidate_factor, liquidation_factor, cap = info
    return Collateral(
        place=place,
        token=token,
        node=feed_node(feed),
        scale=scale,
        borrow_factor_wad=borrow_factor,
        liquidate_factor_wad=liquidate_factor,
        liquidation_factor_wad=liquidation_factor,
        supply_cap_raw=cap,
        supplied_raw=totals[0],
    )
