"""Liquity v1 keeps the promises that every adapter makes."""

from dataclasses import replace
from typing import Any

from monitor.adapter import Followed
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v1.accounts import account_of
from monitor.protocols.liquity_v1.health import trove_of
from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract
from tests.protocols.liquity_v1.made import NOBODY, wild
from tests.protocols.liquity_v1.recorded import ADAPTER, DEPLOYMENT, moments


def grown(adapter: Followed[Any], account: Account, more_raw: int) -> Account:  # the family's
    """More debt; the stake, which the screen counts on the side of debts too, stays."""
    trove = trove_of(account)
    return account_of(account.key, replace(trove, debt_raw=trove.debt_raw + more_raw)) if trove.debt_raw else account


FAMILY = Family(
    adapter=ADAPTER, wild=wild, deployment=DEPLOYMENT, moments=moments, empty=NOBODY, grown=grown, may_rise_bps=1
)
"""In recovery mode a ratio is compared with that of the system, whose floor moves by a unit as the price falls."""


class TestMadeUp(MadeUpContract):
    family = FAMILY


class TestFollowed(FollowedContract):
    family = FAMILY
