"""Compound III keeps the promises that every adapter makes."""

from monitor.domain.prices import Node
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v3.adapter import CompoundV3
from monitor.protocols.compound_v3.market import BASE, BORROWED, Market
from monitor.protocols.compound_v3.math import present_value_down, value_down, weighted_down
from tests.protocols.compound_v3.made import NOBODY, wild
from tests.protocols.compound_v3.recorded import ADAPTER, deployment, moments
from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract


def reads_price(adapter: CompoundV3, market: Market, account: Account, node: Node) -> bool:
    """Whether `isLiquidatable` comes to the price: written out as its loop, which stops once the debt is covered."""
    principal = -sum(b.raw for b in account.balances if b.kind == BORROWED)
    if principal >= 0:
        return False
    if node == market.base.node:
        return True
    prices = {n: value for n, value in market.graph.values.items() if isinstance(value, int)}
    owed = present_value_down(-principal, market.indices.borrow)
    liquidity = -value_down(owed, prices[market.base.node], market.base.scale)
    held = {b.asset: b.raw for b in account.balances if b.asset != BASE}
    for place in range(1, 25):
        if place in held:
            if liquidity >= 0:
                return False
            asset = market.collaterals[place]
            if asset.node == node:
                return True
            value = value_down(held[place], prices[asset.node], asset.scale)
            liquidity += weighted_down(value, asset.liquidate_factor_wad)
    return False


def family(number: int) -> Family:
    """The recorded Comets share what is made up."""
    return Family(ADAPTER, wild, deployment(number), moments, NOBODY, reads_price)


class TestMadeUp(MadeUpContract):
    family = family(0)


class TestDollarComet(FollowedContract):
    family = family(0)


class TestEtherComet(FollowedContract):
    family = family(1)
