"""The questions that read Liquity: its contracts and terms once, then one round per block."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed, Unknown
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.aggregator import Aggregator, aggregators, price_used, rounds
from monitor.pricing.graph import PriceGraph, relabelled
from monitor.pricing.heartbeat import heartbeats_s
from monitor.pricing.sanity import DEFAULT_HEARTBEAT_S, Doubt
from monitor.protocols.liquity_v1.market import (
    ASSET,
    PAR,
    PRICE_DECIMALS,
    STAKE,
    Layout,
    Market,
    System,
    Terms,
)
from monitor.protocols.liquity_v1.math import Redistributed
from monitor.query import Answer, Ask, EthCall, Failed, ask_all, ask_each, moment, must_be_bytes, together
from monitor.units import WAD

TROVE_MANAGER = abi.interface("liquity_v1", "trove_manager")
STABILITY_POOL = abi.interface("liquity_v1", "stability_pool")
PRICE_FEED = abi.interface("liquity_v1", "price_feed")
ERC20 = abi.interface("shared", "erc20")
ROOTS = ("trove_manager", "borrower_operations")

_TERMS = ("MCR", "CCR", "MIN_NET_DEBT", "LUSD_GAS_COMPENSATION", "PERCENT_DIVISOR")
_HOMES = ("stabilityPool", "activePool", "priceFeed", "lusdToken")
_SYSTEM = (
    *("getEntireSystemColl", "getEntireSystemDebt", "getTroveOwnersCount"),
    *("totalStakes", "totalStakesSnapshot", "totalCollateralSnapshot"),
)
_DOUBTFUL = {1: Doubt.UNCERTAIN, 2: Doubt.STALE, 3: Doubt.UNCERTAIN}
"""PriceFeed.Status: Tellor in place of Chainlink is uncertain, and where neither is trusted the last price stands."""


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def read_trove_manager(deployment: Deployment) -> Ask[MarketKey]:
    """Return the deployment's TroveManager; raises ReadError when the roots are none, ConfigError when not given."""
    missing = [root for root in ROOTS if root not in deployment.roots]
    if missing:
        raise ConfigError(f"expected {' and '.join(missing)} in deployment {deployment.name}, found none")
    manager = deployment.roots["trove_manager"]
    try:
        yield from ask_all([TROVE_MANAGER[getter].at(manager) for getter in (*_TERMS, *_HOMES)])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected a TroveManager (Liquity v1) at {manager} on {deployment.chain} ({deployment.name}), "
            f"found another contract or none: {e}"
        ) from e
    (operations,) = yield from ask_each([TROVE_MANAGER["borrowerOperationsAddress"].at(manager)])
    given = deployment.roots["borrower_operations"]
    if isinstance(operations, str) and operations != given:
        raise ReadError(f"expected borrower_operations {operations} in {deployment.name}, found {given}")
    return MarketKey(manager)


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the system at the moment of the read; raises UnexpectedAnswer when a part is missing."""
    layout = yield from _layout(deployment, Address(key))
    return (yield from _market(deployment, key, layout))


def read_again(market: Market) -> Ask[Market]:
    """Return the same system at the moment of this read, in one round of questions: its contracts cannot change."""
    return _market(market.deployment, market.key, market.layout)


def read_totals(market: Market) -> Ask[Mapping[tuple[int, int], int]]:
    """Return what the stakes of all troves add up to, which is exact; debts are redistributed with rounding."""
    yield from ()
    total = market.system.total_stakes
    return {(ASSET, STAKE): total} if total else {}


def _layout(deployment: Deployment, manager: Address) -> Ask[Layout]:
    terms, (pool, active, feed, lusd) = yield from together(
        ask_all([TROVE_MANAGER[getter].at(manager) for getter in _TERMS]),
        ask_all([TROVE_MANAGER[getter].at(manager) for getter in _HOMES]),
    )
    (decimals,), (symbol,), (source,) = yield from together(
        ask_all([ERC20["decimals"].at(lusd, untrusted=True)]),
        ask_each([_Symbol(lusd)]),
        ask_each([PRICE_FEED["priceAggregator"].at(feed)]),
    )
    (aggregator,) = [None] if isinstance(source, Failed) else (yield from aggregators([Address(source)]))
    return Layout(
        trove_manager=manager,
        borrower_operations=deployment.roots["borrower_operations"],
        stability_pool=Address(pool),
        active_pool=Address(active),
        price_feed=Address(feed),
        lusd=Token(Address(lusd), symbol if isinstance(symbol, str) and symbol else lusd, decimals),
        terms=Terms(*terms),
        aggregator=aggregator if isinstance(aggregator, Aggregator) else None,
    )


def _market(deployment: Deployment, key: MarketKey, layout: Layout) -> Ask[Market]:
    at, manager = (yield from moment()), layout.trove_manager
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read TroveManager {manager} at, found {at}")
    sums, (pool_raw,), terms, price = yield from together(
        ask_all([TROVE_MANAGER[getter].at(manager) for getter in _SYSTEM]),
        ask_all([STABILITY_POOL["getTotalLUSDDeposits"].at(layout.stability_pool)]),
        ask_all([TROVE_MANAGER[getter].at(manager) for getter in ("L_ETH", "L_LUSDDebt")]),
        _price(layout, at),
    )
    par = PriceUsed(PAR, WAD, PRICE_DECIMALS, layout.trove_manager, "hardcoded", labels=(Doubt.HARDCODED,))
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        system=System(*(*sums, pool_raw)),
        redistributed=Redistributed(*terms),
        graph=PriceGraph.of((price, par)),
    )


def _price(layout: Layout, at: BlockRef) -> Ask[PriceUsed]:
    """Return what `fetchPrice` would return to a liquidation now; it stores what it finds, so it is called and asked.

    Its age is that of the aggregator it reads first; what the feed itself distrusts is labelled.
    """
    known = layout.aggregator
    (price,), (status,), latest = yield from together(
        ask_each([PRICE_FEED["fetchPrice"].at(layout.price_feed)]),
        ask_each([PRICE_FEED["status"].at(layout.price_feed)]),
        rounds([] if known is None else [known.address]),
    )
    value = Unknown(f"fetchPrice: {price.reason}") if isinstance(price, Failed) else int(price)
    used = PriceUsed(layout.node, value, PRICE_DECIMALS, layout.price_feed, "market")
    if known is not None:
        heartbeat_s = heartbeats_s(at.chain).get(known.address, DEFAULT_HEARTBEAT_S)
        dated = price_used(layout.node, known, latest[0], heartbeat_s, at.timestamp_s)
        used = replace(dated, value=value, decimals=PRICE_DECIMALS, source=layout.price_feed)
    doubt = None if isinstance(status, Failed) else _DOUBTFUL.get(status)
    return used if doubt is None else relabelled(used, doubt)
