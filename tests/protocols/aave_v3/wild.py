"""Pools and accounts with wild units, prices and amounts, thousands at a time from one seed."""

from dataclasses import dataclass, replace

import numpy as np

from monitor.domain.ids import PositionKey
from monitor.domain.prices import Node, Repricing, SidedValue, Value
from monitor.ledger.accounts import Account, Accounts, Balance
from monitor.protocols.aave_v3.market import Category, Market
from monitor.protocols.aave_v3.versions.totals import (
    COLLATERAL,
    PLAIN_DEBT,
    SCALED_DEBT,
    STABLE_PRINCIPAL,
    STABLE_RATE,
    STABLE_SINCE,
)
from monitor.units import RAY
from tests.protocols.aave_v3.made import AT, VERSIONS, Listed, market_of, node_of

RESERVES = 14
CATEGORY_PRICE = Node("asset:category")
Random = np.random.Generator


@dataclass(frozen=True)
class Kind:
    """What a pool is made of: decimals, and the powers of ten of its prices and of what accounts are worth."""

    decimals: tuple[int, ...]
    prices: tuple[int, int]
    least_worth: int
    most_worth: tuple[int, ...]


WILD = Kind((0, 2, 2, 6, 8, 8, 18, 18, 27), (0, 15), 0, (1, 3, 8, 14, 20))
"""Worthless tokens, absurdly dear ones, accounts of a few base units."""
TAME = Kind((6, 8, 18, 18), (5, 12), 8, (11, 15))
"""Tokens as they are listed; accounts from a dollar up."""


def wild_market(version: str, random: Random, kind: Kind = WILD) -> Market:
    """A pool of such tokens, and four categories."""
    listed = [
        Listed(
            price=_any_size(random, *kind.prices),
            decimals=int(random.choice(kind.decimals)),
            threshold_bps=int(random.choice((0, 1, 2, *random.integers(2_000, 10_001, 6)))),
            ltv_bps=0,
            supply_index_ray=RAY + _any_size(random, 0, 27),
            debt_index_ray=RAY + _any_size(random, 0, 28),
        )
        for _ in range(RESERVES)
    ]
    rules = VERSIONS[version]
    categories = [
        Category(
            id=number,
            ltv_bps=0,
            threshold_bps=int(random.choice((0, 1, 9_300, 9_700, 10_000))),
            bonus_bps=10_100,
            members=int(random.integers(0, 2**RESERVES)),
            price=CATEGORY_PRICE if rules.has_category_prices and number == 4 else None,
        )
        for number in (1, 2, 4, 7)
    ]
    return market_of(rules, listed, categories)


def wild_accounts(market: Market, count: int, random: Random, kind: Kind = WILD) -> Accounts:
    """Accounts with up to eight collaterals and six debts, most of them near the line."""
    return Accounts.of(_account(market, number, random, kind) for number in range(count))


def haircut(market: Market, random: Random) -> Repricing:
    """A haircut on every reserve: less as collateral, more as debt."""
    nodes: dict[Node, Value | SidedValue] = {}
    for reserve in market.reserves.values():
        price = market.graph.values[reserve.node]
        assert isinstance(price, int)
        nodes[reserve.node] = SidedValue(
            price * int(random.integers(700, 1000)) // 1000, -(-price * int(random.integers(1000, 1200)) // 1000)
        )
    return Repricing("cautious", nodes)


def stably_indebted(account: Account, random: Random) -> Account:
    """The account with a stable debt of its own in the reserve of its first variable one."""
    owed = next(b for b in account.balances if b.kind in (SCALED_DEBT, PLAIN_DEBT))
    stable = (
        Balance(owed.asset, STABLE_RATE, int(random.integers(0, 10**15)) * 10**11),
        Balance(owed.asset, STABLE_SINCE, AT.timestamp_s - int(random.integers(0, 10**8))),
        Balance(owed.asset, STABLE_PRINCIPAL, max(owed.raw // 3, 1)),
    )
    at = account.balances.index(owed)
    return replace(account, balances=(*account.balances[:at], *stable, *account.balances[at:]))


def _account(market: Market, number: int, random: Random, kind: Kind) -> Account:
    held = random.choice(RESERVES, random.choice((0, 1, 1, 1, 2, 2, 3, 4, 5, 8)), replace=False).tolist()
    owed = random.choice(RESERVES, random.choice((0, 1, 1, 1, 2, 2, 3, 4, 6)), replace=False).tolist()
    size = _any_size(random, kind.least_worth, int(random.choice(kind.most_worth)))
    category = int(random.choice((0, 0, 0, 0, *market.categories, *market.categories, 3, 200)))
    may_be_plain = market.rules.has_discounted_debt
    rows = [Balance(a, COLLATERAL, _raw(market, a, size, random)) for a in held]
    for asset in owed:
        how = PLAIN_DEBT if may_be_plain and random.random() < 0.2 else SCALED_DEBT
        rows.append(Balance(asset, how, _raw(market, asset, size, random)))
    rows.sort(key=lambda balance: balance.asset)
    return Account(PositionKey(f"0x{number:040x}"), category, tuple(rows))


def _raw(market: Market, number: int, value: int, random: Random) -> int:
    """A balance worth about so much, sometimes nothing, sometimes anything that fits."""
    chance = random.random()
    if chance < 0.03:
        return 0
    if chance < 0.06:
        return _any_size(random, 0, 38)
    price, reserve = market.graph.values[node_of(number)], market.reserves[number]
    assert isinstance(price, int)
    factor = int(random.integers(500, 2000))
    return min(value * factor * reserve.unit // (1000 * price) + int(random.integers(0, 3)), 2**128 - 1)


def _any_size(random: Random, low: int, high: int) -> int:
    return max(int(10 ** random.uniform(low, high)), 1)
