"""The row is a promise: its columns, its exact text, and empty cells where nothing is known."""

import json

from monitor.domain.assessment import Assessment, Kind, Leg, LiquidationPrice, Side
from monitor.domain.health import Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug, address
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node, Unknown
from monitor.domain.row import COLUMNS, Evaluation, factor_text, row
from monitor.domain.token import Token

POOL, USER = "0x" + "aa" * 20, "0x" + "bb" * 20
WETH = Token(address("0x" + "cc" * 20), "WETH", 18)
ID = PositionId(
    ChainId("eip155:1"), Slug("aave_v3"), DeploymentName("ethereum-core"), MarketKey(POOL), PositionKey(USER)
)
AT = BlockRef(ChainId("eip155:1"), 19_000_000, "0x01", "0x00", 1_750_000_000)
LEG = Leg(Side.COLLATERAL, WETH, 10**18 - 7, 10**18, 2000 * 10**8, 2000 * 10**8, 8000, Node("feed:weth"))


def assessment(health, **changes):
    known = {
        "id": ID,
        "owner": address(USER),
        "at": AT,
        "kind": Kind.LENDING,
        "margin_mode": "cross",
        "health": health,
        "legs": (LEG,),
        "collateral_base": 2000 * 10**8,
        "debt_base": 1500 * 10**8 + 1,
        "base_unit": 10**8,
        "base_is_usd": True,
    }
    return Assessment(**(known | changes))


def evaluated(health, **changes):
    seen = assessment(health, **changes)
    return row(Evaluation(seen, seen))


def test_a_row_has_every_promised_column_in_order():
    assert tuple(evaluated(NoDebt())) == COLUMNS


def test_amounts_are_exact_text_and_dollars_never_round_to_look_safer():
    cells = evaluated(Measured(1600 * 10**8, 1500 * 10**8 + 1, Line.BELOW, None))
    assert cells["health_numerator"] == "160000000000"
    assert cells["health_factor"] == "1.066666666659555555"
    assert (cells["collateral_usd"], cells["debt_usd"]) == ("2000", "1500.01")
    assert json.loads(str(cells["legs"]))[0]["amount"] == "1"
    assert json.loads(str(cells["legs"]))[0]["raw"] == str(10**18 - 7)


def test_an_unmeasurable_position_says_why_and_claims_nothing():
    cells = evaluated(Unmeasurable("WETH: the feed reverts"), collateral_base=None, debt_base=None)
    assert cells["status"] == "unmeasurable"
    assert cells["reason"] == "WETH: the feed reverts"
    claims = ("health_factor", "is_insolvent", "is_liquidatable_now", "collateral_usd", "debt_usd", "leverage")
    assert [cells[name] for name in claims] == [None] * len(claims)


def test_dollars_stay_empty_where_the_base_currency_is_not_the_dollar():
    cells = evaluated(NoDebt(), base_is_usd=False)
    assert cells["collateral_base"] == "200000000000"
    assert cells["collateral_usd"] is None


def test_past_its_line_and_liquidatable_now_are_different_facts():
    cells = evaluated(Measured(1, 2, Line.BELOW, None), blockers=("WETH is paused",))
    assert (cells["is_insolvent"], cells["is_liquidatable_now"]) == (True, False)
    assert json.loads(str(cells["blockers"])) == ["WETH is paused"]


def test_a_negative_factor_keeps_its_sign():
    assert factor_text(Measured(-5, 4, Line.BELOW, None)) == "-1.250000000000000000"


def test_liquidation_prices_are_decimal_text_with_their_direction():
    seen = assessment(Measured(2, 1, Line.BELOW, None))
    price = LiquidationPrice(Node("feed:weth"), WETH, 8, 200_000_000_000, 150_000_000_001, 150_000_000_000, "falls")
    (shown,) = json.loads(str(row(Evaluation(seen, seen, (price,), 2500))["liquidation_prices"]))
    assert (shown["now"], shown["last_safe"], shown["first_liquidatable"]) == ("2000", "1500.00000001", "1500")


def test_an_unknown_price_is_an_empty_cell():
    leg = Leg(Side.COLLATERAL, WETH, 1, 1, Unknown("reverts"), None, 8000, Node("feed:weth"))
    (shown,) = json.loads(str(evaluated(Unmeasurable("reverts"), legs=(leg,))["legs"]))
    assert (shown["price"], shown["value_base"]) == (None, None)


def test_what_a_stranger_wrote_is_shown_safely_or_left_out():
    hostile = Token(WETH.address, '=HYPERLINK("http://evil.example")', 18)
    leg = Leg(Side.COLLATERAL, hostile, 1, 1, 1, 1, 8000, Node("feed:weth"))
    cells = evaluated(Unmeasurable('<b>reverted</b>\n"\u202eat https://evil.example"'), legs=(leg,))
    [shown] = json.loads(str(cells["legs"]))
    assert (shown["symbol"], shown["token"]) == ("", WETH.address)
    assert not set(str(cells["reason"])) & set('<>"\n\u202e/')
