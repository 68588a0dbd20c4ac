"""Which price drives a position: whose it is, how old, and how far from the market, in one line that may go first."""

from dataclasses import replace

import pytest

from monitor.domain.prices import Node, PriceUsed
from monitor.domain.row import Evaluation
from monitor.outbox.figures import oracle_text
from monitor.outbox.render import render
from monitor.rules.facts import oracle_facts
from monitor.rules.judge import judge
from tests.domain.hostile import PAYLOADS
from tests.fakes.evaluations import FEED, USDC, WETH, block, evaluation
from tests.outbox.scene import to
from tests.rules.scene import LEVELS

ETHER = PriceUsed(FEED, 2_000 * 10**8, 8, "0x" + "33" * 20, "market", updated_at_s=block(1).timestamp_s - 41)
DOLLAR = PriceUsed(Node("feed:usdc"), 10**8, 8, "0x" + "44" * 20, "capped", updated_at_s=block(1).timestamp_s - 7)


def seen(*prices: PriceUsed, **apart_bps: int) -> Evaluation:
    one = evaluation("1.04")
    of = {FEED: apart_bps["weth"]} if apart_bps else {}
    return replace(one, protocol=replace(one.protocol, prices=prices), apart_bps=of)


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (seen(ETHER, DOLLAR, weth=30), "WETH (0x1111…1111) by 0x3333…3333, 41 s old, 0.3 % above the market"),
        (seen(ETHER, weth=-281), "WETH (0x1111…1111) by 0x3333…3333, 41 s old, 2.81 % below the market"),
        (seen(ETHER), "WETH (0x1111…1111) by 0x3333…3333, 41 s old, no independent price"),
        (
            seen(replace(ETHER, method="capped", updated_at_s=None)),
            "WETH (0x1111…1111) by 0x3333…3333, capped, of an unknown age, no independent price",
        ),
        (
            seen(replace(ETHER, updated_at_s=block(2).timestamp_s), weth=0),
            "WETH (0x1111…1111) by 0x3333…3333, 0 s old, 0 % above the market",
        ),
    ],
)
def test_the_price_that_drives_a_position_is_said_with_source_age_and_deviation(of: Evaluation, text: str):
    assert oracle_text(oracle_facts(of)) == text
    alert = judge(None, of, LEVELS, 0).alerts[0]
    assert f"Price: {text}" in render(alert, to("7"), "k" * 64, 0, "").text.split("\n")


def test_without_a_liquidation_price_it_is_that_of_the_largest_leg():
    one = replace(seen(ETHER, DOLLAR), liquidation_prices=())
    legs = one.protocol.legs
    small = replace(one, protocol=replace(one.protocol, legs=(replace(legs[0], value_base=1), legs[1])))
    assert oracle_facts(one)["oracle_of"] == "WETH (0x1111…1111)"
    assert oracle_facts(small)["oracle_of"].startswith(USDC.symbol)
    assert WETH.symbol not in oracle_facts(small)["oracle_of"]


def test_nothing_is_said_where_no_price_is_known():
    assert oracle_facts(evaluation("1.04")) == {}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_source_reaches_no_line(payload: str):
    alert = judge(None, seen(replace(ETHER, source=payload, method=payload), weth=1), LEVELS, 0).alerts[0]
    facts = {name: payload for name in alert.facts if name.startswith("oracle_")}
    for one in (alert, replace(alert, facts={**alert.facts, **facts})):
        (line,) = [s for s in render(one, to("7"), "k" * 64, 0, "").text.split("\n") if s.startswith("Price: ")]
        assert line.isprintable()
        assert "<" not in line
        assert "://" not in line
