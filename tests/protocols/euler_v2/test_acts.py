"""What owners and keepers can do with an Euler account, and what time does to it."""

from dataclasses import replace

import pytest

from monitor.domain.assessment import Side
from monitor.domain.health import Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import Address
from monitor.domain.prices import Repricing, Unknown
from monitor.errors import UsageError
from monitor.protocols.euler_v2.accounts import debt_balances
from monitor.protocols.euler_v2.health import debt_of, owed_raw, priced
from monitor.protocols.euler_v2.liquidation import Taken, most
from monitor.protocols.euler_v2.market import DEPOSIT, LIQUIDATE, NO_ADDRESS, REPAY, SHARES, TRANSFER, Hooks, Market
from monitor.protocols.euler_v2.math import MOST_OWED, Ltv, cap_raw, rpow_ray
from monitor.units import RAY, UINT256_MAX, WAD
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
from tests.protocols.euler_v2.recorded import ADAPTER, pages

FIRST, INNER = Address(f"0x{1000:040x}"), Address(f"0x{1001:040x}")
ASSET, HELD = token(1, 6), token(100)


def made(terms: Ltv | None = None, own: Hooks | None = None, held: Hooks | None = None, **more: int) -> Market:
    """A vault of six decimals; its collateral has 18 and costs two dollars a piece."""
    debt, first = stage("debt", ASSET, DOLLARS), stage("first", HELD, DOLLARS)
    vaults = {
        OWN: vault(totals(borrowed_raw=10**9), own, cool_off_s=more.get("cool_off_s", 0)),
        FIRST: vault(totals(10**24, 10**24), held, supply_cap=more.get("supply_cap", 0)),
    }
    prices = {debt.node: (10**8, 8), first.node: (2 * 10**8, 8)}
    return market_of(path(ASSET, debt), [(path(HELD, first, vaults=[FIRST]), terms or ltv(8_000))], vaults, prices)


def test_at_equality_the_position_is_liquidatable_and_one_unit_of_collateral_more_saves_it():
    edge = ADAPTER.health(made(), account_of(made(), 1_600 * 10**6, (1, 1_000 * WAD)))
    assert isinstance(edge, Measured)
    assert edge.numerator == edge.denominator
    assert edge.is_past_line
    saved = ADAPTER.health(made(), account_of(made(), 1_600 * 10**6, (1, 1_000 * WAD + 1)))
    assert isinstance(saved, Measured)
    assert not saved.is_past_line


def test_repaying_all_leaves_no_debt_and_a_part_leaves_whole_units():
    market = made()
    account = account_of(market, 10**6, (1, WAD))
    (debt, _) = ADAPTER.assess(market, account).legs
    for amount_raw in (debt.amount_raw, debt.amount_raw + 5):
        assert ADAPTER.health(market, ADAPTER.adjusted(market, account, debt, amount_raw)) == NoDebt()
    left = ADAPTER.adjusted(market, account, debt, debt.amount_raw - 1)
    assert (owed_raw(market, left), debt_of(left).owed) == (1, 1 << 31)
    assert [b for b in left.balances if b.kind == SHARES] == [b for b in account.balances if b.kind == SHARES]


def test_what_is_added_passes_through_every_vault_and_rounds_down_in_each():
    first = stage("first", HELD, DOLLARS)
    vaults = {
        OWN: vault(totals(borrowed_raw=10**9)),
        FIRST: vault(totals(3 * 10**9, 2 * 10**9)),
        INNER: vault(totals(7 * 10**9, 5 * 10**9)),
    }
    debt = stage("debt", ASSET, DOLLARS)
    prices = {debt.node: (10**8, 8), first.node: (2 * 10**8, 8)}
    market = market_of(path(ASSET, debt), [(path(HELD, first, vaults=[FIRST, INNER]), ltv(8_000))], vaults, prices)
    account = account_of(market, 10**6, (1, 1_000_003))
    (_, leg) = ADAPTER.assess(market, account).legs
    inside = 1_000_003 * (3 * 10**9 + 10**6) // (2 * 10**9 + 10**6)
    assert leg.amount_raw == inside * (7 * 10**9 + 10**6) // (5 * 10**9 + 10**6)
    shares = (1_001 * (5 * 10**9 + 10**6) // (7 * 10**9 + 10**6)) * (2 * 10**9 + 10**6) // (3 * 10**9 + 10**6)
    after = ADAPTER.adjusted(market, account, leg, 1_001)
    assert [b.raw for b in after.balances if b.kind == SHARES] == [1_000_003 + shares]
    with pytest.raises(UsageError):
        ADAPTER.adjusted(market, account_of(market, 5), leg, 1)
    with pytest.raises(UsageError):
        ADAPTER.adjusted(market, account, replace(leg, label=OWN), 1)


def test_a_way_is_closed_by_hooks_without_a_target_or_a_full_cap_and_by_nothing_else():
    account = account_of(made(), 10**6, (1, WAD))
    debt, held = ADAPTER.assess(made(), account).legs
    assert [ADAPTER.closed_ways(made(), leg, 10**9) for leg in (debt, held)] == [None, None]
    assert "repaying disabled" in str(ADAPTER.closed_ways(made(own=Hooks(NO_ADDRESS, REPAY)), debt))
    assert ADAPTER.closed_ways(made(own=Hooks(FIRST, REPAY)), debt) is None
    assert "deposits disabled" in str(ADAPTER.closed_ways(made(held=Hooks(NO_ADDRESS, DEPOSIT)), held))
    room = 200 << 6 | 24
    assert cap_raw(room) == 2 * 10**24
    assert ADAPTER.closed_ways(made(supply_cap=room), held, 10**24) is None
    assert ADAPTER.closed_ways(made(supply_cap=room), held, 10**24 + 1) == "the supply cap leaves room for 1000000 only"
    assert ADAPTER.closed_ways(made(supply_cap=100 << 6 | 24), held) == "supply cap full"


def test_hooks_and_cool_off_stand_against_a_liquidation_and_nothing_else_does():
    account = account_of(made(), 1_700 * 10**6, (1, 1_000 * WAD), checked_s=AT.timestamp_s - 59)
    seen = {
        name: ADAPTER.assess(market, account)
        for name, market in {
            "open": made(),
            "hook": made(own=Hooks(NO_ADDRESS, LIQUIDATE)),
            "asked": made(own=Hooks(FIRST, LIQUIDATE)),
            "transfer": made(held=Hooks(NO_ADDRESS, TRANSFER)),
            "cool": made(cool_off_s=60),
            "cooled": made(cool_off_s=59),
        }.items()
    }
    assert {name: one.is_liquidatable_now for name, one in seen.items()} == {
        "open": True,
        "hook": False,
        "asked": True,
        "transfer": False,
        "cool": False,
        "cooled": True,
    }
    assert all(one.is_insolvent for one in seen.values())
    assert seen["cool"].blockers == (f"cool-off until {AT.timestamp_s + 1}",)
    bare = ADAPTER.assess(made(), account_of(made(), 10**6))
    assert bare.blockers == ("no collateral that the vault knows is enabled",)
    assert ADAPTER.quote(made(), account_of(made(), 10**6)) is None


def test_the_discount_is_the_depth_up_to_the_largest_and_all_that_is_there_is_taken():
    market = made()
    slightly, deeply = (
        account_of(market, 1_650 * 10**6, (1, 1_000 * WAD)),
        account_of(market, 4_000 * 10**6, (1, 1_000 * WAD)),
    )
    shallow, deep = ADAPTER.quote(market, slightly), ADAPTER.quote(market, deeply)
    assert shallow is not None
    assert deep is not None
    assert shallow.bonus_bps == 10**4 * 1_650 // 1_600 - 10**4
    assert deep.bonus_bps == 10**4 * 100 // 85 - 10**4
    assert deep.collateral_to_liquidator_raw == 1_000 * WAD
    assert deep.debt_to_cover_raw == 1_700 * 10**6
    assert shallow.debt_to_cover_raw == 1_650 * 10**6
    assert shallow.profit_base > 0


def test_empty_collateral_gives_a_liquidation_that_takes_nothing():
    market = made()
    account = account_of(market, 10**6, (1, 0))
    quote = ADAPTER.quote(market, account)
    assert quote is not None
    assert (quote.debt_to_cover_raw, quote.collateral_to_liquidator_raw, quote.profit_base) == (0, 0, 0)


def test_collateral_without_a_threshold_counts_for_nothing_needs_no_price_and_can_be_taken():
    market = made(ltv(0))
    account = account_of(market, 10**6, (1, WAD))
    assert ADAPTER.health(market, account) == Measured(0, 10**18, Line.AT_OR_BELOW, None)
    assert most(priced(market), account, 1) == Taken(10**6, 588_235_294_117_647_058)
    gone = Repricing("gone", {market.layout.paths[0].node: Unknown("reverts")})
    assert isinstance(ADAPTER.health(market, account, gone), Measured)
    assert isinstance(ADAPTER.health(made(), account, gone), Unmeasurable)
    assert most(priced(market, gone), account, 1) == Unknown("reverts")


def test_a_lowered_threshold_falls_by_the_second_and_later_markets_know_it():
    ramp = Ltv(4_000, 6_000, 8_000, AT.timestamp_s + 1_000, 2_000)
    assert [ramp.liquidation_at(AT.timestamp_s + s) for s in (0, 1, 500, 999, 1_000, 5_000)] == [
        7_000,
        6_999,
        6_500,
        6_001,
        6_000,
        6_000,
    ]
    market = made(ramp)
    account = account_of(market, 1_300 * 10**6, (1, 1_000 * WAD))
    now, then = ADAPTER.health(market, account), ADAPTER.health(ADAPTER.later(market, 500), account)
    assert isinstance(now, Measured)
    assert isinstance(then, Measured)
    assert (now.is_past_line, then.is_past_line) == (False, True)
    assert ADAPTER.debt_growth_wad(market, 500) == -(-WAD * 7_000 // 6_500) - WAD
    assert ADAPTER.debt_growth_wad(made(replace(ramp, liquidation_bps=0)), 2_000) == 10**6 * WAD


def test_interest_that_overflows_leaves_the_accumulator_as_it_was():
    still = totals(borrowed_raw=10**9, updated_s=AT.timestamp_s - 10, rate_ray=10**40)
    assert rpow_ray(10**40 + RAY, 10) is None
    assert still.accrued(AT.timestamp_s).accumulator_ray == RAY
    assert still.accrued(AT.timestamp_s).updated_s == AT.timestamp_s
    full = replace(still, borrowed=MOST_OWED, rate_ray=10**24)
    assert full.accrued(AT.timestamp_s) == full
    assert cap_raw(0) == UINT256_MAX


def test_debts_wider_than_128_bits_are_kept_whole():
    market = made()
    balances = tuple(debt_balances(MOST_OWED, 2**200 + 1))
    assert debt_of(replace(account_of(market, 0), balances=balances)) == (MOST_OWED, 2**200 + 1)
    assert max(b.raw for b in balances) < 2**128


def test_a_later_market_is_the_one_the_contracts_will_be_in():
    checked = 0
    for page in pages():
        stored = {a: replace(v, now=v.stored) for a, v in page.market.vaults.items()}
        before = replace(page.market.at, timestamp_s=page.market.at.timestamp_s - 7)
        earlier = replace(page.market, at=before, vaults=stored, views=[])
        assert ADAPTER.later(earlier, 7) == page.market
        for account, _ in page.spoken:
            legs = ADAPTER.assess(page.market, account).legs
            assert all(leg.value_base is not None for leg in legs if leg.side is Side.DEBT) or page.played.number == 1
            checked += len(legs)
    assert checked > 300
