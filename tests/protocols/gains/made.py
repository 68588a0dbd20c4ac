"""Deployments and trades made up in memory, thousands at a time from one seed, most of them near the line."""

from dataclasses import replace

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, Slug
from monitor.domain.moment import BlockRef
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.gains.adapter import Gains
from monitor.protocols.gains.health import Sums, priced, sums_of
from monitor.protocols.gains.market import Layout, Market, Old, Pair, Running, collateral_at, graph, pair_at, place_of
from monitor.protocols.gains.math import ONE, Borrowing, Funding, OldGroup
from monitor.protocols.gains.trades import KEY_BYTES, Trade, account_of, key_of, trade_of, with_collateral
from monitor.protocols.gains.wire import Prices

ADAPTER = Gains()
Random = np.random.Generator
DIAMOND = Address("0x" + "d1" * 20)
AT = BlockRef(ChainId("eip155:42161"), 1_000, "0x" + "11" * 32, "0x" + "10" * 32, 1_760_000_000)
DEPLOYMENT = Deployment(DeploymentName("local-gains"), Slug("gains"), AT.chain, {"diamond": DIAMOND})
TOKENS = {
    1: Token(Address("0x" + "da" * 20), "DAI", 18),
    2: Token(Address("0x" + "ee" * 20), "WETH", 18),
    3: Token(Address("0x" + "c0" * 20), "USDC", 6),
}
DOLLARS = {1: 99_990_000, 2: 3_000 * 10**8, 3: 100_010_000}
PAIRS = (("BTC/USD", 90_000.0), ("ETH/USD", 3_000.0), ("EUR/USD", 1.1), ("PEPE/USD", 0.000_012_3))
ACTIVE = tuple(sorted(place_of(number, pair) for number in TOKENS for pair in range(len(PAIRS))))
GROUPED = (place_of(3, 1), place_of(1, 2))
"""Places that borrowing of version 1 runs in by groups, of which a trade was in one or two."""


def deployment(random: Random) -> Market:
    """A deployment of four pairs with three collaterals, version 1 of borrowing in some, by groups in two."""
    index = tuple(int(dollars * random.uniform(0.7, 1.4) * 1e10) for _, dollars in PAIRS)
    pairs = tuple(
        Pair(
            name=name,
            spread=int(random.choice((0, 4 * 10**8))) * 10**18,
            fee=int(random.choice((25, 60, 80))) * ONE // 100_000,
            least_usd=int(random.choice((0, 1_500))) * ONE,
            counter_multiplier=ONE // 2,
        )
        for name, _ in PAIRS
    )
    told = Prices(index, AT.timestamp_s * 1000 - 500)
    running = {place: _running(random, place, index[pair_at(place)]) for place in ACTIVE}
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(DIAMOND),
        at=AT,
        layout=Layout(DIAMOND, TOKENS, pairs, {place: one.old for place, one in running.items()}, ACTIVE, AT.number),
        running=running,
        told_ms=told.told_ms,
        state=0,
        graph=graph(pairs, told, DOLLARS, AT),
    )


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A deployment and trades in it, most near the line."""
    market = deployment(random)
    return market, Accounts.of((trade(random, market, number) for number in range(count)), KEY_BYTES)


def trade(random: Random, market: Market, number: int) -> Account:
    """One trade; its collateral brings it near the line, its number makes its trader."""
    place = ACTIVE[int(random.integers(0, len(ACTIVE)))]
    collateral, pair = collateral_at(place), pair_at(place)
    running = market.running[place]
    assert isinstance(running, Running)
    decimals, is_long = TOKENS[collateral].decimals, bool(random.integers(0, 2))
    now = market.graph.values[next(node for node in market.graph.values if node == f"index:{pair}")]
    assert isinstance(now, int)
    leverage = int(random.choice((2_000, 10_000, 50_000, 150_000, 500_000)))
    moved = random.uniform(-0.9, 0.3) * 1000 / leverage
    dollars = 10 ** random.uniform(1, 5) * 1e8 / DOLLARS[collateral]
    collateral_raw = max(int(dollars * 10.0**decimals), 1)
    size_raw = collateral_raw * leverage // 1000
    old, side = running.old, 0 if is_long else 1
    has_terms = random.random() < 0.7
    terms = (5 * 10**8, 90 * 10**10, 80 * 10**10, 25_000, 100_000) if has_terms else (0, 0, 0, 0, 0)
    made = Trade(
        place=place,
        is_long=is_long,
        version=int(random.choice((0, 1, 2, 2, 2))),
        is_counter=bool(random.random() < 0.1),
        collateral_raw=collateral_raw,
        size_raw=size_raw,
        leverage=leverage,
        open_price=int(now / (1 + moved if is_long else 1 - moved)),
        fees_raw=collateral_raw // 200,
        profit_raw=int(random.choice((-1, 0, 1))) * (collateral_raw // 50),
        funded=_before(random, running.funding.long_accrued if is_long else running.funding.short_accrued, now),
        borrowed=int(running.borrowing.accrued // 10**10 * random.uniform(0.5, 1)),
        old_pair=old.now[side] // 10**20 * 9 // 10,
        old_group=old.group_now[side] // 10**20 * 9 // 10,
        old_block=int(random.choice((1, 300, 700))),
        fixed_spread=int(random.choice((0, 0, 0, 20))),
        terms=terms,
    )
    rules = market.layout.pairs[pair]
    key = key_of(f"0x{10_000 + number:040x}", number % 7)
    account = account_of(key, made, decimals, rules.spread, rules.counter_multiplier)
    sums = sums_of(priced(market), made)
    assert isinstance(sums, Sums)
    off = random.normal(0, random.choice((0.0001, 0.05, 1)))
    lacks = sums.required - sums.left + int(sums.required * off)
    return with_collateral(account, made, max(collateral_raw + lacks // 10 ** (30 - decimals), 1))


def grown(account: Account, more_raw: int) -> Account:
    """The trade with so much more in fees, which is how it comes to owe more."""
    one = trade_of(account)
    assert one is not None
    changed = one._replace(fees_raw=one.fees_raw + more_raw)
    number = collateral_at(one.place)
    return replace(account_of(account.key, changed, TOKENS[number].decimals, 0, ONE), owner=account.owner)


def _before(random: Random, accrued: int, price: int) -> int:
    """An accumulator as it stood when the trade was opened: up to a per cent of the price before."""
    return (accrued - int(price * 10**10 * random.uniform(-0.2, 1)) * 10**10) // 10**10


def _running(random: Random, place: int, price: int) -> Running:
    since_s = AT.timestamp_s - int(random.integers(1, 100_000))
    unit = price * 10**20
    tokens = [int(10 ** random.uniform(4, 7) * ONE * 10**10 / price) for _ in range(2)]
    funding = Funding(
        coefficient=int(random.uniform(0, 1e-6) * ONE),
        velocity_cap=int(random.uniform(0, 2) * ONE),
        rate_cap=int(random.uniform(1e-7, 3e-6) * ONE),
        threshold_usd=int(random.choice((0, 10_000, 10**9))) * ONE,
        is_enabled=bool(random.random() < 0.7),
        has_multiples=bool(random.integers(0, 2)),
        long_accrued=int(unit * random.uniform(-5, 5)),
        short_accrued=int(unit * random.uniform(-5, 5)),
        rate=int(random.uniform(-1e-7, 1e-7) * ONE),
        updated_s=since_s,
        long_interest=tokens[0],
        short_interest=tokens[1],
        skew=tokens[0] - tokens[1],
    )
    borrowing = Borrowing(int(random.uniform(0, 1e-6) * ONE), int(unit * random.uniform(0, 5)), since_s)
    return Running(funding, borrowing, _old(random, place))


def _old(random: Random, place: int) -> Old:
    runs = pair_at(place) > 0
    now = tuple(int(random.uniform(0, 0.5) * 10**10) * 10**20 if runs else 0 for _ in range(2))
    if place not in GROUPED:
        return Old(((), ()), None, int(runs), (now[0], now[1]))
    group_now = tuple(int(random.uniform(0, 0.5) * 10**10) * 10**20 for _ in range(2))
    sides = tuple(
        (OldGroup(200, 0, 0, pair // 4), OldGroup(500, group // 3, group // 5, pair // 2))
        for pair, group in zip(now, group_now, strict=True)
    )
    return Old((sides[0], sides[1]), 4, 1, (now[0], now[1]), (group_now[0], group_now[1]))
