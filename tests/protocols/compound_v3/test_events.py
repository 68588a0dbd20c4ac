"""What logs tell of a Comet: who can owe, what folding knows, and when somebody moved whom no log names."""

from dataclasses import replace

import pytest

from monitor.abi import interface
from monitor.adapter import Fold
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.ledger.accounts import Account, Balance
from monitor.protocols.compound_v3.folding.fold import fold
from monitor.protocols.compound_v3.market import COLLATERAL, Market
from monitor.query import Log
from tests.protocols.compound_v3.made import AT, COMET, Listed, account_of, market_of, token_of
from tests.protocols.compound_v3.recorded import ADAPTER, COMETS, deployment, moments

TOPICS = interface("compound_v3", "comet").topics
UPGRADED = interface("shared", "proxy").topics["Upgraded"]
NOBODY = "0x" + 40 * "0"
ALICE, BOB = PositionKey("0x" + "a1" * 20), PositionKey("0x" + "b0" * 20)
TWO = [Listed(), Listed(decimals=8)]


def word(value: int | str) -> str:
    return f"{int(value, 16) if isinstance(value, str) else value:064x}"


def log(name: str, *topics: str, data: tuple[int | str, ...] = (), index: int = 0, transaction: str = "0x01") -> Log:
    topic = UPGRADED if name == "Upgraded" else TOPICS[name]
    raw = bytes.fromhex("".join(word(value) for value in data))
    return Log(COMET, (topic, *("0x" + word(t) for t in topics)), raw, AT.number, AT.hash, index, transaction)


def folded(*logs: Log, accounts: tuple[Account, ...] = (), market: Market | None = None) -> Fold:
    known = {account.key: account for account in accounts}
    before = replace(market_of(TWO), at=replace(AT, number=0, timestamp_s=AT.timestamp_s - 12))
    return fold(before, market or market_of(TWO, since_s=AT.timestamp_s - 100), known.get, logs)


def owner(key: PositionKey, debt: int, *collateral: tuple[int, int]) -> Account:
    return replace(account_of(debt, *collateral), key=key)


def test_collateral_that_comes_goes_and_moves_is_known_to_the_last_unit():
    first, second = token_of(1, 18).address, token_of(2, 8).address
    found = folded(
        log("SupplyCollateral", BOB, ALICE, second, data=(7,)),
        log("TransferCollateral", ALICE, BOB, first, data=(30,)),
        log("WithdrawCollateral", BOB, BOB, first, data=(80,)),
        accounts=(owner(ALICE, 5, (1, 100)), owner(BOB, 0, (1, 50))),
    )
    assert found.put == (owner(ALICE, 5, (1, 70), (2, 7)), owner(BOB, 0))
    assert found.reread == ()
    assert not found.everyone


def test_whoever_moves_the_base_asset_is_read_again_and_a_stranger_only_with_collateral():
    first = token_of(1, 18).address
    found = folded(
        log("Withdraw", ALICE, ALICE, data=(5,)),
        log("Supply", BOB, BOB, data=(5,), index=1),
        log("Transfer", NOBODY, BOB, data=(5,), index=2),
        log("SupplyCollateral", "0x" + "cc" * 20, "0x" + "cc" * 20, first, data=(9,), index=3),
        accounts=(owner(ALICE, 5, (1, 100)),),
    )
    assert found.reread == (ALICE, PositionKey("0x" + "cc" * 20))
    assert found.appeared == (PositionKey("0x" + "cc" * 20),)
    assert found.put == ()
    assert not found.everyone


def test_a_balance_that_logs_take_below_zero_is_read_again():
    found = folded(
        log("WithdrawCollateral", ALICE, ALICE, token_of(1, 18).address, data=(11,)),
        accounts=(owner(ALICE, 5, (1, 10)),),
    )
    assert (found.put, found.reread) == ((), (ALICE,))


def test_an_absorption_is_told_with_all_it_seized():
    tokens = token_of(1, 18).address, token_of(2, 8).address
    found = folded(
        log("AbsorbCollateral", BOB, ALICE, tokens[0], data=(10, 1)),
        log("AbsorbCollateral", BOB, ALICE, tokens[1], data=(20, 1), index=1),
        log("AbsorbDebt", BOB, ALICE, data=(77, 1), index=2),
        log("Transfer", NOBODY, ALICE, data=(3,), index=3),
        accounts=(owner(ALICE, 70, (1, 10), (2, 20)),),
    )
    assert [(one.collateral, one.seized_raw, one.repaid_raw) for one in found.liquidated] == [
        (tokens[0], 10, 77),
        (tokens[1], 20, 0),
    ]
    assert {(one.key, one.liquidator) for one in found.liquidated} == {(ALICE, Address(BOB))}
    assert found.reread == (ALICE,)
    assert not found.everyone


@pytest.mark.parametrize(
    ("logs", "is_silent"),
    [
        ((log("Transfer", NOBODY, BOB, data=(5,)),), True),
        ((log("Transfer", ALICE, NOBODY, data=(5,)), log("Transfer", NOBODY, BOB, data=(5,), index=1)), False),
        ((log("Supply", ALICE, BOB, data=(5,)), log("Transfer", NOBODY, BOB, data=(5,), index=1)), False),
        ((log("Supply", ALICE, ALICE, data=(5,)), log("Transfer", NOBODY, BOB, data=(5,), index=1)), True),
        (
            (
                log("Supply", ALICE, BOB, data=(5,)),
                log("Transfer", NOBODY, BOB, data=(5,), index=1, transaction="0x02"),
            ),
            True,
        ),
        ((), False),
    ],
)
def test_a_mint_that_nothing_explains_came_out_of_a_debt_that_no_log_names(logs, is_silent):
    assert folded(*logs).everyone is is_silent


def test_interest_booked_without_a_log_may_be_a_transfer_between_debtors():
    booked = market_of(TWO, since_s=AT.timestamp_s)
    assert folded(market=booked).everyone
    collateral = log("SupplyCollateral", ALICE, ALICE, token_of(1, 18).address, data=(1,))
    assert folded(collateral, market=booked).everyone
    assert not folded(collateral, market=market_of(TWO, since_s=AT.timestamp_s, is_patched=True)).everyone


def test_the_recorded_transfers_out_of_debts_are_the_ones_noticed():
    noticed = []
    for number, comet in enumerate(COMETS):
        last = moments()[-1]
        market = last.read(ADAPTER.market(deployment(number), MarketKey(comet)))
        logs = last.logs(ADAPTER.interests(market), 0)
        for block in dict.fromkeys(entry.block_number for entry in logs):
            now = replace(market, at=replace(market.at, number=block))
            some = [entry for entry in logs if entry.block_number == block]
            if ADAPTER.fold(market, now, lambda _: None, some).everyone:
                noticed.append(block)
    assert noticed == [323, 543]


def test_changed_parameters_are_told_with_the_log_that_tells_them():
    upgrade = log("Upgraded", "0x" + "dd" * 20)
    after = market_of([replace(TWO[0], liquidate_bps=7_900, supply_cap_raw=5), TWO[1]], since_s=AT.timestamp_s - 100)
    found = folded(upgrade, market=after)
    token = token_of(1, 18).address
    told = {(one.subject, one.field): (one.old, one.new, one.log) for one in found.changed}
    assert told == {
        (token, "liquidate_factor_wad"): (8 * 10**17, 79 * 10**16, upgrade),
        (token, "supply_cap_raw"): (2**127, 5, upgrade),
        (COMET, "implementation"): (None, "0x" + "dd" * 20, upgrade),
    }
    holder, other = owner(ALICE, 5, (1, 1)), owner(BOB, 5, (2, 1))
    factor, _, implementation = found.changed
    assert ADAPTER.bears_on(after, factor, holder)
    assert not ADAPTER.bears_on(after, factor, other)
    assert ADAPTER.bears_on(after, implementation, other)
    assert not ADAPTER.bears_on(after, implementation, Account(ALICE, 0, (Balance(1, COLLATERAL, 1),)))
