"""Perps markets and accounts made up in memory, thousands at a time from one seed, most of them near the line."""

from dataclasses import replace

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.synthetix_v3.accounts import KEY_BYTES, account_of, coin_rows, key_of, position_rows
from monitor.protocols.synthetix_v3.health import priced, sums_of
from monitor.protocols.synthetix_v3.market import (
    ACCOUNT,
    DEBT,
    USD,
    Coin,
    Contracts,
    Costs,
    Interest,
    Layout,
    Market,
    Terms,
    Traded,
    coin_place,
    market_place,
)
from monitor.protocols.synthetix_v3.storage import Stored
from monitor.units import WAD
from tests.protocols.synthetix_v3.recorded import SLUG

HOUSE = Address("0x" + "c4" * 20)
AT = BlockRef(ChainId("eip155:8453"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
DEPLOYMENT = Deployment(DeploymentName("made"), SLUG, AT.chain, {"perps_market": HOUSE})
CONTRACTS = Contracts(HOUSE, *(Address(f"0x{0xC0 + n:040x}") for n in range(3)))
SNXUSD = Token(Address("0x" + "05" * 20), "snxUSD", 18)
OWNER = Address("0x" + "0e" * 20)
TERMS = Terms(
    initial_margin_ratio=2 * WAD,
    least_initial_ratio=WAD // 50,
    maintenance_scalar=WAD // 2,
    flag_reward_ratio=3 * WAD // 10_000,
    least_margin=50 * WAD,
    skew_scale=10**6 * WAD,
    most_velocity=9 * WAD,
    locked_ratio=WAD // 2,
    most_skew=WAD // 20_000,
)
GUARDS = (WAD, 3 * WAD // 10, 500 * WAD, WAD // 20)
COSTS = Costs(tuple((8 + 2 * n) * WAD // 10 for n in range(10)), 12 * WAD // 10)
Random = np.random.Generator


def traded_of(number: int, terms: Terms = TERMS, **changed: int) -> Traded:
    """The number-th market, without funding so far; a window takes 22.5 units of a million of skew scale."""
    made = Traded(
        place=market_place(number),
        id=100 * (number + 1),
        token=Token(Address(str(100 * (number + 1))), f"M{number}", 18),
        node=Node(f"price:{100 * (number + 1)}"),
        terms=terms,
        skew=0,
        size=0,
        stored_rate=0,
        stored_funding=0,
        funded_s=AT.timestamp_s,
        velocity=0,
        rate=0,
        per_price=0,
        capacity=terms.skew_scale // 44_444,
        window=terms.skew_scale // 44_444,
        liquidated_s=0,
    )
    return replace(made, **changed).at(AT.timestamp_s)  # type: ignore[arg-type]  # all of them are numbers


def coin_of(synth_id: int, **changed: int) -> Coin:
    """A synth whose discount is 1 % at least, 10 % at most, and 2 % where it has a hundredth of the spot's scale."""
    token = Token(Address(f"0x{0x5000 + synth_id:040x}"), f"s{synth_id}", 18)
    node = Node(f"collateral:{synth_id}")
    made = Coin(coin_place(synth_id), synth_id, token, node, 10**4 * WAD, 2 * WAD, WAD // 100, WAD // 10, 2**127, 0)
    return replace(made, **changed)  # type: ignore[arg-type]  # all of them are numbers


def market_of(marks: list[Value], synths: list[Value], traded: list[Traded] | None = None) -> Market:
    """A market whose i-th part has that price, with collaterals 1, 2, … of such prices beside snxUSD."""
    parts = traded or [traded_of(number) for number in range(len(marks))]
    coins = [coin_of(number + 1) for number in range(len(synths))]
    usd = Coin(USD, 0, SNXUSD, Node(f"par:{SNXUSD.address}"), 0, 0, 0, 0, 2**255, 0)
    prices = [PriceUsed(one.node, mark, 18, "made", "mark") for one, mark in zip(parts, marks, strict=True)]
    prices += [PriceUsed(one.node, price, 18, "made", "market") for one, price in zip(coins, synths, strict=True)]
    prices.append(PriceUsed(usd.node, WAD, 18, "made", "hardcoded"))
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(HOUSE),
        at=AT,
        layout=Layout(CONTRACTS, SNXUSD, {}, {}),
        traded={one.place: one for one in parts},
        coins={coin.place: coin for coin in (usd, *coins)},
        interest=Interest(WAD // 10, WAD // 200, AT.timestamp_s, WAD // 200),
        costs=COSTS,
        guards=GUARDS,
        collateral_reward_ratio=5 * WAD // 10_000,
        flagged=frozenset(),
        total_debt=0,
        is_closed=False,
        graph=PriceGraph.of(prices),
    )


def account_with(
    *positions: tuple[int, Stored],
    usd: int = 0,
    debt: int = 0,
    synths: tuple[tuple[int, int], ...] = (),
    number: int = 7,
) -> Account:
    """An account of positions by the number of their market, and collateral by its id."""
    rows = [Balance(ACCOUNT, DEBT, debt)] if debt else []
    rows += coin_rows(USD, usd)
    for synth_id, amount in synths:
        rows += coin_rows(coin_place(synth_id), amount)
    for place, stored in positions:
        rows += position_rows(market_place(place), stored)
    return account_of(key_of(number), OWNER, rows)


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A market of three and two synths, and accounts of all sizes most of which are near the line."""
    marks = [int(10 ** random.uniform(12, 23)) for _ in range(3)]
    synths = [int(10 ** random.uniform(17, 23)) for _ in range(2)]
    parts = [_traded(random, number, mark) for number, mark in enumerate(marks)]
    market = market_of(list(marks), list(synths), parts)
    return market, Accounts.of((_account(random, market, number) for number in range(count)), KEY_BYTES)


def _traded(random: Random, number: int, mark: int) -> Traded:
    scale = int(10**44 * random.uniform(1, 100) / mark)
    terms = replace(
        TERMS,
        skew_scale=scale,
        least_margin=int(random.choice((0, 50))) * WAD,
        locked_ratio=int(WAD * random.random()),
        least_initial_ratio=int(WAD * random.uniform(0.01, 0.3)),
    )
    return traded_of(
        number,
        terms,
        skew=int(scale * random.uniform(-2, 2)),
        stored_rate=int(WAD * random.uniform(-0.2, 0.2)),
        stored_funding=int(mark * random.uniform(-0.1, 0.1)),
        funded_s=AT.timestamp_s - int(random.integers(0, 10**5)),
    )


def _account(random: Random, market: Market, number: int) -> Account:
    worth = int(10 ** random.uniform(20, 26))
    positions: list[tuple[int, Stored]] = []
    for place in random.choice(3, random.choice((0, 1, 1, 1, 2, 3)), replace=False).tolist():
        mark = market.graph.values[Node(f"price:{100 * (place + 1)}")]
        assert isinstance(mark, int)
        size = int(worth * WAD / mark * random.uniform(0.05, 1)) * int(random.choice((-1, 1)))
        funded = market.traded[market_place(place)].stored_funding + int(mark * random.uniform(-0.01, 0.01))
        charged = int(market.interest.accrued * random.random())
        positions.append((place, Stored(size, int(mark * random.uniform(0.8, 1.2)), funded, charged)))
    synths: list[tuple[int, int]] = []
    for synth_id in random.choice((1, 2), random.choice((0, 0, 1, 2)), replace=False).tolist():
        price = market.graph.values[Node(f"collateral:{synth_id}")]
        assert isinstance(price, int)
        synths.append((synth_id, int(worth * WAD / price / 20 * random.random())))
    bare = account_with(*positions, synths=tuple(synths), number=number + 1)
    sums = sums_of(priced(market), bare)
    assert not isinstance(sums, str)
    wanted = sums.maintenance if positions else sums.margin_reward
    missing = int(wanted * random.normal(1, random.choice((0.001, 0.1, 1)))) - sums.available
    usd, debt = (missing, 0) if missing > 0 else (0, -missing)
    if random.random() < 0.2:
        usd, debt = usd + worth // 100, debt + worth // 100
    return account_with(*positions, usd=usd, debt=debt, synths=tuple(synths), number=number + 1)
