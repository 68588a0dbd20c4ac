"""How near a position's line is when prices move together: what an evaluation says beside each price alone."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from monitor.domain.assessment import Assessment, Kind, Moved, Nearness
from monitor.domain.health import Health, Measured
from monitor.domain.prices import Repricing
from monitor.domain.row import Evaluation
from monitor.health.judge import A, Judge
from monitor.risk.factors import CountedIn, Factors, factors_of
from monitor.risk.joint import joint_ppm
from monitor.risk.model import RiskModel
from monitor.risk.sigmas import Way, covariance, likeliest
from monitor.units import PPM, mul_div_down

C = TypeVar("C", bound=CountedIn)


def with_nearness(model: RiskModel, judge: Judge[C, A], market: C, account: A, seen: Evaluation) -> Evaluation:
    """Return the evaluation with its nearness, as it is where nothing is measured or owed."""
    now = seen.protocol.health
    if not isinstance(now, Measured):
        return seen
    factors = factors_of(model, market, seen.protocol)
    if now.is_past_line:
        return replace(seen, nearness=Nearness(model.market, 0, None, model.horizon_s, 0))

    def health(repricing: Repricing) -> Health:
        return judge.health(market, account, repricing)

    joint = joint_ppm(health, factors)
    spread = covariance(model, factors.assets, model.horizon_s)
    way = likeliest(health, factors, spread, seen.liquidation_prices) if factors.assets else None
    return replace(
        seen,
        nearness=Nearness(
            market=model.market,
            joint_ppm=None if joint is None else joint[0],
            joint_direction=None if joint is None else joint[1],
            horizon_s=model.horizon_s,
            sigmas_ppm=None if way is None else way.sigmas_ppm,
            likeliest=() if way is None else _moves(factors, way),
        ),
    )


def spare_ppm(seen: Assessment) -> int | None:
    """Return what share of everything a perpetual account holds it may lose before its line, rounded down.

    It is about how far every price may move against it at once, and costs nothing to know; 0 past the line, None where
    it is not measured or nothing is open.
    """
    margin = seen.margin
    if seen.kind is not Kind.PERP or margin is None or margin.surplus_base is None or not margin.notional_base:
        return None
    held = margin.notional_base + sum(leg.value_base or 0 for leg in seen.legs)
    return mul_div_down(max(margin.surplus_base, 0), PPM, held)


def _moves(factors: Factors, way: Way) -> tuple[Moved, ...]:
    """Return the way's moves, the largest first and those below a thousandth of it left out."""
    shares = np.expm1(way.returns)
    least = np.abs(shares).max() / 1000
    moves = [
        Moved(one.name, one.token, round(share * PPM))
        for one, share in zip(factors.assets, shares.tolist(), strict=True)
        if abs(share) >= least
    ]
    return tuple(sorted(moves, key=lambda move: -abs(move.move_ppm)))
