"""How far the market may move, every asset by its beta and stablecoins not at all, before a position's line."""

from monitor.domain.prices import Repricing
from monitor.risk.factors import Factors
from monitor.risk.line import HealthAt, last_safe
from monitor.units import BPS, PPM

FALL_PPM = PPM
"""A market can fall by all it is worth."""
RISE_PPM = 9 * PPM
"""A market that would have to be worth more than ten times as much is out of reach."""


def joint_ppm(health: HealthAt, factors: Factors) -> tuple[int, str] | None:
    """Return how far the market may move, in millionths of now, with the position still safe, and which way it is near.

    The position is safe now. One millionth further it is past its line, by the exact evaluator. None where neither way
    leads past it.
    """
    falls = last_safe(health, lambda move: _moved(factors, -move), FALL_PPM)
    rises = last_safe(health, lambda move: _moved(factors, move), RISE_PPM if falls is None else falls + 1)
    if rises is not None and (falls is None or rises < falls):
        return rises, "rises"
    return None if falls is None else (falls, "falls")


def _moved(factors: Factors, move_ppm: int) -> Repricing:
    """Return the repricing in which each asset moved by its beta times the market's move; none falls below nothing."""
    whole = BPS * PPM
    ratios = {one.name: (max(whole + one.of.beta_bps * move_ppm, 1), whole) for one in factors.assets}
    return factors.moved(ratios, "joint")
