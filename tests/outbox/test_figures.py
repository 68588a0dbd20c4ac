"""Figures that are said only where they matter."""

import json
from dataclasses import replace

import pytest

from monitor.domain.alerts import Alert
from monitor.domain.prices import PROTOCOL
from monitor.health.evaluate import evaluation as judged
from monitor.outbox.figures import interest_text
from monitor.outbox.render import render
from monitor.rules.judge import judge
from monitor.units import WAD
from tests.health.pool import JUDGE, Listing, account, pool
from tests.outbox.scene import alert, to
from tests.rules.scene import LEVELS


def said_of(about: Alert) -> list[str]:
    return [line for line in render(about, to("1"), "k", 0, "").text.split("\n") if "interest" in line]


@pytest.mark.parametrize(
    ("left_s", "said"),
    [
        ("3553199", "in 41 d 2 h"),
        ("1", "in 1 s"),
        ("31535999", "in 364 d 23 h"),
        ("31536000", None),
        ("0", None),
        (None, None),
        ("None", None),
    ],
)
def test_a_message_says_how_long_interest_takes_when_that_is_less_than_a_year(left_s: str | None, said: str | None):
    one = alert()
    more = {} if left_s is None else {"time_to_liquidation_s": left_s}
    assert interest_text(left_s) == said
    assert said_of(replace(one, facts={**one.facts, **more})) == (
        [f"By interest alone, at today's rates: liquidatable {said}"] if said else []
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"name": "next price", "in_s": "720", "health": "0.98"}, "0.98 at the next price, in 12 min at the earliest"),
        ({"name": "next price", "in_s": "0", "health": "0.98"}, "0.98 at the next price, any moment now"),
        ({"name": "next price", "in_s": "60"}, "not measurable at the next price, in 1 min at the earliest"),
    ],
)
def test_a_message_says_the_health_at_a_price_that_is_foreseen(told: dict[str, str], said: str):
    one = alert()
    text = render(replace(one, facts={**one.facts, "foreseen": json.dumps([told])}), to("1"), "k", 0, "").text
    assert f"Foreseen: health {said}" in text.split("\n")
    assert "Foreseen" not in render(one, to("1"), "k", 0, "").text


def test_a_message_says_what_can_be_done_and_what_cannot_be_withdrawn():
    market = pool([Listing("WETH", 2_500 * 10**8, 18, 8_300, available_raw=0), Listing("USDC", 10**8, 6)])
    seen = judged(JUDGE, market, account({0: 10**19}, {1: 20_000 * 10**6}), PROTOCOL, 3 * WAD // 2)
    (one,) = judge(None, seen, LEVELS, 0).alerts
    text = render(one, to("1"), "k", 0, "").text
    assert "To do, any one of these, for a health of 1.5" in text
    assert "• Repay 6,166.67 USDC" in text
    assert "You cannot withdraw now: WETH" in text
    assert "no liquidity, all of it is lent out" in text
