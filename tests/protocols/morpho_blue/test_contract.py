"""Morpho Blue keeps the promises that every adapter makes, of made-up accounts and of the devnet's."""

from collections.abc import Sequence

import numpy as np
import pytest

from monitor.domain.deployment import Deployment
from monitor.domain.health import NoDebt
from monitor.domain.ids import PositionKey
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.morpho_blue.adapter import MorphoBlue
from monitor.protocols.morpho_blue.market import Market
from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family, Reader, ReaderAt
from tests.protocols.following import FollowedContract
from tests.protocols.morpho_blue.acting import Acting
from tests.protocols.morpho_blue.made import DEPLOYMENT, wild_accounts, wild_market
from tests.protocols.morpho_blue.watched import Watched

BLOCKS, APART = 60, 10


def wild(random: np.random.Generator, count: int) -> tuple[Market, Accounts]:
    market = wild_market(random)
    return market, wild_accounts(market, count, random)


def reads_price(adapter, market, account, node):
    """A debtor's health reads the oracle whatever they hold; nobody else's reads anything."""
    return not isinstance(adapter.health(market, account), NoDebt)


def family(deployment: Deployment = DEPLOYMENT, moments: Sequence[Reader] = ()) -> Family:
    return Family(
        adapter=MorphoBlue(),
        wild=wild,
        deployment=deployment,
        moments=lambda: moments,
        empty=Account(PositionKey("0x" + "ee" * 20), 0, ()),
        reads_price=reads_price,
    )


class TestMadeUp(MadeUpContract):
    family = family()


@pytest.mark.devnet
class TestFollowed(FollowedContract):
    family = family()

    @pytest.fixture(autouse=True)
    def _acted(self, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
        acting = Acting(watched, seed=4)
        blocks = [watched.morpho.chain.head().number]
        for number in range(BLOCKS):
            acting.block()
            if number % APART == APART - 1:
                blocks.append(watched.morpho.chain.head().number)
        moments = [ReaderAt(watched.node, hex(block)) for block in blocks]
        monkeypatch.setattr(type(self), "family", family(watched.deployment, moments))
