"""Every recorded trove at every recorded block is what the contracts said, to the last unit."""

from collections import Counter

from monitor.domain.health import Measured, NoDebt
from monitor.protocols.liquity_v1.health import entire_of, priced
from monitor.protocols.liquity_v1.liquidation import liquidated
from tests.protocols.liquity_v1.recorded import ADAPTER, DEPLOYMENT, MANAGER, pages

ACTIVE = 1


def test_the_predicate_the_ratio_and_what_is_pending_are_the_contracts():
    counts = Counter[str]()
    for page in pages():
        view = priced(page.market)
        assert (view.price, view.system_wad) == (
            int(page.played.block.truth["price"]),
            int(page.played.block.truth["tcr"]),
        )
        assert view.is_recovering is page.recovery_mode
        for account, truth in zip(page.accounts, page.truths, strict=True):
            whole, health = entire_of(page.market, account), ADAPTER.health(page.market, account)
            assert [whole.debt_raw, whole.coll_raw, whole.pending_debt_raw, whole.pending_coll_raw] == [
                int(truth[name]) for name in ("entire_debt", "entire_coll", "pending_debt", "pending_coll")
            ]
            if truth["status"] != ACTIVE:
                assert health == NoDebt()
                counts["closed"] += 1
                continue
            assert isinstance(health, Measured)
            assert health.native == int(truth["icr"])
            seen = ADAPTER.assess(page.market, account)
            assert seen.is_liquidatable_now is truth["liquidate"]["succeeds"], truth
            assert (ADAPTER.quote(page.market, account) is not None) is truth["liquidate"]["succeeds"]
            if not page.recovery_mode:
                assert health.is_past_line is truth["liquidate"]["succeeds"]
            counts["liquidatable" if seen.is_liquidatable_now else "blocked" if seen.blockers else "safe"] += 1
    print(counts)
    assert counts.total() == 120
    assert counts["liquidatable"] == 28


def test_a_liquidation_moves_what_the_contracts_moved():
    counts = Counter[str]()
    for page in pages():
        view = priced(page.market)
        for account, truth in zip(page.accounts, page.truths, strict=True):
            said = truth["liquidate"]
            if not said["succeeds"]:
                continue
            taken, whole = liquidated(view, account), entire_of(page.market, account)
            assert taken is not None
            assert -taken.offset_raw == int(said["sp_deposits_change"])
            assert taken.to_pool_raw == int(said["sp_eth_change"])
            assert taken.redistributed_debt_raw - whole.pending_debt_raw == int(said["default_pool_debt_change"])
            assert taken.redistributed_coll_raw - whole.pending_coll_raw == int(said["default_pool_eth_change"])
            assert taken.surplus_raw == int(said["coll_surplus_change"])
            parts = taken.to_pool_raw + taken.redistributed_coll_raw + taken.to_caller_raw + taken.surplus_raw
            assert parts == whole.coll_raw
            counts["capped"] += taken.surplus_raw > 0
            counts["redistributed"] += taken.redistributed_debt_raw > 0
            counts["mixed"] += bool(taken.offset_raw and taken.redistributed_debt_raw)
            counts["all"] += 1
    print(counts)
    assert counts["all"] == 28
    assert min(counts["capped"], counts["redistributed"], counts["mixed"]) >= 1


def test_all_troves_together_are_the_system_but_for_the_rounding_of_redistributions():
    for page in pages():
        wholes = [entire_of(page.market, account) for account in page.accounts]
        apart = [
            page.market.system.debt_raw - sum(whole.debt_raw for whole in wholes),
            page.market.system.coll_raw - sum(whole.coll_raw for whole in wholes),
        ]
        print(f"block {page.market.at.number}: the system has {apart[0]} wei more debt and {apart[1]} more ether")
        assert all(abs(one) < 2_000 for one in apart)


def test_comparing_with_the_contract_finds_no_mismatch():
    for page in pages():
        keys = [account.key for account in page.accounts]
        assert page.played.read(ADAPTER.compare(DEPLOYMENT, MANAGER, keys)) == ()
