"""What logs tell of Liquity: everything a trove stores, who liquidated it, and when the system enters recovery mode."""

from dataclasses import replace

import pytest

from monitor.abi import interface
from monitor.adapter import Changed, Fold
from monitor.domain.ids import Address, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v1.accounts import account_of
from monitor.protocols.liquity_v1.events import fold
from monitor.protocols.liquity_v1.health import trove_of
from monitor.protocols.liquity_v1.math import Trove
from monitor.query import Log
from tests.protocols.liquity_v1.made import AT, MANAGER, NOBODY, OPERATIONS, POOL, market_of, trove
from tests.protocols.liquity_v1.recorded import ADAPTER, DEPLOYMENT, RECORDING, moments
from tests.protocols.liquity_v1.recorded import MANAGER as RECORDED

TOPICS = interface("liquity_v1", "trove_manager").topics | interface("liquity_v1", "active_pool").topics
ALICE, BOB, CALLER = (PositionKey("0x" + pair * 20) for pair in ("a1", "b0", "ca"))
WITH_TERMS = Trove(70, 50, 60, 3, 4)


def word(value: int | str) -> str:
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def log(name: str, *data: int | str, of: str = "", by: str = MANAGER, transaction: str = "0x01") -> Log:
    topics = (TOPICS[name], *(("0x" + word(of),) if of else ()))
    raw = bytes.fromhex("".join(word(value) for value in data))
    return Log(Address(by), topics, raw, AT.number, AT.hash, 0, transaction)


def folded(*logs: Log, accounts: tuple[Account, ...] = (account_of(ALICE, WITH_TERMS),)) -> Fold:
    known = {account.key: account for account in accounts}
    return fold(market_of(), market_of(), known.get, logs)


def put(found: Fold) -> dict[PositionKey, Trove]:
    return {account.key: trove_of(account) for account in found.put}


def test_a_trove_keeps_its_terms_unless_they_are_told_just_before_it():
    plain = log("TroveUpdated", 51, 71, 61, 2, of=ALICE, by=OPERATIONS)
    assert put(folded(plain)) == {ALICE: Trove(71, 51, 61, 3, 4)}
    terms = log("TroveSnapshotsUpdated", 8, 9)
    assert put(folded(terms, plain)) == {ALICE: Trove(71, 51, 61, 8, 9)}
    elsewhere = replace(terms, transaction_hash="0x02")
    assert put(folded(elsewhere, plain)) == {ALICE: Trove(71, 51, 61, 3, 4)}


def test_terms_are_of_the_next_trove_only_and_not_of_the_one_after():
    bob = account_of(BOB, Trove(1, 2, 3, 4, 5))
    found = folded(
        log("TroveSnapshotsUpdated", 8, 9),
        log("TroveUpdated", 51, 71, 61, 0, of=ALICE),
        log("TroveUpdated", 6, 7, 8, 2, of=BOB, by=OPERATIONS),
        accounts=(account_of(ALICE, WITH_TERMS), bob),
    )
    assert put(found) == {ALICE: Trove(71, 51, 61, 8, 9), BOB: Trove(7, 6, 8, 4, 5)}


def test_a_trove_that_closes_has_nothing_left_and_one_that_opens_is_read():
    found = folded(
        log("TroveUpdated", 0, 0, 0, 1, of=ALICE, by=OPERATIONS),
        log("TroveUpdated", 2_000, 2, 2, 0, of=BOB, by=OPERATIONS),
    )
    assert found.put == (replace(NOBODY, key=ALICE),)
    assert found.reread == found.appeared == (BOB,)
    assert not found.everyone


def test_the_caller_of_a_liquidation_is_whom_the_pool_pays_when_it_is_over():
    found = folded(
        log("TroveLiquidated", 50, 70, 0, of=ALICE),
        log("TroveLiquidated", 51, 71, 0, of=BOB),
        log("EtherSent", POOL, 120, by=POOL),
        log("Liquidation", 101, 141, 1, 400),
        log("EtherSent", CALLER, 1, by=POOL),
        log("EtherSent", BOB, 5, by=POOL),
    )
    assert [(one.key, one.repaid_raw, one.seized_raw, one.liquidator) for one in found.liquidated] == [
        (ALICE, 50, 70, Address(CALLER)),
        (BOB, 51, 71, Address(CALLER)),
    ]


def test_a_liquidation_that_pays_nobody_is_told_all_the_same():
    found = folded(
        log("TroveLiquidated", 50, 70, 0, of=ALICE),
        log("Liquidation", 50, 70, 0, 200),
        log("TroveLiquidated", 51, 71, 0, of=BOB, transaction="0x02"),
        log("Liquidation", 51, 71, 1, 200, transaction="0x02"),
        log("EtherSent", CALLER, 1, by=POOL, transaction="0x02"),
    )
    assert [one.liquidator for one in found.liquidated] == [Address("0x" + "0" * 40), Address(CALLER)]


def test_the_recorded_liquidations_are_told_with_the_keeper_who_made_them():
    last = moments()[-1]
    market = last.read(ADAPTER.market(DEPLOYMENT, RECORDED))
    found = ADAPTER.fold(market, market, lambda _: None, last.logs(ADAPTER.interests(market), 0))
    assert len(found.liquidated) == 4
    assert {one.liquidator for one in found.liquidated} == {RECORDING.deployment["keeper"]}


def test_entering_recovery_mode_is_a_change_that_bears_on_whoever_owes():
    before, after = market_of(system_bps=15_001), market_of(system_bps=14_999)
    (change,) = fold(before, after, lambda _: None, ()).changed
    assert change == Changed(MANAGER, "recovery mode", 0, 1)
    assert ADAPTER.bears_on(after, change, trove(10**22, 15_000))
    assert not ADAPTER.bears_on(after, change, NOBODY)
    assert fold(after, after, lambda _: None, ()).changed == ()


def test_a_log_of_another_form_is_an_error():
    with pytest.raises(DecodeError):
        folded(log("TroveUpdated", 51, 71, of=ALICE))


def test_all_logs_from_the_first_block_rebuild_every_recorded_trove_at_every_block():
    """Each trove begins as nothing, so that logs alone make it."""
    rebuilt = 0
    for played in moments():
        market = played.read(ADAPTER.market(DEPLOYMENT, RECORDED))
        known = {key: replace(NOBODY, key=key) for key in map(PositionKey, played.block.truth["accounts"])}
        found = ADAPTER.fold(market, market, known.get, played.logs(ADAPTER.interests(market), 0))
        made = known | {account.key: account for account in found.put}
        for account in played.read(ADAPTER.accounts(market, list(known))):
            assert made[account.key] == account
            rebuilt += bool(account.balances)
    assert rebuilt == 105
