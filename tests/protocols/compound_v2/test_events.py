"""What single logs of comptrollers and cTokens do to accounts, indexed or not, of either generation."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from monitor.domain.ids import Address, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.compound_v2.market import HELD, IDLE, PRINCIPAL
from monitor.protocols.compound_v2.variants.venus_isolated import VenusIsolated
from monitor.query import Log
from monitor.units import WAD
from tests.protocols.compound_v2.made import COMPTROLLER, Terse, account_of, market_of
from tests.protocols.compound_v2.recorded import ADAPTER

ALICE, BOB = (Address("0x" + pair * 20) for pair in ("aa", "bb"))
MARKET = market_of([Terse(), Terse(), Terse()])
FIRST, SECOND, THIRD = (MARKET.listed[place].asset.ctoken.address for place in (1, 2, 3))
ACCRUED = "AccrueInterest(uint256,uint256,uint256,uint256)"
ACCRUED_2019 = "AccrueInterest(uint256,uint256,uint256)"
BORROW, REPAY = "Borrow(address,uint256,uint256,uint256)", "RepayBorrow(address,address,uint256,uint256,uint256)"
ENTERED, EXITED = "MarketEntered(address,address)", "MarketExited(address,address)"
TRANSFER = "Transfer(address,address,uint256)"
LIQUIDATED = "LiquidateBorrow(address,address,uint256,address,uint256)"


def log(speaker: str, event: str, *values: object, indexed: int = 0, index: int = 0) -> Log:
    kinds = event[event.index("(") + 1 : -1].split(",")
    words = [encode([kind], [value]) for kind, value in zip(kinds, values, strict=True)]
    topics = ("0x" + keccak(text=event).hex(), *("0x" + word.hex() for word in words[:indexed]))
    return Log(Address(speaker), topics, b"".join(words[indexed:]), 7, "0x07", index)


def owner(who: Address, *stakes: tuple[int, int | None, int], idle: tuple[tuple[int, int], ...] = ()) -> Account:
    made = account_of(*stakes, idle=idle)
    return Account(PositionKey(who), 0, made.balances)


def folded(*logs: Log, accounts: tuple[Account, ...] = (), market=MARKET):
    known = {account.key: account for account in accounts}
    return ADAPTER.fold(market, market, known.get, logs)


def raws(account: Account) -> dict[tuple[int, int], int]:
    return {(b.asset, b.kind): b.raw for b in account.balances}


@pytest.mark.parametrize("indexed", [0, 2])
def test_who_enters_or_leaves_is_read_again_whether_the_event_indexes_them_or_not(indexed: int) -> None:
    entered = log(COMPTROLLER, ENTERED, FIRST, ALICE, indexed=indexed)
    left = log(COMPTROLLER, EXITED, SECOND, BOB, indexed=indexed, index=1)
    found = folded(entered, left, accounts=(owner(BOB, (1, 5, 0)),))
    assert (found.reread, found.appeared) == ((ALICE, BOB), (ALICE,))
    assert [str(key) for key in ADAPTER.discovered([entered])] == [ALICE]


@pytest.mark.parametrize(("event", "words"), [(ACCRUED, (1, 2, 3 * WAD, 4)), (ACCRUED_2019, (2, 3 * WAD, 4))])
def test_a_debt_is_written_at_the_index_that_was_booked_before_it(event: str, words: tuple[int, ...]) -> None:
    more = log(SECOND, BORROW, ALICE, 1, 77, 0, index=1)
    (found,) = folded(log(SECOND, event, *words), more, accounts=(owner(ALICE, (1, 5, 0), (2, 0, 9)),)).put
    assert [raws(found)[2, kind] for kind in (PRINCIPAL, PRINCIPAL + 1)] == [77, 3 * WAD]


def test_a_debt_without_the_index_before_it_or_the_first_of_an_account_is_read_again() -> None:
    borrowed = log(SECOND, BORROW, ALICE, 1, 77, 0, index=1)
    booked = log(SECOND, ACCRUED, 1, 2, 3 * WAD, 4)
    assert folded(borrowed, accounts=(owner(ALICE, (1, 5, 0), (2, 0, 9)),)).reread == (ALICE,)
    assert folded(booked, borrowed, accounts=(owner(ALICE, (1, 5, 0), (2, 0, 0)),)).reread == (ALICE,)


def test_who_has_repaid_all_is_no_debtor_and_what_lies_idle_matters_no_more() -> None:
    booked, repaid = log(SECOND, ACCRUED, 1, 2, 3 * WAD, 4), log(SECOND, REPAY, BOB, ALICE, 9, 0, 0, index=1)
    before = owner(ALICE, (1, 5, 0), (2, 0, 9), idle=((3, 8),))
    (found,) = folded(booked, repaid, accounts=(before,)).put
    assert raws(found) == {(1, HELD): 5, (2, HELD): 0}


def test_transfers_move_what_is_entered_and_what_lies_idle_beside_a_debt() -> None:
    before = owner(ALICE, (1, 5, 0), (2, 0, 9)), owner(BOB, (1, 1, 0))
    moved = log(FIRST, TRANSFER, ALICE, BOB, 2, indexed=2), log(THIRD, TRANSFER, BOB, ALICE, 4, indexed=2, index=1)
    alice, bob = folded(*moved, accounts=before).put
    assert raws(alice)[1, HELD] == 3
    assert raws(alice)[3, IDLE] == 4
    assert raws(bob) == {(1, HELD): 3}
    pool = market_of([Terse(), Terse(), Terse()], VenusIsolated())
    (only, _) = folded(*moved, accounts=before, market=pool).put
    assert (3, IDLE) not in raws(only)


def test_a_balance_that_would_fall_below_nothing_is_read_again() -> None:
    moved = log(FIRST, TRANSFER, ALICE, BOB, 6, indexed=2)
    assert folded(moved, accounts=(owner(ALICE, (1, 5, 0)),)).reread == (ALICE,)


def test_a_liquidation_is_told_in_ctokens_with_what_they_are() -> None:
    told = log(SECOND, LIQUIDATED, BOB, ALICE, 10, FIRST, 20)
    (one,) = folded(told, accounts=(owner(ALICE, (1, 50, 0), (2, 0, 90)),)).liquidated
    assert (one.key, one.liquidator, one.repaid_raw, one.seized_raw) == (ALICE, BOB, 10, 20)
    assert one.debt == MARKET.listed[2].asset.underlying.address
    assert one.collateral_token == MARKET.listed[1].asset.ctoken


def test_a_log_of_the_wrong_form_is_an_error() -> None:
    short = log(SECOND, BORROW, ALICE, 1, 77, 0)
    with pytest.raises(DecodeError):
        folded(Log(short.address, short.topics, short.data[:-32], 7, "0x07", 0))


def test_everyone_is_read_again_where_a_market_is_listed() -> None:
    fewer = market_of([Terse(), Terse()])
    assert ADAPTER.fold(fewer, MARKET, lambda _: None, ()).everyone
    assert not ADAPTER.fold(MARKET, MARKET, lambda _: None, ()).everyone
