"""Margin that is pooled beyond one dex: unified accounts, portfolio margin, builder dexes; and what reading costs."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from monitor.domain.assessment import Exactness
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import Repricing
from monitor.errors import ReadError
from monitor.protocols.hyperliquid.market import Mode, key_in
from monitor.units import WAD
from tests.protocols.hyperliquid.made import state, unpooled
from tests.protocols.hyperliquid.recorded import (
    ADAPTER,
    DEPLOYMENT,
    EVERYWHERE,
    MAIN,
    USER,
    Venue,
    asset,
    case,
    context,
    meta,
    venue,
)

CROSS = key_in(USER)


def spot(total: str, available: str | None, **more: Any) -> dict[str, Any]:
    row = {"coin": "USDC", "token": 0, "total": total, "hold": "0.0", "entryNtl": "0.0"}
    told: dict[str, Any] = {"balances": [row, {"coin": "+9", "total": "1.0", "hold": "0.0", "entryNtl": "0.0"}]}
    return told | ({} if available is None else {"tokenToAvailableAfterMaintenance": [[0, available]]}) | more


def main_only() -> Venue:
    """BTC at 80,000 (40x), ETH at 3,000 (25x), HYPE at 40 (10x)."""
    assets = [asset("BTC", 5, 40, 56), asset("ETH", 4, 25), asset("HYPE", 2, 10)]
    return venue(assets, [context("80000.0"), context("3000.0"), context("40.0")])


def two_dexes() -> Venue:
    """The same with a builder dex of the same collateral, xyz (NVDA at 200, 20x), and one of another, flx."""
    made = main_only()
    made.tell("perpDexs", [None, {"name": "xyz"}, {"name": "flx"}])
    made.tell("metaAndAssetCtxs", [meta([asset("xyz:NVDA", 3, 20)]), [context("200.0")]], dex="xyz")
    made.tell("metaAndAssetCtxs", [meta([asset("flx:TSLA", 3, 10)], token=360), [context("400.0")]], dex="flx")
    made.tell("spotMeta", {"tokens": [{"name": "USDC", "index": 0}, {"name": "USDH", "index": 360}]})
    return made


def hand(made: Venue, told: dict[str, Any], dex: str = "") -> None:
    made.tell("clearinghouseState", told, user=USER, dex=dex)


def test_a_standard_account_is_read_with_one_question_of_weight_2_and_a_market_again_with_20():
    made = main_only()
    hand(made, unpooled({"BTC": ("0.5", "80000.0", 40)}, "-35000.0"))
    market, before = made.market(), made.weight
    accounts = made.read(ADAPTER.accounts(market, [CROSS]))
    assert (made.weight - before, len(accounts)) == (2, 1)
    (account,) = accounts
    assert account.category == Mode.STANDARD
    before = made.weight
    assert made.read(ADAPTER.again(market)) == market
    assert made.weight - before == 20
    before = made.weight
    made.tell("allMids", {"BTC": "79000.0", "ETH": "3000.0", "HYPE": "40", "@1": "3"})
    seen = ADAPTER.assess(made.read(ADAPTER.glimpse(market)), account)
    assert made.weight - before == 2
    assert seen.exactness is Exactness.ESTIMATE
    assert seen.positions[0].price == 79_000 * 10**10


def test_the_kept_account_follows_new_marks_without_being_read_again():
    """Equity 5,000 of 40,000 long; at 71,000 it is 500 with 443.75 required, at 70,800 400 with 442.5."""
    made = main_only()
    hand(made, unpooled({"BTC": ("0.5", "80000.0", 40)}, "-35000.0"))
    market = made.market()
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    for mark, equity, required in (("80000.0", 5000, 500), ("71000.0", 500, 443.75), ("70800.0", 400, 442.5)):
        made.tell("metaAndAssetCtxs", [meta([asset("BTC", 5, 40, 56)]), [context(mark)]])
        later = made.read(ADAPTER.again(market))
        health = ADAPTER.health(later, account)
        assert isinstance(health, Measured)
        assert (health.numerator, health.denominator) == (equity * WAD, int(required * 4) * WAD // 4)
        assert ADAPTER.assess(later, account).is_liquidatable_now == (equity < required)


def test_what_middles_say_names_nobody_liquidatable():
    made = main_only()
    hand(made, unpooled({"BTC": ("0.5", "80000.0", 40)}, "-39600.0"))
    market = made.market()
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    assert ADAPTER.assess(market, account).is_liquidatable_now
    made.tell("allMids", {"BTC": "79000.0", "HYPE": "40"})
    glimpsed = made.read(ADAPTER.glimpse(market))
    seen = ADAPTER.assess(glimpsed, account)
    assert seen.is_insolvent
    assert not seen.is_liquidatable_now
    gone = glimpsed.graph.values[market.traded[2].node]
    assert not isinstance(gone, int)


def test_balances_hold_an_hour_and_not_longer():
    made = main_only()
    hand(made, unpooled({"BTC": ("0.5", "80000.0", 40)}, "-35000.0"))
    market = made.market()
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    for seconds, is_known in ((3_600, True), (3_601, False)):
        made.now_ms += (seconds - 3_600 if seconds > 3_600 else seconds) * 1000
        seen = ADAPTER.assess(made.read(ADAPTER.again(market)), account)
        assert seen.skew_s == seconds
        assert len(seen.sources) == 2
        assert isinstance(seen.health, Measured if is_known else Unmeasurable)


def test_a_unified_account_is_judged_by_the_tokens_total():
    """The recorded pair: what is required is the difference of total and what is available after maintenance."""
    pair = case("unified_account_pair")
    expected = pair["expected"]
    mark, size = Fraction("80322.0"), Fraction("-0.02034")
    made = venue([asset("BTC", 5, 40, 56)], [context(str(float(mark)))])
    told = state({"BTC": (str(float(size)), str(float(mark)), 40)}, str(float(Fraction("300.509522") - size * mark)))
    hand(made, told)
    made.tell("spotClearinghouseState", pair["input"]["response"]["spotClearinghouseState"], user=USER)
    market = made.market()
    before = made.weight
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    assert made.weight - before == 4
    assert account.category == Mode.UNIFIED
    seen = ADAPTER.assess(market, account)
    assert seen.margin is not None
    assert Fraction(seen.margin.equity_base or 0, WAD) == Fraction(expected["equity"])
    required = Fraction(seen.margin.maintenance_base or 0, WAD)
    assert abs(required - Fraction(expected["maintenance_from_spot_state"])) < required / 1000
    assert seen.exactness is Exactness.API
    assert seen.margin.free_collateral_base is None


def test_isolated_margin_is_no_part_of_a_unified_accounts_equity():
    made = main_only()
    told = state({"ETH": ("1.0", "3000.0", 25)}, "-2500.0", isolated={"BTC": ("0.1", "80000.0", 40, "-7000.0")})
    hand(made, told)
    made.tell("spotClearinghouseState", spot("9000.0", "7940.0"), user=USER)
    market = made.market()
    held = {account.key: account for account in made.read(ADAPTER.held(market, USER))}
    assert set(held) == {CROSS, key_in(USER, 0)}
    seen = ADAPTER.assess(market, held[CROSS])
    assert isinstance(seen.health, Measured)
    assert (seen.health.numerator, seen.health.denominator) == (8000 * WAD, 60 * WAD)
    alone = ADAPTER.assess(market, held[key_in(USER, 0)])
    assert alone.margin_mode == "isolated"
    assert isinstance(alone.health, Measured)
    assert (alone.health.numerator, alone.health.denominator) == (1000 * WAD, 100 * WAD)


def test_the_cross_unit_of_a_unified_account_stands_in_the_home_of_its_collateral_and_nowhere_else():
    made = two_dexes()
    hand(made, state({"ETH": ("1.0", "3000.0", 25)}, "-2500.0"))
    hand(made, state({"xyz:NVDA": ("-10.0", "200.0", 20)}, "2100.0"), "xyz")
    made.tell("spotClearinghouseState", spot("1000.0", "890.0"), user=USER)
    home, other = made.market(MAIN, EVERYWHERE), made.market("xyz", EVERYWHERE)
    assert [dex.name for dex in home.siblings] == ["xyz"]
    assert (home.is_home, other.is_home, other.siblings) == (True, False, ())
    before = made.weight
    (account,) = made.read(ADAPTER.accounts(home, [CROSS]))
    assert made.weight - before == 6
    seen = ADAPTER.assess(home, account)
    assert isinstance(seen.health, Measured)
    assert (seen.health.numerator, seen.health.denominator) == (1000 * WAD, (60 + 50) * WAD)
    assert {leg.market for leg in seen.positions} == {"ETH", "xyz:NVDA"}
    assert seen.exactness is Exactness.API
    moved = ADAPTER.health(home, account, Repricing("up", {seen.positions[1].node: 250 * 10**10}))
    assert isinstance(moved, Measured)
    assert (moved.numerator, moved.denominator) == (500 * WAD, int(122.5 * 2) * WAD // 2)
    (empty,) = made.read(ADAPTER.accounts(other, [CROSS]))
    assert empty.balances == ()
    assert ADAPTER.health(other, empty) == NoDebt()


def test_what_a_unified_account_requires_in_dexes_that_are_not_watched_counts_and_makes_it_an_estimate():
    made = two_dexes()
    hand(made, state({"ETH": ("1.0", "3000.0", 25)}, "-2500.0"))
    made.tell("spotClearinghouseState", spot("1000.0", "890.0"), user=USER)
    market = made.market(MAIN, DEPLOYMENT)
    assert market.siblings == ()
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    seen = ADAPTER.assess(market, account)
    assert isinstance(seen.health, Measured)
    assert (seen.health.numerator, seen.health.denominator) == (1000 * WAD, 110 * WAD)
    assert seen.exactness is Exactness.ESTIMATE


def test_a_dex_with_another_collateral_is_a_home_of_its_own():
    made = two_dexes()
    market = made.market("flx", EVERYWHERE)
    assert (market.is_home, market.siblings, market.dex.collateral.symbol) == (True, (), "USDH")
    hand(made, unpooled({"flx:TSLA": ("5.0", "400.0", 10)}, "-1700.0"), "flx")
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    assert ADAPTER.assess(market, account).legs[0].token.symbol == "USDH"
    assert made.read(ADAPTER.markets(EVERYWHERE)) == ("main", "xyz", "flx")
    assert made.read(ADAPTER.markets(replace(DEPLOYMENT, markets=()))) == ("main",)
    with pytest.raises(ReadError, match="expected a dex 'nope'"):
        made.market("nope", EVERYWHERE)


def test_a_user_of_a_builder_dex_alone_is_found_at_the_home_where_it_is_watched():
    """Nothing in the main dex says nothing of a pooled account: spot balances are asked for then."""
    made = two_dexes()
    hand(made, state({}, "0.0"))
    hand(made, state({"xyz:NVDA": ("-10.0", "200.0", 20)}, "2100.0"), "xyz")
    made.tell("spotClearinghouseState", spot("300.0", "250.0"), user=USER)
    market = made.market(MAIN, EVERYWHERE)
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    health = ADAPTER.health(market, account)
    assert isinstance(health, Measured)
    assert (health.numerator, health.denominator) == (300 * WAD, 50 * WAD)


def test_portfolio_margin_without_loans_has_the_ratio_the_venue_states():
    """The recorded sub-account; one of its positions was kept by whoever recorded it, the others require elsewhere."""
    told = case("portfolio_margin_subaccount")
    (answer,) = told["input"]["response"]
    mark = Fraction("1352.7404") / Fraction("0.01948")
    made = venue([asset("BTC", 5, 40, 56)], [context(f"{float(mark):.1f}")])
    hand(made, state({"BTC": ("0.01948", f"{float(mark):.1f}", 40)}, "-1205.327543"))
    made.tell("spotClearinghouseState", answer["spotState"], user=USER)
    market = made.market()
    (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
    assert account.category == Mode.PORTFOLIO
    seen = ADAPTER.assess(market, account)
    assert seen.margin_mode == "portfolio"
    assert isinstance(seen.health, Measured)
    ratio = Fraction(95, 100) * seen.health.denominator / seen.health.numerator
    assert abs(ratio - Fraction(told["expected"]["portfolio_margin_ratio"])) < Fraction(2, 10**9)


def test_portfolio_margin_is_liquidatable_above_a_ratio_of_0_95_and_not_at_it():
    for total, is_past in (("100.0", False), ("99.99999", True)):
        made = main_only()
        hand(made, state({"BTC": ("0.095", "80000.0", 40)}, "-7590.0"))
        ratio = Fraction(95) / Fraction(total)
        more = {"portfolioMarginEnabled": True, "portfolioMarginRatio": f"{float(ratio):.12f}"}
        made.tell("spotClearinghouseState", spot(total, str(float(Fraction(total) - 95)), **more), user=USER)
        market = made.market()
        (account,) = made.read(ADAPTER.accounts(market, [CROSS]))
        assert ADAPTER.assess(market, account).is_insolvent is is_past


def test_a_loan_against_coins_has_the_venues_ratio_when_read_and_moves_with_the_coins():
    """1,000 USDC borrowed against 50 HYPE at 40 (threshold 75 %): (1,000 + 20) ÷ 1,500 = 0.68."""
    made = main_only()
    hand(made, state({}, "0.0"))
    told = spot("0.0", "0.0", portfolioMarginEnabled=True, portfolioMarginRatio="0.68")
    told["balances"][0]["borrowed"] = "1000.0"
    told["balances"].append({"coin": "HYPE", "token": 150, "total": "50.0", "hold": "0", "entryNtl": "0", "ltv": "0.5"})
    made.tell("spotClearinghouseState", told, user=USER)
    both = two_dexes()
    both.answers |= made.answers | {key: one for key, one in both.answers.items() if "perpDexs" in key}
    hand(both, state({}, "0.0"), "xyz")
    market = both.market(MAIN, EVERYWHERE)
    (account,) = both.read(ADAPTER.accounts(market, [CROSS]))
    seen = ADAPTER.assess(market, account)
    assert seen.exactness is Exactness.ESTIMATE
    assert isinstance(seen.health, Measured)
    assert abs(Fraction(95, 100) * seen.health.denominator / seen.health.numerator - Fraction(68, 100)) < 1e-6
    coin = next(leg for leg in seen.legs if leg.token.symbol == "HYPE")
    assert (coin.amount_raw, coin.weight_bps) == (50 * 10**8, 7_500)
    assert seen.margin is not None
    assert (seen.margin.undiscounted_base or 0) > (seen.margin.collateral_base or 0)
    fallen = ADAPTER.health(market, account, Repricing("fall", {market.traded[3].node: 28 * 10**10}))
    assert isinstance(fallen, Measured)
    assert fallen.is_past_line
