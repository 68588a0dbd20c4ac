"""The row of a perpetual account: the same columns, saying equity, requirement, notional and leverage."""

import json
from dataclasses import replace

from monitor.client.wire.position import LegAnswer, PerpCollateralAnswer, PerpLegAnswer, PositionAnswer
from monitor.domain.perp import Carry
from monitor.domain.prices import Unknown
from monitor.domain.row import COLUMNS, Evaluation, row
from monitor.health.perp import liquidation_prices, nearest_bps
from monitor.health.tiers import flat
from tests.health.perp_book import UNIT, Book, Held

SHORT = Held("X", -3 * UNIT, -3_300 * UNIT, flat(1, 20), Carry(), funding=-7)
BOOK = Book(500 * UNIT, {"X": 1_000 * UNIT, "Y": 10 * UNIT}, (SHORT,), {"Y": 4 * UNIT})
STORED = {
    "id": "a/b/c/d/e",
    "age_s": 0,
    "is_unpriced": False,
    "level": "OK",
    "last_level": None,
    "driver": None,
    "incident": None,
    "quote": None,
    "remedy": None,
    "time_to_liquidation_s": None,
    "nearness": None,
}


def cells(book: Book = BOOK):
    seen = book.assess()
    lower = replace(book, prices=book.prices | {"Y": 9 * UNIT}).assess()
    prices = liquidation_prices(book.health, book.graph, seen)
    return row(Evaluation(seen, lower, liquidation_prices=prices, distance_bps=nearest_bps(prices, seen.health)))


def test_the_columns_are_the_promised_ones():
    assert tuple(cells()) == COLUMNS


def test_equity_requirement_notional_and_leverage_stand_in_the_columns_that_lending_uses():
    found = cells()
    equity = 500 * UNIT + 40 * UNIT + 300 * UNIT - 7
    assert (found["kind"], found["margin_mode"]) == ("perp", "cross")
    assert (found["health_numerator"], found["health_denominator"]) == (str(equity), str(150 * UNIT))
    assert found["debt_usd"] == "3000"
    assert found["equity_usd"] == "839.99"
    assert found["leverage"] == "3.5715"
    assert found["distance_pct"] is not None


def test_legs_are_the_collateral_with_both_valuations_and_then_the_positions():
    held, position = json.loads(str(cells()["legs"]))
    assert (held["side"], held["value_base"], held["cautious_value_base"]) == ("collateral", "40000000", "36000000")
    assert position["side"] == "short"
    assert (position["size"], position["size_raw"], position["price"]) == ("-3", "-3000000", "1000")
    assert (position["value_base"], position["entry_base"]) == ("-3000000000", "-3300000000")
    assert (position["unrealised_pnl_base"], position["funding_base"]) == ("300000000", "-7")


def test_the_api_answers_each_leg_in_its_own_form():
    answer = PositionAnswer.model_validate(cells() | STORED)
    assert [type(leg) for leg in answer.legs] == [PerpCollateralAnswer, PerpLegAnswer]
    lent = json.dumps([{key: value for key, value in _lent().items() if key != "cautious_value_base"}])
    assert [type(leg) for leg in PositionAnswer.model_validate(cells() | STORED | {"legs": lent}).legs] == [LegAnswer]


def test_an_account_that_cannot_be_measured_claims_nothing():
    found = cells(replace(BOOK, prices=BOOK.prices | {"X": Unknown("the venue said nothing")}))
    assert (found["status"], found["leverage"], found["health_factor"]) == ("unmeasurable", None, None)
    assert found["is_liquidatable_now"] is None
    assert json.loads(str(found["legs"]))[1]["price"] is None


def _lent():
    found: dict[str, object] = json.loads(str(cells()["legs"]))[0]
    return found
