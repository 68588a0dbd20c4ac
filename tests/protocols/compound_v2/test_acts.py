"""What owners and keepers can do with a position, and what stands against it."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Repricing, Unknown
from monitor.errors import UsageError
from monitor.protocols.compound_v2.folding.changes import changes
from monitor.protocols.compound_v2.liquidation import NATIVE_FUNCTION, NOTHING_TO_SEIZE
from monitor.protocols.compound_v2.market import NATIVE, Closed, Market
from monitor.protocols.compound_v2.math import Interest
from monitor.units import WAD
from tests.protocols.compound_v2.made import AT, Terse, account_of, market_of, node_of
from tests.protocols.compound_v2.recorded import ADAPTER

STILL = Terse(since=AT.timestamp_s, exchange_rate=1)
"""One cToken of 1e-8 is worth about 1e-8 of its token, and no interest is pending."""
TWO = [STILL, replace(STILL, weight_bps=7_500)]


def changed(market: Market, place: int, **terms: Any) -> Market:
    one = replace(market.listed[place], **terms)
    return replace(market, listed={**market.listed, place: one})


def health_at(numerator_of: int, owed: int) -> tuple[Market, Measured]:
    market = market_of(TWO)
    health = ADAPTER.health(market, account_of((1, numerator_of, 0), (2, 0, owed)))
    assert isinstance(health, Measured)
    return market, health


def test_at_equality_the_position_is_safe_and_one_unit_of_debt_more_is_past_the_line():
    _, measured = health_at(10**12, 1)
    edge = measured.numerator
    _, equal = health_at(10**12, edge)
    _, past = health_at(10**12, edge + 1)
    assert equal.numerator == equal.denominator
    assert not equal.is_past_line
    assert past.is_past_line


def test_repaying_all_leaves_no_debt_and_repaying_more_is_no_error():
    market = market_of([replace(one, index=WAD + 7) for one in TWO])
    account = account_of((1, 10**12, 0), (2, 0, 1_000_001), index=WAD)
    debt = next(leg for leg in ADAPTER.assess(market, account).legs if leg.side == "debt")
    for amount_raw in (debt.amount_raw, debt.amount_raw + 10**9):
        assert ADAPTER.health(market, ADAPTER.adjusted(market, account, debt, amount_raw)) == NoDebt()
    left = ADAPTER.adjusted(market, account, debt, debt.amount_raw - 1)
    (still,) = (leg for leg in ADAPTER.assess(market, left).legs if leg.side == "debt")
    assert still.amount_raw == 1


def test_a_leg_that_is_not_there_is_a_usage_error():
    market = market_of([*TWO, STILL])
    (other,) = ADAPTER.assess(market, account_of((3, 5 * 10**11, 0))).legs
    with pytest.raises(UsageError):
        ADAPTER.adjusted(market, account_of((1, 10**12, 0), (2, 0, 5)), other, 1)


def test_a_way_is_closed_by_a_pause_a_full_cap_or_interest_that_cannot_be_booked():
    market = market_of(TWO)
    account = account_of((1, 10**12, 0), (2, 0, 10**9))
    collateral, debt = ADAPTER.assess(market, account).legs
    assert [ADAPTER.closed_ways(market, leg, 10**9) for leg in (debt, collateral)] == [None, None]
    closed = changed(changed(market, 1, closed=Closed(mint=True)), 2, closed=Closed(repay=True))
    assert ADAPTER.closed_ways(closed, collateral) == "supply paused"
    assert ADAPTER.closed_ways(closed, debt) == "repaying paused"
    full = market.listed[1].supplied_up_raw
    assert full is not None
    capped = changed(market, 1, supply_cap_raw=full + 2 * WAD)
    assert ADAPTER.closed_ways(capped, collateral, 2 * WAD) is None
    assert ADAPTER.closed_ways(capped, collateral, 2 * WAD + 1) == "the supply cap leaves room for 2 only"
    assert ADAPTER.closed_ways(changed(market, 1, supply_cap_raw=full), collateral) == "supply cap full"
    interest = market.listed[2].interest
    assert isinstance(interest, Interest)
    frozen = changed(market, 2, interest=replace(interest, rate_wad=Unknown("absurdly high")))
    assert ADAPTER.closed_ways(frozen, debt) == "interest cannot be booked"


def test_interest_that_cannot_be_booked_or_a_pause_keeps_a_position_past_its_line_from_being_liquidated():
    market, account = market_of(TWO), account_of((1, 10**12, 0), (2, 0, 20_000 * WAD))
    assert ADAPTER.assess(market, account).is_liquidatable_now
    interest = market.listed[2].interest
    assert isinstance(interest, Interest)
    for closed in (
        changed(market, 2, interest=replace(interest, rate_wad=Unknown("absurdly high"))),
        changed(market, 1, closed=Closed(seize=True)),
        changed(market, 2, closed=Closed(liquidate=True)),
        replace(market, stopped=("seize paused",)),
    ):
        seen = ADAPTER.assess(closed, account)
        assert seen.is_insolvent
        assert not seen.is_liquidatable_now
        assert ADAPTER.quote(closed, account) is None


def test_what_lies_in_a_market_that_was_not_entered_secures_nothing_and_can_be_seized():
    market = market_of([*TWO, STILL])
    account = account_of((1, 0, 0), (2, 0, 5 * WAD), idle=[(3, 10**11)])
    seen, quote = ADAPTER.assess(market, account), ADAPTER.quote(market, account)
    assert isinstance(seen.health, Measured)
    assert seen.health.numerator == 0
    assert [leg.weight_bps for leg in seen.legs if leg.side == "collateral"] == [0]
    assert quote is not None
    assert quote.collateral == market.listed[3].asset.ctoken
    bare = ADAPTER.assess(market, account_of((1, 0, 0), (2, 0, 5 * WAD)))
    assert bare.blockers == (NOTHING_TO_SEIZE,)


def test_an_empty_market_without_a_price_hides_who_has_entered_it_and_owes():
    market = market_of([*TWO, replace(STILL, price=0)])
    inside, outside = ((1, 10**12, 0), (2, 0, 5 * WAD), (3, 0, 0)), ((1, 10**12, 0), (2, 0, 5 * WAD))
    assert isinstance(ADAPTER.health(market, account_of(*inside)), Unmeasurable)
    assert isinstance(ADAPTER.health(market, account_of(*outside)), Measured)
    assert ADAPTER.health(market, account_of((1, 10**12, 0), (3, 0, 0))) == NoDebt()


def test_one_ctoken_whose_views_fail_hides_only_those_who_are_in_it():
    market = market_of([*TWO, STILL])
    broken = Unknown("getCash reverts")
    market = changed(market, 3, interest=broken, standing=broken)
    assert isinstance(ADAPTER.health(market, account_of((1, 10**12, 0), (2, 0, 5 * WAD), (3, 1, 0))), Unmeasurable)
    assert isinstance(ADAPTER.health(market, account_of((1, 10**12, 0), (2, 0, 5 * WAD))), Measured)


def test_a_forced_market_may_be_repaid_in_full_and_no_other():
    market = changed(market_of(TWO), 2, is_forced=True)
    account = account_of((1, 10**12, 10), (2, 0, 5 * WAD))
    seen, quote = ADAPTER.assess(market, account), ADAPTER.quote(market, account)
    assert seen.forced
    assert not seen.is_insolvent
    assert seen.is_liquidatable_now
    assert quote is not None
    assert (quote.debt, quote.debt_to_cover_raw) == (market.listed[2].asset.underlying, 5 * WAD)


def test_a_debt_in_the_chains_own_coin_is_quoted_as_the_call_that_sends_it():
    market = market_of(TWO)
    asset = market.listed[2].asset
    coin = replace(asset, underlying=replace(asset.underlying, address=NATIVE))
    quote = ADAPTER.quote(changed(market, 2, asset=coin), account_of((1, 10**12, 0), (2, 0, 20_000 * WAD)))
    assert quote is not None
    assert quote.function == NATIVE_FUNCTION
    assert len(quote.arguments) == 2


def test_interest_by_blocks_has_no_later_and_interest_by_seconds_has():
    by_blocks = market_of([replace(one, counts_seconds=False, since=AT.number) for one in TWO])
    assert ADAPTER.later(by_blocks, 86_400) is None
    assert ADAPTER.debt_growth_wad(by_blocks, 86_400) >= 7_200 * 10**9
    later = ADAPTER.later(market_of(TWO), 86_400)
    assert later is not None
    assert later.at.timestamp_s == AT.timestamp_s + 86_400
    assert ADAPTER.debt_growth_wad(market_of(TWO), 86_400) == 86_400 * 10**9


def test_changed_terms_are_told_and_bear_on_those_they_concern():
    before = market_of([*TWO, STILL])
    terms = before.listed[1].terms_of(0)
    after = changed(before, 1, terms={0: replace(terms, weight_wad=terms.weight_wad - 1)})
    after = replace(changed(after, 2, is_forced=True), close_factor_wad=WAD // 4)
    found = {(one.subject, one.field): one for one in changes(before, after, ())}
    ctoken, other = before.listed[1].asset.ctoken.address, before.listed[2].asset.ctoken.address
    assert set(found) == {
        (ctoken, "liquidation weight"),
        (other, "forced liquidation"),
        (before.comptroller, "close factor"),
    }
    holder, debtor = account_of((1, 5, 0), (3, 0, 5)), account_of((3, 5, 0), (2, 0, 5))
    assert [ADAPTER.bears_on(after, found[ctoken, "liquidation weight"], who) for who in (holder, debtor)] == [
        True,
        False,
    ]
    assert [ADAPTER.bears_on(after, found[other, "forced liquidation"], who) for who in (holder, debtor)] == [
        False,
        True,
    ]
    assert ADAPTER.bears_on(after, found[before.comptroller, "close factor"], holder)
    assert not ADAPTER.bears_on(after, found[before.comptroller, "close factor"], account_of((1, 5, 0)))


def test_a_repricing_of_a_node_moves_both_sides_of_it():
    market, account = market_of(TWO), account_of((1, 10**12, 0), (2, 0, 5 * WAD))
    up = ADAPTER.health(market, account, Repricing("up", {node_of(2): 2 * WAD}))
    now = ADAPTER.health(market, account)
    assert isinstance(up, Measured)
    assert isinstance(now, Measured)
    assert up.denominator == 2 * now.denominator
