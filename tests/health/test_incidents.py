"""Wrong prices of the past: what each view would have said at the first look, and what it never would."""

from typing import NamedTuple

import pytest

from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.prices import PriceUsed
from monitor.health.evaluate import glance
from monitor.pricing.graph import PriceGraph
from monitor.pricing.haircuts import Haircut, Haircuts
from monitor.pricing.repricing import cautious
from monitor.pricing.sanity import Bounds, doubts, is_jump
from tests.health.pool import JUDGE, NOW_S, Listing, account, asset, feed, pool

E8, E18 = 10**8, 10**18
FLAT = Haircuts(Haircut("none", 0, 0, 50, "test", "2026-11-21"), {})
OK, PAST, UNKNOWN = "above the line", "past the line", "unknown"


class Incident(NamedTuple):
    """One token's feed and market price, held (or owed) against a token that stays at one dollar.

    `health_bps` is the position's health before; `age_s` and `low` are the feed's age and minimum.
    """

    before: int
    feed: int
    market: int | None
    health_bps: int
    protocol: str
    cautious: str
    divergence_bps: int | None
    is_debt: bool = False
    age_s: int = 60
    low: int = 1


INCIDENTS = {
    "wstETH capped too low, March 2026": Incident(1_2282 * E8, 1_1939 * E8, 1_2282 * E8, 10_250, PAST, PAST, -280),
    "cbETH without its dollar leg, February 2026": Incident(
        2_200 * E8, 112_000_000, 2_200 * E8, 15_000, PAST, PAST, -9_995
    ),
    "DAI at 1.30 on one exchange, November 2020": Incident(
        E8, 13 * E8 // 10, E8, 12_900, PAST, PAST, 3_000, is_debt=True
    ),
    "deUSD at 1.0283 for three minutes, May 2025": Incident(E8, 102_830_000, E8, 10_200, PAST, PAST, 283, is_debt=True),
    "LUNA stuck at its minimum, May 2022": Incident(
        10_700_000, 10_700_000, 1_000_000, 20_000, OK, PAST, 97_000, low=10_700_000
    ),
    "LUNA stuck, and nobody else to ask": Incident(
        10_700_000, 10_700_000, None, 20_000, OK, UNKNOWN, None, low=10_700_000
    ),
    "xUSD hardcoded while it fell, November 2025": Incident(
        126_000_000, 126_000_000, 27_000_000, 15_000, OK, PAST, 36_667
    ),
    "wrsETH a million times up, November 2025": Incident(E8, 165 * 10**14, E8, 9_900, OK, PAST, None),
    "an oracle an hour behind a crash, October 2025": Incident(
        2_500 * E8, 2_500 * E8, 2_000 * E8, 12_000, OK, PAST, 2_500
    ),
    "a feed that stopped, with a market to ask": Incident(E8, E8, E8, 15_000, OK, OK, 0, age_s=10**6),
    "a feed that stopped, alone": Incident(E8, E8, None, 15_000, OK, UNKNOWN, None, age_s=10**6),
}


def seen(incident: Incident):
    """Evaluate the position at the first block with the wrong price."""
    held, owed = (E8, incident.before) if incident.is_debt else (incident.before, E8)
    amount = 1_000 * E18
    debt = amount * held // owed * 8_000 // incident.health_bps
    prices = (E8, incident.feed) if incident.is_debt else (incident.feed, E8)
    market = pool([Listing("HELD", prices[0]), Listing("OWED", prices[1])])
    symbol = "OWED" if incident.is_debt else "HELD"
    labels = doubts(incident.feed, NOW_S - incident.age_s, Bounds(incident.low), 3_600, NOW_S)
    inputs = [
        PriceUsed(p.node, p.value, 8, p.source, p.method, labels=labels) if p.node == feed(symbol) else p
        for p in market.graph.inputs
    ]
    graph = PriceGraph.of(inputs, market.graph.derived)
    other = (
        {}
        if incident.market is None
        else {asset(symbol): PriceUsed(asset(symbol), incident.market, 8, "venue", "market")}
    )
    outlook = cautious(market.tokens, graph, other, FLAT, market.deployment.chain)
    return glance(JUDGE, market, account({0: amount}, {1: debt}), outlook.repricing), outlook, labels


def said(health) -> str:
    if isinstance(health, Unmeasurable):
        return UNKNOWN
    assert isinstance(health, Measured)
    return PAST if health.is_past_line else OK


@pytest.mark.parametrize("incident", INCIDENTS.values(), ids=INCIDENTS.keys())
def test_the_protocols_price_is_never_dropped_and_safety_never_read_out_of_it(incident: Incident):
    found, outlook, labels = seen(incident)
    assert said(found.protocol.health) == incident.protocol
    assert said(found.cautious.health) == incident.cautious
    assert found.protocol.is_liquidatable_now == (incident.protocol == PAST)
    if incident.divergence_bps is not None:
        assert [fact.bps for fact in outlook.divergences] == [incident.divergence_bps]
    if incident.cautious == UNKNOWN:
        assert labels


def test_prices_two_orders_of_magnitude_off_are_called_misconfigured():
    named = {name for name, incident in INCIDENTS.items() if seen(incident)[1].misconfigured}
    assert named == {"cbETH without its dollar leg, February 2026", "wrsETH a million times up, November 2025"}


def test_a_jump_is_a_label_and_the_view_is_the_same_with_and_without_it():
    incident = INCIDENTS["cbETH without its dollar leg, February 2026"]
    assert is_jump(incident.before, incident.feed, 1_000)
    assert said(seen(incident)[0].protocol.health) == PAST
