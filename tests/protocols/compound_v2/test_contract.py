"""Compound v2 and its variants keep what every adapter promises."""

from dataclasses import replace

from monitor.ledger.sums import sums
from monitor.protocols.compound_v2.events import BORROW, INDEX_WORD, REPAY
from monitor.protocols.compound_v2.health import stakes_of
from monitor.protocols.compound_v2.market import SCALED
from monitor.protocols.compound_v2.math import owed_raw
from monitor.units import WAD
from tests.protocols.compound_v2.made import NOBODY, grown, reads_price, wild, wild_core, wild_isolated
from tests.protocols.compound_v2.recorded import ADAPTER, DEPLOYMENT, interest_of, moments
from tests.protocols.contract import MadeUpContract
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract

FAMILY = Family(
    adapter=ADAPTER,
    wild=wild,
    deployment=DEPLOYMENT,
    moments=moments,
    empty=NOBODY,
    reads_price=reads_price,
    grown=grown,
    most_calls=10,
)


class TestMadeUp(MadeUpContract):
    family = FAMILY


class TestMadeUpIsolatedPools(MadeUpContract):
    family = replace(FAMILY, wild=wild_isolated)


class TestMadeUpCorePools(MadeUpContract):
    family = replace(FAMILY, wild=wild_core)


class TestFollowed(FollowedContract):
    family = FAMILY

    def test_everyone_who_owes_is_found_from_logs_because_debts_add_up_to_the_markets_totals(self):
        """`totalBorrows` is a sum of its own, so that nobody's debt can be missing beyond its roundings.

        Each accrual rounds it by one unit and the index by 1e-18 of itself, each borrowing or repayment one debt.
        """
        compared, widest = 0, 0
        for seen in (seen for series in self._series() for seen in series):
            assert seen.accounts.failed == ()
            for listed in seen.market.listed.values():
                said = [log for log in moments()[-1].recording.logs if log.block_number <= seen.block]
                said = [log for log in said if log.address == listed.asset.ctoken.address]
                accruals = sum(log.topics[0] in INDEX_WORD for log in said)
                acts = sum(log.topics[0] in (BORROW, REPAY) for log in said)
                index, total_raw = interest_of(listed).borrow_index, interest_of(listed).borrows_raw
                stakes = [stake for account in seen.accounts for stake in stakes_of(account)]
                here = [one for one in stakes if one.place == listed.place and one.principal_raw]
                owed = sum(owed_raw(one.principal_raw, one.at_index, index) for one in here)
                assert abs(owed - total_raw) <= accruals * (total_raw // WAD + 1) + acts
                total = seen.reader.read(ADAPTER.totals(seen.market)).get((listed.place, SCALED), 0)
                found = sums(seen.accounts).get((listed.place, SCALED), 0)
                assert abs(found - total) <= accruals * (total // WAD + 1) + acts + 2 * len(here)
                widest = max(widest, abs(owed - total_raw) * WAD // max(total_raw, 1))
                compared += bool(here)
        print(f"{compared} sums of debts, at most {widest} x 1e-18 of the total apart")
        assert compared >= 20
