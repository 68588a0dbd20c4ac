"""How long carry alone takes to a perpetual account's line: funding, funding that turns, borrowing."""

import pytest

from monitor.domain.perp import Carry
from monitor.health.accrual import accrue, falls_for_s
from monitor.health.tiers import flat
from monitor.units import WAD
from tests.health.perp_book import UNIT, Book, Held
from tests.risk.scene import perp

HOUR_S, DAY_S = 3_600, 86_400


def book(*carries: Carry | None, cash: int = 200) -> Book:
    """A long for each carry, each of 1,000 dollars of which 10 are to be kept."""
    held = tuple(Held("BTC", UNIT, 1_000 * UNIT, flat(1, 100), carry=carry) for carry in carries)
    return Book(cash * UNIT, {"BTC": 1_000 * UNIT}, held)


def paying(dollars_a_day: int) -> Carry:
    return Carry(funding_wad_per_s=-dollars_a_day * UNIT * WAD // DAY_S)


def left_s(seen: Book) -> int | None:
    return perp(seen)[0].time_to_liquidation_s


def test_funding_takes_its_time_to_eat_what_is_spare():
    found = left_s(book(paying(19)))
    assert found is not None
    assert found == pytest.approx(10 * DAY_S, abs=1), "190 dollars are spare"
    seen = perp(book(paying(19)))[0].protocol
    past, safe = accrue(seen, found), accrue(seen, found - 1)
    assert past.is_insolvent
    assert not safe.is_insolvent


def test_borrowing_counts_beside_funding_and_receiving_against_it():
    borrow = Carry(borrow_wad_per_s=10 * UNIT * WAD // DAY_S)
    assert left_s(book(borrow)) == pytest.approx(19 * DAY_S, abs=2)
    got = Carry(funding_wad_per_s=5 * UNIT * WAD // DAY_S, borrow_wad_per_s=10 * UNIT * WAD // DAY_S)
    assert left_s(book(got)) == pytest.approx(38 * DAY_S, abs=2)


def test_who_is_paid_has_no_such_time_and_neither_has_who_is_not_told():
    assert left_s(book(paying(-19))) is None
    assert left_s(book(paying(19), None, cash=220)) is None


def test_funding_that_turns_before_the_line_never_gets_there():
    """It costs 19 dollars a day now and less each second, so that it turns after a day: half of 19 dollars are lost."""
    rate = 19 * UNIT * WAD // DAY_S
    assert left_s(book(Carry(-rate, rate // DAY_S))) is None
    assert falls_for_s(perp(book(Carry(-rate, rate // DAY_S)))[0].protocol, 10**9) == pytest.approx(DAY_S, abs=1)


def test_funding_that_turns_too_late_is_past_the_line_before_though_it_comes_back():
    rate = 19 * UNIT * WAD // DAY_S
    late = Carry(-rate, rate // (40 * DAY_S))
    found = left_s(book(late))
    assert found is not None
    assert 10 * DAY_S < found < 13 * DAY_S
    seen = perp(book(late))[0].protocol
    assert accrue(seen, found).is_insolvent
    assert not accrue(seen, 100 * DAY_S).is_insolvent


def test_past_the_line_no_time_is_left():
    assert left_s(book(paying(19), cash=5)) == 0
