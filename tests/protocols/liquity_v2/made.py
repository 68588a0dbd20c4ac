"""Branches and troves made up in memory, thousands at a time from one seed, most of them near the line."""

from dataclasses import replace

import numpy as np

from monitor.domain.deployment import Deployment
from monitor.domain.ids import Address, ChainId, DeploymentName, MarketKey, PositionKey
from monitor.domain.moment import BlockRef
from monitor.domain.prices import PriceUsed, Value
from monitor.domain.token import Token
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.graph import PriceGraph
from monitor.protocols.liquity_v2.accounts import KEY_BYTES, NO_OWNER, account_of
from monitor.protocols.liquity_v2.history import History
from monitor.protocols.liquity_v2.market import MANAGER_MASK, PAR, Batch, Layout, Market
from monitor.protocols.liquity_v2.math import Penalties, Redistributed, Trove
from monitor.units import WAD
from tests.protocols.liquity_v2.recorded import SLUG

MANAGER, NFT = Address("0x" + "7b" * 20), Address("0x" + "1a" * 20)
OWNER = Address("0x" + "0a" * 20)
COLLATERAL = Token(Address("0x" + "7f" * 20), "wstETH", 18)
BOLD = Token(Address("0x" + "64" * 20), "BOLD", 18)
AT = BlockRef(ChainId("eip155:1"), 1, "0x" + "11" * 32, "0x" + "10" * 32, 1_750_000_000)
DEPLOYMENT = Deployment(DeploymentName("made"), SLUG, ChainId("eip155:1"), {"wsteth": Address("0x" + "8d" * 20)})
LAYOUT = Layout(
    registry=DEPLOYMENT.roots["wsteth"],
    trove_manager=MANAGER,
    sorted_troves=Address("0x" + "84" * 20),
    stability_pool=Address("0x" + "95" * 20),
    trove_nft=NFT,
    price_feed=Address("0x" + "e7" * 20),
    collateral=COLLATERAL,
    bold=BOLD,
    mcr_wad=12 * WAD // 10,
    penalties=Penalties(WAD // 20, WAD // 5),
    oracles=(),
)
KEY = PositionKey("0x" + "bb" * KEY_BYTES)
NOBODY = Account(KEY, 0, (), NO_OWNER)
PRICE = 2_000 * WAD
NOTHING_YET = Redistributed(0, 0)
YEAR_AGO_S = AT.timestamp_s - 31_536_000
Random = np.random.Generator


def batch_of(number: int, debt_raw: int = 10**24, rate_wad: int = WAD // 20, fee_wad: int = 0) -> Batch:
    """A batch whose shares were worth a little less when they were made."""
    return Batch(Address(f"0x{number:040x}"), debt_raw, debt_raw - debt_raw // 50, rate_wad, fee_wad, YEAR_AGO_S)


def market_of(
    price: Value = PRICE,
    batches: tuple[Batch, ...] = (),
    redistributed: Redistributed = NOTHING_YET,
    pool_raw: int = 10**24,
    troves: int = 100,
    shutdown_s: int = 0,
) -> Market:
    """A branch with a minimum ratio of 120 %."""
    collateral = PriceUsed(LAYOUT.node, price, 18, "made", "market")
    par = PriceUsed(PAR, WAD, 18, "made", "hardcoded")
    return Market(
        deployment=DEPLOYMENT,
        key=MarketKey(MANAGER),
        at=AT,
        layout=LAYOUT,
        history=History(AT.number, tuple((1, batch.manager) for batch in batches), ((1, redistributed),)),
        batches=batches,
        owed=tuple(batch.owed(AT.timestamp_s, shutdown_s) for batch in batches),
        redistributed=redistributed,
        troves=troves,
        sorted_troves=troves,
        pool_raw=pool_raw,
        shutdown_s=shutdown_s,
        price_source=0,
        graph=PriceGraph.of((collateral, par)),
    )


def own(
    debt_raw: int, ratio_bps: int, rate_wad: int = 0, updated_s: int = AT.timestamp_s, more_coll_raw: int = 0
) -> Account:
    """A trove with a rate of its own, whose recorded debt has that ratio, rounded up."""
    coll_raw = -(-debt_raw * ratio_bps * WAD // (10_000 * PRICE)) + more_coll_raw
    trove = Trove(coll_raw, coll_raw, debt_raw=debt_raw, rate_wad=rate_wad, updated_s=updated_s)
    return account_of(KEY, trove, OWNER)


def member(batch: Batch, shares: int, coll_raw: int, number: int = 1) -> Account:
    """A trove in a batch."""
    manager = int(batch.manager, 16) & MANAGER_MASK
    return account_of(KEY, Trove(coll_raw, coll_raw, batch=number, manager=manager, shares=shares), OWNER)


def any_size(random: Random, low: int, high: int) -> int:
    return max(int(10 ** random.uniform(low, high)), 1)


def wild(random: Random, count: int) -> tuple[Market, Accounts]:
    """A branch of up to 30 batches, some shut down, and so many troves, a quarter of them closed."""
    price, per_stake = any_size(random, 19, 23), any_size(random, 0, 14)
    batches = tuple(_batch(number + 1, random) for number in range(int(random.choice((0, 1, 5, 30)))))
    shutdown_s = int(random.choice((0, 0, AT.timestamp_s - 10_000)))
    so_far = Redistributed(per_stake, per_stake * price // WAD)
    market = market_of(price, batches, so_far, any_size(random, 18, 26), shutdown_s=shutdown_s)
    return market, Accounts.of((_account(market, price, number, random) for number in range(count)), KEY_BYTES)


def _batch(number: int, random: Random) -> Batch:
    rate_wad, fee_wad = any_size(random, 15, 18), int(random.choice((0, WAD // 100)))
    made = replace(batch_of(number, any_size(random, 21, 26), rate_wad, fee_wad), updated_s=_some_time(random))
    return replace(made, shares=0, debt_raw=0) if random.random() < 0.1 else made


def _account(market: Market, price: int, number: int, random: Random) -> Account:
    key = PositionKey(f"0x{number:064x}")
    if random.random() < 0.25:
        return account_of(key, Trove(), NO_OWNER)
    debt_raw, so_far = any_size(random, 21, 25), market.redistributed
    coll_raw = debt_raw * int(random.integers(9_000, 24_000)) * WAD // (10_000 * price) + 1
    part = int(random.choice((0, 3, 10)))
    trove = Trove(
        coll_raw=coll_raw,
        stake=coll_raw * int(random.integers(5_000, 10_001)) // 10_000,
        coll_per_stake_wad=so_far.coll_per_stake_wad * part // 10,
        debt_per_stake_wad=so_far.debt_per_stake_wad * part // 10,
        is_zombie=bool(random.random() < 0.05),
    )
    if market.batches and random.random() < 0.5:
        at = int(random.integers(1, len(market.batches) + 1))
        batch, owed = market.batches[at - 1], market.owed[at - 1]
        shares = min(owed.shares * debt_raw // (owed.total_raw or 1), owed.shares)
        trove = replace(trove, batch=at, manager=int(batch.manager, 16) & MANAGER_MASK, shares=shares)
        return account_of(key, trove, OWNER)
    rate_wad = any_size(random, 15, 18)
    return account_of(key, replace(trove, debt_raw=debt_raw, rate_wad=rate_wad, updated_s=_some_time(random)), OWNER)


def _some_time(random: Random) -> int:
    return AT.timestamp_s - int(random.choice((0, 12, 86_400, 10**7, 2 * 10**7)))
