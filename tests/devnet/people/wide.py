"""A pool of many reserves and thousands of accounts with three legs each, for the budgets of reading."""

import numpy as np

from tests.devnet.aave import v30, v36
from tests.devnet.aave.market import Market
from tests.devnet.aave.shape import ETHER_CURVE, STABLE_CURVE, VOLATILE_CURVE, RateCurve, ReserveShape
from tests.devnet.chain.client import Chain
from tests.devnet.people.plan import Plan, address, variable
from tests.devnet.people.purse import Purse
from tests.devnet.people.settle import DAY_S, SEED, carry_out
from tests.devnet.people.written import write_positions

RESERVES = 60
POPULARITY = 1.3
DEPTH_DOLLARS = 50_000_000
DECIMALS = (18, 6, 18, 8)
CURVES: tuple[RateCurve, ...] = (VOLATILE_CURVE, STABLE_CURVE, ETHER_CURVE)


def aave_wide(chain: Chain, accounts: int, seed: int = SEED, version: tuple[int, int] = (3, 6)) -> Market:
    """A market of 60 reserves; each account has two collaterals and one debt, popular reserves more often."""
    random = np.random.default_rng(seed)
    shapes = tuple(_shape(i, random) for i in range(RESERVES))
    deployed = v36.deploy(chain, shapes, ()) if version >= (3, 6) else v30.deploy(chain, shapes, ())
    market = Market(chain, deployed)
    purse = Purse(random, deployed, market.oracle_prices())
    anchors = [address(seed, "anchor", i) for i in range(RESERVES)]
    carry_out(market, [_anchored(purse, user, s.symbol) for user, s in zip(anchors, shapes, strict=True)])
    chain.advance_time(60 * DAY_S)
    carry_out(market, [Plan(u, ((s.symbol, 10**s.decimals),)) for u, s in zip(anchors, shapes, strict=True)])
    users = [address(seed, "wide", i) for i in range(accounts)]
    write_positions(market, (shapes[0].symbol, anchors[0]), {user: _position(purse, shapes) for user in users})
    market.accounts = tuple(users)
    return market


def _anchored(purse: Purse, user: str, symbol: str) -> Plan:
    """Liquidity of one reserve and a debt in it, so that its interest runs."""
    owed = purse.raw(symbol, DEPTH_DOLLARS * purse.uniform(0.1, 0.5))
    return Plan(user, ((symbol, purse.raw(symbol, DEPTH_DOLLARS)),), variable({symbol: owed}))


def _shape(index: int, random: np.random.Generator) -> ReserveShape:
    threshold = int(random.integers(6000, 8500))
    price_e8 = int(10 ** random.uniform(7, 12.5))
    terms = (threshold - 400, threshold, 10_500, 1000, 1500, CURVES[index % len(CURVES)])
    return ReserveShape(f"W{index:02d}", DECIMALS[index % len(DECIMALS)], price_e8, *terms)


def _position(purse: Purse, shapes: tuple[ReserveShape, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """Two collaterals and a debt, between half and a tenth more than what is liquidated."""
    ranks = (purse.random.zipf(POPULARITY, 16) - 1) % len(shapes)
    first, second, third = [*dict.fromkeys(int(r) for r in ranks), *range(len(shapes))][:3]
    collateral = {shapes[i].symbol: purse.raw(shapes[i].symbol, purse.wealth()) for i in (first, second)}
    owed = purse.limit(collateral) * purse.uniform(0.5, 1.15)
    return collateral, {shapes[third].symbol: purse.raw(shapes[third].symbol, owed)}
