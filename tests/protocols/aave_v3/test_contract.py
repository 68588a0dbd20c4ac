"""Aave v3 keeps the promises that every adapter makes; the truth of real accounts stands in the tests beside this."""

import numpy as np
import pytest

from monitor.domain.ids import PositionKey
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.market import Market
from tests.protocols.aave_v3.made import DEPLOYMENT
from tests.protocols.aave_v3.wild import TAME, wild_accounts, wild_market
from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family


def family(version: str) -> Family:
    """One version."""

    def wild(random: np.random.Generator, count: int) -> tuple[Market, Accounts]:
        market = wild_market(version, random, TAME)
        return market, wild_accounts(market, count, random, TAME)

    return Family(
        adapter=AaveV3(),
        wild=wild,
        deployment=DEPLOYMENT,
        moments=lambda: pytest.fail("the devnet is the truth of Aave"),
        empty=Account(PositionKey("0x" + "ee" * 20), 0, ()),
        reads_price=reads_price,
    )


def reads_price(adapter, market, account, node):
    """Without debt too: getUserAccountData reverts for everyone who holds what has no price."""
    return any(market.reserves[b.asset].node == node for b in account.balances if b.asset in market.reserves)


class TestHalfUp(MadeUpContract):
    family = family("3.3")

    def test_health_never_rises_when_a_collateral_price_falls(self):
        pytest.skip("averaging thresholds to whole basis points lifts health where the worse collateral falls")


class TestDirected(MadeUpContract):
    family = family("3.6")
