"""The full evaluation: two views that stay two, and what is searched for."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.prices import Node, Repricing, SidedValue, Unknown
from monitor.domain.row import Evaluation
from monitor.health.evaluate import evaluation, glance
from monitor.health.remedy import reaches
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.market import Market
from monitor.units import WAD
from tests.health.pool import JUDGE, Listing, account, asset, pool
from tests.health.random_pools import positions

E8, E18 = 10**8, 10**18
WETH, USDC = Listing("WETH", 2_500 * E8, 18, 8_300), Listing("USDC", E8, 6, 7_800)
SAFE = account({0: 10 * E18}, {1: 15_000 * 10**6})
PAST = account({0: 10 * E18}, {1: 21_000 * 10**6})


def cautious(nodes: dict[Node, int | SidedValue | Unknown]) -> Repricing:
    return Repricing("cautious", nodes)


def evaluated(who: Account, nodes: dict[Node, int | SidedValue | Unknown], target_wad: int | None = None) -> Evaluation:
    return evaluation(JUDGE, pool([WETH, USDC]), who, cautious(nodes), target_wad)


def test_a_haircut_never_claims_that_a_position_can_be_liquidated():
    found = evaluated(SAFE, {asset("WETH"): SidedValue(1_500 * E8, 2_500 * E8)})
    assert isinstance(found.cautious.health, Measured)
    assert found.cautious.health.is_past_line
    assert not found.protocol.is_liquidatable_now
    assert found.quote is None
    assert found.distance_bps == 2_771


def test_a_position_past_its_line_has_a_quote_however_well_the_market_thinks_of_it():
    found = evaluated(PAST, {asset("WETH"): 5_000 * E8})
    assert found.protocol.is_liquidatable_now
    assert found.quote is not None
    assert found.quote.profit_base > 0
    assert isinstance(found.cautious.health, Measured)
    assert not found.cautious.health.is_past_line


def test_without_a_target_there_is_no_remedy():
    assert evaluated(SAFE, {}).remedy is None


def test_the_remedy_mends_both_views():
    found = evaluated(SAFE, {asset("WETH"): 2_000 * E8}, 3 * WAD // 2)
    protocol_only = evaluated(SAFE, {}, 3 * WAD // 2)
    assert found.remedy is not None
    assert protocol_only.remedy is not None
    assert [s.action for s in found.remedy.steps] == ["add", "repay"]
    for both, one in zip(found.remedy.steps, protocol_only.remedy.steps, strict=True):
        assert both.amount_raw > one.amount_raw
        assert both.reaches_wad > one.reaches_wad


def test_an_unknown_market_price_leaves_the_protocols_view_and_its_remedy():
    found = evaluated(SAFE, {asset("WETH"): Unknown("stale")}, 3 * WAD // 2)
    assert found.cautious.health == Unmeasurable("stale")
    assert isinstance(found.protocol.health, Measured)
    assert found.remedy is not None
    assert len(found.remedy.steps) == 2
    assert len(found.liquidation_prices) == 2


def test_a_reverting_feed_leaves_the_cautious_view_measured_by_an_independent_price():
    market = pool([Listing("WETH", Unknown("the feed reverts"), 18, 8_300), USDC])
    found = evaluation(JUDGE, market, SAFE, cautious({asset("WETH"): 2_400 * E8}), 3 * WAD // 2)
    assert found.protocol.health == Unmeasurable("the feed reverts")
    assert isinstance(found.cautious.health, Measured)
    assert (found.liquidation_prices, found.distance_bps, found.quote) == ((), None, None)
    assert found.remedy is not None
    assert found.remedy.steps == ()


def test_nothing_owed_is_nothing_to_search():
    found = evaluated(account({0: E18}, {}), {}, 2 * WAD)
    assert (found.liquidation_prices, found.distance_bps, found.quote) == ((), None, None)


def test_a_glance_is_both_views_and_no_search():
    found = glance(JUDGE, pool([WETH, USDC]), PAST, cautious({asset("WETH"): 2_000 * E8}))
    assert found == Evaluation(found.protocol, found.cautious)
    assert (found.protocol.repricing, found.cautious.repricing) == ("protocol", "cautious")


@given(positions(), st.integers(0, 3_000), st.integers(0, 3_000))
def test_the_cautious_view_is_never_better_than_the_protocols(
    position: tuple[Market, Account], cut_bps: int, up_bps: int
):
    market, who = position
    nodes = {
        node: SidedValue(value * (10_000 - cut_bps) // 10_000, -(-value * (10_000 + up_bps) // 10_000))
        for node, _ in market.tokens
        if isinstance(value := market.graph.values[node], int)
    }
    found = glance(JUDGE, market, who, Repricing("cautious", nodes))
    if isinstance(found.protocol.health, Measured) and isinstance(found.cautious.health, Measured):
        threshold_of_one_bp = found.cautious.health.denominator // 1_000
        assert (
            found.cautious.health.numerator * found.protocol.health.denominator
            <= (found.protocol.health.numerator + threshold_of_one_bp) * found.cautious.health.denominator
        )
    assert found.protocol.is_insolvent == (not reaches(found.protocol.health, WAD))
