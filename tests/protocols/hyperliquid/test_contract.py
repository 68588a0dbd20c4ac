"""What every adapter promises, for units made up in thousands."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from monitor.adapter import Adapter, Mismatch
from monitor.domain.assessment import Side
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, SidedValue, Unknown
from monitor.health import perp
from monitor.health.accrual import accrue
from monitor.health.evaluate import evaluation
from monitor.health.remedy import reaches, remedy
from monitor.ledger.accounts import Account
from monitor.pricing.repricing import at
from monitor.protocols.hyperliquid.market import (
    ELSEWHERE,
    LONG,
    SHORT,
    Market,
    asset_of,
    key_in,
    key_of,
    number_of,
    owner_of,
    place_of,
)
from monitor.units import WAD
from tests.protocols.contract import is_no_better
from tests.protocols.hyperliquid.made import wild
from tests.protocols.hyperliquid.recorded import ADAPTER, USER

TARGET_WAD = 15 * WAD // 10
NOBODY = Account(key_in(USER), 0, (), USER)


def pairs(seed: int, count: int) -> Iterator[tuple[Market, Account]]:
    random = np.random.default_rng(seed)
    for _ in range(3):
        market, accounts = wild(random, count // 3)
        yield from ((market, account) for account in accounts)


def test_a_position_with_nothing_owes_nothing_and_offers_nothing():
    adapter: Adapter[Market] = ADAPTER
    for market, _ in pairs(1, 3):
        for account in (NOBODY, replace(NOBODY, key=key_in(USER, 2))):
            seen = adapter.assess(market, account)
            assert seen.health == adapter.health(market, account) == NoDebt()
            assert (seen.legs, seen.positions) == ((), ())
            assert not seen.is_insolvent
            assert not seen.is_liquidatable_now
            assert adapter.quote(market, account) is None
            assert evaluation(adapter, market, account, PROTOCOL, TARGET_WAD).liquidation_prices == ()


def test_the_assessment_has_the_health_that_searches_ask_for_and_its_own_sums():
    past = 0
    for market, account in pairs(2, 600):
        seen = ADAPTER.assess(market, account)
        assert seen.health == ADAPTER.health(market, account)
        assert (seen.id.key, seen.owner) == (account.key, owner_of(account.key))
        margin = seen.margin
        assert margin is not None
        assert margin.notional_base == sum(leg.notional_base or 0 for leg in seen.positions)
        assert margin.maintenance_base == sum(leg.maintenance_base or 0 for leg in seen.positions)
        assert margin.initial_base == sum(leg.initial_base or 0 for leg in seen.positions)
        gains = sum(leg.unrealised_pnl_base or 0 for leg in seen.positions)
        if seen.margin_mode != "portfolio":
            assert margin.equity_base == (margin.collateral_base or 0) + gains
        if isinstance(seen.health, Measured):
            assert (seen.health.numerator, seen.health.denominator) == (margin.equity_base, margin.maintenance_base)
        past += seen.is_insolvent
        assert (asset_of(account.key) is not None) == (seen.margin_mode == "isolated")
    assert 100 < past < 500


def test_a_removed_mark_hides_the_health_of_those_who_depend_on_it_and_of_nobody_else():
    hidden = untouched = 0
    for market, account in pairs(3, 300):
        for place, traded in market.traded.items():
            gone = Repricing("gone", {traded.node: Unknown("no mark")})
            after = ADAPTER.health(market, account, gone)
            if any(b.asset == place and b.kind in (LONG, SHORT) for b in account.balances):
                assert isinstance(after, Unmeasurable)
                assert ADAPTER.assess(market, account, gone).margin is None
                hidden += 1
            elif not any(b.asset == place for b in account.balances):
                assert after == ADAPTER.health(market, account)
                untouched += 1
    assert hidden > 100
    assert untouched > 100


def test_health_never_rises_when_a_mark_moves_against_the_only_position():
    moved = 0
    for market, account in pairs(4, 600):
        seen = ADAPTER.assess(market, account)
        margin = seen.margin
        is_levered = margin is not None and (margin.leverage_wad_up or 0) > 2 * WAD
        if len(seen.positions) != 1 or seen.is_insolvent or not is_levered or len(seen.legs) > 1:
            continue
        (leg,) = seen.positions
        assert isinstance(leg.price, int)
        worse = leg.price * 99 // 100 if leg.size_raw > 0 else leg.price * 101 // 100
        assert is_no_better(ADAPTER.health(market, account, Repricing("moved", {leg.node: worse})), seen.health)
        sided = SidedValue(min(worse, leg.price), max(worse, leg.price))
        assert is_no_better(ADAPTER.health(market, account, Repricing("cautious", {leg.node: sided})), seen.health)
        moved += 1
    assert moved > 60


def test_a_liquidation_price_flips_exactly_between_its_two_integers():
    flips = 0
    for market, account in pairs(5, 150):
        seen = ADAPTER.assess(market, account)
        for price in perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen):
            assert abs(price.last_safe - price.first_liquidatable) == 1
            assert ADAPTER.assess(market, account, at(price.node, price.first_liquidatable)).is_insolvent
            assert not ADAPTER.assess(market, account, at(price.node, price.last_safe)).is_insolvent
            flips += 1
    assert flips > 80


def test_the_remedy_reaches_its_target_and_one_unit_less_does_not():
    steps = 0
    for market, account in pairs(6, 150):
        seen = ADAPTER.assess(market, account)
        for step in remedy(ADAPTER, market, account, TARGET_WAD, [(PROTOCOL, seen)]).steps:
            side = Side.DEBT if step.action == "repay" else Side.COLLATERAL
            (leg, *_) = (leg for leg in seen.legs if leg.side is side and leg.token == step.token)
            enough = ADAPTER.adjusted(market, account, leg, step.amount_raw)
            less = ADAPTER.adjusted(market, account, leg, step.amount_raw - 1)
            assert reaches(ADAPTER.health(market, enough), TARGET_WAD)
            assert not reaches(ADAPTER.health(market, less), TARGET_WAD)
            assert ADAPTER.closed_ways(market, leg, step.amount_raw) is None
            steps += 1
    assert steps > 50


def test_what_is_required_elsewhere_never_makes_an_account_healthier():
    worse = 0
    for market, account in pairs(7, 300):
        before = ADAPTER.health(market, account)
        rows = sorted(
            (*account.balances, type(account.balances[0])(0, ELSEWHERE, 10**9)), key=lambda b: (b.asset, b.kind)
        )
        after = ADAPTER.health(market, replace(account, balances=tuple(rows)))
        if isinstance(before, Measured) and before.numerator > 0:
            assert is_no_better(after, before)
            worse += 1
    assert worse > 100


def test_funding_is_told_for_each_position_and_taken_from_longs_where_its_rate_is_above_zero():
    told = 0
    for market, account in pairs(8, 60):
        seen = ADAPTER.assess(market, account)
        later = accrue(seen, 3600)
        for leg, after in zip(seen.positions, later.positions, strict=True):
            assert leg.carry is not None
            expected = -(leg.value_base or 0) * 125 // 10**7
            if isinstance(seen.health, Measured):
                assert abs((after.funding_base or 0) - expected) <= abs(expected) // 10**6 + 1
                told += 1
    assert told > 30


def test_a_full_evaluation_has_lines_distance_and_advice():
    seen = 0
    for market, account in pairs(9, 60):
        found = evaluation(ADAPTER, market, account, PROTOCOL, TARGET_WAD)
        if found.liquidation_prices:
            assert found.distance_bps is not None
            assert found.quote is None
            seen += 1
    assert seen > 30


def test_keys_and_places_name_each_thing_once_and_a_builder_cannot_take_the_main_dexs_name():
    assert key_in(USER) == f"{USER}ffffffff"
    assert key_in(USER, number_of(1, 0)) == f"{USER}{110_000:08x}"
    assert asset_of(key_in(USER, 7)) == 7
    assert [key_of(0, ""), key_of(3, "main"), key_of(3, "xyz")] == ["main", "main@3", "xyz"]
    assert len({place_of(dex, index) for dex in range(65) for index in (0, 1, 999)}) == 195
    assert max(place_of(dex, 999) for dex in range(65)) < 2**16
    assert Mismatch(key_in(USER), "a", "b").key == key_in(USER)


@pytest.mark.parametrize(("dex", "index"), [(65, 0), (0, 1_000)])
def test_more_assets_than_places_are_refused(dex: int, index: int):
    with pytest.raises(Exception, match="expected at most 65 dexes"):
        place_of(dex, index)
