"""No search finds a likelier way past the line than health allows, in any protocol's made-up markets."""

from importlib import import_module
from math import exp, log

import pytest
from hypothesis import HealthCheck, given, settings

from monitor.domain.assessment import Assessment, Kind
from monitor.domain.health import Measured
from monitor.domain.ids import Slug
from monitor.domain.prices import PROTOCOL
from monitor.health.evaluate import glance
from monitor.ledger.accounts import Account
from monitor.protocols import ADAPTERS, VENUES
from monitor.protocols.aave_v3.market import Market
from monitor.risk.apart import FASTEST_BPS, health_within_time_wad, health_within_wad, widest_held_ppm, widest_ppm
from monitor.risk.nearness import with_nearness
from monitor.units import BPS, PPM, WAD, YEAR_S
from tests.health.pool import JUDGE, account
from tests.health.random_pools import positions
from tests.protocols.family import Family
from tests.risk.scene import MODEL, USDC, WETH, loan, seen_loan
from tests.risk.test_families import FAMILIES, pairs

DAY_S = 86_400
JUMPS = {"liquity_v1"}
"""Its line jumps from 110 % to 150 % when all troves together fall below that: no health of one trove bounds it."""
LENDERS = [s for s in FAMILIES if s not in JUMPS and {**ADAPTERS, **VENUES}[Slug(s)].kind is Kind.LENDING]


def bounded(seen: Assessment, sigmas_ppm: int) -> None:
    """Whoever is that near has less health than any loan has at that distance."""
    assert isinstance(seen.health, Measured)
    least_wad = health_within_wad(widest_held_ppm(MODEL, seen), sigmas_ppm + 1)
    cruel = sum(2 * WAD // leg.price for leg in seen.legs if isinstance(leg.price, int) and leg.price > 0)
    assert seen.health.factor_wad_down * WAD <= least_wad * (WAD + cruel), "a price moves by whole units of itself"
    assert widest_held_ppm(MODEL, seen) <= widest_ppm(MODEL, ())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(positions())
def test_no_way_is_likelier_than_that_of_the_two_assets_that_part_most(drawn: tuple[Market, Account]):
    market, one = drawn
    seen = with_nearness(MODEL, JUDGE, market, one, glance(JUDGE, market, one, PROTOCOL))
    if seen.nearness is not None and seen.nearness.sigmas_ppm:
        bounded(seen.protocol, seen.nearness.sigmas_ppm)


@pytest.mark.parametrize("slug", LENDERS)
def test_in_every_protocol_that_lends_health_bounds_the_standard_deviations(slug: str):
    family: Family = import_module(f"tests.protocols.{slug}.test_contract").TestMadeUp.family
    judge, told = family.adapter, 0
    for market, one in pairs(family):
        seen = with_nearness(MODEL, judge, market, one, glance(judge, market, one, PROTOCOL))
        if seen.nearness is not None and seen.nearness.sigmas_ppm:
            bounded(seen.protocol, seen.nearness.sigmas_ppm)
            told += 1
    assert told > 0


def test_a_loan_of_one_coin_against_one_other_is_as_far_as_its_bound_but_for_the_rates():
    one = account({WETH: 10**18}, {USDC: 1_400 * 10**6})
    seen, sigmas_ppm = seen_loan(one).protocol, loan(one).sigmas_ppm
    assert isinstance(seen.health, Measured)
    assert sigmas_ppm is not None
    bound_wad = health_within_wad(widest_held_ppm(MODEL, seen), sigmas_ppm)
    assert log(bound_wad / WAD) == pytest.approx(log(seen.health.numerator / seen.health.denominator), rel=0.01)


def test_assets_of_a_peg_part_less_than_any_two():
    assert widest_ppm(MODEL, ("ether",)) < widest_ppm(MODEL, ("dollar",)) < widest_ppm(MODEL, ())
    assert widest_ppm(MODEL, ("bitcoin", "ether")) == widest_ppm(MODEL, ("ether",))


def test_interest_alone_takes_its_time_at_the_fastest():
    assert health_within_time_wad(DAY_S) / WAD == pytest.approx(exp(FASTEST_BPS / BPS * DAY_S / YEAR_S), abs=1e-11)
    assert health_within_time_wad(0) == WAD
    assert health_within_time_wad(YEAR_S * 100) == 10**9 * WAD
    assert health_within_wad(40_000, 2 * PPM) / WAD == pytest.approx(exp(0.08), abs=1e-11)
