"""The questions that read a dex: which there are, its perpetuals, their marks and margin tables."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, MarketKey
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Node, PriceUsed, Unknown, Value
from monitor.domain.token import Token
from monitor.errors import ReadError, UnexpectedAnswer, UsageError
from monitor.health.tiers import Tiers
from monitor.pricing.formula import Identity
from monitor.pricing.graph import Derived, PriceGraph
from monitor.protocols.hyperliquid import asking, wire
from monitor.protocols.hyperliquid.market import MAIN, Coin, Dex, Market, Traded, key_of, number_of, place_of
from monitor.protocols.hyperliquid.math import (
    CASH_DECIMALS,
    MOST_SIZE_DECIMALS,
    PRICE_DECIMALS,
    SINGLE_TIER_IDS,
    one_tier,
    tiers_of,
)
from monitor.query import Ask, ask, ask_all, moment
from monitor.units import WAD

USDC = 0
COIN_PERPS = {"HYPE": "HYPE", "UBTC": "BTC"}
"""Coins that portfolio margin lends against, and the perpetual of the main dex that tells what they are worth."""
_MARK, _MID = "mark", "market"
Told = tuple[wire.Meta, list[wire.Context]]


@dataclass(frozen=True, slots=True)
class _Priced:
    """The perpetuals of a dex, and their nodes."""

    traded: tuple[Traded, ...]
    inputs: tuple[PriceUsed, ...]


@dataclass(frozen=True, slots=True)
class _Home:
    """A dex, and whether pooled margin of its collateral is judged there."""

    dex: Dex
    is_home: bool


def read_dexes(deployment: Deployment) -> Ask[tuple[MarketKey, ...]]:
    """Return the dexes that are wanted, the main one alone where none is named; raises ReadError for one not there.

    Every dex takes 20 of the 1,200 a minute whenever its marks are read, so that none is wanted unnamed.
    """
    return tuple(key_of(*one) for one in (yield from _wanted(deployment)))


def read_market(deployment: Deployment, key: MarketKey) -> Ask[Market]:
    """Return a dex at the moment of the read, with the siblings it is the home of.

    Asks for every dex that is wanted, once: only that tells which have the same collateral.
    """
    wanted = yield from _wanted(deployment)
    if key not in [key_of(*one) for one in wanted]:
        raise ReadError(f"expected a dex {key!r} on {deployment.chain}, found {[key_of(*one) for one in wanted]}")
    told = yield from ask_all([asking.contexts(name) for _, name in wanted])
    names = yield from _collaterals({meta.collateral_token for meta, _ in told})
    dexes = [
        Dex(number, name, names[meta.collateral_token], meta.collateral_token)
        for (number, name), (meta, _) in zip(wanted, told, strict=True)
    ]
    own = next(dex for dex in dexes if dex.key == key)
    pool = [dex for dex in dexes if dex.collateral_number == own.collateral_number]
    at, home = (yield from _moment()), _Home(own, pool[0] == own)
    read = [(dex, one) for dex, one in zip(dexes, told, strict=True) if dex == own or (home.is_home and dex in pool)]
    return _market(deployment, at, home, read)


def read_again(market: Market) -> Ask[Market]:
    """Return the same dex with the marks and margin tables of now: one question of weight 20 for each dex of it."""
    dexes = (market.dex, *market.siblings)
    told = yield from ask_all([asking.contexts(dex.name) for dex in dexes])
    for dex, (meta, _) in zip(dexes, told, strict=True):
        if meta.collateral_token != dex.collateral_number:
            raise UnexpectedAnswer(f"expected dex {dex.key} to keep its collateral, found {meta.collateral_token}")
    at = yield from _moment()
    read = list(zip(dexes, told, strict=True))
    return _market(market.deployment, at, _Home(market.dex, market.is_home), read)


def read_mids(market: Market) -> Ask[Market]:
    """Return the same dex valued at the middles of its books: one question of weight 2 for each dex of it.

    The venue liquidates at marks: what follows from middles is an estimate that tells whom to look at.
    """
    dexes = (market.dex, *market.siblings)
    told = yield from ask_all([asking.mids(dex.name) for dex in dexes])
    at = yield from _moment()
    found = {name: text for one in told for name, text in one.items()}
    nodes = {traded.node: traded.token for traded in market.traded.values()}
    inputs = [
        replace(used, value=_price(found.get(nodes[used.node].symbol), "no book"), source="allMids", method=_MID)
        if used.node in nodes
        else used
        for used in market.graph.inputs
    ]
    return replace(market, at=at, graph=PriceGraph.of(inputs, market.graph.derived), is_by_mids=True)


def _moment() -> Ask[VenueMoment]:
    at = yield from moment()
    if not isinstance(at, VenueMoment):
        raise UnexpectedAnswer(f"expected the moment of a venue, found {at!r:.80}: Hyperliquid is no chain's protocol")
    return at


def _wanted(deployment: Deployment) -> Ask[list[tuple[int, str]]]:
    told = yield from ask(asking.dexes())
    if not told or told[0] is not None:
        raise UnexpectedAnswer("Hyperliquid perpDexs: expected the main dex first, found none")
    found = [(number, "" if dex is None else dex.name) for number, dex in enumerate(told) if dex or not number]
    known = {key_of(*one) for one in found}
    missing = [key for key in deployment.markets if key not in known]
    if missing:
        raise ReadError(f"expected dexes {missing} of {deployment.name}, found {sorted(known)}")
    return [one for one in found if key_of(*one) in (deployment.markets or (MAIN,))]


def _collaterals(numbers: set[int]) -> Ask[dict[int, Token]]:
    """Return the collateral tokens by their numbers; only others than USDC have to be asked for."""
    names = {USDC: "USDC"}
    if numbers - names.keys():
        told = yield from ask(asking.spot_tokens())
        names |= {token.index: token.name for token in told.tokens}
    missing = numbers - names.keys()
    if missing:
        raise UnexpectedAnswer(f"Hyperliquid spotMeta: expected the tokens {sorted(missing)}, found them not")
    return {number: Token(Address(names[number]), names[number], CASH_DECIMALS) for number in numbers}


def _market(deployment: Deployment, at: VenueMoment, home: _Home, read: Sequence[tuple[Dex, Told]]) -> Market:
    own = home.dex
    priced = [_priced(dex, *told) for dex, told in read]
    traded = {one.place: one for part in priced for one in part.traded}
    places = {one.token.symbol: one.place for one in traded.values()}
    coins, derived = _coins(traded, places) if own.collateral_number == USDC else ({}, ())
    par = PriceUsed(Node(f"par:{own.collateral.address}"), WAD, 18, "counted as one dollar", "hardcoded")
    return Market(
        deployment=deployment,
        key=own.key,
        at=at,
        dex=own,
        siblings=tuple(dex for dex, _ in read if dex != own),
        is_home=home.is_home,
        traded=traded,
        places=places,
        coins=coins,
        graph=PriceGraph.of([par, *(used for part in priced for used in part.inputs)], derived),
    )


def _priced(dex: Dex, meta: wire.Meta, contexts: list[wire.Context]) -> _Priced:
    if len(meta.universe) != len(contexts):
        raise UnexpectedAnswer(
            f"Hyperliquid metaAndAssetCtxs of {dex.key}: expected a context for each of {len(meta.universe)} assets, "
            f"found {len(contexts)}"
        )
    tables = dict(meta.margin_tables)
    rows = [
        _traded(dex, index, asset, context, _tiers(asset, tables))
        for index, (asset, context) in enumerate(zip(meta.universe, contexts, strict=True))
    ]
    return _Priced(tuple(one for one, _ in rows), tuple(used for _, inputs in rows for used in inputs))


def _traded(
    dex: Dex, index: int, asset: wire.Asset, context: wire.Context, tiers: Tiers | None
) -> tuple[Traded, tuple[PriceUsed, ...]]:
    if asset.sz_decimals > MOST_SIZE_DECIMALS:
        raise UnexpectedAnswer(
            f"{asset.name}: expected {MOST_SIZE_DECIMALS} decimals at most, found {asset.sz_decimals}"
        )
    try:
        place = place_of(dex.number, index)
    except UsageError as e:
        raise UnexpectedAnswer(f"Hyperliquid dex {dex.key}: {e}") from None
    node, index_node = Node(f"mark:{asset.name}"), Node(f"oracle:{asset.name}")
    traded = Traded(
        place=place,
        number=number_of(dex.number, index),
        token=Token(Address(asset.name), asset.name, asset.sz_decimals),
        node=node,
        index_node=index_node,
        tiers=tiers,
        funding_wad=wire.nearest(context.funding, 18, f"funding of {asset.name}"),
        is_delisted=asset.is_delisted,
    )
    return traded, (
        PriceUsed(node, _price(context.mark_px, "no mark"), PRICE_DECIMALS, "metaAndAssetCtxs markPx", _MARK),
        PriceUsed(index_node, _price(context.oracle_px, "no oracle price"), PRICE_DECIMALS, "oraclePx", _MID),
    )


def _tiers(asset: wire.Asset, tables: dict[int, wire.MarginTable]) -> Tiers | None:
    """Return the asset's tiers; None where its table is not told or is none."""
    number = asset.margin_table_id
    if number is None:
        number = asset.max_leverage
    table = tables.get(number)
    if table is None:
        return one_tier(number) if 0 < number < SINGLE_TIER_IDS else None
    rows = [(wire.nearest(t.lower_bound, 18, f"tier of {asset.name}"), t.max_leverage) for t in table.margin_tiers]
    try:
        return tiers_of(rows)
    except UsageError:
        return None


def _coins(traded: dict[int, Traded], places: dict[str, int]) -> tuple[dict[int, Coin], tuple[Derived, ...]]:
    coins = dict(_coin(name, traded[places[perp]]) for name, perp in COIN_PERPS.items() if perp in places)
    derived = [
        Derived(coin.node, Identity(), (traded[place].node,), PRICE_DECIMALS, traded[place].node, "mark")
        for place, coin in coins.items()
    ]
    return coins, tuple(derived)


def _coin(name: str, perp: Traded) -> tuple[int, Coin]:
    return perp.place, Coin(perp.place, Token(Address(name), name, CASH_DECIMALS), Node(f"coin:{name}"))


def _price(text: str | None, otherwise: str) -> Value:
    if text is None:
        return Unknown(otherwise)
    found = wire.nearest(text, PRICE_DECIMALS, "price")
    return found if found > 0 else Unknown(f"{otherwise}: it is {text}")
