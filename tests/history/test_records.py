"""What is kept of a row gives the row back: every digit of a watched position, all but details of a market."""

import pytest

from monitor.domain.row import row
from monitor.history.records import COLUMNS, MARKET, WATCHED, record, row_of
from tests.export.rows import rows
from tests.history.made import BIG, MIDNIGHT_S, drifting, seen

DETAILS = ("native_health", "legs", "liquidation_prices")


@pytest.mark.parametrize("said", ["1.2", "none", "?no price", "0.000000000000000001", "123456789.5", BIG])
def test_a_watched_row_is_given_back_with_every_digit(said: object):
    made = row(seen(1, MIDNIGHT_S, said))
    assert row_of(record(made, WATCHED)) == made


def test_rows_of_every_kind_are_given_back():
    for made in rows(40):
        assert row_of(record(made, WATCHED)) == made


def test_a_row_of_a_market_keeps_all_but_its_details():
    for made in (*rows(40), *next(drifting(50, 1))):
        found = row_of(record(made, MARKET))
        rounded = {"cautious_health_factor"}
        assert {n: c for n, c in found.items() if n not in rounded} == {
            n: (None if n == "native_health" else "[]" if n in DETAILS else c)
            for n, c in made.items()
            if n not in rounded
        }
        mine, true = found["cautious_health_factor"], made["cautious_health_factor"]
        assert (mine is None) == (true is None)
        if mine is not None:
            assert 0 <= int(str(true).replace(".", "")) - int(str(mine).replace(".", "")) < 10**12, "rounded down"


def test_a_record_has_the_columns_of_the_file_and_its_deployment():
    assert set(record(next(rows(1)), MARKET)) == {*COLUMNS, "deployment"}


def test_health_beyond_every_integer_of_a_file_is_cut_and_its_parts_are_not():
    made = record(row(seen(1, MIDNIGHT_S, "9" * 50)), WATCHED)
    assert made["health_ppm"] == 2**62
    assert made["health_numerator"] == "9" * 50 + "0" * 18
