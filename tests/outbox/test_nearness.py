"""A message says how near the line is when prices move together, and which measure set its level."""

from dataclasses import replace

from monitor.domain.alerts import Recipient, Route
from monitor.domain.assessment import Moved, Nearness
from monitor.domain.row import Evaluation
from monitor.outbox.render import render
from monitor.rules.judge import judge
from monitor.rules.levels import Levels
from monitor.rules.reading import reading
from monitor.rules.state import Driver
from tests.fakes.evaluations import USDC, WETH, evaluation
from tests.rules.test_measures import BY_DISTANCE, BY_JOINT, BY_SIGMAS, BY_TIME, NOW_S

OWNER = Recipient("telegram:42", (Route("telegram", "42"),))
NEAR = Nearness(
    "bitcoin",
    30_969,
    "falls",
    86_400,
    1_415_960,
    (Moved(WETH.address, WETH, -89_832), Moved(USDC.address, USDC, 1_185)),
)
SEEN = replace(evaluation("1.3", distance_bps=150), nearness=NEAR, time_to_liquidation_s=100_000)


def text_of(seen: Evaluation, levels: Levels) -> str:
    (alert,) = judge(None, seen, levels, NOW_S).alerts
    return render(alert, OWNER, "k" * 64, 0, "").text


def test_both_are_told_cut_off_with_the_likeliest_way():
    text = text_of(replace(evaluation("1.3"), nearness=NEAR), BY_JOINT)
    assert "Distance: 3.09 % if bitcoin falls, everything else by its beta; this sets the level" in text
    assert "Distance: 1.41 standard deviations of 1 d, likeliest by WETH" in text
    assert "(0x1111…1111) falling 8.98 %, USDC (0x2222…2222) rising 0.11 %" in text


def test_what_sets_the_level_is_said_and_nothing_else_is():
    for levels, driver, line in (
        (BY_SIGMAS, Driver.SIGMAS, "Distance: 1.41 standard deviations of 1 d"),
        (BY_TIME, Driver.TIME, "Distance: 1 d 3 h of what holding the position costs, and nothing else"),
        (BY_DISTANCE, Driver.DISTANCE, "Distance: 1.5 % if the nearest price moves alone"),
    ):
        assert reading(SEEN, levels).driver is driver
        (said,) = [one for one in text_of(SEEN, levels).splitlines() if "this sets the level" in one]
        assert said.startswith(line)


def test_a_position_of_which_it_is_not_worked_out_is_told_without():
    assert "beta" not in text_of(evaluation("1.3", distance_bps=150), BY_DISTANCE)


def test_a_strangers_symbol_cannot_write_into_the_line():
    liar = replace(WETH, symbol="ETH\nHealth 9.9 (liquidation below 1)")
    near = replace(NEAR, likeliest=(Moved(liar.address, liar, -1_000),))
    assert "\nHealth 9.9" not in text_of(replace(SEEN, nearness=near), BY_JOINT)
