"""Figures that are said only where they matter."""

from dataclasses import replace

import pytest

from monitor.domain.alerts import Alert
from monitor.outbox.figures import interest_text
from monitor.outbox.render import render
from tests.outbox.scene import alert, to


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
