"""Opens a clearing house with three markets and two collaterals, makers, and people with positions of all kinds."""

import random

from tests.devnet.chain.client import Chain, Transaction
from tests.devnet.curie.deployed import add_coin, add_market, deployed
from tests.devnet.curie.house import LIQUIDATOR, PROBE, House, Traded

MARKETS = (("vETH", 2_000), ("vBTC", 60_000), ("vLINK", 15))
COINS = (("WETH", 18, 2_000, 700_000), ("WBTC", 8, 60_000, 800_000))
DEPTH_DOLLARS = 2_000_000
HALF_HOUR_S = 1_800
E6, E18 = 10**6, 10**18
SPACING = 200
WIDE, NARROW = 20_000, 2_000


def opened(chain: Chain, people: int = 100, seed: int = 5) -> House:
    """The whole house; every number follows from the seed."""
    chance = random.Random(seed)
    house = deployed(chain)
    for symbol, dollars in MARKETS:
        add_market(house, symbol, dollars)
    for symbol, decimals, dollars, ratio in COINS:
        add_coin(house, symbol, decimals, dollars, ratio)
    house.makers = tuple(f"0x{0x3A_0000 + seed * 1000 + i:040x}" for i in range(3))
    house.people = tuple(f"0x{0xC0_0000 + seed * 1000 + i:040x}" for i in range(people))
    insured = DEPTH_DOLLARS * E6
    chain.send(house.settlement.address, "mint(address,uint256)", house.at["InsuranceFund"], insured)
    house.wait(HALF_HOUR_S)
    _make_markets(house)
    _deposit(house, chance)
    for _ in range(3):
        chain.bulk(_trades(house, chance))
        house.wait(HALF_HOUR_S)
    return house


def tick_of(dollars: int) -> int:
    """The tick of a price, down to the spacing: 1.0001^tick = price."""
    tick, price = 0, 1.0
    while price < dollars:
        price *= 1.0001**SPACING
        tick += SPACING
    return tick


def _make_markets(house: House) -> None:
    chain = house.chain
    rich = (*house.makers, LIQUIDATOR, PROBE)
    house.fund(rich, house.settlement, [50 * DEPTH_DOLLARS * E6] * len(rich))
    acts: list[Transaction] = []
    for market in house.markets:
        base, quote = DEPTH_DOLLARS * E18 // market.dollars, DEPTH_DOLLARS * E18
        middle = tick_of(market.dollars)
        acts.append(house.provide(house.makers[0], market, base, quote, (middle - WIDE, middle + WIDE)))
        acts.append(house.provide(house.makers[1], market, base, quote, (middle - NARROW, middle + NARROW)))
        acts.append(house.provide(house.makers[2], market, base // 50, 0, (middle + SPACING, middle + NARROW)))
    chain.bulk(acts)
    house.wait(HALF_HOUR_S)


def _deposit(house: House, chance: random.Random) -> None:
    dollars = [int(chance.lognormvariate(7, 1.5)) + 20 for _ in house.people]
    kinds = [chance.choice(("cash", "cash", "both", "coins")) for _ in house.people]
    cash = [0 if kind == "coins" else amount * E6 for amount, kind in zip(dollars, kinds, strict=True)]
    house.fund(house.people, house.settlement, cash)
    for coin in house.coins:
        amounts = [
            amount * 10**coin.decimals // coin.dollars if kind != "cash" and chance.random() < 0.6 else 0
            for amount, kind in zip(dollars, kinds, strict=True)
        ]
        house.fund(house.people, coin, amounts)


def _trades(house: House, chance: random.Random) -> list[Transaction]:
    """Everyone may open in any market, with up to nearly ten times what they have; too much of it reverts."""
    values = house.views("Vault", "getFreeCollateral(address)(uint256)", house.people)
    acts: list[Transaction] = []
    for who, free in zip(house.people, values, strict=True):
        market: Traded = chance.choice(house.markets)
        worth = int(free * 10**12 * chance.choice((0.5, 3, 6, 9, 9.5)) * chance.random())
        if worth and chance.random() < 0.9:
            acts.append(house.trade(who, market, worth * chance.choice((-1, 1))))
    return acts
