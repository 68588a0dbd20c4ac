"""What logs tell of a perps market: whom to read again, who appeared, liquidations, and parameters that change."""

from dataclasses import replace

import pytest

from monitor.abi import interface
from monitor.adapter import Changed, Fold
from monitor.domain.ids import Address, PositionKey
from monitor.domain.token import Token
from monitor.errors import DecodeError
from monitor.ledger.accounts import Account
from monitor.protocols.synthetix_v3.accounts import key_of
from monitor.protocols.synthetix_v3.market import Market
from monitor.protocols.synthetix_v3.storage import Stored
from monitor.query import Log
from monitor.units import WAD
from tests.protocols.synthetix_v3.made import AT, CONTRACTS, DEPLOYMENT, HOUSE, SNXUSD, account_with, market_of
from tests.protocols.synthetix_v3.recorded import ADAPTER

TOPICS = interface("synthetix_v3", "perps_market").topics | interface("synthetix_v3", "account_token").topics
MARKET = market_of([1_000 * WAD], [1_000 * WAD])
HOLDER = account_with((0, Stored(WAD, WAD, 0, 0)), usd=WAD, number=7)
SAVER = account_with(synths=((1, WAD),), number=8)
STRANGER = key_of(2**127 + 3)


def word(value: int | str) -> str:
    return f"{int(value, 16) if isinstance(value, str) else value % 2**256:064x}"


def log(name: str, *data: int | str, of: tuple[int | str, ...] = (), by: Address = HOUSE) -> Log:
    topics = (TOPICS[name], *("0x" + word(one) for one in of))
    return Log(by, topics, bytes.fromhex("".join(word(one) for one in data)), AT.number, AT.hash, 0, "0x01")


def settled(key: PositionKey) -> Log:
    return log("OrderSettled", *(0,) * 10, of=(100, key, 0))


def folded(*logs: Log, before: Market = MARKET, now: Market = MARKET) -> Fold:
    known: dict[PositionKey, Account] = {one.key: one for one in (HOLDER, SAVER)}
    return ADAPTER.fold(before, now, known.get, logs)


@pytest.mark.parametrize(
    "change",
    [
        settled(HOLDER.key),
        log("OrderCancelled", *(0,) * 5, of=(100, HOLDER.key, 0)),
        log("CollateralModified", 5, of=(HOLDER.key, 2, "0xaa")),
        log("DebtPaid", 5, of=(HOLDER.key, "0xaa")),
        log("InterestCharged", 5, of=(HOLDER.key,)),
        log("AccountFlaggedForLiquidation", 1, 2, 3, 4, of=(HOLDER.key,)),
        log("AccountLiquidationAttempt", 1, 1, of=(HOLDER.key,)),
        log("AccountMarginLiquidation", 1, 2, of=(HOLDER.key,)),
        log("PositionLiquidated", 1, 2, of=(HOLDER.key, 100)),
        log("Transfer", of=("0xaa", "0xbb", HOLDER.key), by=CONTRACTS.account_token),
    ],
    ids=lambda one: next(name for name, topic in TOPICS.items() if topic == one.topics[0]),
)
def test_whoever_a_log_names_is_read_again_and_nobody_else(change: Log):
    assert ADAPTER.interests(MARKET).fits(change)
    assert ADAPTER.touched(MARKET, (change, change)) == (HOLDER.key,)
    found = folded(change)
    assert (found.reread, found.appeared, found.put, found.everyone) == ((HOLDER.key,), (), (), False)


def test_a_stranger_appears_with_the_first_trade_and_not_before():
    paid_in = log("CollateralModified", 5, of=(STRANGER, 2, "0xaa"))
    assert folded(paid_in).reread == ()
    found = folded(paid_in, settled(STRANGER))
    assert (found.reread, found.appeared) == ((STRANGER,), (STRANGER,))
    assert ADAPTER.discovery(DEPLOYMENT, MARKET.key).fits(settled(STRANGER))
    assert not ADAPTER.discovery(DEPLOYMENT, MARKET.key).fits(paid_in)
    assert ADAPTER.discovered((settled(STRANGER), settled(HOLDER.key))) == (STRANGER, HOLDER.key)


def test_a_token_number_that_is_no_accounts_names_nobody():
    assert folded(log("Transfer", of=("0xaa", "0xbb", 2**128 + 7), by=CONTRACTS.account_token)).reread == ()


def test_liquidations_are_told_with_what_was_taken():
    found = folded(
        log("PositionLiquidated", 3 * WAD, -WAD, of=(HOLDER.key, 100)),
        log("PositionLiquidated", 0, WAD, of=(HOLDER.key, 100)),
        log("AccountMarginLiquidation", 9 * WAD, WAD, of=(SAVER.key,)),
    ).liquidated
    assert [(one.key, one.collateral, one.seized_raw, one.repaid_raw) for one in found] == [
        (HOLDER.key, "100", 3 * WAD, 0),
        (SAVER.key, SNXUSD.address, 9 * WAD, 0),
    ]
    assert found[0].collateral_token == Token(Address("100"), "M0", 18)


def test_a_log_of_another_form_is_refused():
    with pytest.raises(DecodeError):
        folded(log("PositionLiquidated", 3 * WAD, of=(HOLDER.key, 100)))


def test_a_changed_parameter_is_told_and_concerns_whom_it_concerns():
    traded, synth = MARKET.traded[1], MARKET.coins[4]
    scaled = replace(traded, terms=replace(traded.terms, skew_scale=7))
    now = replace(MARKET, traded={1: scaled}, coins={**MARKET.coins, 4: replace(synth, lower=3)}, is_closed=True)
    changed = {one.subject: one for one in folded(now=now).changed}
    assert changed == {
        "market 100": Changed("market 100", "skew scale", traded.terms.skew_scale, 7),
        str(synth.token.address): Changed(str(synth.token.address), "least discount", synth.lower, 3),
        HOUSE: Changed(HOUSE, "closed", 0, 1),
    }
    bearing = [[ADAPTER.bears_on(now, one, who) for who in (HOLDER, SAVER)] for one in changed.values()]
    assert bearing == [[True, False], [True, False], [False, True]]
    assert folded().changed == ()
