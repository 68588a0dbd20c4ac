"""Comets and accounts made up in memory, thousands at a time from one seed, most of them near the line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.compound_v3.feeds import feed_node
from monitor.protocols.compound_v3.market import (
    BASE,
    BORROWED,
    COLLATERAL,
    SUPPLIED,
    Base,
    Collateral,
    Layout,
    Market,
    Paused,
    StoreFront,
)
from monitor.protocols.compound_v3.math import INDEX_SCALE, Curve, Indices, Interest
from monitor.units import BPS, WAD
from tests.protocols.compound_v3.recorded import SLUG

COMET = Address("0x" + "c0" * 20)
AT = BlockRef(ChainId("eip155:1"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
DEPLOYMENT = Deployment(DeploymentName("made"), SLUG, ChainId("eip155:1"), {"comet": COMET})
KEY = PositionKey("0x" + "bb" * 20)
NOBODY = Account(KEY, 0, ())
Random = np.random.Generator


@dataclass(frozen=True)
class Listed:
    """The terms of one made-up collateral; prices in 1e-8 of the base unit."""

    price: Value = 10**8
    decimals: int = 18
    borrow_bps: int = 7_500
    liquidate_bps: int = 8_000
    liquidation_bps: int = 9_300
    supply_cap_raw: int = 2**127
    supplied_raw: int = 0


def token_of(place: int, decimals: int) -> Token:
    return Token(Address(f"0x{place + 1:040x}"), f"T{place}", decimals)


def node_of(place: int) -> Node:
    return feed_node(Address(f"0x{place + 1000:040x}"))


def market_of(
    listed: Sequence[Listed],
    base_price: Value = 10**8,
    base_decimals: int = 6,
    indices: Indices | None = None,
    since_s: int = AT.timestamp_s,
    paused: Paused | None = None,
    *,
    is_patched: bool = False,
) -> Market:
    """A Comet whose i-th collateral stands at place i + 1; its reserves are below their target."""
    stored = indices or Indices(INDEX_SCALE, INDEX_SCALE)
    curve = Curve(0, 10**9, 10**10, WAD * 8 // 10)
    interest = Interest(stored, 10**15, 9 * 10**14, since_s, curve, replace(curve, base=3 * 10**8))
    terms = {place: _collateral(place, one) for place, one in enumerate(listed, start=1)}
    prices = {node_of(BASE): base_price} | {node_of(place): one.price for place, one in enumerate(listed, start=1)}
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(COMET),
        at=AT,
        layout=Layout(
            COMET, is_patched, (), tuple(Address(f"0x{1000 + i:040x}") for i in range(len(listed) + 1)), {}, is_usd=True
        ),
        base=Base(token_of(BASE, base_decimals), node_of(BASE), 10**base_decimals, 10**base_decimals),
        collaterals=terms,
        interest=interest,
        indices=interest.indices_at(AT.timestamp_s),
        accrual=Accrual.ACCRUED,
        paused=paused or Paused(supply=False, transfer=False, withdraw=False, absorb=False, buy=False),
        closed_supply=frozenset(range(len(listed) + 1)) if paused and paused.supply else frozenset(),
        store_front=StoreFront(WAD // 2, 2**100, 0),
        graph=PriceGraph.of(PriceUsed(node, value, 8, "made", "market") for node, value in prices.items()),
    )


def account_of(debt: int, *collateral: tuple[int, int]) -> Account:
    """An account with a borrowed principal and (place, balance) collateral."""
    owed = (Balance(BASE, BORROWED, debt),) if debt else ()
    return Account(KEY, 0, (*owed, *(Balance(place, COLLATERAL, raw) for place, raw in collateral)))


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A Comet of up to 24 collaterals, and so many accounts."""
    listed = [
        Listed(
            price=any_size(random, 2, 13),
            decimals=int(random.choice((2, 6, 8, 18, 18))),
            liquidate_bps=int(random.integers(3_000, 9_900)),
            liquidation_bps=int(random.integers(5_000, 10_000)),
        )
        for _ in range(int(random.choice((1, 5, 12, 24))))
    ]
    indices = Indices(INDEX_SCALE + any_size(random, 0, 15), INDEX_SCALE + any_size(random, 0, 15))
    since_s = AT.timestamp_s - int(random.choice((0, 12, 86_400, 10**7)))
    market = market_of(listed, any_size(random, 6, 12), int(random.choice((6, 18))), indices, since_s)
    return market, Accounts.of(_account(market, number, random) for number in range(count))


def any_size(random: Random, low: int, high: int) -> int:
    return max(int(10 ** random.uniform(low, high)), 1)


def _account(market: Market, number: int, random: Random) -> Account:
    places = list(market.collaterals)
    held = sorted(random.choice(places, min(int(random.choice((0, 1, 1, 2, 3, 6))), len(places)), replace=False))
    worth = any_size(random, 7, 15)
    rows = [Balance(int(place), COLLATERAL, _raw(market, int(place), worth, random)) for place in held]
    base_price = market.graph.values[market.base.node]
    assert isinstance(base_price, int)
    owed = worth * max(len(held), 1) * int(random.integers(100, 1_600)) // 1_000 * market.base.scale // base_price
    kind = SUPPLIED if random.random() < 0.1 else BORROWED
    if random.random() < 0.9 and owed:
        rows.insert(0, Balance(BASE, kind, min(owed, 2**103 - 1)))
    return Account(PositionKey(f"0x{number:040x}"), 0, tuple(rows))


def _raw(market: Market, place: int, worth: int, random: Random) -> int:
    asset = market.collaterals[place]
    price = market.graph.values[asset.node]
    assert isinstance(price, int)
    return min(worth * int(random.integers(500, 2_000)) * asset.scale // (1_000 * price) + 1, 2**127)


def _collateral(place: int, one: Listed) -> Collateral:
    return Collateral(
        place=place,
        token=token_of(place, one.decimals),
        node=node_of(place),
        scale=10**one.decimals,
        borrow_factor_wad=one.borrow_bps * WAD // BPS,
        liquidate_factor_wad=one.liquidate_bps * WAD // BPS,
        liquidation_factor_wad=one.liquidation_bps * WAD // BPS,
        supply_cap_raw=one.supply_cap_raw,
        supplied_raw=one.supplied_raw,
    )
