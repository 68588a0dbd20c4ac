"""What a terminal shows beside the rows."""

from dataclasses import replace

from rich.console import Console

from monitor.cli.explain import _totals
from monitor.cli.printing.tables import advice
from monitor.domain.assessment import Foreseen, Kind, Moved, Nearness
from monitor.domain.health import Unmeasurable
from monitor.domain.moment import BlockRef
from monitor.domain.prices import Node
from tests.fakes.evaluations import WETH, evaluation

DAY_S = 86_400


def shown_by_explain(left_s: int | None) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(_totals(replace(evaluation("1.04"), time_to_liquidation_s=left_s)))
    return captured.get()


def test_advice_begins_with_how_long_interest_takes_when_that_is_less_than_a_year():
    soon = advice(replace(evaluation("1.04"), time_to_liquidation_s=41 * DAY_S)).plain
    assert soon.startswith("0x0000…0001 is liquidatable by interest alone in 41 d\n0x0000…0001 reaches health 1.5:\n")
    for left_s in (None, 0, 400 * DAY_S):
        assert "interest" not in advice(replace(evaluation("1.04"), time_to_liquidation_s=left_s)).plain


def test_explain_tells_it_up_to_the_horizon_and_says_nothing_past_the_line():
    assert "alone, at the rates of this block, makes it liquidatable in 400 d" in shown_by_explain(400 * DAY_S)
    for left_s in (None, 0):
        assert "makes it liquidatable" not in shown_by_explain(left_s)


def foreseeing(in_s: int, health):
    seen = evaluation("1.04")
    at = seen.protocol.at
    assert isinstance(at, BlockRef)
    coming = Foreseen("next price", Node("pip:0x"), 5, at.timestamp_s + in_s, health)
    return replace(seen, protocol=replace(seen.protocol, foreseen=(coming,)))


def test_a_price_that_is_foreseen_is_told_with_its_health_and_when_it_counts_at_the_earliest():
    soon = foreseeing(720, evaluation("0.98").protocol.health)
    assert advice(soon).plain.startswith("0x0000…0001 has health 0.98 at the next price, in 12 min at the earliest\n")
    due = foreseeing(-5, evaluation("0.98").protocol.health)
    assert "has health 0.98 at the next price, any moment now" in advice(due).plain
    unknown = foreseeing(60, Unmeasurable("no price"))
    assert "has health not measurable at the next price, in 1 min" in advice(unknown).plain
    console = Console(width=200)
    with console.capture() as captured:
        console.print(_totals(soon))
    assert "health 0.98 at the next price, in 12 min at the earliest" in captured.get()


NEAR = Nearness("bitcoin", 55_096, "falls", DAY_S, 2_415_960, (Moved(WETH.address, WETH, -89_832),))


def test_watch_and_explain_tell_how_near_the_line_is_when_prices_move_together():
    seen = replace(evaluation("1.1", distance_bps=909), nearness=NEAR)
    console = Console(width=200)
    with console.capture() as captured:
        console.print(_totals(seen))
    for text in (
        "5.5 % if bitcoin falls, everything else by its beta",
        "2.41 standard deviations of 1 d, likeliest by WETH (0x1111…1111) falling 8.98 %",
    ):
        assert f"is away {text}" in advice(seen).plain
        assert text in captured.get()
    assert "9.09 % if the nearest price moves alone" in captured.get()


def test_past_the_line_and_where_nothing_leads_there_no_distance_is_told():
    for near in (Nearness("bitcoin", 0, None, DAY_S, 0), Nearness("bitcoin", None, None, DAY_S, None)):
        assert "is away" not in advice(replace(evaluation("1.1"), nearness=near)).plain


def test_a_perpetual_account_is_told_when_funding_ends_it_though_there_is_nothing_to_repay():
    seen = evaluation("1.1")
    traded = replace(seen, protocol=replace(seen.protocol, kind=Kind.PERP), remedy=None, time_to_liquidation_s=DAY_S)
    assert advice(traded).plain == "0x0000…0001 is liquidatable by funding and fees alone in 1 d"
