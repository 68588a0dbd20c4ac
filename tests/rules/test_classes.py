"""The shipped classes: a loop at 1.03 is normal and a volatile pair at 1.2 is not, whatever protocol it is of."""

from dataclasses import replace
from itertools import pairwise
from math import ceil, log

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from monitor.domain.alerts import Alert, Level
from monitor.domain.assessment import Kind, Nearness
from monitor.domain.health import Line, Measured
from monitor.domain.prices import PROTOCOL
from monitor.domain.row import Evaluation
from monitor.health.evaluate import glance
from monitor.protocols.aave_v3.market import Category
from monitor.protocols.morpho_blue.adapter import MorphoBlue
from monitor.risk.apart import widest_held_ppm
from monitor.risk.model import parse
from monitor.rules.judge import judge
from monitor.rules.levels import Levels, Thresholds
from monitor.rules.quiet import quiet
from monitor.rules.reading import reading
from monitor.rules.state import Driver
from monitor.units import BPS, PPM, WAD
from tests.fakes.evaluations import block, evaluation
from tests.health.pool import JUDGE, Listing, account, pool, token
from tests.protocols.morpho_blue import made
from tests.risk.scene import CHAIN
from tests.risk.test_pegs import loan
from tests.rules.scene import HAIRCUTS, LEVELS, MODEL, RISK, TABLE

NOW_S, DAY_S = 1_750_000_000, 86_400
LISTED = {"WETH": "eth", "WSTETH": "staked", "USDC": "usd", "SUSDE": "usd-yield", "LINK": "large-cap"}
HERE = parse(RISK, (HAIRCUTS,), {"tokens": {CHAIN: {token(symbol).address: name for symbol, name in LISTED.items()}}})
SHIPPED = Levels.parse(TABLE, risk=HERE)
WETH, WSTETH, USDC, SUSDE, LINK, UNKNOWN = range(6)
POOL = pool(
    (
        Listing("WETH", 2_000 * 10**8, threshold_bps=8_300),
        Listing("WSTETH", 2_400 * 10**8, threshold_bps=8_100),
        Listing("USDC", 10**8, 6, threshold_bps=7_800),
        Listing("SUSDE", 12 * 10**7, threshold_bps=7_500),
        Listing("LINK", 20 * 10**8, threshold_bps=7_000),
        Listing("NEW", 2_400 * 10**8, threshold_bps=8_000),
    )
)

IN_MODE = replace(POOL, categories={1: Category(1, 9_300, 9_500, 10_100, members=1 << WETH | 1 << WSTETH)})
ETH, DOLLAR = 10**18, 10**6


def shipped(**of: str) -> Thresholds:
    """The shipped class that is for something."""
    ((part, value),) = of.items()
    return next(thresholds for selector, thresholds in SHIPPED.classes if value in getattr(selector, part))


LOOP, STABLE, PERPETUAL = shipped(pegs="ether"), shipped(pegs="dollar"), shipped(kinds="perp")


def owing(held: dict[int, int], debts: dict[int, int], factor: float, mode: int = 0) -> tuple[Level, Thresholds]:
    """The level and the class of an account whose debts are scaled so that its health is the factor."""

    def seen(scale: float) -> Evaluation:
        one = account(held, {i: int(raw * scale) for i, raw in debts.items()})
        return glance(JUDGE, IN_MODE, replace(one, category=mode), PROTOCOL)

    whole = seen(1).protocol.health
    assert isinstance(whole, Measured)
    found = seen(whole.numerator / whole.denominator / factor)
    assert isinstance(found.protocol.health, Measured)
    assert found.protocol.health.numerator / found.protocol.health.denominator == pytest.approx(factor, rel=1e-5)
    level = reading(found, SHIPPED).level
    assert level is not None
    return level, SHIPPED.of(found.protocol)


def test_a_loop_in_an_e_mode_at_1_03_is_normal_and_its_lines_are_those_of_loops():
    assert owing({WSTETH: 100 * ETH}, {WETH: 100 * ETH}, 1.03) == (Level.OK, LOOP)
    lines = ((1.03, Level.OK), (1.0201, Level.OK), (1.0199, Level.WATCH), (1.0149, Level.WARN), (1.0099, Level.DANGER))
    for factor, level in (*lines, (1.0049, Level.CRITICAL), (0.9999, Level.LIQUIDATABLE)):
        assert owing({WSTETH: 100 * ETH}, {WETH: 100 * ETH}, factor, mode=1) == (level, LOOP)


def test_a_loop_of_stablecoins_at_1_03_is_normal():
    assert owing({SUSDE: 10_000 * ETH}, {USDC: 10_000 * DOLLAR}, 1.03) == (Level.OK, STABLE)
    assert owing({SUSDE: 10_000 * ETH}, {USDC: 10_000 * DOLLAR}, 1.0249) == (Level.WATCH, STABLE)


@pytest.mark.parametrize(
    ("held", "debts"),
    [
        ({WETH: 100 * ETH}, {USDC: 10_000 * DOLLAR}),
        ({LINK: 100 * ETH}, {USDC: 10_000 * DOLLAR}),
        ({USDC: 10_000 * DOLLAR}, {WETH: ETH}),
        ({WSTETH: 100 * ETH, LINK: 200 * ETH}, {WETH: 100 * ETH}),
        ({WSTETH: 100 * ETH}, {WETH: 100 * ETH, LINK: 200 * ETH}),
        ({WSTETH: 100 * ETH, USDC: 10_000 * DOLLAR}, {WETH: 100 * ETH, USDC: 10_000 * DOLLAR}),
        ({UNKNOWN: 100 * ETH}, {WETH: 100 * ETH}),
        ({WSTETH: 100 * ETH}, {UNKNOWN: 100 * ETH}),
    ],
)
def test_a_volatile_pair_at_1_2_is_not_normal_nor_is_a_loop_with_one_volatile_or_unknown_leg(
    held: dict[int, int], debts: dict[int, int]
):
    assert owing(held, debts, 1.2) == (Level.WARN, SHIPPED.default)
    assert owing(held, debts, 1.03) == (Level.CRITICAL, SHIPPED.default)


def test_a_little_of_anything_that_a_stranger_supplied_changes_nothing():
    assert owing({WSTETH: 100 * ETH, LINK: 10 * ETH}, {WETH: 100 * ETH}, 1.03, mode=1) == (Level.OK, LOOP)


@pytest.mark.parametrize(("classes", "level"), [(("staked", "eth"), Level.OK), (("staked", "usd"), Level.CRITICAL)])
def test_a_market_of_staked_ether_for_ether_is_a_loop_in_morpho_too(classes: tuple[str, str], level: Level):
    risk = parse(RISK, (HAIRCUTS,), {"tokens": {made.CHAIN: dict(zip((made.HELD, made.LOAN), classes, strict=True))}})
    market, shares = made.market_of(lltv_wad=945 * WAD // 1000), 2 * 10**24 * 945 // 1030
    seen = glance(MorphoBlue(), market, made.account_of(10**18, shares), PROTOCOL)
    assert isinstance(seen.protocol.health, Measured)
    assert seen.protocol.health.numerator / seen.protocol.health.denominator == pytest.approx(1.03, rel=1e-3)
    assert reading(seen, Levels.parse(TABLE, risk=risk)).level == level


def test_without_a_risk_model_everyone_who_borrows_is_ordinary():
    seen = glance(JUDGE, POOL, account({WSTETH: ETH}, {WETH: 9 * ETH // 10}), PROTOCOL).protocol
    assert Levels.parse(TABLE).of(seen) == Levels.parse(TABLE).default


def looped(protocol: str, cautious: str) -> Evaluation:
    """A loop of both healths."""
    seen = evaluation(protocol, cautious)
    legs = glance(JUDGE, POOL, account({WSTETH: ETH}, {WETH: ETH}), PROTOCOL).protocol.legs
    return replace(seen, protocol=replace(seen.protocol, legs=legs), cautious=replace(seen.cautious, legs=legs))


def test_haircuts_of_both_sides_do_not_alarm_a_loop_and_a_market_price_below_the_rate_does():
    """1.03 less 1 % of collateral and 0.5 % of debt is 1.0146; 4 % below its rate it is 0.974."""
    calm, parted = (reading(looped("1.03", wary), SHIPPED) for wary in ("1.0146", "0.974"))
    assert calm.level == Level.OK
    assert (parted.level, parted.driver) == (Level.DANGER, Driver.CAUTIOUS)


def test_interest_that_eats_a_loop_within_two_weeks_is_told_though_health_is_fine():
    """At 80 % a year, with all of the ether lent out, 1.03 lasts two weeks."""
    for days, level in ((14, Level.OK), (5, Level.WARN), (1, Level.DANGER)):
        at = replace(looped("1.03", "1.02"), time_to_liquidation_s=days * DAY_S)
        assert reading(at, SHIPPED).level == level
        sooner = reading(replace(at, time_to_liquidation_s=days * DAY_S - 1), SHIPPED)
        worse = Level.WARN if level == Level.OK else Level(level + 1)
        assert (sooner.level, sooner.driver) == (worse, Driver.TIME)


def perpetual(factor: str, distance_bps: int | None, sigmas: float | None) -> Evaluation:
    seen = evaluation(factor, distance_bps=distance_bps)
    near = None if sigmas is None else Nearness("bitcoin", None, None, DAY_S, int(sigmas * PPM))
    of = replace(seen.protocol, kind=Kind.PERP)
    return replace(seen, protocol=of, cautious=replace(seen.cautious, kind=Kind.PERP), nearness=near)


def test_a_tenfold_long_of_bitcoin_is_opened_in_peace_and_told_by_how_far_its_price_is():
    """9.1 % away, 4.2 standard deviations, whatever its venue asks it to keep."""
    for bps, sigmas, level in ((910, 4.2, Level.OK), (800, 3.7, Level.WATCH), (590, 2.7, Level.WARN)):
        said = perpetual("8", bps, sigmas)
        assert SHIPPED.of(said.protocol) == PERPETUAL
        assert reading(said, SHIPPED).level == level
    assert reading(perpetual("8", 900, 0.9), SHIPPED).level == Level.DANGER, "a coin that moves by 10 % a day"
    assert reading(perpetual("1.09", None, None), SHIPPED).level == Level.CRITICAL


def test_a_class_does_not_change_while_measures_come_and_go():
    """A loop near its line has deviations and times in one block and not in the next, and stays a loop in silence."""
    state, alerts = None, list[Alert]()
    for number in range(200):
        seen = looped("1.022", "1.01")
        if number % 3 == 0:
            near = Nearness("bitcoin", None, None, DAY_S, 21 * PPM // 10)
            seen = replace(seen, nearness=near, time_to_liquidation_s=40 * DAY_S, distance_bps=215)
        judged = judge(state, seen, SHIPPED, NOW_S + 12 * number)
        state, alerts = judged.state, [*alerts, *judged.alerts]
    assert alerts == []


@pytest.mark.parametrize("thresholds", [SHIPPED.default, *(thresholds for _, thresholds in SHIPPED.classes)])
def test_every_class_has_every_measure_at_its_worst_level_and_room_to_leave_each(thresholds: Thresholds):
    worst = thresholds.steps[Level.CRITICAL]
    assert worst.health_wad
    assert worst.distance_bps
    assert worst.sigmas_ppm
    assert worst.time_to_liquidation_s
    lines = sorted(line for _, line in thresholds.lines["health_wad"])
    assert all(low * thresholds.release_bps < high * BPS for low, high in pairwise(lines))


HELD = st.sampled_from(
    [(("rETH",), ("WETH",)), (("sUSDe",), ("USDC",)), (("rETH",), ("USDC",)), (("WETH of nobody",), ("USDC",))]
)
LINES_WAD = sorted({line for t in (SHIPPED.default, LOOP, STABLE) for _, line in t.lines["health_wad"]})
HEALTHS_WAD = st.one_of(
    st.integers(99 * WAD // 100, 16 * WAD // 10),
    st.tuples(st.sampled_from(LINES_WAD), st.integers(-WAD // 500, WAD // 100)).map(sum),
)
PARTS_PPM = st.integers(0, PPM)


@settings(max_examples=400, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(HELD, HEALTHS_WAD, st.tuples(*[PARTS_PPM] * 4), st.integers(0, 40), st.integers(0, 5_000))
def test_no_class_has_a_quiet_position_of_which_any_measure_would_say_more(
    legs, health_wad, parts, left_days, wary_ppm
):
    """Each measure stands anywhere that health allows, before and after: nothing new is said."""
    held, owed = legs
    of = loan(dict.fromkeys(held, 10**12), dict.fromkeys(owed, 10**12))

    def at(wad: int, number: int, nearer_ppm: int, likelier_ppm: int) -> Evaluation:
        seen = replace(of, health=Measured(wad, WAD, Line.BELOW, None), at=block(number, NOW_S + 12 * number))
        wary = replace(seen, health=Measured(wad * (PPM - wary_ppm) // PPM, WAD, Line.BELOW, None))
        sigmas_ppm = ceil(max(log(wad / WAD), 0) * PPM**2 / widest_held_ppm(MODEL, of)) + likelier_ppm
        distance_bps = max(wad - WAD, 0) * BPS // wad + nearer_ppm // 100
        near = Nearness("bitcoin", None, None, DAY_S, sigmas_ppm)
        return Evaluation(seen, wary, (), distance_bps, None, None, left_days * DAY_S, near)

    first = at(health_wad, 1, parts[0], parts[1])
    state = judge(None, first, LEVELS, NOW_S + 12).state
    rest = quiet(state, first, LEVELS)
    assume(rest is not None)
    assert rest is not None
    low = health_wad * 9 // 10 if rest.protocol.above_wad is None else rest.protocol.above_wad
    high = health_wad * 11 // 10 if rest.protocol.below_wad is None else rest.protocol.below_wad
    assume(high - low > 2)
    later = at(low + 1 + (high - low - 2) * parts[2] // PPM, 2, parts[3], parts[2])
    assume(rest.cautious.holds(later.cautious.health))
    after = judge(state, later, LEVELS, NOW_S + 24)
    assert after.alerts == ()
    assert after.state.level == state.level


def test_a_loop_with_dust_in_it_is_judged_at_every_block_since_prices_alone_may_make_it_ordinary():
    for dust, is_open in ((10**8, True), (0, False)):
        seen = loan({"rETH": 10**12, "USDC": dust}, {"WETH": 10**12})
        calm = replace(seen, health=Measured(103, 100, Line.BELOW, None))
        said = Evaluation(calm, calm)
        assert reading(said, LEVELS).level == Level.OK
        assert (quiet(judge(None, said, LEVELS, NOW_S).state, said, LEVELS) is None) is is_open
