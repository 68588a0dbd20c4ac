"""Comptrollers and accounts made up in memory, thousands at a time from one seed, most of them near the line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from monitor.domain.assessment import Accrual
from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.compound_v2.market import (
    HELD,
    IDLE,
    INDEX,
    MINTED,
    PRINCIPAL,
    SCALED,
    Asset,
    Closed,
    Layout,
    Listed,
    Market,
    Terms,
    as_accrued,
)
from monitor.protocols.compound_v2.math import FaceInterest, Interest, scaled_up
from monitor.protocols.compound_v2.reading.layout import price_node
from monitor.protocols.compound_v2.rows import Debt, minted_rows, rows
from monitor.protocols.compound_v2.variants.compound import Compound
from monitor.protocols.compound_v2.variants.rules import Rules
from monitor.protocols.compound_v2.variants.venus_core import VenusCore
from monitor.protocols.compound_v2.variants.venus_isolated import VenusIsolated
from monitor.units import BPS, WAD
from tests.protocols.compound_v2.recorded import SLUG

COMPTROLLER = Address("0x" + "c0" * 20)
ORACLE = Address("0x" + "0a" * 20)
AT = BlockRef(ChainId("eip155:1"), 20_000_000, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
DEPLOYMENT = Deployment(DeploymentName("made"), SLUG, ChainId("eip155:1"), {"comptroller": COMPTROLLER})
OPEN = Closed()
KEY = PositionKey("0x" + "bb" * 20)
NOBODY = Account(KEY, 0, ())
Random = np.random.Generator


@dataclass(frozen=True)
class Terse:
    """One made-up cToken: the price of a whole token in 1e-18 dollars, and its terms."""

    price: Value = WAD
    decimals: int = 18
    weight_bps: int = 8_000
    incentive_bps: int = 10_800
    exchange_rate: int = 2
    index: int = WAD
    rate_wad: int = 10**9
    since: int = 0
    counts_seconds: bool = True
    is_forced: bool = False
    closed: Closed = OPEN
    supply_cap_raw: int | None = None
    share_bps: int = 280


def asset_of(place: int, one: Terse) -> Asset:
    ctoken = Address(f"0x{place + 1000:040x}")
    underlying = Token(Address(f"0x{place:040x}"), f"T{place}", one.decimals)
    return Asset(place, Token(ctoken, f"cT{place}", 8), underlying, price_node(ctoken), one.counts_seconds)


def node_of(place: int) -> Node:
    return price_node(Address(f"0x{place + 1000:040x}"))


def market_of(
    terse: Sequence[Terse], rules: Rules | None = None, minted: Listed | None = None, least: int = 0
) -> Market:
    """A comptroller whose i-th cToken stands at place i + 1, interest booked up to `AT`."""
    assets = [asset_of(place, one) for place, one in enumerate(terse, start=1)]
    listed = {asset.place: _listed(asset, one) for asset, one in zip(assets, terse, strict=True)}
    prices = [_price(asset, one) for asset, one in zip(assets, terse, strict=True)]
    if minted is not None:
        listed = {MINTED: minted, **listed}
        prices.append(PriceUsed(minted.asset.node, WAD, 18, "made", "hardcoded"))
    market = Market(
        deployment=DEPLOYMENT,
        key=MarketKey(COMPTROLLER),
        at=AT,
        layout=Layout(rules or Compound(), {asset.ctoken.address: asset for asset in assets}),
        listed=listed,
        accrual=Accrual.STORED,
        oracle=ORACLE,
        close_factor_wad=WAD // 2,
        min_collateral=least,
        stopped=(),
        liquidator=None,
        graph=PriceGraph.of(prices),
    )
    return as_accrued(market)


def account_of(*stakes: tuple[int, int | None, int], idle: Sequence[tuple[int, int]] = (), index: int = WAD) -> Account:
    """An account of (place, cTokens or None, debt), and what it has in markets that it has not entered."""
    found = [row for place, held, owed in stakes for row in rows(place, HELD, held, Debt(owed, index))]
    found += [row for place, raw in idle for row in rows(place, IDLE, raw, None)]
    return Account(KEY, 0, tuple(sorted(found, key=lambda b: (b.asset, b.kind))))


def vai_of(index: int, rate_wad: int, blocks: int) -> Listed:
    """A debt that is minted, with interest pending for so many blocks."""
    controller, vai = Token(Address("0x" + "c1" * 20), "VAI", 18), Token(Address("0x" + "c2" * 20), "VAI", 18)
    asset = Asset(MINTED, controller, vai, price_node(controller.address), counts_seconds=False)
    interest = FaceInterest(index, rate_wad, AT.number - blocks)
    shape = _listed(asset_of(1, Terse()), Terse())
    return replace(shape, asset=asset, now=AT.number, interest=interest, standing=interest.standing, seize_share_wad=0)


def wild_isolated(random: Random, count: int) -> tuple[Market, Accounts]:
    """An isolated pool, a third of whose people have too little for a single liquidation."""
    market, accounts = wild(random, count, VenusIsolated())
    one = next(iter(market.listed.values())).terms_of(0).incentive_wad
    listed = {place: replace(m, terms={0: Terms(m.terms_of(0).weight_wad, one)}) for place, m in market.listed.items()}
    return replace(market, listed=listed, min_collateral=any_size(random, 19, 24)), accounts


def wild_core(random: Random, count: int) -> tuple[Market, Accounts]:
    """A core pool with a pool beside it and VAI; a third of its people owe some."""
    minted = vai_of(WAD + any_size(random, 14, 17), any_size(random, 8, 11), int(random.choice((0, 40, 9_000))))
    market, accounts = wild(random, count, VenusCore(), minted)
    other = {
        place: replace(one, terms={0: one.terms_of(0), 1: Terms(one.terms_of(0).weight_wad * 21 // 20, WAD * 11 // 10)})
        for place, one in market.listed.items()
    }
    return replace(market, listed=other), Accounts.of(_minting(market, account, random) for account in accounts)


def _minting(market: Market, account: Account, random: Random) -> Account:
    category = int(random.random() < 0.3)
    if random.random() < 0.6:
        return replace(account, category=category)
    minted_raw = any_size(random, 17, 24)
    assert market.minted is not None
    index = max(int(market.minted.interest.borrow_index * random.uniform(0.8, 1)), WAD)  # type: ignore[union-attr]
    debt = minted_rows(minted_raw, index, minted_raw * int(random.integers(500, 1_001)) // 1_000)
    return replace(account, category=category, balances=(*debt, *account.balances))


def wild(
    random: Random, count: int, rules: Rules | None = None, minted: Listed | None = None
) -> tuple[Market, Accounts]:
    """A comptroller of up to 24 cTokens, and so many accounts."""
    counts_seconds = bool(random.random() < 0.7) and minted is None
    terse = [
        Terse(
            price=any_size(random, 12, 24),
            decimals=int(random.choice((2, 6, 8, 18, 18))),
            weight_bps=int(random.choice((0, *random.integers(3_000, 9_900, 5)))),
            incentive_bps=int(random.integers(10_000, 12_500)),
            exchange_rate=any_size(random, 0, 4),
            index=WAD + any_size(random, 0, 18),
            rate_wad=any_size(random, 5, 11),
            since=(AT.timestamp_s if counts_seconds else AT.number) - int(random.choice((0, 12, 86_400))),
            counts_seconds=counts_seconds,
        )
        for _ in range(int(random.choice((2, 5, 9, 24))))
    ]
    market = market_of(terse, rules, minted)
    return market, Accounts.of(_account(market, number, random) for number in range(count))


def any_size(random: Random, low: int, high: int) -> int:
    return max(int(10 ** random.uniform(low, high)), 1)


def grown(adapter: Any, account: Account, more_raw: int) -> Account:
    """The account with a little more of each of its debts, written at the same index."""
    found: list[Balance] = []
    for place in dict.fromkeys(b.asset for b in account.balances):
        here = {b.kind: b for b in account.balances if b.asset == place}
        if PRINCIPAL in here:
            more = here[PRINCIPAL].raw + more_raw
            if place == MINTED:
                here = {b.kind: b for b in minted_rows(more, here[INDEX].raw, here[SCALED].raw)}
            else:
                here[PRINCIPAL] = replace(here[PRINCIPAL], raw=more)
                here[SCALED] = replace(here[SCALED], raw=scaled_up(more, here[INDEX].raw))
        found += [here[kind] for kind in sorted(here)]
    return replace(account, balances=tuple(found))


def reads_price(adapter: Any, market: Any, account: Account, node: Node) -> bool:
    """Whether the comptroller asks a price for the account: in every market that a debtor has entered."""
    if not any(b.kind == PRINCIPAL for b in account.balances):
        return False
    places = [place for place, one in market.listed.items() if one.asset.node == node]
    here = [b for b in account.balances if b.asset in places]
    if market.layout.rules.name == "venus_core":
        return any(b.kind == PRINCIPAL or (b.kind == HELD and b.raw) for b in here)
    return any(b.kind == HELD for b in here)


def _listed(asset: Asset, one: Terse) -> Listed:
    supply = 10**17
    borrows_raw = 10**6 * 10**one.decimals
    interest = Interest(
        cash_raw=one.exchange_rate * supply * 10**one.decimals // 10**10 + 10**one.decimals,
        extra_raw=0,
        borrows_raw=borrows_raw,
        reserves_raw=10**one.decimals,
        supply=supply,
        reserve_factor_wad=WAD // 10,
        borrow_index=one.index,
        rate_wad=one.rate_wad,
        since=one.since or AT.timestamp_s,
        initial_rate_wad=0,
    )
    return Listed(
        asset=asset,
        now=AT.timestamp_s if one.counts_seconds else AT.number,
        interest=interest,
        standing=interest.standing,
        terms={0: Terms(one.weight_bps * WAD // BPS, one.incentive_bps * WAD // BPS)},
        collateral_factor_wad=one.weight_bps * WAD // BPS,
        seize_share_wad=one.share_bps * WAD // BPS,
        closed=one.closed,
        is_forced=one.is_forced,
        supply_cap_raw=one.supply_cap_raw,
        rate_model=ORACLE,
    )


def _price(asset: Asset, one: Terse) -> PriceUsed:
    price = one.price * 10 ** (18 - one.decimals) if isinstance(one.price, int) else one.price
    return PriceUsed(asset.node, price, asset.price_decimals, "made", "market")


def _account(market: Market, number: int, random: Random) -> Account:
    places = [place for place in market.listed if place != MINTED]
    chosen = [int(p) for p in random.choice(places, min(int(random.integers(1, 6)), len(places)), replace=False)]
    worth = any_size(random, 18, 25)
    split = int(random.integers(0, len(chosen) + 1))
    found: list[Balance] = []
    for order, place in enumerate(chosen):
        one = market.listed[place]
        is_both = random.random() < 0.2
        held = _ctokens(market, one, worth * int(random.integers(500, 2_000)) // 1_000)
        owed = _owed(market, one, worth * int(random.integers(100, 1_600)) // 1_000)
        debt = Debt(owed, max(int(one.interest.borrow_index * random.uniform(0.3, 1)), WAD))  # type: ignore[union-attr]
        found += rows(place, HELD, held if order < split or is_both else 0, debt if order >= split or is_both else None)
    if any(b.kind == PRINCIPAL for b in found) and len(places) > len(chosen) and random.random() < 0.3:
        place = next(place for place in places if place not in chosen)
        found += rows(place, IDLE, _ctokens(market, market.listed[place], worth) or 1, None)
    balances = tuple(sorted(found, key=lambda b: (b.asset, b.kind)))
    return Account(PositionKey(f"0x{number:040x}"), 0, balances)


def _ctokens(market: Market, one: Listed, worth: int) -> int:
    price, standing = market.graph.values[one.asset.node], one.standing
    assert isinstance(price, int)
    return worth * WAD // price * WAD // standing.exchange_rate_wad  # type: ignore[union-attr]


def _owed(market: Market, one: Listed, worth: int) -> int:
    price = market.graph.values[one.asset.node]
    assert isinstance(price, int)
    return min(worth * WAD // price, 2**120)
