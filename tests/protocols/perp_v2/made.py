"""Clearing houses and accounts made up in memory, thousands at a time from one seed, most of them near the line."""

from collections.abc import Iterator

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.perp_v2.feeds import par
from monitor.protocols.perp_v2.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    COIN,
    DEBT_LIMIT,
    FEE,
    FUNDING_DUE,
    FUNDING_OWED,
    LONG,
    ORDERS,
    OWN_QUOTE,
    OWN_SHORT,
    QUOTE,
    QUOTE_OWED,
    REALISED,
    REALISED_LOSS,
    SHORT,
    Coin,
    Contracts,
    Layout,
    Market,
    Ratios,
    Sale,
    Status,
    Traded,
    base_place,
    coin_place,
)
from monitor.protocols.perp_v2.math import coin_value_down, value_to_zero
from monitor.units import PPM, WAD
from tests.protocols.perp_v2.recorded import SLUG

HOUSE = Address("0x" + "c4" * 20)
AT = BlockRef(ChainId("eip155:10"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
DEPLOYMENT = Deployment(DeploymentName("made"), SLUG, AT.chain, {"clearing_house": HOUSE})
USDC = Token(Address("0x" + "05" * 20), "USDC", 6)
RATIOS = Ratios(100_000, 62_500, 25_000, 100_000, 64_500, 750_000)
Random = np.random.Generator


def address(number: int) -> Address:
    return Address(f"0x{number:040x}")


def house(marks: list[Value], coins: list[tuple[int, Value]], ratios: Ratios = RATIOS) -> Market:
    """A house whose i-th market has that mark (18 decimals), and collaterals of (decimals, price of 8 decimals)."""
    bases = tuple(Token(address(100 + i), f"v{i}", 18) for i in range(len(marks)))
    held = tuple(Token(address(200 + i), f"C{i}", decimals) for i, (decimals, _) in enumerate(coins))
    nodes = [Node(f"mark:{base.address}") for base in bases]
    prices = [PriceUsed(node, mark, 18, "made", "mark") for node, mark in zip(nodes, marks, strict=True)]
    priced = [Node(f"collateral:{token.address}") for token in held]
    prices += [PriceUsed(node, price, 8, "made", "market") for node, (_, price) in zip(priced, coins, strict=True)]
    graph = PriceGraph.of([par(Node(f"par:{USDC.address}"), USDC), *prices])
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(HOUSE),
        at=AT,
        layout=Layout(Contracts(*(address(n) for n in range(1, 9))), USDC, bases, held),
        ratios=ratios,
        sale=Sale(500_000, 30_000, 500 * 10**6, is_paused=False),
        traded={
            base_place(i): Traded(base_place(i), base, Status.OPEN, node, None, 0)
            for i, (base, node) in enumerate(zip(bases, nodes, strict=True))
        },
        coins={
            coin_place(i): Coin(coin_place(i), token, node, 10**8, 700_000 + 100_000 * i, 100_000, 2**127)
            for i, (token, node) in enumerate(zip(held, priced, strict=True))
        },
        is_paused=False,
        graph=graph,
    )


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A house of three markets and two collaterals, and accounts of all sizes most of which are near the line."""
    marks: list[Value] = [int(10 ** random.uniform(15, 23)) for _ in range(3)]
    coins: list[tuple[int, Value]] = [(18, int(10 ** random.uniform(7, 13))), (8, int(10 ** random.uniform(7, 13)))]
    market = house(marks, coins)
    return market, Accounts.of(_account(random, market, number) for number in range(count))


def grown(account: Account, more_raw: int) -> Account:
    """The account with so much more lost, which is how it comes to owe more."""
    lost = sum(b.raw if b.kind == REALISED_LOSS else -b.raw for b in account.balances if b.kind in _REALISED) + more_raw
    kept = [b for b in account.balances if b.kind not in _REALISED]
    if lost:
        kept.append(Balance(ACCOUNT, REALISED_LOSS if lost > 0 else REALISED, abs(lost)))
    return Account(account.key, 0, tuple(sorted(kept, key=lambda b: (b.asset, b.kind))))


_REALISED = (REALISED, REALISED_LOSS)


def _account(random: Random, market: Market, number: int) -> Account:
    worth = int(10 ** random.uniform(17, 26))
    rows = [Balance(ACCOUNT, DEBT_LIMIT, 10_000 * 10**6)]
    value, notional = 0, 0
    for place in random.choice(list(market.traded), random.choice((0, 1, 1, 2, 3)), replace=False).tolist():
        more, quote = _position(random, market, place, worth, rows)
        value += more
        notional += quote
    equity = value
    for place in random.choice(list(market.coins), random.choice((0, 0, 1, 2)), replace=False).tolist():
        coin, price = market.coins[place], market.graph.values[market.coins[place].node]
        assert isinstance(price, int)
        raw = int(worth / 20 * random.random() * 10**8 * 10**coin.token.decimals / price / WAD)
        rows.append(Balance(place, COIN, raw))
        equity += coin_value_down(raw, coin.token.decimals, price, coin.price_unit) * coin.ratio_ppm // PPM
    if random.random() < 0.3:
        fee = int(worth * random.random() / 50)
        rows.append(Balance(ACCOUNT, FEE, fee))
        equity += fee
    realised = int(worth * random.uniform(-0.1, 0.1))
    equity += realised
    rows += _signed(ACCOUNT, realised, REALISED, REALISED_LOSS)
    wanted = int(notional * 62_500 // PPM * random.normal(1, random.choice((0.001, 0.1, 1))))
    rows += _signed(ACCOUNT, (wanted - equity) // 10**12 + int(random.integers(0, 2)), CASH, CASH_OWED)
    key = PositionKey(f"0x{number + 1:040x}")
    return Account(key, 0, tuple(sorted(rows, key=lambda row: (row.asset, row.kind))))


def _position(random: Random, market: Market, place: int, worth: int, rows: list[Balance]) -> tuple[int, int]:
    """Add one position; return what it adds to the value of the account, and its notional."""
    mark = market.graph.values[market.traded[place].node]
    assert isinstance(mark, int)
    size = int(worth * WAD / mark * random.uniform(0.05, 1)) * int(random.choice((-1, 1)))
    value = value_to_zero(size, mark)
    quote = -int(value * random.uniform(0.7, 1.3))
    funding = int(worth * random.uniform(-0.01, 0.01))
    rows += [*_signed(place, size, LONG, SHORT), *_signed(place, quote, QUOTE, QUOTE_OWED)]
    rows += _signed(place, funding, FUNDING_DUE, FUNDING_OWED)
    if random.random() < 0.1:
        rows += [Balance(place, ORDERS, 2), Balance(place, OWN_SHORT, abs(size) * 2), Balance(place, OWN_QUOTE, worth)]
    return value + quote + funding, abs(value)


def _signed(place: int, value: int, above: int, below: int) -> Iterator[Balance]:
    if value:
        yield Balance(place, above if value > 0 else below, abs(value))
