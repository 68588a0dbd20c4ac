"""Incidents of the past, through the rules: what an owner would have been told, at which block, and what not."""

import json
from dataclasses import replace

from monitor import resources
from monitor.domain.alerts import Alert, AlertKind, Level
from monitor.outbox.render import render
from monitor.pricing.formula import RatioCap
from monitor.rules.levels import Levels
from monitor.settings import table
from tests.health.pool import NOW_S, account
from tests.outbox.scene import to
from tests.rules.causes.scene import E8, E18, Watched, kinds

DIVERGED, OVER, WORSENED, RECOVERED = (
    AlertKind.DIVERGED,
    AlertKind.DIVERGENCE_OVER,
    AlertKind.WORSENED,
    AlertKind.RECOVERED,
)
DAY_S = 86_400
OF_STABLES = {
    "class": {
        "stables": {
            "deployments": ["local-core"],
            "release": "1.004",
            "watch": {"health": "1.025", "distance_bps": 243},
            "warn": {"health": "1.018", "distance_bps": 176},
            "danger": {"health": "1.012", "distance_bps": 118},
            "critical": {"health": "1.006", "distance_bps": 59},
        }
    }
}


def text(alert: Alert) -> str:
    return render(alert, to("7"), "k" * 64, 0, "").text


def told(watched: Watched, kind: AlertKind) -> list[Alert]:
    return [alert for alert in watched.said if alert.kind is kind]


STAKED_RATIO = 12_282 * E18 // 10_000
GROWTH = (11_939 - 11_919) * E18 // 10_000 * 10**6 // (7 * DAY_S)
"""What takes a snapshot of 1.1919 to the cap of 1.1939 in the seven days that it is old."""


def cap(snapshot: int) -> RatioCap:
    return RatioCap(snapshot, NOW_S - 7 * DAY_S, GROWTH, 10**6, 18, NOW_S)


def staked(health_bps: int) -> Watched:
    """A position in wstETH, worth 1.2282 ethers of 2,000 dollars, under a cap that leaves it room."""
    ether = 2_000 * E8
    watched = Watched(before=ether * STAKED_RATIO // E18, health_bps=health_bps)
    watched.feed = ether
    for _ in range(2):
        watched.see(formula=cap(13_000 * E18 // 10_000), upstream=STAKED_RATIO)
    assert told(watched, DIVERGED) == []
    return watched


def test_s01_a_cap_that_is_set_too_low_liquidates_without_any_move_of_the_market():
    levels = list[Level]()
    for health_bps in (10_285, 10_290):
        watched = staked(health_bps)
        assert watched.state is not None
        before = watched.state.known["health"]
        said = watched.see(formula=cap(11_919 * E18 // 10_000), upstream=STAKED_RATIO)
        levels.append(max(alert.level for alert in said))
        watched.see(formula=cap(11_919 * E18 // 10_000), upstream=STAKED_RATIO)
        (alert,) = told(watched, DIVERGED)
        assert alert.facts["market_health"] == before
        assert "2.8 % below the market (capped)" in text(alert)
        assert "fictitious" not in text(alert)
    assert levels == [Level.LIQUIDATABLE, Level.CRITICAL]


def test_s02_a_price_without_its_dollar_leg_is_told_at_once_and_never_called_stale():
    watched = Watched(before=2_200 * E8, health_bps=15_000)
    watched.see()
    (worse,) = watched.see(112_000_000)
    assert (worse.kind, worse.level) == (WORSENED, Level.LIQUIDATABLE)
    assert any(step["action"] == "repay" for step in json.loads(worse.facts["steps"]))
    watched.see()
    (alert,) = told(watched, DIVERGED)
    assert "misconfigured, ×1/1964" in text(alert)
    assert "stale" not in text(alert)
    assert AlertKind.UNKNOWN not in kinds(watched.said)


def test_s03_a_debt_that_jumps_on_one_exchange_liquidates_whoever_is_below_it_and_not_who_holds_the_same():
    found = list[Level]()
    for health_bps in (12_900, 13_100):
        watched = Watched(before=E8, health_bps=health_bps, is_debt=True)
        watched.see()
        watched.see(130 * E8 // 100)
        found.append(watched.said[-1].level)
        watched.see()
        (alert,) = told(watched, DIVERGED)
        assert (alert.facts["apart_pct"], alert.facts["apart_side"]) == ("30", "above")
    assert found == [Level.LIQUIDATABLE, Level.CRITICAL]
    farmer = Watched(before=E8, health_bps=12_900, is_debt=True)
    farmer.account = account({1: 1_300 * E18}, {1: 1_000 * E18})
    farmer.see()
    health = farmer.state and farmer.state.known["health"]
    for _ in range(3):
        farmer.see(130 * E8 // 100)
    assert farmer.state is not None
    assert farmer.state.known["health"] == health
    assert [a for a in farmer.said if a.level is Level.LIQUIDATABLE] == []


def test_s04_three_minutes_of_a_wrong_price_are_told_in_their_block_and_end_in_one_recovery():
    own = Levels.parse(table(resources.config() / "levels.toml"), OF_STABLES)
    watched = Watched(before=E8, health_bps=10_281, is_debt=True, levels=own)
    assert watched.see() == []
    (worse,) = watched.see(102_830_000, after_s=2)
    assert (worse.kind, worse.level) == (WORSENED, Level.LIQUIDATABLE)
    for _ in range(89):
        watched.see(102_830_000, after_s=2)
    for _ in range(600):
        watched.see(E8, after_s=2)
    assert len(told(watched, WORSENED)) == len(told(watched, RECOVERED)) == 1
    assert len(told(watched, DIVERGED)) == len(told(watched, OVER)) == 1
    assert told(watched, DIVERGED)[0].facts["apart_pct"] == "2.83"


def test_s06_a_feed_stuck_at_its_minimum_is_fictitious_health_and_nothing_is_ok():
    watched = Watched(before=10_700_000, health_bps=20_000, low=10_700_000)
    said = [*watched.see(10_700_000, 10_700_000), *watched.see(10_700_000, 1_000_000, age_s=DAY_S)]
    assert any(a.kind is WORSENED and a.level is Level.CRITICAL and a.facts["driver"] == "cautious" for a in said)
    watched.see(age_s=DAY_S)
    (alert,) = told(watched, DIVERGED)
    assert "at the feed s minimum" in alert.facts["why"]
    assert "stale" in alert.facts["why"]
    assert "your health is fictitious" in text(alert)
    assert alert.facts["health"] == "2"
    assert alert.facts["market_health"].startswith("0.1869")
    assert watched.state is not None
    assert watched.state.is_unknown
    for _ in range(100):
        watched.see(age_s=DAY_S)
    assert not {RECOVERED, AlertKind.KNOWN_AGAIN} & set(kinds(watched.said))
    assert all("nothing now" not in text(a) for a in watched.said)


def test_s07_and_s08_a_hardcoded_price_keeps_health_flat_while_the_markets_collapses():
    for steps in (((126, 126), (126, 115), (126, 27)), ((100, 100), (100, 25), (100, 2))):
        watched = Watched(before=steps[0][0] * E8 // 100, health_bps=16_000, method="hardcoded")
        watched.see()
        flat = watched.state and watched.state.known["health"]
        for feed_cents, market_cents in steps[1:]:
            first = watched.see(feed_cents * E8 // 100, market_cents * E8 // 100)
            assert any(a.kind is WORSENED for a in first) is (len(told(watched, DIVERGED)) == 0 or market_cents == 27)
            watched.see()
        said = told(watched, DIVERGED)
        assert len(said) == 2
        assert all("(hard-coded" in text(a) for a in said)
        assert {a.facts["health"] for a in said} == {flat}
        assert float(said[-1].facts["market_health"]) < 0.5
        assert watched.state is not None
        assert watched.state.level is Level.CRITICAL


def test_s10_a_price_a_million_times_up_recovers_nobody():
    watched = Watched(before=E8, health_bps=10_300)
    (worse,) = watched.see()
    assert worse.kind is WORSENED
    for _ in range(200):
        watched.see(165 * 10**14)
    assert RECOVERED not in kinds(watched.said)
    (alert,) = told(watched, DIVERGED)
    assert "misconfigured, ×165000000" in text(replace(alert, facts=dict(alert.facts)))
    assert alert.level is Level.CRITICAL
    assert watched.state is not None
    assert watched.state.level is Level.CRITICAL
