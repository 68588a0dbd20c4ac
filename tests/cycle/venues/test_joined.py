"""Assessments of balances and prices of two moments: both named, an estimate where balances are the older ones."""

from dataclasses import replace

from monitor.cycle.venues.joined import joined
from monitor.domain.assessment import Exactness
from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.moment import VenueMoment
from monitor.domain.perp import Carry
from monitor.domain.row import Evaluation
from monitor.health.tiers import Tier, Tiers
from tests.health.perp_book import AT, UNIT, Book, Held

PAYS = Carry(funding_wad_per_s=-(10**18) * UNIT)
"""A dollar a second."""


def evaluation(carry: Carry | None = None) -> Evaluation:
    held = Held("ETH", 10 * UNIT, 20_000 * UNIT, Tiers.of([Tier(0, 1, 10)]), carry)
    seen = replace(Book(5_000 * UNIT, {"ETH": 2_000 * UNIT}, (held,)).assess(), exactness=Exactness.API)
    return Evaluation(seen, seen)


def before(seconds: int) -> VenueMoment:
    return replace(AT, server_time_ms=AT.server_time_ms - seconds * 1000, received_s=AT.received_s - seconds)


def test_balances_of_the_same_second_are_as_exact_as_the_venue_is():
    seen = joined(evaluation(), replace(AT, server_time_ms=AT.server_time_ms - 999), 60).protocol
    assert (seen.exactness, seen.skew_s) == (Exactness.API, 1)


def test_balances_that_are_older_than_the_prices_are_an_estimate_of_both_moments():
    both = joined(evaluation(), before(30), 60)
    for seen in (both.protocol, both.cautious):
        assert (seen.exactness, seen.skew_s, seen.sources) == (Exactness.ESTIMATE, 30, (before(30), AT))


def test_what_accrues_is_taken_off_the_older_balances():
    now, later = evaluation(PAYS).protocol.health, joined(evaluation(PAYS), before(30), 60).protocol.health
    assert isinstance(now, Measured)
    assert isinstance(later, Measured)
    assert now.numerator - later.numerator == 30 * UNIT
    assert now.denominator == later.denominator


def test_moments_further_apart_than_the_limit_say_nothing():
    both = joined(evaluation(), before(61), 60)
    for seen in (both.protocol, both.cautious):
        assert isinstance(seen.health, Unmeasurable)
        assert "61 s apart" in seen.health.reason
    assert both.liquidation_prices == ()


def test_moments_that_the_protocol_names_itself_stand():
    seen = evaluation()
    own = replace(seen.protocol, sources=(AT, before(40)), skew_s=40)
    found = joined(Evaluation(own, own), before(3), 60).protocol
    assert (found.sources, found.skew_s, found.exactness) == ((AT, before(40)), 40, Exactness.ESTIMATE)
