"""Makes a fresh market one that has lived: liquidity, positions, weeks of interest, closed listings, new prices."""

from collections.abc import Sequence
from itertools import chain as flatten

import numpy as np

from tests.devnet.aave.market import LIQUIDATOR, MAX, Market
from tests.devnet.aave.shape import HOUR_S, State
from tests.devnet.chain.client import Reverted, Transaction
from tests.devnet.chain.codec import calldata
from tests.devnet.chain.compiler import own
from tests.devnet.chain.rpc import strict
from tests.devnet.people.archetypes import random_plans
from tests.devnet.people.crafted import LUNA_AFTER_PPM, RETH_AFTER_PPM, bad_debt, close_factor_branches, on_the_line
from tests.devnet.people.plan import APPROVE, MINT, Plan, address
from tests.devnet.people.purse import Purse

SEED = 20_250_615
DAY_S = 24 * HOUR_S
GRACE_S = 4 * HOUR_S
LIQUIDITY_DOLLARS = 40_000_000
GHO_LIQUIDITY = 800_000_000_000 * 10**18
LIQUIDATOR_UNITS = 10**15
QUIET_DAYS = (3, 4, 6, 7)
SLIDES_PPM = {
    "rETH": RETH_AFTER_PPM,
    "LUNA": LUNA_AFTER_PPM,
    "WETH": 955_000,
    "WBTC": 931_000,
    "LINK": 880_000,
    "SNX": 1_061_000,
    "BAL": 870_000,
    "MKR": 1_024_000,
    "CRV": 760_000,
}


class PlanFailed(RuntimeError):
    """A planned position did not come about; the text says whose and why."""


def settle(market: Market, seed: int, count: int) -> Market:
    """Give the market `count` random accounts and the crafted ones, then let it live for three weeks."""
    symbols = [r.symbol for r in market.deployed.reserves]
    prices = market.oracle_prices()
    purse = Purse(np.random.default_rng(seed), market.deployed, prices)
    provider = address(seed, "liquidity provider", 0)
    liquidity = {s: purse.raw(s, LIQUIDITY_DOLLARS) for s in symbols} | {"GHO": GHO_LIQUIDITY}
    carry_out(market, [Plan(provider, tuple(liquidity.items()))])
    _equip_liquidator(market)
    crafted = (on_the_line(purse, seed), close_factor_branches(purse, seed), bad_debt(purse, seed))
    plans = [*random_plans(purse, seed, count), *flatten.from_iterable(crafted)]
    carry_out(market, plans)
    for days in QUIET_DAYS:
        market.chain.advance_time(days * DAY_S)
        carry_out(market, [Plan(provider, tuple((s, market.reserve(s).unit) for s in symbols))])
    close_listings(market)
    market.scale_prices(SLIDES_PPM)
    market.beat()
    market.accounts = (provider, *(plan.user for plan in plans))
    return market


def _equip_liquidator(market: Market) -> None:
    """Every token, many of it, and the pool's leave to take it: a liquidation is then a single block."""
    approve = calldata(APPROVE, market.deployed.pool, MAX)
    transactions = []
    for reserve in market.deployed.reserves:
        mint = calldata(MINT, LIQUIDATOR, LIQUIDATOR_UNITS * reserve.unit)
        transactions += [Transaction(LIQUIDATOR, reserve.token, data) for data in (mint, approve)]
    market.chain.bulk(transactions)


def carry_out(market: Market, plans: Sequence[Plan]) -> None:
    """Make all positions, in order. Raises `PlanFailed` for the first account that cannot do as planned.

    One sender makes them, so that their order, and with it the chain, is the same every time.
    """
    active = [plan for plan in plans if plan.supplies]
    _lend_code(market, active, own("Puppet").runtime)
    market.chain.bulk([plan.transaction(market.deployed) for plan in active])
    questions = [(market.deployed.pool, plan.user) for plan in active]
    for plan, bitmap in zip(active, market.chain.words("getUserConfiguration(address)", questions), strict=True):
        borrowed = {r.symbol for r in market.deployed.reserves if bitmap >> 2 * r.id & 1}
        if not borrowed.issuperset(symbol for symbol, _, _ in plan.borrows):
            raise PlanFailed(f"{plan.user} borrowed only {sorted(borrowed)}: {_refusal(market, plan)}")
    _lend_code(market, active, "0x")


def _lend_code(market: Market, plans: Sequence[Plan], runtime_code: str) -> None:
    strict(market.chain.rpc.batch([("anvil_setCode", (plan.user, runtime_code)) for plan in plans]))


def _refusal(market: Market, plan: Plan) -> str:
    """What the contract says when the plan is tried again; it was undone as a whole."""
    again = plan.transaction(market.deployed)
    try:
        market.chain.transact({"from": again.sender, "to": again.to, "data": again.data})
    except Reverted as e:
        return e.error
    return "now it works, so it ran out of block gas"


def close_listings(market: Market) -> None:
    """Freeze, pause and so on the reserves whose shape says so, now that accounts hold them."""
    configurator, chain = market.deployed.configurator, market.chain
    for reserve in market.deployed.reserves:
        token, shape = reserve.token, reserve.shape
        if shape.state is State.FROZEN:
            chain.send(configurator, "setReserveFreeze(address,bool)", token, True)
        elif shape.state is State.PAUSED:
            chain.send(configurator, "setReservePause(address,bool)", token, True)
        elif shape.state is State.LTV_ZERO:
            terms = (0, shape.liquidation_threshold, shape.bonus)
            chain.send(configurator, "configureReserveAsCollateral(address,uint256,uint256,uint256)", token, *terms)
        elif shape.state is State.GRACE and market.deployed.version >= (3, 1):
            market.grant_grace(reserve.symbol, GRACE_S)
    if market.deployed.version >= (3, 6):
        dai = market.reserve("DAI").token
        chain.send(configurator, "setAssetLtvzeroInEMode(address,uint8,bool)", dai, 1, True)
