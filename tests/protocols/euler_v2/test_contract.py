"""Euler v2 keeps the promises that every adapter makes."""

from dataclasses import replace

from monitor.domain.prices import Node
from monitor.ledger.accounts import Account
from monitor.protocols.euler_v2.accounts import debt_balances
from monitor.protocols.euler_v2.adapter import EulerV2
from monitor.protocols.euler_v2.health import debt_of, owed_raw
from monitor.protocols.euler_v2.market import CHECKED_S, SHARES, Market
from monitor.protocols.euler_v2.math import DEBT_SHIFT, owed_now
from monitor.protocols.euler_v2.reading import VAULT
from monitor.query import ask
from tests.protocols.contract import MadeUpContract
from tests.protocols.euler_v2.made import NOBODY, wild
from tests.protocols.euler_v2.recorded import ADAPTER, DEPLOYMENT, moments
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract

ROUNDED = 64
"""Units of 2^-31 of the asset's smallest by which debts were found to differ from their vault's total: 18 at most."""


def reads_price(adapter: EulerV2, market: Market, account: Account, node: Node) -> bool:
    """Whether `accountLiquidity` reads the price: of a debtor's debt, and collateral with a threshold and shares."""
    if not owed_raw(market, account):
        return False
    now_s = market.at.timestamp_s
    held = (market.collaterals[b.asset - 1] for b in account.balances if b.kind == SHARES and b.raw)
    nodes = {one.path.node for one in held if one.ltv.liquidation_at(now_s)}
    return node in {*nodes, market.layout.liability.node}


def grown(adapter: EulerV2, account: Account, more_raw: int) -> Account:
    """The account with a debt that is larger by so many of the asset's smallest units, as of its last change."""
    debt = debt_of(account)
    if not debt.owed:
        return account
    rest = (b for b in account.balances if b.kind in (SHARES, CHECKED_S))
    return replace(
        account, balances=(*debt_balances(debt.owed + (more_raw << DEBT_SHIFT), debt.accumulator_ray), *rest)
    )


FAMILY = Family(ADAPTER, wild, DEPLOYMENT, moments, NOBODY, reads_price, grown, most_calls=8)


class TestMadeUp(MadeUpContract):
    family = FAMILY


class TestFollowed(FollowedContract):
    family = FAMILY

    def test_everyone_who_owes_is_found_from_logs_because_debts_add_up_to_the_markets_totals(self):
        """Within a rounding: each debt and the total are rounded down to 2^-31 of a smallest unit, at other times."""
        checked, furthest = 0, 0
        for series in self._series():
            for seen in series:
                assert seen.accounts.failed == ()
                now_ray = seen.market.own.now.accumulator_ray
                debts = [debt_of(account) for account in seen.accounts]
                found = sum(owed_now(debt.owed, debt.accumulator_ray, now_ray) for debt in debts)
                total = seen.reader.read(ask(VAULT["totalBorrowsExact"].at(seen.market.address)))
                assert total == seen.market.own.now.borrowed
                furthest = max(furthest, abs(found - total))
                checked += bool(total)
        print(f"{checked} totals, debts apart by {furthest} of 2^-31 at most")
        assert checked == 18
        assert furthest <= ROUNDED
