"""What every adapter promises, for subaccounts made up in thousands."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from monitor.adapter import Adapter, Enumerated, ReadsOwners
from monitor.domain.assessment import Side
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address, spelled
from monitor.domain.perp import MarginMode
from monitor.domain.prices import PROTOCOL, Repricing, SidedValue
from monitor.health import perp
from monitor.health.accrual import accrue, funding_base
from monitor.health.evaluate import evaluation
from monitor.health.remedy import reaches, remedy
from monitor.ledger.accounts import Account
from monitor.pricing.repricing import at
from monitor.protocols.dydx_v4.market import LONG, MARKET, SHORT, Market, Status, key_of, number_of
from monitor.units import WAD
from tests.protocols.contract import is_no_better
from tests.protocols.dydx_v4.made import gone, venue_of, wild
from tests.protocols.dydx_v4.recorded import ADAPTER, CHAIN, DEPLOYMENT

TARGET_WAD = 15 * WAD // 10
NOBODY = Account(key_of(Address("0x" + "01" * 20), 0), 0, (), Address("0x" + "01" * 20))


def pairs(seed: int, count: int) -> Iterator[tuple[Market, Account]]:
    random = np.random.default_rng(seed)
    for _ in range(3):
        market, accounts = wild(random, count // 3)
        yield from ((market, account) for account in accounts)


def test_the_adapter_lists_its_positions_itself_and_reads_an_owner_at_once():
    adapter: Adapter[Market] = ADAPTER
    assert isinstance(adapter, Enumerated)
    assert isinstance(adapter, ReadsOwners)


def test_a_position_with_nothing_owes_nothing_and_offers_nothing():
    for market, _ in pairs(1, 3):
        seen = ADAPTER.assess(market, NOBODY)
        assert seen.health == ADAPTER.health(market, NOBODY) == NoDebt()
        assert (seen.legs, seen.positions, seen.sources) == ((), (), ())
        assert not seen.is_insolvent
        assert not seen.is_liquidatable_now
        assert ADAPTER.quote(market, NOBODY) is None


def test_the_assessment_has_the_health_that_searches_ask_for_and_its_own_sums():
    past = 0
    for market, account in pairs(2, 600):
        seen = ADAPTER.assess(market, account)
        assert seen.health == ADAPTER.health(market, account) == next(ADAPTER.healths(market, [account]))
        assert seen.id.key == account.key
        assert seen.owner == account.key[:42]
        margin = seen.margin
        assert margin is not None
        assert margin.notional_base == sum(leg.notional_base or 0 for leg in seen.positions)
        assert margin.maintenance_base == sum(leg.maintenance_base or 0 for leg in seen.positions)
        assert margin.initial_base == sum(leg.initial_base or 0 for leg in seen.positions)
        assert margin.equity_base == (margin.collateral_base or 0) + sum(leg.value_base or 0 for leg in seen.positions)
        past += seen.is_insolvent
        if not seen.is_liquidatable_now:
            assert ADAPTER.quote(market, account) is None
    assert 100 < past < 500


def test_equity_and_free_collateral_are_the_indexers_for_everyone():
    for seed in range(13, 16):
        venue, keys = venue_of(np.random.default_rng(seed), 200)
        assert venue.read(ADAPTER.compare(DEPLOYMENT, MARKET, keys)) == ()
        assert sum(path.startswith("/addresses/") for path in venue.asked) == 1


def test_margin_is_isolated_in_children_and_in_isolated_markets_and_no_subaccount_knows_another():
    modes = set()
    for market, account in pairs(3, 150):
        held = {b.asset for b in account.balances if b.kind in (LONG, SHORT)}
        is_isolated = number_of(account.key) >= 128 or any(market.traded[place].is_isolated for place in held)
        mode = ADAPTER.assess(market, account).margin_mode
        assert mode == (MarginMode.ISOLATED if is_isolated else MarginMode.CROSS)
        modes.add((mode, number_of(account.key) >= 128))
        child = replace(account, key=key_of(account.owner or Address(""), number_of(account.key) + 128 * 999))
        assert ADAPTER.health(market, child) == ADAPTER.health(market, account)
        assert ADAPTER.assess(market, child).margin_mode is MarginMode.ISOLATED
    assert len(modes) == 3


def test_a_removed_price_hides_the_health_of_those_who_depend_on_it_and_of_nobody_else():
    hidden = untouched = 0
    for market, account in pairs(4, 150):
        for place, traded in market.traded.items():
            after = ADAPTER.assess(market, account, gone(traded.node))
            if any(balance.asset == place for balance in account.balances):
                assert after.health == Unmeasurable("no validator tells it")
                assert after.margin is None
                hidden += 1
            else:
                assert after.health == ADAPTER.health(market, account)
                untouched += 1
    assert hidden > 100
    assert untouched > 100


def test_health_never_rises_when_a_price_moves_against_the_only_position():
    """Of an account with leverage: of others a fall shrinks the requirement more than the equity."""
    moved = 0
    for market, account in pairs(5, 600):
        seen = ADAPTER.assess(market, account)
        is_levered = seen.margin is not None and (seen.margin.leverage_wad_up or 0) > 2 * WAD
        if len(seen.positions) != 1 or not is_levered or seen.is_insolvent:
            continue
        (leg,) = seen.positions
        now = market.graph.values[leg.node]
        assert isinstance(now, int)
        for keep in (9_999, 9_900, 7_000):
            worse = now * keep // 10_000 if leg.size_raw > 0 else now * (20_000 - keep) // 10_000
            sided = SidedValue(now, worse) if leg.size_raw < 0 else SidedValue(worse, now)
            plain = ADAPTER.health(market, account, at(leg.node, worse))
            assert is_no_better(plain, seen.health), (account, seen.health, plain)
            assert ADAPTER.health(market, account, Repricing("sided", {leg.node: sided})) == plain
            moved += 1
    assert moved > 100


def test_health_never_falls_by_a_deposit_and_leverage_counts_open_interest_out():
    """Open interest raises the initial requirement alone: it never liquidates anybody."""
    checked = 0
    for market, account in pairs(6, 300):
        seen = ADAPTER.assess(market, account)
        for leg in seen.legs:
            more = ADAPTER.adjusted(market, account, leg, 1)
            assert is_no_better(seen.health, ADAPTER.health(market, more))
            assert ADAPTER.closed_ways(market, leg, 1) is None
        crowded = {p: replace(t, open_interest=10**30) for p, t in market.traded.items()}
        after = ADAPTER.assess(replace(market, traded=crowded), account)
        assert after.health == seen.health
        if after.margin and seen.margin and seen.positions:
            assert (after.margin.initial_base or 0) >= (seen.margin.initial_base or 0)
            checked += after.margin.initial_base != seen.margin.initial_base
    assert checked > 30


def test_a_liquidation_price_flips_exactly_between_its_two_integers():
    flips = 0
    for market, account in pairs(7, 150):
        seen = ADAPTER.assess(market, account)
        for price in perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen):
            safe = ADAPTER.assess(market, account, at(price.node, price.last_safe))
            past = ADAPTER.assess(market, account, at(price.node, price.first_liquidatable))
            assert abs(price.last_safe - price.first_liquidatable) == 1
            assert past.is_insolvent
            assert not safe.is_insolvent
            flips += 1
    assert flips > 100


def test_a_long_that_has_paid_more_than_all_it_has_has_one_boundary_however_low_the_price():
    """At almost nothing the position requires nothing: it is deleveraged then, and not safe again."""
    checked = 0
    for market, account in pairs(14, 300):
        seen = ADAPTER.assess(market, account)
        if len(seen.positions) != 1 or seen.positions[0].size_raw < 0 or seen.legs[0].side is not Side.DEBT:
            continue
        (price,) = perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen)
        assert price.direction == "falls"
        assert ADAPTER.assess(market, account, at(price.node, 1)).is_insolvent
        checked += 1
    assert checked > 30


def test_the_remedy_reaches_its_target_and_one_unit_less_does_not():
    steps = 0
    for market, account in pairs(8, 150):
        seen = ADAPTER.assess(market, account)
        for step in remedy(ADAPTER, market, account, TARGET_WAD, [(PROTOCOL, seen)]).steps:
            side = Side.DEBT if step.action == "repay" else Side.COLLATERAL
            (leg,) = (leg for leg in seen.legs if leg.side is side)
            enough = ADAPTER.adjusted(market, account, leg, step.amount_raw)
            less = ADAPTER.adjusted(market, account, leg, step.amount_raw - 1)
            assert reaches(ADAPTER.health(market, enough), TARGET_WAD)
            assert not reaches(ADAPTER.health(market, less), TARGET_WAD)
            steps += 1
    assert steps > 50


def test_a_quote_is_the_best_position_at_a_price_between_the_oracles_and_bankruptcy():
    quoted = 0
    for market, account in pairs(9, 300):
        seen, offer = ADAPTER.assess(market, account), ADAPTER.quote(market, account)
        assert (offer is not None) == seen.is_liquidatable_now
        if offer is None or seen.margin is None:
            continue
        quoted += 1
        (leg,) = (leg for leg in seen.positions if leg.market == offer.arguments[0])
        assert 0 <= offer.profit_base <= (leg.maintenance_base or 0) // 10 + 1
        assert offer.collateral_to_liquidator_raw == abs(leg.size_raw)
        worth = offer.debt_to_cover_raw if leg.size_raw > 0 else -offer.debt_to_cover_raw
        assert worth + offer.profit_base == leg.value_base
    assert quoted > 50


def test_without_a_node_there_is_no_quote_and_in_a_halted_market_no_liquidation():
    random = np.random.default_rng(10)
    market, accounts = wild(random, 60, fillable=False)
    past = [account for account in accounts if ADAPTER.assess(market, account).is_insolvent]
    assert past
    assert all(ADAPTER.quote(market, account) is None for account in past)
    halted = {place: replace(traded, status=Status.FINAL_SETTLEMENT) for place, traded in market.traded.items()}
    for account in past:
        seen = ADAPTER.assess(replace(market, traded=halted), account)
        assert seen.is_insolvent
        assert not seen.is_liquidatable_now
        assert "final_settlement" in seen.blockers[0]
        assert {leg.label for leg in seen.positions} == {"final_settlement"}


def test_a_projection_takes_an_hour_of_funding_in_an_hour():
    checked = 0
    for market, account in pairs(11, 60):
        seen = ADAPTER.assess(market, account)
        if not isinstance(seen.health, Measured):
            continue
        later = accrue(seen, 3600)
        for before, after in zip(seen.positions, later.positions, strict=True):
            assert before.carry is not None
            rate = next(one.funding_wad for one in market.traded.values() if one.ticker == before.market)
            assert rate is not None
            paid = (before.value_base or 0) * rate / WAD
            assert abs(paid + funding_base(before.carry, 3600)) <= 1 + abs(paid) / 10**9
            assert after.funding_base == funding_base(before.carry, 3600)
            checked += 1
    assert checked > 30


def test_a_whole_evaluation_is_worked_out_and_owners_have_their_own_spelling():
    for market, account in pairs(12, 60):
        found = evaluation(ADAPTER, market, account, PROTOCOL, TARGET_WAD)
        assert found.protocol.owner is not None
        assert spelled(CHAIN, found.protocol.owner).startswith("dydx1")
        if found.protocol.is_insolvent:
            assert found.quote is not None
