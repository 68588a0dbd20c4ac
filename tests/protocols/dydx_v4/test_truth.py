"""Recorded answers of the indexer: every one is read and reproduced, or refused for what is wrong in it."""

import json
from fractions import Fraction
from typing import Any

import pytest

from monitor.domain.assessment import Exactness
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import address
from monitor.domain.moment import VenueMoment, skew_s
from monitor.domain.perp import Direction, MarginMode
from monitor.errors import UnexpectedAnswer
from monitor.health import perp
from monitor.protocols.dydx_v4 import events, wire
from monitor.protocols.dydx_v4.accounts import account_of
from monitor.protocols.dydx_v4.market import MARKET, Market, key_of
from monitor.protocols.dydx_v4.reading import MAX_LAG_MS, height
from monitor.query import ask
from monitor.units import PPM, decimal_text
from tests.protocols.dydx_v4.recorded import ADAPTER, DEPLOYMENT, HEIGHT, Venue, answer, at_price, cases, markets

SHORT = answer("real_short_subaccount")
OWNER = "dydx14zzueazeh0hj67cghhf9jypslcf9sh2n5k6art"
KEY = key_of(address(OWNER), 0)
SHORT_HEIGHT = 45_293_477
QUANTUM = Fraction(1, PPM)
"""The chain cuts each value off at a millionth of a dollar, the indexer prints every digit."""
TESTED = {
    *("real_short_subaccount", "markets_three", "market_btc_testnet", "perpetual_positions_short"),
    *("indexer_equity_long", "indexer_equity_short", "indexer_subaccount_response", "height", "historical_funding"),
    *("subaccount_cash_only", "subaccount_inconsistent", "ws_subaccount_synthetic"),
}


def test_every_recorded_answer_has_a_test_here():
    assert {case["id"] for case in cases("dydx_v4_indexer")} == TESTED


def short_venue(price: str = SHORT["expected"]["oracle_price_implied"]) -> Venue:
    """The venue at the moment of the recorded short."""
    return Venue.of(at_price(markets(), BTC=price), {OWNER: SHORT["input"]["response"]}, SHORT_HEIGHT)


def test_the_real_short_has_the_equity_requirement_and_free_collateral_of_the_indexer():
    venue = short_venue()
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    assert venue.read(ADAPTER.owned(market, address(OWNER))) == (KEY,)
    (account,) = venue.read(ADAPTER.accounts(market, [KEY]))
    seen = ADAPTER.assess(market, account)
    margin, expected = seen.margin, SHORT["expected"]
    assert margin is not None
    assert margin.equity_base == 25_346_739_936
    assert abs(Fraction(margin.equity_base, PPM) - Fraction(expected["equity"])) < QUANTUM
    assert margin.free_collateral_base == margin.equity_base - (margin.initial_base or 0)
    assert abs(Fraction(margin.free_collateral_base, PPM) - Fraction(expected["free_collateral"])) < QUANTUM
    assert margin.initial_base == ceiling(expected["initial_requirement"])
    assert margin.maintenance_base is not None
    assert 0 <= Fraction(margin.maintenance_base, PPM) - Fraction(expected["maintenance_requirement"]) < 2 * QUANTUM
    assert isinstance(seen.health, Measured)
    assert (seen.health.numerator, seen.health.denominator) == (margin.equity_base, margin.maintenance_base)
    assert (seen.exactness, seen.margin_mode, seen.skew_s) == (Exactness.API, MarginMode.CROSS, 0)
    (leg,) = seen.positions
    assert (leg.direction, leg.size_raw, leg.market) == (Direction.SHORT, -4_910_000_000, "BTC-USD")
    assert abs(Fraction(leg.unrealised_pnl_base or 0, PPM) - Fraction("1339.12776155490566037735812")) < 2 * QUANTUM
    assert venue.read(ADAPTER.compare(DEPLOYMENT, MARKET, [KEY])) == ()


def test_the_real_shorts_liquidation_price_is_the_recorded_one():
    """To the unit of a price of the chain: the recorded one has no rounding of requirements in it."""
    venue = short_venue()
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    (account,) = venue.read(ADAPTER.accounts(market, [KEY]))
    seen = ADAPTER.assess(market, account)
    (price,) = perp.liquidation_prices(lambda repricing: ADAPTER.health(market, account, repricing), market.graph, seen)
    expected = Fraction(SHORT["expected"]["liquidation_price"])
    found = Fraction(price.first_liquidatable, 10**price.decimals)
    assert (price.direction, price.decimals) == ("rises", 5)
    assert abs(found - expected) < Fraction(1, 10**5)


def test_the_price_that_an_answer_implies_is_the_recorded_one_and_another_oracle_price_is_no_mismatch():
    """Prices move between two requests: the comparison is made at the price that the account's answer was made with."""
    venue = short_venue(price="100000")
    assert venue.read(ADAPTER.compare(DEPLOYMENT, MARKET, [KEY])) == ()
    told = answer("perpetual_positions_short")
    (one,) = told["input"]["response"]["positions"]
    position = wire.PerpetualPosition.model_validate(one)
    assert decimal_text(wire.scaled(position.size, 10, "size"), 10) == told["expected"]["signed_size"]
    implied = Fraction(one["entryPrice"]) + Fraction(one["unrealizedPnl"]) / Fraction(one["size"])
    assert abs(implied - Fraction(told["expected"]["oracle_price_implied"])) < Fraction(1, 10**15)


@pytest.mark.parametrize("field", ["equity", "freeCollateral"])
def test_a_figure_of_the_indexer_that_is_not_ours_is_a_mismatch(field: str):
    told = json.loads(json.dumps(SHORT["input"]["response"]))
    told["subaccounts"][0][field] = decimal_text(truncated(told["subaccounts"][0][field]) + 4, 6)
    venue = Venue.of(at_price(markets(), BTC="115976.26033"), {OWNER: told}, SHORT_HEIGHT)
    (found,) = venue.read(ADAPTER.compare(DEPLOYMENT, MARKET, [KEY]))
    assert found.key == KEY


@pytest.mark.parametrize("case", ["markets_three", "market_btc_testnet"])
def test_markets_have_the_prices_and_fractions_of_the_indexer(case: str):
    told = answer(case)
    market = Venue.of(told["input"]["response"]).read(ADAPTER.market(DEPLOYMENT, MARKET))
    assert market.at.height == HEIGHT
    by_ticker = told["expected"] if case == "markets_three" else {"BTC-USD": told["expected"]}
    assert set(market.places) == set(by_ticker)
    for ticker, expected in by_ticker.items():
        traded = market.traded[market.places[ticker]]
        price = market.graph.values[traded.node]
        assert isinstance(price, int)
        assert decimal_text(price, traded.price_decimals) == expected["oracle_price"]
        assert decimal_text(traded.tier.initial_ppm, 6) == expected["imf"]
        maintenance = traded.tier.initial_ppm * traded.tier.maintenance_fraction_ppm
        assert decimal_text(maintenance, 12) == expected["mmf"]
    if case == "markets_three":
        sol = market.traded[market.places["SOL-USD"]]
        assert (sol.tier.lower_cap, sol.tier.upper_cap) == (40 * 10**12, 100 * 10**12)
        assert sol.initial_ppm(13_530_000_000) == 50_000
        assert sol.initial_ppm(2 * 13_530_000_000 * 60 // 18) > 50_000


@pytest.mark.parametrize("case", ["indexer_equity_long", "indexer_equity_short"])
def test_the_indexers_own_unit_tests_hold(case: str):
    told = answer(case)
    given, expected = told["input"], told["expected"]
    (held,) = given["positions"]
    seen = made(given["usdc"], held["size"], given["oracle"]["BTC-USD"], "15000", given).margin
    assert seen is not None
    found = (seen.equity_base, seen.free_collateral_base, seen.maintenance_base)
    assert found == tuple(truncated(expected[n]) for n in ("equity", "free_collateral", "maintenance_requirement"))


def test_unsettled_funding_is_in_the_indexers_cash_already():
    told = answer("indexer_subaccount_response")
    given, expected = told["input"], told["expected"]
    held = given["position"]
    fractions = {**given, "maintenance_margin_fraction": "0.03"}
    cash = given["usdc_adjusted_for_funding"]
    seen = made(cash, held["size"], given["oracle"]["BTC-USD"], held["entryPrice"], fractions)
    assert seen.margin is not None
    assert seen.margin.equity_base == truncated(expected["equity"])
    assert seen.margin.free_collateral_base == truncated(expected["freeCollateral"])
    (leg,) = seen.positions
    assert leg.unrealised_pnl_base == truncated(expected["unrealizedPnl"])
    assert seen.legs[0].raw == truncated(expected["usdc_shown"])
    assert leg.funding_base == 0


def test_a_subaccount_of_cash_alone_has_no_debt():
    told = answer("subaccount_cash_only")["input"]["response"]["subaccount"]
    owner = told["address"]
    venue = Venue.of(markets(), {owner: {"subaccounts": [told]}})
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    keys = venue.read(ADAPTER.owned(market, address(owner)))
    (account,) = venue.read(ADAPTER.accounts(market, keys))
    seen = ADAPTER.assess(market, account)
    assert (seen.health, seen.skew_s) == (NoDebt(), 0)
    assert seen.margin is not None
    assert seen.margin.equity_base == seen.margin.free_collateral_base == 45_201_296
    assert venue.read(ADAPTER.compare(DEPLOYMENT, MARKET, keys)) == ()


def test_an_answer_whose_equity_is_more_than_its_parts_is_unread_never_healthy():
    told = answer("subaccount_inconsistent")["input"]["response"]["subaccount"]
    venue = Venue.of(markets(), {OWNER: {"subaccounts": [told]}})
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    assert venue.read(ADAPTER.owned(market, address(OWNER))) == (KEY,)
    for accounts in (venue.read(ADAPTER.accounts(market, [KEY])), venue.read(ADAPTER.held(market, address(OWNER)))):
        assert len(accounts) == 0
        ((key, reason),) = accounts.failed
        assert key == KEY
        assert "161451.040416029" in reason


def test_a_pushed_message_wakes_its_subaccount_and_its_made_up_numbers_are_refused():
    told = answer("ws_subaccount_synthetic")
    message = told["input"]["message"]
    contents = message["contents"]["subaccount"]
    assert wire.Subaccount.model_validate(contents).equity == told["expected"]["equity"]
    market = Venue.of(markets()).read(ADAPTER.market(DEPLOYMENT, MARKET))
    with pytest.raises(UnexpectedAnswer, match="add up to the equity"):
        account_of(market, KEY, wire.Subaccount.model_validate(contents))
    with pytest.raises(UnexpectedAnswer, match="expected an address"):
        events.touched(json.dumps(message))
    real = {**message, "id": f"{OWNER}/128"}
    assert events.touched(json.dumps(real)) == (key_of(address(OWNER), 128),)
    assert json.loads(events.subscription(market, key_of(address(OWNER), 128)))["id"] == real["id"]
    assert events.touched(json.dumps({"type": "connected", "connection_id": "x", "message_id": 0})) == ()


def test_heights_and_past_rates_are_read_as_recorded():
    told = answer("height")
    found = Venue({"/height": told["input"]["response"]}).read(ask(height()))
    assert str(found.height) == told["expected"]["height"]
    past = answer("historical_funding")
    latest = past["input"]["response"]["historicalFunding"][0]["rate"]
    assert wire.scaled(latest, 18, "rate") == wire.scaled(past["expected"]["latest_rate"], 18, "rate") == 2_375 * 10**9


def test_an_indexer_far_behind_its_own_clock_is_not_believed():
    venue = Venue.of(markets())
    venue.now_ms += MAX_LAG_MS
    with pytest.raises(Exception, match="behind"):
        venue.read(ADAPTER.market(DEPLOYMENT, MARKET))


@pytest.mark.parametrize(
    ("blocks", "is_known"), [(0, True), (-3600, True), (3600, True), (3601, False), (-3601, False)]
)
def test_positions_and_prices_too_far_apart_are_not_joined(blocks: int, is_known: bool):
    venue = Venue.of(markets(), {OWNER: SHORT["input"]["response"]}, SHORT_HEIGHT + blocks)
    market = venue.read(ADAPTER.market(DEPLOYMENT, MARKET))
    (account,) = venue.read(ADAPTER.accounts(market, [KEY]))
    seen = ADAPTER.assess(market, account)
    assert seen.skew_s == abs(blocks) == skew_s(seen.sources)
    others = [one.height for one in seen.sources if isinstance(one, VenueMoment) and one != market.at]
    assert others == ([SHORT_HEIGHT] if blocks else [])
    assert isinstance(seen.health, Measured) == is_known
    assert isinstance(seen.health, Unmeasurable) != is_known


def test_an_address_that_the_venue_does_not_know_has_nothing():
    market = Venue.of(markets()).read(ADAPTER.market(DEPLOYMENT, MARKET))
    assert Venue.of(markets()).read(ADAPTER.owned(market, address(OWNER))) == (KEY,)
    (account,) = Venue.of(markets()).read(ADAPTER.accounts(market, [KEY]))
    assert (account.key, account.balances, account.owner) == (KEY, (), address(OWNER))
    assert ADAPTER.health(market, account) == NoDebt()


def made(cash: str, size: str, oracle: str, entry: str, given: dict[str, Any]) -> Any:
    """Return the assessment of one BTC position in a market of these fractions."""
    listed = at_price(markets(), BTC=oracle)
    row = listed["markets"]["BTC-USD"]
    row["initialMarginFraction"] = given["initial_margin_fraction"]
    row["maintenanceMarginFraction"] = given["maintenance_margin_fraction"]
    gain = (Fraction(oracle) - Fraction(entry)) * Fraction(size)
    equity = Fraction(cash) + Fraction(size) * Fraction(oracle)
    side = "SHORT" if size.startswith("-") else "LONG"
    position = {"market": "BTC-USD", "status": "OPEN", "side": side, "size": size, "entryPrice": entry}
    told = {
        "address": OWNER,
        "subaccountNumber": 0,
        "equity": str(equity),
        "freeCollateral": "0",
        "openPerpetualPositions": {"BTC-USD": {**position, "unrealizedPnl": str(gain)}},
        "assetPositions": {"USDC": {"symbol": "USDC", "side": "LONG", "size": cash, "assetId": "0"}},
        "latestProcessedBlockHeight": str(HEIGHT),
    }
    market: Market = Venue.of(listed).read(ADAPTER.market(DEPLOYMENT, MARKET))
    return ADAPTER.assess(market, account_of(market, KEY, wire.Subaccount.model_validate(told)))


def truncated(text: str) -> int:
    return int(Fraction(text) * PPM)


def ceiling(text: str) -> int:
    return -int(-Fraction(text) * PPM // 1)
