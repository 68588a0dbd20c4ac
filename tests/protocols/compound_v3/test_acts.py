"""What owners and keepers can do with a Comet's position, and what time does to it."""

from dataclasses import replace

import pytest

from monitor.domain.assessment import Exactness
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Repricing, Unknown
from monitor.errors import UsageError
from monitor.protocols.compound_v3.health import priced
from monitor.protocols.compound_v3.liquidation import absorption, bought_raw
from monitor.protocols.compound_v3.market import BASE, BORROWED, SUPPLIED, Paused
from monitor.protocols.compound_v3.math import INDEX_SCALE, Indices
from monitor.units import WAD
from tests.protocols.compound_v3.made import AT, Listed, account_of, market_of, node_of
from tests.protocols.compound_v3.recorded import ADAPTER, pages

ONE = [Listed(price=2_000 * 10**8)]
CLOSED = Paused(supply=True, transfer=False, withdraw=False, absorb=False, buy=False)


def test_repaying_all_leaves_no_debt_and_repaying_more_is_no_error():
    market = market_of(ONE, indices=Indices(INDEX_SCALE, INDEX_SCALE + 7))
    account = account_of(1_000_001, (1, WAD))
    (debt, *_) = ADAPTER.assess(market, account).legs
    for amount_raw in (debt.amount_raw, debt.amount_raw + 10**9):
        assert ADAPTER.health(market, ADAPTER.adjusted(market, account, debt, amount_raw)) == NoDebt()
    left = ADAPTER.adjusted(market, account, debt, debt.amount_raw - 1)
    assert [(b.asset, b.kind, b.raw) for b in left.balances if b.kind == BORROWED] == [(BASE, BORROWED, 1)]


def test_a_leg_that_is_not_there_is_a_usage_error():
    market = market_of([*ONE, Listed()])
    (other,) = ADAPTER.assess(market, account_of(0, (2, 5))).legs
    with pytest.raises(UsageError):
        ADAPTER.adjusted(market, account_of(5, (1, WAD)), other, 1)


def test_a_way_is_closed_by_a_pause_or_a_full_cap_and_by_nothing_else():
    account = account_of(10**9, (1, WAD))
    debt, collateral = ADAPTER.assess(market_of(ONE), account).legs
    assert [ADAPTER.closed_ways(market_of(ONE), leg, 10**9) for leg in (debt, collateral)] == [None, None]
    paused = market_of(ONE, paused=CLOSED)
    assert [ADAPTER.closed_ways(paused, leg) for leg in (debt, collateral)] == ["supply paused"] * 2
    single = replace(market_of(ONE), closed_supply=frozenset({1}))
    assert [ADAPTER.closed_ways(single, leg) for leg in (debt, collateral)] == [None, "supply paused"]
    capped = market_of([replace(ONE[0], supply_cap_raw=3 * WAD, supplied_raw=WAD)])
    assert ADAPTER.closed_ways(capped, collateral, 2 * WAD) is None
    assert ADAPTER.closed_ways(capped, collateral, 2 * WAD + 1) == "the supply cap leaves room for 2 only"
    full = market_of([replace(ONE[0], supply_cap_raw=WAD, supplied_raw=WAD)])
    assert ADAPTER.closed_ways(full, collateral) == "supply cap full"


def test_a_quote_buys_what_was_seized_and_not_one_unit_of_base_more_would_do():
    quoted = 0
    for page in pages():
        view = priced(page.market)
        for account in page.accounts:
            quote = ADAPTER.quote(page.market, account)
            if quote is None or not quote.debt_to_cover_raw:
                continue
            asset = page.market.collateral_of(quote.collateral.address)
            assert asset is not None
            seized = next(b.raw for b in account.balances if b.asset == asset.place)
            assert bought_raw(view, asset, quote.debt_to_cover_raw) == quote.collateral_to_liquidator_raw <= seized
            more = bought_raw(view, asset, quote.debt_to_cover_raw + 1)
            assert isinstance(more, int)
            assert more > seized
            assert quote.arguments == ("<absorber>", f"[{account.key}]")
            quoted += 1
    assert quoted >= 10


def test_nothing_is_for_sale_while_buying_is_paused_or_reserves_are_at_their_target():
    market, account = market_of(ONE), account_of(1_900 * 10**6, (1, WAD))
    open_sale = ADAPTER.quote(market, account)
    assert open_sale is not None
    assert open_sale.debt_to_cover_raw > 0
    taken = absorption(priced(market), account)
    assert not isinstance(taken, Unknown)
    full = replace(market.store_front, target_reserves_raw=10**6, reserves_raw=10**6 + taken.base_paid_raw)
    for closed in (
        replace(market, paused=market.paused._replace(buy=True)),
        replace(market, store_front=full),
    ):
        quote = ADAPTER.quote(closed, account)
        assert quote is not None
        assert (quote.debt_to_cover_raw, quote.collateral_to_liquidator_raw, quote.profit_base) == (0, 0, 0)
    almost = replace(market, store_front=replace(full, reserves_raw=full.reserves_raw - 1))
    assert ADAPTER.quote(almost, account) == open_sale


def test_a_later_market_has_the_indices_that_the_contract_will_book_in_one_step():
    checked = 0
    for page in pages():
        stored = replace(page.market, at=replace(page.market.at, timestamp_s=page.market.interest.since_s))
        waited_s = page.market.at.timestamp_s - stored.at.timestamp_s
        later = ADAPTER.later(stored, waited_s)
        assert later.at == page.market.at
        for spoken in page.spoken[:1]:
            assert str(later.indices.borrow) == spoken.truth["accrued_base_borrow_index"]
            assert str(later.indices.supply) == spoken.truth["accrued_base_supply_index"]
        grown = ADAPTER.debt_growth_wad(replace(stored, indices=stored.interest.stored), waited_s)
        before = stored.interest.stored.borrow
        assert before * (WAD + grown) >= later.indices.borrow * WAD > before * (WAD + grown - 1)
        checked += waited_s > 0
    assert checked == 6


def test_at_equality_the_position_is_safe_and_one_unit_of_debt_more_is_past_the_line():
    market = market_of(ONE)
    edge, past = account_of(1_600 * 10**6, (1, WAD)), account_of(1_600 * 10**6 + 1, (1, WAD))
    equal, over = ADAPTER.health(market, edge), ADAPTER.health(market, past)
    assert isinstance(equal, Measured)
    assert equal.numerator == equal.denominator
    assert not equal.is_past_line
    assert isinstance(over, Measured)
    assert over.is_past_line


def test_the_service_patch_passes_over_collateral_without_a_factor_and_is_not_called_exact():
    worthless = replace(ONE[0], liquidate_bps=0, price=Unknown("decommissioned"))
    account = account_of(10**9, (1, 5 * WAD), (2, WAD))
    plain, patched = (market_of([worthless, ONE[0]], is_patched=flag) for flag in (False, True))
    assert isinstance(ADAPTER.health(plain, account), Unmeasurable)
    assert isinstance(ADAPTER.health(patched, account), Measured)
    assert ADAPTER.assess(plain, account).exactness is Exactness.EXACT
    assert ADAPTER.assess(patched, account).exactness is Exactness.TRANSCRIBED


def test_the_service_patch_books_no_interest_where_nobody_stands():
    market = market_of(ONE, since_s=AT.timestamp_s - 1_000, is_patched=True)
    empty = replace(market.interest, borrowed_principal=0, rests_when_empty=True)
    assert empty.indices_at(AT.timestamp_s).borrow == INDEX_SCALE
    assert replace(empty, rests_when_empty=False).indices_at(AT.timestamp_s).borrow > INDEX_SCALE


def test_what_is_lent_secures_nothing_and_hides_nothing():
    market = market_of(ONE)
    lender = replace(account_of(0), balances=(replace(account_of(7, (1, 1)).balances[0], kind=SUPPLIED),))
    seen = ADAPTER.assess(market, lender, Repricing("gone", {node_of(BASE): Unknown("gone")}))
    assert seen.health == NoDebt()
    assert seen.collateral_base is None
    assert ADAPTER.assess(market, lender).legs[0].weight_bps == 0
