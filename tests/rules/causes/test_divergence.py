"""Prices that are apart: told after two samples on one side, with exactly what health would be, and ended once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.alerts import AlertKind, Level
from monitor.domain.prices import Node, PriceUsed
from monitor.pricing.sanity import Divergence, Doubt
from monitor.rules.causes.divergence import Track, divergence_facts, divergence_news, followed
from monitor.units import decimal_text
from tests.outbox.scene import alert
from tests.rules.causes.scene import E8, Watched, kinds

DIVERGED, OVER = AlertKind.DIVERGED, AlertKind.DIVERGENCE_OVER
NODE = Node("asset:0x" + "11" * 20)


def fact(bps: int, limit_bps: int = 200) -> Divergence:
    return Divergence(NODE, 10_000 + bps, 10_000, bps, limit_bps)


def tracked(*samples: int) -> Track:
    track = None
    for number, bps in enumerate(samples, 1):
        track = followed(track, fact(bps), number)
    assert track is not None
    return track


@pytest.mark.parametrize(
    ("samples", "is_apart"),
    [
        ([200], False),
        ([200, 200], True),
        ([-200, -200], True),
        ([200, -200], False),
        ([200, 199, 200], False),
        ([200, 199, 200, 200], True),
        ([200, 200, 149], True),
        ([200, 200, 149, 149], False),
        ([200, 200, 149, 150, 149], True),
        ([200, 200, 150, 150, 150], True),
    ],
)
def test_two_samples_in_a_row_begin_it_and_two_clear_of_the_limit_end_it(samples: list[int], is_apart: bool):
    assert tracked(*samples).is_apart is is_apart


def test_the_same_block_looked_at_twice_is_one_sample():
    one = followed(None, fact(500), 7)
    assert not followed(one, fact(500), 7).is_apart
    assert not followed(followed(one, fact(500), 7), fact(500), 6).is_apart
    assert followed(one, fact(500), 8).is_apart


def test_a_price_without_a_limit_is_never_apart():
    track = followed(followed(None, fact(9_000, 0), 1), fact(9_000, 0), 2)
    assert not track.is_apart


@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=60))
def test_whatever_prices_do_begins_and_ends_take_turns_and_a_repeat_is_twice_as_far_or_on_the_other_side(moves):
    track, last, told = None, None, []
    for number, bps in enumerate(moves, 1):
        track = followed(track, fact(bps), number)
        kind = divergence_news(last, track)
        if kind is DIVERGED:
            assert all(abs(one) >= 200 for one in moves[number - 2 : number])
            if last is not None:
                before = int(last.facts["apart_bps"])
                assert abs(bps) >= 2 * abs(before) or (bps > 0) != (before > 0)
            last = alert(kind=DIVERGED)
            last = replace(last, facts={"apart_bps": str(bps)})
        elif kind is OVER:
            assert all(abs(one) < 150 for one in moves[number - 2 : number])
            last = None
        told += [kind] if kind else []
    assert told[:1] != [OVER]
    assert all(told[i : i + 2] != [OVER, OVER] for i in range(len(told)))


def test_it_says_both_prices_both_healths_and_which_way():
    watched = Watched(before=2_000 * E8, health_bps=12_000, limit_bps=200)
    watched.see()
    assert all(a.kind is not DIVERGED for a in watched.see(2_000 * E8, 1_600 * E8))
    told = next(a for a in watched.see() if a.kind is DIVERGED)
    facts = told.facts
    assert (facts["apart_bps"], facts["apart_pct"], facts["apart_side"]) == ("2500", "25", "above")
    assert (facts["protocol_price"], facts["market_price"]) == ("2000", "1600")
    assert facts["price_of"].startswith("HELD (0x")
    assert facts["health"].startswith("1.1999")
    assert facts["market_health"].startswith("0.9599")
    assert facts["is_fictitious"] == facts["is_past_line_at_market"] == "yes"
    assert told.severity >= Level.WARN


def test_health_at_the_market_is_what_the_protocol_then_says_to_the_last_unit():
    watched = Watched(before=2_000 * E8, health_bps=11_700, limit_bps=200)
    watched.see(market=1_777_77777777)
    told = next(a for a in watched.see() if a.kind is DIVERGED)
    then = Watched(before=2_000 * E8, health_bps=11_700, limit_bps=200)
    then.see(1_777_77777777, 1_777_77777777)
    assert then.state is not None
    assert told.facts["market_health"] == then.state.known["health"]
    assert told.facts["health"] != then.state.known["health"]


def test_a_protocol_price_below_the_market_takes_health_that_the_market_would_give():
    watched = Watched(before=2_000 * E8, health_bps=12_000, limit_bps=200)
    watched.see(1_900 * E8, 2_000 * E8)
    told = next(a for a in watched.see() if a.kind is DIVERGED)
    assert (told.facts["apart_side"], told.facts["apart_bps"]) == ("below", "-500")
    assert "is_fictitious" not in told.facts
    assert told.facts["health"].startswith("1.1399")
    assert told.facts["market_health"].startswith("1.1999")


def test_of_a_debt_it_is_the_other_way_round():
    watched = Watched(before=E8, health_bps=12_000, is_debt=True, limit_bps=200)
    watched.see(E8, 13 * E8 // 10)
    told = next(a for a in watched.see() if a.kind is DIVERGED)
    assert told.facts["apart_side"] == "below"
    assert told.facts["is_fictitious"] == "yes"
    assert told.facts["market_health"].startswith("0.92")


def test_it_ends_with_one_message_of_the_same_incident():
    watched = Watched(before=E8, health_bps=20_000)
    for market in (E8, 101 * E8 // 100, 101 * E8 // 100, 1_004 * E8 // 1_000, E8, E8, E8, E8):
        watched.see(E8, market)
    told = [a for a in watched.said if a.rule == "divergence"]
    assert kinds(told) == [DIVERGED, OVER]
    assert [a.seq for a in told] == [0, 1]
    assert told[0].incident == told[1].incident
    assert told[1].severity == Level.OK


def test_why_names_what_the_price_is_and_every_doubt_of_it():
    price = PriceUsed(NODE, 1, 8, "0xoracle", "capped", labels=(Doubt.STALE, Doubt.AT_MINIMUM))
    assert divergence_facts(fact(300), price, ())["why"] == "capped, stale, implausible: at the feed's minimum".replace(
        "'", " "
    )
    fixed = PriceUsed(NODE, 1, 8, "0xoracle", "hardcoded", labels=(Doubt.HARDCODED,))
    assert divergence_facts(fact(300), fixed, ())["why"] == "hard-coded"
    assert "why" not in divergence_facts(fact(300), PriceUsed(NODE, 1, 8, "0xoracle", "market"), ())


def test_two_orders_of_magnitude_are_called_so():
    wrong = Divergence(NODE, 112, 220_000, -9_995, 200)
    assert divergence_facts(wrong, PriceUsed(NODE, 112, 2, "0xoracle", "market"), ())["times"] == "1964"
    assert decimal_text(9_995, 2) == "99.95"
