"""What holds of any health: it follows prices one way, knows no unit of account, and its advice is exact."""

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.domain.assessment import Side
from monitor.domain.health import Health, Measured, NoDebt
from monitor.domain.prices import PROTOCOL, Node, Repricing
from monitor.health.remedy import reaches, remedy
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.market import Market
from monitor.units import PPM, WAD
from tests.health.pool import JUDGE
from tests.health.random_pools import positions

EXAMPLES, LONG = 500, 100_000


BEYOND = Fraction(10**80)
"""More than any health: that of a debt that is worth nothing."""


def factor(health: Health) -> Fraction:
    assert isinstance(health, Measured | NoDebt)
    return BEYOND if isinstance(health, NoDebt) else Fraction(health.numerator, health.denominator)


def priced(market: Market, account: Account, prices: Mapping[Node, int]) -> Fraction:
    return factor(JUDGE.health(market, account, Repricing("test", dict(prices))))


def inputs(market: Market) -> dict[Node, int]:
    """The feeds, by node."""
    return {
        node: value
        for node, value in market.graph.values.items()
        if node.startswith("feed:") and isinstance(value, int)
    }


def test_health_follows_prices_knows_no_unit_and_its_advice_is_right_to_the_last_unit(request: pytest.FixtureRequest):
    examples = LONG if request.config.getoption("--long") else EXAMPLES

    @settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(positions(), st.integers(2, 10**6), st.integers(0, 2 * PPM), st.integers(105 * 10**16, 3 * WAD))
    def held(position: tuple[Market, Account], times: int, to_ppm: int, target_wad: int) -> None:
        market, account = position
        seen = JUDGE.assess(market, account)
        if isinstance(seen.health, Measured):
            follows_prices(market, account, to_ppm)
            knows_no_unit(market, account, times)
            advises_to_the_unit(market, account, target_wad)

    held()


def follows_prices(market: Market, account: Account, to_ppm: int) -> None:
    """A collateral's price that falls never raises health, a debt's never lowers it; and the other way round.

    Of several collaterals the contract cuts their average threshold off at a basis point: by that much it may be off.
    """
    seen, now = JUDGE.assess(market, account), inputs(market)
    before = factor(seen.health)
    thresholds = [leg.weight_bps for leg in seen.legs if leg.side is Side.COLLATERAL]
    cut = Fraction(len(thresholds) > 1, min(thresholds))
    sides: dict[str, set[Side]] = {}
    for leg in seen.legs:
        sides.setdefault(leg.token.address, set()).add(leg.side)
    for leg in seen.legs:
        if len(sides[leg.token.address]) == 1:
            node = Node(f"feed:{leg.token.address}")
            moved = max(now[node] * to_ppm // PPM, 1)
            after = priced(market, account, {node: moved})
            is_better = moved >= now[node] if leg.side is Side.COLLATERAL else moved <= now[node]
            worse, better = (before, after) if is_better else (after, before)
            assert better >= worse * (1 - cut * (leg.side is Side.COLLATERAL))


def knows_no_unit(market: Market, account: Account, times: int) -> None:
    """Every price so many times as high is the same health, but for what is cut off at the end of each value."""
    seen, now = JUDGE.assess(market, account), inputs(market)
    before = factor(seen.health)
    after = priced(market, account, {node: price * times for node, price in now.items()})
    assert seen.collateral_base is not None
    assert seen.debt_base is not None
    units = len(seen.legs) + 1
    if min(seen.collateral_base, seen.debt_base) > units:
        cut = Fraction(units, seen.debt_base - units) + Fraction(units, seen.collateral_base - units)
        threshold_bps = min(leg.weight_bps for leg in seen.legs if leg.side is Side.COLLATERAL)
        assert abs(after - before) <= before * (cut + Fraction(1, threshold_bps - 1)) * (1 + cut)


def advises_to_the_unit(market: Market, account: Account, target_wad: int) -> None:
    """Each step reaches the target, and one unit less does not."""
    seen = JUDGE.assess(market, account)
    for step in remedy(JUDGE, market, account, target_wad, [(PROTOCOL, seen)]).steps:
        side = Side.DEBT if step.action == "repay" else Side.COLLATERAL
        leg = next(leg for leg in seen.legs if leg.side is side and leg.token == step.token)
        for less, is_enough in ((0, True), (1, False)):
            after = JUDGE.adjusted(market, account, leg, step.amount_raw - less)
            assert reaches(JUDGE.health(market, after), target_wad) is is_enough
