"""The deployed markets do what Aave's rules say, on accounts small enough to compute by hand."""

import pytest

from tests.devnet import MAX, Market, Reverted, features, legs_of
from tests.devnet.aave.market import LIQUIDATOR
from tests.devnet.aave.shape import HOUR_S, State
from tests.devnet.people.written import flag_as_collateral, leave_e_mode

pytestmark = pytest.mark.devnet
OWNER = "0x" + "0e" * 20
UNIT = 10**18


def _frozen_prices(market: Market) -> None:
    market.set_price("rETH", 2_000 * 10**8)
    market.set_price("GHO", 10**8)


def test_all_six_values_of_an_account_equal_a_computation_by_hand(market: Market) -> None:
    _frozen_prices(market)
    market.supply(OWNER, "rETH", 10 * UNIT)
    market.borrow(OWNER, "GHO", 12_000 * UNIT)
    data = market.account_data(OWNER)
    assert data.collateral_base == 20_000 * 10**8
    assert data.debt_base == 12_000 * 10**8
    assert data.available_borrows_base == (20_000 * 7450 // 10_000 - 12_000) * 10**8
    assert (data.liquidation_threshold_bps, data.ltv_bps) == (7700, 7450)
    assert data.health_factor_wad == 20_000 * 7700 * 10**18 // 10_000 // 12_000


def test_a_liquidation_takes_half_at_a_bonus_and_pays_the_fee_to_the_treasury(market: Market) -> None:
    _frozen_prices(market)
    market.supply(OWNER, "rETH", 10 * UNIT)
    market.borrow(OWNER, "GHO", 14_000 * UNIT)
    market.set_price("rETH", 1_800 * 10**8)
    assert 95 * 10**16 < market.account_data(OWNER).health_factor_wad < UNIT
    done = market.liquidate(OWNER, "rETH", "GHO")
    taken_at_par = 7_000 * UNIT // 1_800
    bonus = done.collateral_seized_raw + done.protocol_fee_raw - taken_at_par
    assert done.debt_covered_raw == 7_000 * UNIT
    assert abs(bonus - taken_at_par * 750 // 10_000) < 10
    assert abs(done.protocol_fee_raw - bonus // 10) < 10
    assert market.chain.view(market.reserve("rETH").token, "balanceOf(address)(uint256)", LIQUIDATOR) > 0


def test_a_healthy_account_cannot_be_liquidated_and_the_contract_says_why(market: Market) -> None:
    market.supply(OWNER, "rETH", 10 * UNIT)
    market.borrow(OWNER, "GHO", 1_000 * UNIT)
    with pytest.raises(Reverted) as refused:
        market.liquidate(OWNER, "rETH", "GHO")
    wanted = {(3, 0): "HEALTH_FACTOR_NOT_BELOW_THRESHOLD", (3, 6): "HealthFactorNotBelowThreshold"}
    assert refused.value.error == wanted[market.deployed.version]


def test_a_dead_sequencer_shields_health_above_095_and_nothing_below(market: Market) -> None:
    found = features(market, market.accounts)
    short = [user for user, has in found.items() if "close_half" in has]
    shielded = next(user for user, legs in legs_of(market, short).items() if legs.collateral.keys() == {"rETH"})
    lost = next(u for u, has in found.items() if "bad_debt" in has)
    market.set_sequencer(up=False)
    with pytest.raises(Reverted, match=r"(?i)sentinel"):
        market.liquidate(shielded, "rETH", "GHO")
    assert market.liquidate(lost, "LUNA", "USDC").debt_covered_raw > 0
    market.set_sequencer(up=True)
    market.chain.advance_time(HOUR_S + 12)
    assert market.liquidate(shielded, "rETH", "GHO").debt_covered_raw > 0


def test_reserves_stand_as_their_shape_says_and_the_contract_enforces_it(market: Market) -> None:
    states = {r.shape.state: r.symbol for r in market.deployed.reserves}
    for state, error in ((State.FROZEN, "(?i)frozen"), (State.PAUSED, "(?i)paused")):
        with pytest.raises(Reverted, match=error):
            market.supply(OWNER, states[state], UNIT)


def test_a_grace_period_blocks_liquidation_until_it_has_passed(market_v36: Market) -> None:
    _frozen_prices(market_v36)
    market_v36.supply(OWNER, "rETH", 10 * UNIT)
    market_v36.borrow(OWNER, "GHO", 14_000 * UNIT)
    market_v36.set_price("rETH", 1_500 * 10**8)
    market_v36.grant_grace("rETH", HOUR_S)
    with pytest.raises(Reverted, match="LiquidationGraceSentinelCheckFailed"):
        market_v36.liquidate(OWNER, "rETH", "GHO")
    market_v36.chain.advance_time(HOUR_S + 12)
    assert market_v36.liquidate(OWNER, "rETH", "GHO").debt_covered_raw > 0


def test_an_empty_collateral_turns_the_rest_of_the_debt_into_a_deficit(market_v36: Market) -> None:
    found = [user for user, has in features(market_v36, market_v36.accounts).items() if "bad_debt" in has]
    lost = next(user for user, legs in legs_of(market_v36, found).items() if legs.collateral.keys() == {"LUNA"})
    done = market_v36.liquidate(lost, "LUNA", "USDC")
    deficit = market_v36.chain.view(
        market_v36.deployed.pool, "getReserveDeficit(address)(uint256)", market_v36.reserve("USDC").token
    )
    assert done.deficits_raw["USDC"] == deficit > 0


def test_the_price_of_the_staked_asset_follows_the_base_feed_times_its_capped_ratio(market: Market) -> None:
    market.set_price("WETH", 3_000 * 10**8)
    market.set_ratio("wstETH", 11 * 10**17)
    assert market.oracle_price("wstETH") == 3_300 * 10**8
    market.set_ratio("wstETH", 2 * 10**18)
    assert 3_300 * 10**8 < market.oracle_price("wstETH") < 3_700 * 10**8


def test_a_category_with_its_own_price_source_ignores_the_reserve_prices_in_v30(market_v30: Market) -> None:
    market_v30.set_e_mode(OWNER, 1)
    market_v30.supply(OWNER, "USDC", 1_000 * 10**6)
    market_v30.set_price("USDC", 90_000_000)
    held = legs_of(market_v30, [OWNER])[OWNER].collateral["USDC"]
    assert market_v30.account_data(OWNER).collateral_base == held * 100_010_000 // 10**6


def test_repaying_everything_leaves_no_debt_at_either_rate(market_v30: Market) -> None:
    market_v30.supply(OWNER, "rETH", 10 * UNIT)
    market_v30.borrow(OWNER, "DAI", 1_000 * UNIT, mode=1)
    market_v30.borrow(OWNER, "DAI", 1_000 * UNIT, mode=2)
    market_v30.chain.advance_time(86_400)
    market_v30.repay(OWNER, "DAI", MAX, mode=1)
    market_v30.repay(OWNER, "DAI", MAX, mode=2)
    assert market_v30.account_data(OWNER).debt_base == 0


def test_a_flagged_collateral_without_a_threshold_counts_for_nothing_before_v36_and_without_weight_since(
    market: Market,
) -> None:
    _frozen_prices(market)
    market.supply(OWNER, "rETH", 10 * UNIT)
    market.supply(OWNER, "PT-USDe", 1_000 * UNIT)
    before = market.account_data(OWNER)
    flag_as_collateral(market, OWNER, "PT-USDe")
    after = market.account_data(OWNER)
    worth = 1_000 * market.oracle_price("PT-USDe")
    if market.deployed.version < (3, 6):
        assert after == before
    else:
        assert after.collateral_base == before.collateral_base + worth
        assert after.liquidation_threshold_bps == before.collateral_base * 7700 // after.collateral_base


def test_an_account_taken_out_of_its_e_mode_loses_the_threshold_of_the_category(market_v36: Market) -> None:
    market_v36.set_e_mode(OWNER, 3)
    market_v36.supply(OWNER, "PT-USDe", 1_000 * UNIT)
    assert market_v36.account_data(OWNER).liquidation_threshold_bps == 9100
    leave_e_mode(market_v36, OWNER)
    assert market_v36.account_data(OWNER).liquidation_threshold_bps == 0
    assert market_v36.chain.view(market_v36.deployed.pool, "getUserEMode(address)(uint256)", OWNER) == 0
