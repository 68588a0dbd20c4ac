"""The questions that read a branch: its contracts and terms once, then two rounds per block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor import abi
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed
from monitor.domain.token import Token
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.pricing.graph import PriceGraph
from monitor.pricing.sanity import Doubt
from monitor.protocols.liquity_v2.feeds import read_oracles, read_price
from monitor.protocols.liquity_v2.history import History, read_history
from monitor.protocols.liquity_v2.market import (
    ACTIVE,
    ASSET,
    PAR,
    PRICE_DECIMALS,
    SHARES,
    ZOMBIE,
    Batch,
    Layout,
    Market,
)
from monitor.protocols.liquity_v2.math import Penalties
from monitor.query import Answer, Ask, EthCall, ask_all, ask_each, moment, must_be_bytes, together
from monitor.units import WAD

REGISTRY = abi.interface("liquity_v2", "addresses_registry")
TROVE_MANAGER = abi.interface("liquity_v2", "trove_manager")
TROVE_NFT = abi.interface("liquity_v2", "trove_nft")
_POOL = abi.interface("liquity_v2", "stability_pool")
_SORTED = abi.interface("liquity_v2", "sorted_troves")
_ERC20 = abi.interface("shared", "erc20")

_HOMES = ("troveManager", "sortedTroves", "stabilityPool", "troveNFT", "priceFeed", "collToken", "boldToken")
_TERMS = ("MCR", "LIQUIDATION_PENALTY_SP", "LIQUIDATION_PENALTY_REDISTRIBUTION")


@dataclass(frozen=True, slots=True)
class _Symbol:
    """The symbol of unvetted code."""

    token: Address

    @property
    def question(self) -> EthCall:
        return _ERC20["symbol"].at(self.token, untrusted=True).question

    def decode(self, answer: Answer) -> str:
        return abi.text(must_be_bytes(answer, f"symbol at {self.token}"))


def read_markets(deployment: Deployment) -> Ask[Mapping[MarketKey, Address]]:
    """Return the AddressesRegistry of each branch by its TroveManager.

    Raises ReadError when a root is none, ConfigError when there are none.
    """
    if not deployment.roots:
        raise ConfigError(f"expected the AddressesRegistry of a branch in deployment {deployment.name}, found none")
    registries = tuple(deployment.roots.values())
    try:
        managers = yield from ask_all([REGISTRY["troveManager"].at(registry) for registry in registries])
        yield from ask_all([REGISTRY[getter].at(registry) for registry in registries for getter in (*_HOMES, *_TERMS)])
    except UnexpectedAnswer as e:
        raise ReadError(
            f"expected the AddressesRegistry of a Liquity v2 branch at each root of {deployment.name} on "
            f"{deployment.chain}, found another contract or none: {e}"
        ) from e
    return {MarketKey(manager): registry for manager, registry in zip(managers, registries, strict=True)}


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return the branch at the moment of the read; raises UnexpectedAnswer when a part is missing."""
    registries = yield from read_markets(deployment)
    if key not in registries:
        raise UnexpectedAnswer(f"expected a branch of {deployment.name}, found none with the TroveManager {key}")
    layout = yield from _layout(registries[key])
    return (yield from _market(deployment, key, layout, None))


def read_again(market: Market) -> Ask[Market]:
    """Return the same branch at the moment of this read: its contracts and terms cannot change."""
    return _market(market.deployment, market.key, market.layout, market.history)


def read_totals(market: Market) -> Ask[Mapping[tuple[int, int], int]]:
    """Return how many troves and zombies there are, and all shares of each batch, which are exact."""
    yield from ()
    shares = {(number, SHARES): batch.shares for number, batch in enumerate(market.batches, start=1)}
    zombies = market.troves - market.sorted_troves
    found = {(ASSET, ACTIVE): market.sorted_troves, (ASSET, ZOMBIE): zombies} | shares
    return {place: total for place, total in found.items() if total}


def _layout(registry: Address) -> Ask[Layout]:
    homes, (mcr_wad, *penalties) = yield from together(
        ask_all([REGISTRY[getter].at(registry) for getter in _HOMES]),
        ask_all([REGISTRY[getter].at(registry) for getter in _TERMS]),
    )
    manager, troves, pool, nft, feed, *tokens = map(Address, homes)
    (collateral, bold), oracles = yield from together(_tokens(tokens), read_oracles(feed))
    return Layout(
        registry=registry,
        trove_manager=manager,
        sorted_troves=troves,
        stability_pool=pool,
        trove_nft=nft,
        price_feed=feed,
        collateral=collateral,
        bold=bold,
        mcr_wad=mcr_wad,
        penalties=Penalties(*penalties),
        oracles=oracles,
    )


def _tokens(addresses: Sequence[Address]) -> Ask[tuple[Token, ...]]:
    decimals, symbols = yield from together(
        ask_all([_ERC20["decimals"].at(token, untrusted=True) for token in addresses]),
        ask_each([_Symbol(token) for token in addresses]),
    )
    for token, places in zip(addresses, decimals, strict=True):
        if places != PRICE_DECIMALS:
            raise UnexpectedAnswer(f"expected {PRICE_DECIMALS} decimals of {token}, found {places}")
    return tuple(
        Token(token, symbol if isinstance(symbol, str) and symbol else token, places)
        for token, symbol, places in zip(addresses, symbols, decimals, strict=True)
    )


def _market(deployment: Deployment, key: MarketKey, layout: Layout, known: History | None) -> Ask[Market]:
    at, manager = (yield from moment()), layout.trove_manager
    if not isinstance(at, BlockRef):
        raise UnexpectedAnswer(f"expected a block to read TroveManager {manager} at, found {at}")
    (history, batches), (shutdown_s, troves), (pool_raw,), (size,), (price, source) = yield from together(
        _batches(deployment, layout, at, known),
        ask_all([TROVE_MANAGER[getter].at(manager) for getter in ("shutdownTime", "getTroveIdsCount")]),
        ask_all([_POOL["getTotalBoldDeposits"].at(layout.stability_pool)]),
        ask_all([_SORTED["getSize"].at(layout.sorted_troves)]),
        read_price(layout, at),
    )
    par = PriceUsed(PAR, WAD, PRICE_DECIMALS, manager, "hardcoded", labels=(Doubt.HARDCODED,))
    return Market(
        deployment=deployment,
        key=key,
        at=at,
        layout=layout,
        history=history,
        batches=batches,
        owed=tuple(batch.owed(at.timestamp_s, shutdown_s) for batch in batches),
        redistributed=history.redistributed,
        troves=troves,
        sorted_troves=size,
        pool_raw=pool_raw,
        shutdown_s=shutdown_s,
        price_source=source,
        graph=PriceGraph.of((price, par)),
    )


def _batches(
    deployment: Deployment, layout: Layout, at: BlockRef, known: History | None
) -> Ask[tuple[History, tuple[Batch, ...]]]:
    """Return what logs tell, and then the batches that they name."""
    manager = layout.trove_manager
    history = yield from read_history(manager, deployment.first_block, at.number, known)
    calls = [TROVE_MANAGER["getLatestBatchData"].at(manager, address) for _, address in history.batches]
    found = yield from ask_all(calls)
    return history, tuple(_batch(address, one) for (_, address), one in zip(history.batches, found, strict=True))


def _batch(manager: Address, found: tuple[Any, ...]) -> Batch:
    shares, _, _, _, recorded_raw, rate_wad, _, fee_wad, _, _, updated_s, _ = found
    return Batch(manager, recorded_raw, shares, rate_wad, fee_wad, updated_s)
