"""Liquity v2 keeps the promises that every adapter makes."""

from dataclasses import replace
from typing import Any

from monitor.adapter import Followed
from monitor.domain.health import NoDebt
from monitor.domain.prices import Node
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v2.accounts import NO_OWNER, account_of
from monitor.protocols.liquity_v2.health import trove_of
from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract
from tests.protocols.liquity_v2.made import NOBODY, wild
from tests.protocols.liquity_v2.recorded import ADAPTER, DEPLOYMENT, moments


def grown(adapter: Followed[Any], account: Account, more_raw: int) -> Account:
    """More debt of its own, or more shares of the batch; the numbers kept for the screen follow."""
    trove = trove_of(account)
    if trove.batch:
        grown = replace(trove, shares=trove.shares + more_raw)
    else:
        grown = replace(trove, debt_raw=trove.debt_raw + more_raw) if trove.debt_raw else trove
    return account_of(account.key, grown, account.owner or NO_OWNER)


def reads_price(adapter: Followed[Any], market: Any, account: Account, node: Node) -> bool:
    """The collateral's price is read for whoever owes."""
    return node == market.layout.node and adapter.health(market, account) != NoDebt()


FAMILY = Family(
    adapter=ADAPTER,
    wild=wild,
    deployment=DEPLOYMENT,
    moments=moments,
    empty=NOBODY,
    reads_price=reads_price,
    grown=grown,
)


class TestMadeUp(MadeUpContract):
    family = FAMILY


class TestFollowed(FollowedContract):
    family = FAMILY
