"""Every recorded trove at every recorded block is what the contracts said, to the last unit."""

from collections import Counter

from eth_utils.crypto import keccak

from monitor.domain.health import Measured, NoDebt
from monitor.protocols.liquity_v2.health import entire_of, priced, trove_of
from monitor.protocols.liquity_v2.liquidation import liquidated
from monitor.protocols.liquity_v2.math import Entire
from monitor.protocols.liquity_v2.reading import TROVE_MANAGER
from monitor.query import ask_all
from tests.protocols.liquity_v2.recorded import ADAPTER, DEPLOYMENT, MANAGER, RECORDING, pages

OPEN = (1, 4)
COLL_SUM, DEBT_SUM, BATCHES = 16, 17, 12
GAS_WETH_RAW = 375 * 10**14
"""Constants.ETH_GAS_COMPENSATION, which a caller of the recorded branch gets in its collateral, WETH."""


def test_the_predicate_the_ratio_and_the_whole_trove_are_the_contracts():
    counts = Counter[str]()
    for page in pages():
        assert priced(page.market).price == int(page.played.block.truth["price"])
        for account, truth in zip(page.accounts, page.truths, strict=True):
            whole, health = entire_of(page.market, account), ADAPTER.health(page.market, account)
            assert isinstance(whole, Entire)
            assert [whole.debt_raw, whole.coll_raw] == [int(truth["entire_debt"]), int(truth["entire_coll"])]
            if truth["status"] not in OPEN:
                assert health == NoDebt()
                assert account.balances == ()
                counts["closed"] += 1
                continue
            seen = ADAPTER.assess(page.market, account)
            assert (health == NoDebt()) is (not whole.debt_raw)
            if isinstance(health, Measured):
                assert health.native == int(truth["icr"])
            assert seen.is_liquidatable_now is seen.is_insolvent is truth["liquidate"]["succeeds"], truth
            assert (ADAPTER.quote(page.market, account) is not None) is truth["liquidate"]["succeeds"]
            counts["liquidatable" if seen.is_liquidatable_now else "safe"] += 1
            counts["in a batch"] += bool(trove_of(account).batch)
            counts["zombie"] += trove_of(account).is_zombie
    print(counts)
    assert counts["closed"] + counts["liquidatable"] + counts["safe"] == 117
    assert counts["liquidatable"] == 16
    assert counts["in a batch"] >= 25
    assert counts["zombie"] == 4


def test_every_part_of_a_trove_is_what_the_contract_computes():
    compared = 0
    for page in pages():
        ids = [int(account.key, 16) for account in page.accounts]
        asked = [TROVE_MANAGER["getLatestTroveData"].at(page.market.layout.trove_manager, one) for one in ids]
        for account, said in zip(page.accounts, page.played.read(ask_all(asked)), strict=True):
            whole = entire_of(page.market, account)
            assert isinstance(whole, Entire)
            assert (whole.debt_raw, whole.coll_raw, whole.pending_debt_raw, whole.pending_coll_raw) == said[:4]
            compared += 1
    assert compared == 117


def test_batches_and_redistributions_from_logs_are_what_the_contract_keeps_for_itself():
    for page in pages():
        words = {slot: int.from_bytes(word) for (_, slot), word in page.played.block.storage.items()}
        sums = page.market.redistributed
        assert (sums.coll_per_stake_wad, sums.debt_per_stake_wad) == (words[COLL_SUM], words[DEBT_SUM])
        assert [batch.manager for batch in page.market.batches] == RECORDING.deployment["batch_managers"]
        for batch in page.market.batches:
            head = bytes.fromhex(batch.manager[2:]).rjust(32, b"\0") + BATCHES.to_bytes(32)
            slot = int.from_bytes(keccak(head))
            stored = (batch.debt_raw, batch.rate_wad, batch.fee_wad, batch.shares)
            assert stored == tuple(words[slot + offset] for offset in (0, 3, 4, 5))
            assert batch.updated_s == words[slot + 2] >> 64 & 2**64 - 1


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
            assert isinstance(whole, Entire)
            assert -taken.offset_raw == int(said["sp_deposits_change"])
            assert taken.to_pool_raw == int(said["sp_coll_change"])
            assert taken.redistributed_debt_raw - whole.pending_debt_raw == int(said["default_pool_debt_change"])
            assert taken.redistributed_coll_raw - whole.pending_coll_raw == int(said["default_pool_coll_change"])
            assert taken.surplus_raw == int(said["coll_surplus_change"])
            assert taken.to_caller_raw + GAS_WETH_RAW == int(said["liquidator_weth_change"])
            parts = taken.to_pool_raw + taken.redistributed_coll_raw + taken.to_caller_raw + taken.surplus_raw
            assert parts == whole.coll_raw
            counts["offset"] += taken.offset_raw > 0
            counts["redistributed"] += taken.redistributed_debt_raw > 0
            counts["mixed"] += bool(taken.offset_raw and taken.redistributed_debt_raw)
            counts["surplus"] += taken.surplus_raw > 0
            counts["all"] += 1
    print(counts)
    assert counts["all"] == 16
    assert min(counts["offset"], counts["redistributed"], counts["mixed"], counts["surplus"]) >= 1


def test_all_troves_together_are_the_branch_but_for_rounding():
    for page in pages():
        layout, wholes = page.market.layout, [entire_of(page.market, account) for account in page.accounts]
        getters = ("getEntireBranchDebt", "getEntireBranchColl")
        debt_raw, coll_raw = page.played.read(
            ask_all([TROVE_MANAGER[getter].at(layout.trove_manager) for getter in getters])
        )
        apart = [
            debt_raw - sum(whole.debt_raw for whole in wholes if isinstance(whole, Entire)),
            coll_raw - sum(whole.coll_raw for whole in wholes if isinstance(whole, Entire)),
        ]
        print(f"block {page.market.at.number}: the branch has {apart[0]} wei more debt and {apart[1]} more collateral")
        assert all(abs(one) < 3_000 for one in apart)


def test_comparing_with_the_contract_finds_no_mismatch():
    for page in pages():
        keys = [account.key for account in page.accounts]
        assert page.played.read(ADAPTER.compare(DEPLOYMENT, MANAGER, keys)) == ()
