"""Arithmetic against the package's own libraries, and the curve of rates against the devnet's."""

import random
from fractions import Fraction

import pytest

from monitor.protocols.morpho_blue.interest import Totals, adaptive_rate_wad
from monitor.protocols.morpho_blue.math import (
    incentive_factor_wad,
    to_assets_down,
    to_assets_up,
    to_shares_down,
    to_shares_up,
    w_div_up,
    w_exp,
    w_taylor_compounded,
)
from monitor.units import WAD
from tests.protocols.morpho_blue.watched import Watched

CASES = 400


def any_size(chance: random.Random, most_bits: int) -> int:
    return chance.getrandbits(chance.randint(1, most_bits))


@pytest.mark.devnet
def test_shares_and_interest_are_the_packages_own(watched: Watched) -> None:
    chance, told, view = random.Random(1), watched.morpho.told, watched.morpho.chain.views
    shares = [(any_size(chance, 127), any_size(chance, 100), any_size(chance, 120)) for _ in range(CASES)]
    truth = view([(told, "shares(uint256,uint256,uint256)(uint256,uint256,uint256,uint256)", *case) for case in shares])
    ours = [(to_shares_down(*case), to_shares_up(*case), to_assets_down(*case), to_assets_up(*case)) for case in shares]
    assert ours == truth
    rates = [(any_size(chance, 42), any_size(chance, 32)) for _ in range(CASES)]
    assert [w_taylor_compounded(*case) for case in rates] == view(
        [(told, "taylor(uint256,uint256)(uint256)", *case) for case in rates]
    )
    divisions = [(any_size(chance, 128), any_size(chance, 100) + 1) for _ in range(CASES)]
    assert [w_div_up(*case) for case in divisions] == view(
        [(told, "divUp(uint256,uint256)(uint256)", *case) for case in divisions]
    )


@pytest.mark.devnet
def test_the_moving_curves_rate_is_the_models_own_at_every_use_and_age(watched: Watched) -> None:
    """The devnet's model is our own, written from the published formula; real markets verify it at every read."""
    morpho, chance, chain = watched.morpho, random.Random(2), watched.morpho.chain
    one = morpho.of("weth-usdc")
    irm, now_s = morpho.irms["curve"], chain.head().timestamp_s
    start = chain.view(irm, "rateAtTarget(bytes32)(int256)", one.key)
    signature = (
        "borrowRateView((address,address,address,address,uint256),"
        "(uint128,uint128,uint128,uint128,uint128,uint128))(uint256)"
    )
    cases = []
    for _ in range(CASES):
        supply = any_size(chance, 100)
        since_s = now_s - chance.choice([0, 1, 12, any_size(chance, 30)])
        cases.append(Totals(supply, 0, supply * chance.randint(0, 1000) // 1000, 0, since_s, 0))
    truth = chain.views([(irm, signature, one.words, case.words) for case in cases])
    assert [adaptive_rate_wad(case, start, now_s - case.updated_s) for case in cases] == truth


@pytest.mark.parametrize("lltv_ppm", [385_000, 625_000, 770_000, 860_000, 915_000, 945_000, 965_000, 980_000])
def test_the_incentive_is_one_over_what_a_cursor_of_thirty_percent_leaves(lltv_ppm: int) -> None:
    stated = min(Fraction(115, 100), 1 / (1 - Fraction(3, 10) * (1 - Fraction(lltv_ppm, 10**6))))
    assert 0 <= stated * WAD - incentive_factor_wad(lltv_ppm * WAD // 10**6) < 2


def test_the_exponential_ends_where_the_contracts_does() -> None:
    assert w_exp(-(42 * WAD)) == 0
    assert w_exp(94 * WAD) == w_exp(200 * WAD)
    assert w_exp(0) == WAD
    assert abs(w_exp(WAD) - 2_718_281_828_459_045_235) < WAD // 50
