"""What folding makes of logs that no honest history has, and what it tells beside balances."""

from dataclasses import replace

import pytest

from monitor.adapter import Changed
from monitor.domain.ids import Address, MarketKey, PositionKey
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.morpho_blue.adapter import MorphoBlue
from monitor.protocols.morpho_blue.reading import MORPHO
from monitor.query import Log
from monitor.units import UINT128_MAX, WAD
from tests.protocols.morpho_blue.made import AT, KEY, LOAN, TOTALS, account_of, market_of

ADAPTER, MARKET = MorphoBlue(), market_of()
USER, OTHER = account_of(1, 1).key, PositionKey("0x" + "0b" * 20)
KEEPER = Address(OTHER)


def log(name: str, *indexed: str, data: tuple[int, ...], market: str = KEY) -> Log:
    topics = (MORPHO.topics[name], market, *("0x" + word[2:].rjust(64, "0") for word in indexed))
    words = b"".join(value.to_bytes(32) for value in data)
    return Log(MARKET.morpho, topics, words, AT.number, AT.hash, 0)


def borrowed(user: str, shares: int) -> Log:
    return log("Borrow", user, OTHER, data=(int(user, 16), shares // 10**6, shares))


def added(user: str, assets: int) -> Log:
    return log("SupplyCollateral", OTHER, user, data=(assets,))


def known(*accounts: Account):
    return {account.key: account for account in accounts}.get


def test_acts_follow_one_another_to_the_last_unit() -> None:
    logs = [
        added(USER, 50),
        borrowed(USER, 7),
        log("Repay", OTHER, USER, data=(1, 3)),
        log("WithdrawCollateral", USER, OTHER, data=(int(USER, 16), 20)),
    ]
    fold = ADAPTER.fold(MARKET, MARKET, known(account_of(100, 10)), logs)
    assert fold.put == (account_of(130, 14),)
    assert (fold.reread, fold.appeared) == ((), ())
    assert ADAPTER.touched(MARKET, logs) == (USER,)


def test_a_liquidation_that_takes_the_last_collateral_takes_the_bad_debt_too() -> None:
    told = log("Liquidate", OTHER, USER, data=(40, 60, 100, 25, 30))
    fold = ADAPTER.fold(MARKET, MARKET, known(account_of(100, 90)), [told])
    assert fold.put == (replace(account_of(1, 1), balances=()),)
    (liquidated,) = fold.liquidated
    assert (liquidated.key, liquidated.liquidator, liquidated.log) == (USER, KEEPER, told)
    assert (liquidated.seized_raw, liquidated.repaid_raw) == (100, 40)
    assert liquidated.written_off_raw == ((LOAN, 25),)
    assert (liquidated.collateral, liquidated.debt) == (MARKET.parameters.collateral, LOAN)


def test_who_borrows_and_was_not_known_has_appeared_and_who_only_supplies_is_left_out() -> None:
    fold = ADAPTER.fold(MARKET, MARKET, known(), [added(OTHER, 5), borrowed(USER, 7), added(USER, 5)])
    assert (fold.put, fold.reread, fold.appeared) == ((), (USER,), (USER,))


@pytest.mark.parametrize(
    "impossible",
    [
        log("Repay", OTHER, USER, data=(1, 11)),
        log("WithdrawCollateral", USER, OTHER, data=(int(USER, 16), 101)),
        added(USER, UINT128_MAX),
        log("Liquidate", OTHER, USER, data=(1, 8, 1, 0, 3)),
    ],
)
def test_what_no_contract_can_hold_is_read_again(impossible: Log) -> None:
    fold = ADAPTER.fold(MARKET, MARKET, known(account_of(100, 10)), [impossible, added(USER, 1)])
    assert (fold.put, fold.reread, fold.appeared) == ((), (USER,), ())


def test_logs_of_other_markets_and_other_contracts_are_nobodys() -> None:
    elsewhere = replace(added(USER, 5), address=Address("0x" + "77" * 20))
    other = log("SupplyCollateral", OTHER, USER, data=(5,), market="0x" + "22" * 32)
    fold = ADAPTER.fold(MARKET, MARKET, known(account_of(100, 10)), [elsewhere, other])
    assert fold.put == ()
    assert ADAPTER.touched(MARKET, [elsewhere, other]) == ()


def test_what_comes_and_goes_in_one_block_changes_nothing() -> None:
    there_and_back = [added(USER, 5), log("WithdrawCollateral", USER, OTHER, data=(int(USER, 16), 5))]
    assert ADAPTER.fold(MARKET, MARKET, known(account_of(100, 10)), there_and_back).put == ()


def test_a_fee_that_changes_is_told_with_its_log_and_bears_on_no_borrower() -> None:
    after = market_of(totals=replace(TOTALS, fee_wad=WAD // 10))
    telling = log("SetFee", data=(WAD // 10,))
    (changed,) = ADAPTER.fold(MARKET, after, known(), [telling]).changed
    assert changed == Changed(KEY, "fee_wad", 0, WAD // 10, telling)
    assert not ADAPTER.bears_on(after, changed, account_of(1, 1))
    (silent,) = ADAPTER.fold(MARKET, after, known(), []).changed
    assert silent.log is None


def test_a_log_of_another_form_is_refused() -> None:
    with pytest.raises(DecodeError, match="SupplyCollateral"):
        ADAPTER.fold(MARKET, MARKET, known(account_of(1, 1)), [log("SupplyCollateral", OTHER, USER, data=(1, 2))])


def test_one_filter_serves_every_market_of_the_singleton() -> None:
    other = replace(MARKET, key=MarketKey("0x" + "22" * 32))
    assert ADAPTER.interests(MARKET) == ADAPTER.interests(other)
    wanted = ADAPTER.interests(MARKET)
    assert all(wanted.fits(one) for one in (added(USER, 1), borrowed(USER, 1), log("SetFee", data=(1,))))
    discovery = ADAPTER.discovery(MARKET.deployment, KEY)
    assert discovery.fits(borrowed(USER, 1))
    assert not discovery.fits(added(USER, 1))
    assert ADAPTER.discovered([borrowed(USER, 1), borrowed(OTHER, 1), borrowed(USER, 2)]) == (USER, OTHER)
