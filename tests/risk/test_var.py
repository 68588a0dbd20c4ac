"""Tails of losses against closed forms and by hand, and draws against the covariance they are drawn from."""

import numpy as np
import pytest

from monitor.errors import UsageError
from monitor.risk.factors import Asset
from monitor.risk.var import drawn_ppm, seen_ppm, tail
from monitor.units import PPM
from tests.risk.scene import MODEL

DAY_S = 86_400
ETH, BTC, USD = (Asset(name, MODEL.classes[name]) for name in ("eth", "btc", "usd"))


def test_a_tail_by_hand():
    found = tail(range(1, 101), 9_500)
    assert (found.value_at_risk, found.expected_shortfall) == (96, 98)
    assert tail([0, 0, 0, 10], 5_000).expected_shortfall == 5


def test_a_share_that_cuts_a_loss_counts_the_part_of_it_within():
    found = tail(range(1, 11), 8_500)
    assert found.value_at_risk == 9
    assert found.expected_shortfall == pytest.approx((10 + 9 * 0.5) / 1.5)


def test_a_normal_loss_has_the_tail_of_the_textbook():
    losses = np.random.default_rng(1).standard_normal(400_000)
    for confidence, quantile, shortfall in ((9_500, 1.6449, 2.0627), (9_900, 2.3263, 2.6652)):
        found = tail(losses, confidence)
        assert found.value_at_risk == pytest.approx(quantile, rel=0.01)
        assert found.expected_shortfall == pytest.approx(shortfall, rel=0.01)


@pytest.mark.parametrize(("count", "confidence"), [(99, 9_900), (0, 9_500), (100, 10_000), (100, 0)])
def test_too_few_losses_for_the_confidence_are_refused(count: int, confidence: int):
    with pytest.raises(UsageError, match="expected a confidence"):
        tail(range(count), confidence)


def test_draws_have_the_covariance_of_the_model_and_are_the_same_for_a_seed():
    drawn = drawn_ppm(MODEL, (ETH, BTC, USD), DAY_S, 100_000, seed=7)
    assert (drawn == drawn_ppm(MODEL, (ETH, BTC, USD), DAY_S, 100_000, seed=7)).all()
    assert (drawn != drawn_ppm(MODEL, (ETH, BTC, USD), DAY_S, 100_000, seed=8)).any()
    returns = np.log(drawn / PPM)
    assert returns.std(axis=0) == pytest.approx([one.of.sigma(DAY_S) for one in (ETH, BTC, USD)], rel=0.01, abs=1e-6)
    expected = MODEL.correlation(ETH.of, BTC.of)
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(expected, abs=0.01)
    assert np.abs(returns.mean(axis=0)).max() < 1e-6, "each draw has its mirror image"


def test_two_tokens_of_a_class_that_moves_as_one_move_as_one():
    drawn = drawn_ppm(MODEL, (ETH, Asset("other ether", ETH.of)), DAY_S, 1_000, seed=1)
    assert np.abs(drawn[:, 0] - drawn[:, 1]).max() <= 1


def test_a_series_of_prices_gives_its_own_moves():
    assert seen_ppm([[100.0, 1.0], [110.0, 1.0], [55.0, 2.0]]).tolist() == [[1_100_000, PPM], [500_000, 2 * PPM]]
