"""Aave v2 keeps the promises that every adapter makes, of made-up accounts and of the devnet's."""

from collections.abc import Sequence

import numpy as np
import pytest

from monitor.domain.deployment import Deployment
from monitor.domain.ids import PositionKey
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.aave_v2.adapter import AaveV2
from monitor.protocols.aave_v2.market import Market
from tests.protocols.aave_v2.acting import Acting
from tests.protocols.aave_v2.made import DEPLOYMENT, wild_accounts, wild_market
from tests.protocols.aave_v2.watched import Watched
from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family, Reader, ReaderAt
from tests.protocols.following import FollowedContract

BLOCKS, APART = 60, 10


def wild(random: np.random.Generator, count: int) -> tuple[Market, Accounts]:
    market = wild_market(random)
    return market, wild_accounts(market, count, random)


def reads_price(adapter, market, account, node):
    """Without debt too: getUserAccountData reverts for everyone who holds what has no price."""
    return any(market.reserves[b.asset].node == node for b in account.balances if b.asset in market.reserves)


def family(deployment: Deployment = DEPLOYMENT, moments: Sequence[Reader] = ()) -> Family:
    return Family(
        adapter=AaveV2(),
        wild=wild,
        deployment=deployment,
        moments=lambda: moments,
        empty=Account(PositionKey("0x" + "ee" * 20), 0, ()),
        reads_price=reads_price,
    )


class TestMadeUp(MadeUpContract):
    family = family()

    def test_health_never_rises_when_a_collateral_price_falls(self):
        pytest.skip("averaging thresholds to whole basis points lifts health where the worse collateral falls")


@pytest.mark.devnet
class TestFollowed(FollowedContract):
    family = family()

    @pytest.fixture(autouse=True)
    def _acted(self, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
        acting = Acting(watched, seed=4)
        blocks = [watched.devnet.chain.head().number]
        for number in range(BLOCKS):
            acting.block()
            if number % APART == APART - 1:
                blocks.append(watched.devnet.chain.head().number)
        moments = [ReaderAt(watched.node, hex(block)) for block in blocks]
        monkeypatch.setattr(type(self), "family", family(watched.deployment, moments))
