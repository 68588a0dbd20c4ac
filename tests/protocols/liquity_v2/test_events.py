"""What logs tell of a branch: whom to read again, who holds a trove now, liquidations, and batches that change."""

from dataclasses import replace

import pytest

from monitor.abi import interface
from monitor.adapter import Changed, Fold
from monitor.domain.ids import Address, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.liquity_v2.events import fold
from monitor.protocols.liquity_v2.market import Market
from monitor.query import Log
from tests.protocols.liquity_v2.made import (
    AT,
    BOLD,
    COLLATERAL,
    KEY,
    MANAGER,
    NFT,
    NOBODY,
    OWNER,
    batch_of,
    market_of,
    member,
    own,
)
from tests.protocols.liquity_v2.recorded import ADAPTER, DEPLOYMENT, RECORDING, moments
from tests.protocols.liquity_v2.recorded import MANAGER as RECORDED

TOPICS = interface("liquity_v2", "trove_manager").topics | interface("liquity_v2", "trove_nft").topics
OTHER = PositionKey("0x" + "cc" * 32)
NEW_OWNER, NOWHERE = Address("0x" + "0b" * 20), Address("0x" + "00" * 20)
LIQUIDATE, REDEEM = 5, 6
BATCH = batch_of(5)


def word(value: int | str) -> str:
    return f"{int(value, 16) if isinstance(value, str) else value % 2**256:064x}"


def log(name: str, *data: int | str, of: tuple[int | str, ...] = (), by: Address = MANAGER) -> Log:
    topics = (TOPICS[name], *("0x" + word(one) for one in of))
    raw = bytes.fromhex("".join(word(value) for value in data))
    return Log(by, topics, raw, AT.number, AT.hash, 0, "0x01")


def given(to: Address, key: PositionKey = KEY, sender: Address = OWNER) -> Log:
    return log("Transfer", of=(sender, to, key), by=NFT)


def folded(
    *logs: Log, accounts: tuple[Account, ...] = (), before: Market | None = None, now: Market | None = None
) -> Fold:
    known = {account.key: account for account in accounts}
    return fold(before or market_of(), now or market_of(), known.get, logs)


def updated(key: PositionKey = KEY) -> Log:
    return log("TroveUpdated", 1, 2, 3, 4, 5, 6, of=(key,))


def test_whoever_a_trove_log_names_is_read_again_and_a_stranger_appeared():
    account = own(10**22, 15_000)
    found = folded(
        updated(), log("BatchedTroveUpdated", BATCH.manager, 1, 2, 3, 4, 5, of=(OTHER,)), accounts=(account,)
    )
    assert found.reread == (KEY, OTHER)
    assert found.appeared == (OTHER,)
    assert (found.put, found.everyone) == ((), False)


def test_a_trove_that_only_changed_hands_is_known_with_its_new_owner():
    account = own(10**22, 15_000)
    found = folded(given(NEW_OWNER), accounts=(account,))
    assert found.put == (replace(account, owner=NEW_OWNER),)
    assert (found.reread, found.appeared) == ((), ())
    assert ADAPTER.touched(market_of(), (given(NEW_OWNER),)) == (KEY,)
    passed_on = folded(given(NEW_OWNER), given(OWNER, sender=NEW_OWNER), accounts=(account,))
    assert passed_on.put == (account,)


def test_a_trove_that_changed_hands_and_more_is_read_and_one_that_is_burned_is_not_given():
    account = own(10**22, 15_000)
    assert folded(given(NEW_OWNER), updated(), accounts=(account,)).put == ()
    burned = folded(updated(), given(NOWHERE), accounts=(account,))
    assert (burned.put, burned.reread) == ((), (KEY,))
    assert folded(given(NEW_OWNER)).reread == folded(given(NEW_OWNER)).appeared == (KEY,)


def test_the_collateral_token_speaking_like_the_nft_is_not_heard():
    strange = replace(given(NEW_OWNER), address=COLLATERAL.address)
    assert folded(strange, accounts=(own(10**22, 15_000),)) == Fold()


def test_a_liquidation_is_told_with_all_that_was_taken_and_a_redemption_is_none():
    amounts = (0, 7, 0, -(10**22), 8, -(3 * 10**18))
    found = folded(
        log("TroveOperation", LIQUIDATE, *amounts, of=(KEY,)), log("TroveOperation", REDEEM, *amounts, of=(OTHER,))
    )
    (one,) = found.liquidated
    assert (one.key, one.repaid_raw, one.seized_raw) == (KEY, 10**22, 3 * 10**18)
    assert (one.collateral, one.debt, one.liquidator) == (COLLATERAL.address, BOLD.address, NOWHERE)


def test_the_recorded_liquidations_are_the_ones_told():
    last = moments()[-1]
    market = last.read(ADAPTER.market(DEPLOYMENT, RECORDED))
    found = ADAPTER.fold(market, market, lambda _: None, last.logs(ADAPTER.interests(market), 0))
    assert [one.log.block_number for one in found.liquidated] == [142, 148, 149]
    assert all(one.repaid_raw > 2_000 * 10**18 and one.seized_raw > 10**18 for one in found.liquidated)
    truth = RECORDING.blocks[-1].truth["accounts"].values()
    closed = {int(t["trove_id"]) for t in truth if t["status"] == 3}
    assert {int(one.key, 16) for one in found.liquidated} == closed


def test_a_batch_that_changes_bears_on_its_members_only_and_is_told_with_its_log():
    dearer = replace(BATCH, rate_wad=2 * BATCH.rate_wad, fee_wad=1)
    before, after = market_of(batches=(BATCH, batch_of(6))), market_of(batches=(dearer, batch_of(6)))
    told = log("BatchUpdated", 2, 1, 2, dearer.rate_wad, 1, 4, 0, of=(BATCH.manager,))
    elsewhere = log("BatchUpdated", 2, 1, 2, 3, 1, 4, 0, of=(batch_of(6).manager,))
    rate, fee = folded(told, elsewhere, before=before, now=after).changed
    assert rate == Changed(BATCH.manager, "interest rate", BATCH.rate_wad, dearer.rate_wad, told)
    assert fee == Changed(BATCH.manager, "management fee", 0, 1, told)
    inside, beside = member(BATCH, 10**22, 10**19), member(batch_of(6), 10**22, 10**19, number=2)
    bears = [ADAPTER.bears_on(after, rate, account) for account in (inside, beside, own(10**22, 15_000), NOBODY)]
    assert bears == [True, False, False, False]


def test_a_branch_that_is_shut_down_or_loses_its_price_source_bears_on_all_open_troves():
    shut = replace(market_of(shutdown_s=AT.timestamp_s), price_source=2)
    found = folded(now=shut).changed
    assert [(one.field, one.old, one.new) for one in found] == [
        ("shut down", 0, AT.timestamp_s),
        ("price source", 0, 2),
    ]
    for change in found:
        assert ADAPTER.bears_on(shut, change, own(10**22, 15_000))
        assert not ADAPTER.bears_on(shut, change, NOBODY)


def test_a_log_of_another_form_is_an_error():
    with pytest.raises(DecodeError):
        folded(log("TroveOperation", LIQUIDATE, of=(KEY,)))


def test_logs_from_the_first_block_name_every_trove_at_every_block_and_its_owner():
    for played in moments():
        keys = ADAPTER.discovered(played.logs(ADAPTER.discovery(DEPLOYMENT, RECORDED), 0))
        assert {int(key, 16) for key in keys} == {int(one) for one in played.block.truth["accounts"]}
        market = played.read(ADAPTER.market(DEPLOYMENT, RECORDED))
        accounts = played.read(ADAPTER.accounts(market, keys))
        nobodys = {key: replace(NOBODY, key=key) for key in keys}
        gifts = [one for one in played.logs(ADAPTER.interests(market), 0) if one.address == market.layout.trove_nft]
        holders = {a.key: a.owner for a in ADAPTER.fold(market, market, nobodys.get, gifts).put}
        for account in accounts:
            if account.balances:
                assert holders[account.key] == account.owner
