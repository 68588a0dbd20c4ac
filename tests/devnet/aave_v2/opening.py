"""Opens Aave v2 on a running chain: a market, lenders, and people with random positions in it."""

import random
from collections.abc import Iterator

from tests.devnet.aave_v2.deployed import Reserve, deploy
from tests.devnet.aave_v2.market import APPROVE, BORROW, DEPOSIT, LIQUIDATOR, MAX, MINT, STABLE, USE, VARIABLE, Market
from tests.devnet.aave_v2.shape import E8
from tests.devnet.chain.client import DEPLOYER, Chain, Transaction
from tests.devnet.chain.codec import calldata

SEED = 4
PEOPLE = 150
DEPTH_DOLLARS = 50_000_000


def aave_v2(chain: Chain, base: str, people: int = PEOPLE, seed: int = SEED) -> Market:
    """A market in that base currency in which so many people have positions."""
    market = Market(chain, deploy(chain, base))
    if people:
        market.people = tuple(f"0x{0xA2E0_0000 + seed * 10_000 + i:040x}" for i in range(people))
        _settle(market, random.Random(seed))
        for reserve in market.deployed.reserves:
            if reserve.shape.frozen:
                market.set_frozen(reserve.symbol, True)
    return market


def raw_of(reserve: Reserve, dollars: float) -> int:
    """That many dollars at the price of the listing, in raw units."""
    return max(int(dollars * E8) * reserve.unit // reserve.shape.price_e8, 1)


def _settle(market: Market, chance: random.Random) -> None:
    """Lend to every reserve; everyone deposits, and borrows up to nearly all that they may."""
    chain, pool = market.chain, market.deployed.pool
    funds = []
    for user in (DEPLOYER, LIQUIDATOR, *market.people):
        for reserve in market.deployed.reserves:
            raw = raw_of(reserve, 10 * DEPTH_DOLLARS)
            funds.append(Transaction(user, reserve.token, calldata(MINT, user, raw)))
            funds.append(Transaction(user, reserve.token, calldata(APPROVE, pool, MAX)))
    chain.bulk(funds)
    for reserve in market.deployed.reserves:
        market.send(DEPOSIT, reserve.token, raw_of(reserve, DEPTH_DOLLARS), DEPLOYER, 0)
    chain.bulk([act for user in market.people for act in _acts(market, user, chance)])


def _acts(market: Market, user: str, chance: random.Random) -> Iterator[Transaction]:
    """Deposits into one to four reserves, debts in up to three others, both rates; a few use less as collateral."""
    pool, reserves = market.deployed.pool, market.deployed.reserves
    held = chance.sample(reserves, chance.choice((0, 1, 1, 1, 2, 2, 3, 4)))
    power = 0.0
    for reserve in held:
        dollars = chance.lognormvariate(8, 2)
        power += dollars * reserve.shape.ltv / 10_000
        data = calldata(DEPOSIT, reserve.token, raw_of(reserve, dollars), user, 0)
        yield Transaction(user, pool, data)
    owed = chance.sample([r for r in reserves if r.shape.borrowable], chance.choice((0, 1, 1, 2, 3)))
    for reserve in owed:
        dollars = power * chance.uniform(0.3, 1) ** 0.4 / len(owed)
        rate = STABLE if reserve.shape.stable and reserve not in held and chance.random() < 0.35 else VARIABLE
        yield Transaction(user, pool, calldata(BORROW, reserve.token, raw_of(reserve, dollars), rate, 0, user))
    if held and chance.random() < 0.15:
        yield Transaction(user, pool, calldata(USE, chance.choice(held).token, False))
