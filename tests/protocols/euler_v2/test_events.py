"""What logs tell: whoever can owe, every share from block 0 on, liquidations, bad debt and changed parameters."""

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from monitor.adapter import Liquidated
from monitor.domain.ids import Address, PositionKey
from monitor.ledger.accounts import Account, Accounts
from monitor.ledger.changes import Changes
from monitor.ledger.ledger import Ledger
from monitor.protocols.euler_v2.events import COLLATERAL, CONTROLLER, EVC, TRANSFER, VAULT
from monitor.protocols.euler_v2.folding.fold import fold
from monitor.protocols.euler_v2.health import debt_of
from monitor.protocols.euler_v2.market import SHARES, Hooks, Market
from monitor.query import Log, LogFilter
from tests.protocols.euler_v2.made import (
    AT,
    DOLLARS,
    OWN,
    account_of,
    ltv,
    market_of,
    path,
    stage,
    token,
    totals,
    vault,
)
from tests.protocols.euler_v2.made import EVC as CONNECTOR
from tests.protocols.euler_v2.recorded import ADAPTER, DEPLOYMENT, RECORDING, moments

ALICE, BOB = PositionKey("0x" + "a1" * 20), PositionKey("0x" + "b0" * 20)
FIRST, SECOND = Address(f"0x{1000:040x}"), Address(f"0x{1001:040x}")
NOBODY = "0x" + 40 * "0"


def made() -> Market:
    """A vault that takes two others as collateral."""
    asset, debt = token(1, 6), stage("debt", token(1, 6), DOLLARS)
    paths = [
        (path(token(number), stage(f"{number}", token(number), DOLLARS), vaults=[address]), ltv(8_000))
        for number, address in enumerate((FIRST, SECOND), start=100)
    ]
    prices = {one.stages[0].node: (10**8, 8) for one, _ in paths} | {debt.node: (10**8, 8)}
    vaults = {OWN: vault(totals(borrowed_raw=10**9)), FIRST: vault(totals()), SECOND: vault(totals())}
    return market_of(path(asset, debt), paths, vaults, prices)


def word(value: int | str) -> str:
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def log(where: str, topic: str, *topics: str, data: tuple[int | str, ...] = (), index: int = 0) -> Log:
    raw = bytes.fromhex("".join(word(value) for value in data))
    return Log(Address(where), (topic, *("0x" + word(t) for t in topics)), raw, AT.number, AT.hash, index, "0x01")


def folded(*logs: Log, accounts: tuple[Account, ...] = (), before: Market | None = None, market: Market | None = None):
    known = {account.key: account for account in accounts}
    return fold(before or made(), market or made(), known.get, logs)


def owner(key: PositionKey, owed_raw: int, *held: tuple[int, int]) -> Account:
    return replace(account_of(made(), owed_raw, *held), key=key)


def test_shares_that_come_and_go_are_known_to_the_last_unit_where_they_are_enabled():
    found = folded(
        log(FIRST, TRANSFER.topic, ALICE, BOB, data=(30,)),
        log(FIRST, TRANSFER.topic, NOBODY, BOB, data=(5,)),
        log(SECOND, TRANSFER.topic, ALICE, BOB, data=(7,)),
        accounts=(owner(ALICE, 9, (1, 100)), owner(BOB, 0, (1, 0), (2, 1))),
    )
    assert found.put == (owner(ALICE, 9, (1, 70)), owner(BOB, 0, (1, 35), (2, 8)))
    assert (found.reread, found.appeared) == ((), ())


@pytest.mark.parametrize(
    ("told", "known", "reread", "appeared"),
    [
        (log(CONNECTOR, CONTROLLER, ALICE, OWN, data=(1,)), (), (ALICE,), (ALICE,)),
        (log(CONNECTOR, CONTROLLER, ALICE, FIRST, data=(1,)), (), (), ()),
        (log(CONNECTOR, COLLATERAL, ALICE, FIRST, data=(1,)), (), (), ()),
        (log(CONNECTOR, COLLATERAL, ALICE, FIRST, data=(1,)), (ALICE,), (ALICE,), ()),
        (log(CONNECTOR, COLLATERAL, ALICE, OWN, data=(1,)), (), (), ()),
        (log(CONNECTOR, EVC.topics["AccountStatusCheck"], ALICE, OWN), (ALICE,), (ALICE,), ()),
        (log(CONNECTOR, EVC.topics["AccountStatusCheck"], ALICE, SECOND), (ALICE,), (), ()),
        (log(OWN, VAULT.topics["Borrow"], ALICE, data=(5,)), (ALICE,), (ALICE,), ()),
        (log(FIRST, VAULT.topics["Borrow"], ALICE, data=(5,)), (ALICE,), (), ()),
        (log(OWN, VAULT.topics["PullDebt"], ALICE, BOB, data=(5,)), (ALICE,), (ALICE, BOB), (BOB,)),
        (log(FIRST, TRANSFER.topic, ALICE, BOB, data=(101,)), (ALICE,), (ALICE,), ()),
    ],
)
def test_whoever_owes_pays_or_is_checked_is_read_again(told, known, reread, appeared):
    found = folded(told, accounts=tuple(owner(key, 9, (1, 100)) for key in known))
    assert (found.reread, found.appeared) == (reread, appeared)
    assert set(found.reread) <= set(ADAPTER.touched(made(), (told,)))


def test_a_liquidation_is_told_in_shares_with_the_bad_debt_of_its_own_transaction():
    liquidated = log(OWN, VAULT.topics["Liquidate"], BOB, ALICE, data=(FIRST, 7, 30))
    found = folded(log(OWN, VAULT.topics["DebtSocialized"], ALICE, data=(11,)), replace(liquidated, index=1))
    (one,) = found.liquidated
    assert (one.key, one.liquidator, one.collateral, one.seized_raw, one.repaid_raw) == (ALICE, BOB, FIRST, 30, 7)
    assert one.written_off_raw == ((made().layout.asset.address, 11),)
    assert one.collateral_token == made().collaterals[0].share
    (alone,) = folded(liquidated).liquidated
    assert alone.written_off_raw == ()


def test_everyone_is_read_again_when_the_vault_knows_another_collateral():
    after = made()
    before = replace(after, layout=replace(after.layout, shares=after.layout.shares[:1]))
    assert folded(before=before, market=after).everyone
    assert not folded().everyone


def test_changed_parameters_are_told_with_their_log_and_to_whom_they_matter():
    before = made()
    steeper = replace(before.collaterals[0], ltv=ltv(7_000, 8_000, 600))
    own = replace(before.own, hooks=Hooks(Address(NOBODY), 1 << 11), cool_off_s=60)
    after = replace(before, collaterals=(steeper, before.collaterals[1]), vaults={**before.vaults, OWN: own})
    told = log(OWN, VAULT.topics["GovSetLTV"], FIRST, data=(3_500, 7_000, 8_000, AT.timestamp_s + 600, 10**6))
    other = replace(told, topics=(told.topics[0], "0x" + word(SECOND)), index=1)
    hooked = log(OWN, VAULT.topics["GovSetHookConfig"], NOBODY, data=(1 << 11,), index=2)
    found = {(one.subject, one.field): one for one in folded(told, other, hooked, before=before, market=after).changed}
    assert {key: (one.old, one.new) for key, one in found.items()} == {
        (FIRST, "borrow_bps"): (4_000, 3_500),
        (FIRST, "liquidation_bps"): (8_000, 7_000),
        (FIRST, "target_s"): (AT.timestamp_s, AT.timestamp_s + 600),
        (OWN, "hooked operations"): (0, 1 << 11),
        (OWN, "cool-off s"): (0, 60),
    }
    assert found[FIRST, "liquidation_bps"].log == told
    assert found[OWN, "hooked operations"].log == hooked
    assert found[OWN, "cool-off s"].log is None
    holder, elsewhere, free = owner(ALICE, 9, (1, 5)), owner(BOB, 9, (1, 0), (2, 5)), owner(BOB, 0, (1, 5))
    threshold, hooks, borrowing = (
        found[key] for key in ((FIRST, "liquidation_bps"), (OWN, "hooked operations"), (FIRST, "borrow_bps"))
    )
    assert [ADAPTER.bears_on(after, threshold, one) for one in (holder, elsewhere, free)] == [True, False, False]
    assert [ADAPTER.bears_on(after, hooks, one) for one in (holder, elsewhere, free)] == [True, True, False]
    assert not ADAPTER.bears_on(after, borrowing, holder)


def test_logs_from_block_0_rebuild_shares_enabled_collaterals_and_controllers_at_every_recorded_block():
    compared = 0
    for played in moments():
        held, enabled, controlled = Counter[tuple[str, str]](), defaultdict[str, set[str]](set), set[tuple[str, str]]()
        for entry in played.logs(LogFilter((), ()), 0):
            if entry.topics[0] == TRANSFER.topic:
                source, target, raw = TRANSFER.values(entry)
                held[entry.address, str(source)] -= int(raw)
                held[entry.address, str(target)] += int(raw)
            elif entry.topics[0] == COLLATERAL:
                holder, share, is_on = EVC.events["CollateralStatus"].values(entry)
                (enabled[str(holder)].add if is_on else enabled[str(holder)].discard)(str(share))
            elif entry.topics[0] == CONTROLLER:
                holder, by, is_on = EVC.events["ControllerStatus"].values(entry)
                (controlled.add if is_on else controlled.discard)((str(holder), str(by)))
        for key in played.read(ADAPTER.markets(DEPLOYMENT)):
            market = played.read(ADAPTER.market(DEPLOYMENT, key))
            keys = ADAPTER.discovered(played.logs(ADAPTER.discovery(DEPLOYMENT, key), 0))
            for account in played.read(ADAPTER.accounts(market, keys)):
                told = {
                    market.place_of(Address(share)): held[share, account.key]
                    for share in enabled[account.key]
                    if market.place_of(Address(share)) is not None
                }
                is_controlled = (account.key, key) in controlled
                assert {b.asset: b.raw for b in account.balances if b.kind == SHARES} == (told if is_controlled else {})
                assert is_controlled or not debt_of(account).owed
                compared += 1
    print(f"{compared} accounts rebuilt")
    assert compared >= 170


def test_every_recorded_liquidation_is_told_and_the_bad_debts_with_them():
    last, found = moments()[-1], list[Liquidated]()
    for key in last.read(ADAPTER.markets(DEPLOYMENT)):
        market = last.read(ADAPTER.market(DEPLOYMENT, key))
        found += ADAPTER.fold(market, market, lambda _: None, last.logs(ADAPTER.interests(market), 0)).liquidated
    told = [entry for entry in RECORDING.logs if entry.topics[0] == VAULT.topics["Liquidate"]]
    written_off = [entry for entry in RECORDING.logs if entry.topics[0] == VAULT.topics["DebtSocialized"]]
    assert sorted(one.log.block_number for one in found) == sorted(entry.block_number for entry in told)
    assert len(told) == 3
    assert sorted(raw for one in found for _, raw in one.written_off_raw) == sorted(
        int.from_bytes(entry.data) for entry in written_off if entry.block_number in {one.block_number for one in told}
    )


def test_a_ledger_that_follows_the_logs_holds_what_reads_find_owners_and_empty_collateral_included():
    first, *rest = moments()
    for key in first.read(ADAPTER.markets(DEPLOYMENT)):
        ledger = Ledger(ADAPTER.key_bytes, 1, has_owners=ADAPTER.has_owners)
        before = first.read(ADAPTER.market(DEPLOYMENT, key))
        discovery = ADAPTER.discovery(DEPLOYMENT, key)
        keys = ADAPTER.discovered(first.logs(discovery, 0))
        ledger.apply(Changes(before.at, first.read(ADAPTER.accounts(before, keys))))
        for played in rest:
            market = played.read(ADAPTER.again(before))
            logs = played.logs(ADAPTER.interests(before), before.at.number + 1)
            known = {account.key: account for account in ledger.accounts(ledger.live())}
            found = ADAPTER.fold(before, market, known.get, logs)
            anew = played.read(ADAPTER.accounts(market, found.reread))
            put = (account for account in found.put if account.key not in found.reread)
            ledger.apply(Changes(market.at, Accounts.of((*put, *anew))))
            read = played.read(ADAPTER.accounts(market, ADAPTER.discovered(played.logs(discovery, 0))))
            assert {one.key: one for one in ledger.accounts(ledger.live())} == {one.key: one for one in read}
            before = market
