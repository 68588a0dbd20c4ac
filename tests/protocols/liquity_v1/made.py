"""Systems and troves made up in memory, thousands at a time from one seed, most of them near the line."""

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.graph import PriceGraph
from monitor.protocols.liquity_v1.accounts import account_of
from monitor.protocols.liquity_v1.market import PAR, Layout, Market, System, Terms
from monitor.protocols.liquity_v1.math import Redistributed, Trove
from monitor.units import WAD
from tests.protocols.liquity_v1.recorded import SLUG

MANAGER = Address("0x" + "a3" * 20)
OPERATIONS = Address("0x" + "24" * 20)
POOL = Address("0x" + "ac" * 20)
LUSD = Token(Address("0x" + "5f" * 20), "LUSD", 18)
AT = BlockRef(ChainId("eip155:1"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
ROOTS = {"trove_manager": MANAGER, "borrower_operations": OPERATIONS}
DEPLOYMENT = Deployment(DeploymentName("made"), SLUG, ChainId("eip155:1"), ROOTS)
KEY = PositionKey("0x" + "bb" * 20)
NOBODY = Account(KEY, 0, ())
TERMS = Terms(11 * WAD // 10, 15 * WAD // 10, 1_800 * WAD, 200 * WAD, 200)
PRICE = 2_000 * WAD
NOTHING_YET = Redistributed(0, 0)
Random = np.random.Generator


def market_of(
    price: Value = PRICE,
    system_bps: int = 20_000,
    pool_raw: int = 10**24,
    redistributed: Redistributed = NOTHING_YET,
    troves: int = 100,
) -> Market:
    """A system of 10 million LUSD whose collateral is `system_bps` of that at a price of 2,000, or at the given one."""
    layout = Layout(MANAGER, OPERATIONS, Address("0x" + "66" * 20), POOL, Address("0x" + "4c" * 20), LUSD, TERMS, None)
    debt_raw, per_ether = 10**25, price if isinstance(price, int) else PRICE
    coll_raw = debt_raw * system_bps * WAD // (10_000 * per_ether)
    ether = PriceUsed(layout.node, price, 18, "made", "market")
    par = PriceUsed(PAR, WAD, 18, "made", "hardcoded")
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(MANAGER),
        at=AT,
        layout=layout,
        system=System(coll_raw, debt_raw, troves, coll_raw, coll_raw, coll_raw, pool_raw),
        redistributed=redistributed,
        graph=PriceGraph.of((ether, par)),
    )


def trove(debt_raw: int, ratio_bps: int, price: int = PRICE, more_coll_raw: int = 0) -> Account:
    """A trove with that ratio, rounded up, and nothing pending where nothing was redistributed."""
    coll_raw = -(-debt_raw * ratio_bps * WAD // (10_000 * price)) + more_coll_raw
    return account_of(KEY, Trove(coll_raw, debt_raw, coll_raw, 0, 0))


def any_size(random: Random, low: int, high: int) -> int:
    return max(int(10 ** random.uniform(low, high)), 1)


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A system in normal or in recovery mode, and so many troves, a quarter of them closed."""
    price = any_size(random, 19, 23)
    system_bps = int(random.choice((10_500, 13_000, 14_900, 15_100, 22_000)))
    per_stake = any_size(random, 0, 14)
    so_far = Redistributed(per_stake, per_stake * price // WAD)
    market = market_of(price, system_bps, any_size(random, 18, 26), so_far)
    return market, Accounts.of(_account(market, price, number, random) for number in range(count))


def _account(market: Market, price: int, number: int, random: Random) -> Account:
    key = PositionKey(f"0x{number:040x}")
    if random.random() < 0.25:
        return account_of(key, Trove())
    debt_raw, so_far = any_size(random, 21, 25), market.redistributed
    coll_raw = debt_raw * int(random.integers(8_000, 22_000)) * WAD // (10_000 * price) + 1
    stake = coll_raw * int(random.integers(5_000, 10_001)) // 10_000
    part = int(random.choice((0, 3, 10)))
    terms = so_far.coll_per_stake_wad * part // 10, so_far.debt_per_stake_wad * part // 10
    return account_of(key, Trove(coll_raw, debt_raw, stake, *terms))
