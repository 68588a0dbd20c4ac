"""Liquidation-level curves and stresses against every account evaluated exactly, and against the contract itself."""

from collections.abc import Sequence

import numpy as np
import pytest

from monitor.cycle.shocks.levels import Curve, levels
from monitor.cycle.shocks.screened import Screened
from monitor.cycle.shocks.stress import stress
from monitor.cycle.step import Target
from monitor.domain.assessment import Assessment, Side
from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.prices import Repricing
from monitor.protocols import ADAPTERS
from monitor.risk.curve import Amounts, Tally, curve, grid
from monitor.risk.moves import Movable, Shock
from monitor.screen.kernel import Kernel
from monitor.units import PPM, WAD
from tests.cycle.shocks.conftest import model_of
from tests.devnet import Market as Devnet
from tests.protocols.aave_v3.watched import SLUG, Watched

pytestmark = [pytest.mark.devnet, pytest.mark.xdist_group("v30")]
RATIOS = grid(600_000, 600_000, 50_000)
ULPS, CENT = 1e-12, 10**6
"""What float64 loses in sums, and the worth of one unit of the coarsest token, in base units."""


def screened_of(devnet: Devnet, kernel: Kernel) -> tuple[Screened, Movable]:
    watched = Watched(devnet)
    market, adapter = watched.market(), ADAPTERS[SLUG]
    accounts = watched.accounts(market)
    half = len(watched.keys) // 2
    several = [watched.accounts(market, watched.keys[:half]), watched.accounts(market, watched.keys[half:])]
    assert sum(map(len, several)) == len(accounts)
    target = Target(watched.deployment, adapter, ())
    found = Screened.of_accounts(target, adapter, market, several, kernel, model_of(devnet))
    assert found.movable is not None
    return found, found.movable


def assessed(found: Screened, repricing: Repricing) -> list[Assessment]:
    rows = np.arange(len(found.slots))
    return [found.adapter.assess(found.market, account, repricing) for account in found.accounts_at(rows)]


def summed(seen: Sequence[Assessment], symbol: str) -> Amounts:
    """What accounts come to, by their assessments alone; what counts for nothing is not liquidatable either."""
    legs = [leg for one in seen for leg in one.legs if leg.side is Side.COLLATERAL and leg.token.symbol == symbol]
    return Amounts(
        len(seen),
        float(sum(one.debt_base or 0 for one in seen)),
        float(sum(one.collateral_base or 0 for one in seen)),
        float(sum(leg.value_base or 0 for leg in legs if leg.weight_bps)),
    )


def has(seen: Assessment, symbol: str) -> bool:
    return any(leg.token.symbol == symbol for leg in seen.legs)


def assert_close(found: Tally, seen: Sequence[Assessment], symbol: str) -> None:
    """The same accounts; their debts within the screen's bounds; their collateral but for a token unit of each leg."""
    true, legs = summed(seen, symbol), sum(len(one.legs) for one in seen)
    assert found.least.accounts == found.most.accounts == true.accounts
    assert found.least.debt * (1 - ULPS) <= true.debt <= found.most.debt * (1 + ULPS)
    for mine, exact in ((found.most.collateral, true.collateral), (found.most.own, true.own)):
        assert abs(mine - exact) <= ULPS * exact + CENT * legs


@pytest.mark.parametrize("symbol", ["WETH", "wstETH", "WBTC", "USDC"])
def test_every_bin_equals_the_exact_evaluation_of_every_account(market_v30: Devnet, kernel: Kernel, symbol: str):
    found, movable = screened_of(market_v30, kernel)
    (curve,) = levels(found, RATIOS, symbol)
    (asset,) = movable.named(symbol)
    moves = {ratio: movable.repriced({asset.name: ratio}) for ratio in RATIOS}
    exact = {ratio: assessed(found, move) for ratio, move in moves.items()}
    low, now, high = (exact[ratio] for ratio in (RATIOS[0], PPM, RATIOS[-1]))
    affected = {
        place
        for place, (a, b, c) in enumerate(zip(low, now, high, strict=True))
        if (a.collateral_base, a.debt_base) != (b.collateral_base, b.debt_base) != (c.collateral_base, c.debt_base)
        or has(b, symbol)
    }
    past: dict[int, set[int]] = {
        ratio: {place for place in affected if seen[place].is_insolvent} for ratio, seen in exact.items()
    }
    for place, one in enumerate(curve.bins):
        ratio = one.ratio_ppm
        nearer = RATIOS[place + (ratio < PPM) - (ratio > PPM)]
        assert one.past.unknown == sum(isinstance(exact[ratio][p].health, Unmeasurable) for p in affected)
        assert_close(one.past, [exact[ratio][p] for p in past[ratio]], symbol)
        news = past[ratio] if ratio == PPM else past[ratio] - past[nearer]
        assert_close(one.entered, [exact[ratio][p] for p in news], symbol)
    assert len({one.past.least.accounts for one in curve.bins}) > 3, "the price must matter"
    assert curve.bins[RATIOS.index(PPM)].past.least.accounts > 0, "accounts under water are in the curve"


def test_without_the_exact_evaluator_the_truth_lies_between_the_ends(market_v30: Devnet, kernel: Kernel):
    found, movable = screened_of(market_v30, kernel)
    (exact,) = levels(found, RATIOS, "WETH")
    moves = [movable.repriced({exact.asset.name: ratio}) for ratio in RATIOS]
    own = found.own[exact.asset.name]
    rough = curve(found.kernel, found.slots, RATIOS, [found.factors(move) for move in moves], own)
    assert any(one.past.least != one.past.most for one in rough), "somebody must be in doubt"
    for one, true in zip(rough, exact.bins, strict=True):
        for name in ("accounts", "debt", "collateral", "own"):
            least, most = getattr(one.past.least, name), getattr(one.past.most, name)
            assert least <= getattr(true.past.most, name)
            assert getattr(true.past.least, name) <= most


def test_the_contract_itself_agrees_after_the_price_has_moved(market_v30: Devnet, kernel: Kernel):
    found, movable = screened_of(market_v30, kernel)
    rows, ratio = np.arange(len(found.slots)), 750_000
    then = stress(found, [Shock.from_text("eth=-25%"), Shock.from_text("WBTC=+10%")])
    market_v30.scale_price("WETH", ratio)
    market_v30.scale_price("WBTC", 1_100_000)
    watched, keys = Watched(market_v30), found.keys(rows)
    truth = watched.truth(keys)
    assert None not in truth
    seen = [found.adapter.assess(found.market, account, then.repricing) for account in found.accounts_at(rows)]
    later, repriced = watched.market(), Repricing()
    again = [found.adapter.assess(later, account, repriced) for account in watched.accounts(later, keys)]
    for one, two in zip(seen, again, strict=True):
        assert one.is_insolvent == two.is_insolvent
    below = {key for key, data in zip(keys, truth, strict=True) if data is not None and data.health_factor_wad < WAD}
    assert then.then.least.accounts == then.then.most.accounts == len(below)
    assert set(then.keys) <= below
    assert then.entered.most.accounts == len(then.keys) > 0
    assert movable.named("btc") == movable.named("WBTC")


def test_the_keys_of_a_stress_have_the_largest_debts_first(market_v30: Devnet, kernel: Kernel):
    found, _ = screened_of(market_v30, kernel)
    then = stress(found, [Shock("eth", 600_000)], most_keys=5)
    by_key = {seen.id.key: seen for seen in assessed(found, then.repricing)}
    debts = [by_key[key].debt_base or 0 for key in then.keys]
    assert len(debts) == 5
    assert debts == sorted(debts, reverse=True)
    assert all(isinstance(by_key[key].health, Measured) for key in then.keys)


def test_a_shock_that_means_nothing_here_changes_nothing_and_says_so(market_v30: Devnet, kernel: Kernel):
    found, _ = screened_of(market_v30, kernel)
    then = stress(found, [Shock("SOL", 500_000)])
    assert (dict(then.ratios_ppm), dict(then.repricing.nodes), then.entered.most.accounts) == ({}, {}, 0)
    assert then.now == then.then
    assert levels(found, RATIOS, "SOL") == []


def test_a_curve_tells_the_price_at_each_step(market_v30: Devnet, kernel: Kernel):
    found, _ = screened_of(market_v30, kernel)
    (curve,) = levels(found, (500_000, PPM, 1_500_000), "WETH")
    assert isinstance(curve, Curve)
    low, now, high = (float(price or 0) for price in curve.prices)
    assert now == market_v30.oracle_price("WETH") / 1e8
    assert low == pytest.approx(now / 2, rel=1e-9)
    assert high == pytest.approx(now * 1.5, rel=1e-9)
