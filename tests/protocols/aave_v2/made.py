"""Pools and accounts made up in memory: every size of price, index and balance that the contract can hold."""

from dataclasses import dataclass, replace

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey, Slug
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.pricing.aave_oracle import OracleLayout, asset_node
from monitor.pricing.graph import PriceGraph
from monitor.protocols.aave_v2.interest import Interest
from monitor.protocols.aave_v2.market import NO_ADDRESS, Configuration, Market, PoolLayout, Reserve
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL, STABLE_RATE, STABLE_SINCE
from monitor.units import RAY, WAD

POOL = Address("0x" + "aa" * 20)
AT = BlockRef(ChainId("eip155:1"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
DEPLOYMENT = Deployment(DeploymentName("made"), Slug("aave_v2"), ChainId("eip155:1"), {"lending_pool": POOL})
KEY = PositionKey("0x" + "bb" * 20)
RESERVES = 12
Random = np.random.Generator


@dataclass(frozen=True)
class Listed:
    """The terms of one made-up reserve; its price in wei of ether."""

    price: Value = WAD
    decimals: int = 18
    ltv_bps: int = 7500
    threshold_bps: int = 8000
    bonus_bps: int = 10_500
    supply_index_ray: int = RAY
    debt_index_ray: int = RAY
    supply_rate_ray: int = 0
    debt_rate_ray: int = 0
    since_s: int = AT.timestamp_s
    is_active: bool = True
    is_frozen: bool = False
    grace_until_s: int = 0
    available_raw: int | None = 10**40


def token_of(number: int) -> Address:
    return Address(f"0x{number + 1:040x}")


def node_of(number: int) -> Node:
    return asset_node(token_of(number))


def market_of(*listed: Listed, is_paused: bool = False, manager: Address = NO_ADDRESS) -> Market:
    """A pool whose i-th reserve has id i."""
    prices = {node_of(i): one.price for i, one in enumerate(listed)}
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(POOL),
        at=AT,
        layout=PoolLayout(
            revision=2,
            provider=POOL,
            oracle=POOL,
            configurator=POOL,
            collateral_manager=manager,
            grace_sentinel=NO_ADDRESS,
            tokens=(),
            a_tokens=(),
            prices=OracleLayout(POOL, POOL, token_of(99), WAD, (), (), ()),
        ),
        is_paused=is_paused,
        reserves={i: _reserve(i, one) for i, one in enumerate(listed)},
        graph=PriceGraph.of(PriceUsed(node, value, 18, "made", "market") for node, value in prices.items()),
    )


def account_of(*balances: tuple[int, int, int], key: PositionKey = KEY) -> Account:
    """An account with (reserve, kind, raw) balances."""
    return Account(key, 0, tuple(Balance(*one) for one in balances))


def stable_of(reserve: int, principal: int, rate_ray: int = 0, age_s: int = 0) -> tuple[tuple[int, int, int], ...]:
    """The rows of a stable debt, with a variable one of nothing."""
    return (
        (reserve, STABLE_RATE, rate_ray),
        (reserve, STABLE_SINCE, AT.timestamp_s - age_s),
        (reserve, STABLE_PRINCIPAL, principal),
        (reserve, SCALED_DEBT, 0),
    )


def repriced(market: Market, number: int, value: Value) -> Market:
    """The same pool with another price."""
    inputs = [replace(p, value=value) if p.node == node_of(number) else p for p in market.graph.inputs]
    return replace(market, graph=PriceGraph.of(inputs), views=[])


def _reserve(number: int, one: Listed) -> Reserve:
    bits = (one.ltv_bps, 0), (one.threshold_bps, 16), (one.bonus_bps, 32), (one.decimals, 48)
    flags = (one.is_active, 56), (one.is_frozen, 57)
    interest = Interest(one.supply_index_ray, one.supply_rate_ray, one.debt_index_ray, one.debt_rate_ray, one.since_s)
    return Reserve(
        id=number,
        token=Token(token_of(number), f"T{number}", one.decimals),
        node=node_of(number),
        configuration=Configuration(sum(int(value) << shift for value, shift in (*bits, *flags))),
        supply_index_ray=interest.supply_index_at(AT.timestamp_s),
        debt_index_ray=interest.debt_index_at(AT.timestamp_s),
        interest=interest,
        a_token=token_of(1000 + number),
        variable_debt_token=token_of(2000 + number),
        stable_debt_token=token_of(3000 + number),
        grace_until_s=one.grace_until_s,
        available_raw=one.available_raw,
    )


def wild_market(random: Random) -> Market:
    """A pool of tokens as they are listed and some that are not, at any rates, touched at any time."""
    return market_of(
        *(
            Listed(
                price=any_size(random, 12, 22),
                decimals=int(random.choice((2, 6, 8, 18, 18))),
                threshold_bps=int(random.choice((0, 1, 2, *random.integers(2_000, 9_000, 8)))),
                supply_index_ray=RAY + any_size(random, 0, 27),
                debt_index_ray=RAY + any_size(random, 0, 28),
                supply_rate_ray=int(random.choice((0, any_size(random, 22, 27)))),
                debt_rate_ray=any_size(random, 22, 28),
                since_s=AT.timestamp_s - int(random.choice((0, 1, 2, 12, 3_600, 10**6, 10**8))),
            )
            for _ in range(RESERVES)
        )
    )


def wild_accounts(market: Market, count: int, random: Random) -> Accounts:
    """Accounts with up to six collaterals and four debts, most of them near the line, a few with stable debts."""
    return Accounts.of(_account(market, number, random) for number in range(count))


def any_size(random: Random, low: int, high: int) -> int:
    """A number whose power of ten is uniform."""
    return max(int(10 ** random.uniform(low, high)), 1)


def _account(market: Market, number: int, random: Random) -> Account:
    held = random.choice(RESERVES, random.choice((0, 1, 1, 1, 2, 2, 3, 4, 6)), replace=False).tolist()
    owed = random.choice(RESERVES, random.choice((0, 1, 1, 1, 2, 2, 3, 4)), replace=False).tolist()
    size = any_size(random, 16, 24)
    rows = [(asset, COLLATERAL, _raw(market, asset, size, random)) for asset in held]
    for asset in owed:
        raw = _raw(market, asset, size, random)
        if random.random() < 0.1:
            rows += stable_of(asset, max(raw // 3, 1), any_size(random, 20, 27), int(random.integers(0, 10**8)))
        else:
            rows.append((asset, SCALED_DEBT, raw))
    rows.sort(key=lambda row: row[:2])
    return account_of(*rows, key=PositionKey(f"0x{number:040x}"))


def _raw(market: Market, number: int, value: int, random: Random) -> int:
    """A balance worth about so much, sometimes nothing, sometimes anything that fits."""
    chance = random.random()
    if chance < 0.03:
        return 0
    if chance < 0.06:
        return any_size(random, 0, 38)
    price, reserve = market.graph.values[node_of(number)], market.reserves[number]
    assert isinstance(price, int)
    factor = int(random.integers(500, 2000))
    return min(value * factor * reserve.unit // (1000 * price) + int(random.integers(0, 3)), 2**128 - 1)
