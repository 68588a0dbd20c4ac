"""Everything moves by its beta: the boundary found is the exact evaluator's own, and more of a fall is never safer."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from monitor.domain.health import Measured
from monitor.domain.prices import Unknown
from monitor.health.tiers import flat
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.market import Market
from monitor.risk.factors import factors_of
from monitor.risk.joint import RISE_PPM, _moved, joint_ppm
from monitor.units import BPS, PPM
from tests.health.perp_book import UNIT, Book, Held
from tests.health.pool import JUDGE, account
from tests.health.random_pools import positions
from tests.risk.scene import DAI, MODEL, POOL, USDC, WBTC, WETH, loan, perp

ONE_PER_CENT = flat(1, 100)


def is_past(market: Market, one: Account, move_ppm: int) -> bool:
    health = JUDGE.health(market, one, _moved(factors_of(MODEL, market, JUDGE.assess(market, one)), move_ppm))
    return isinstance(health, Measured) and health.is_past_line


def test_a_loan_against_a_stablecoin_is_as_far_as_its_price_by_the_coins_beta():
    near = loan(account({WETH: 10**18}, {USDC: 1_280 * 10**6}))
    beta = MODEL.classes["eth"].beta_bps
    assert near.joint_ppm == 200_000 * BPS // beta
    assert near.joint_direction == "falls"


def test_coins_on_both_sides_pay_for_each_other():
    """Ether against bitcoin: ether falls by more, so the loan is further away than against dollars, not as safe."""
    against_dollars = loan(account({WETH: 10**18}, {USDC: 1_280 * 10**6})).joint_ppm
    against_bitcoin = loan(account({WETH: 10**18}, {WBTC: 128 * 10**8 // 6_000})).joint_ppm
    assert against_dollars is not None
    assert against_bitcoin is not None
    assert against_bitcoin > 19 * against_dollars // 10
    loop = loan(account({WBTC: 10**8, USDC: 10**6}, {WBTC: 6 * 10**7}))
    assert loop.joint_ppm is None, "bitcoin against bitcoin: no move of all leads to the line"


def test_the_way_back_up_is_told_where_it_is_nearer():
    near = loan(account({USDC: 2_200 * 10**6, DAI: 10**18}, {WETH: 8 * 10**17}))
    assert near.joint_direction == "rises"
    assert near.joint_ppm is not None
    assert is_past(POOL, account({USDC: 2_200 * 10**6, DAI: 10**18}, {WETH: 8 * 10**17}), near.joint_ppm + 1)


@given(positions())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_the_boundary_found_really_flips(drawn: tuple[Market, Account]):
    market, one = drawn
    health = JUDGE.health(market, one)
    assume(isinstance(health, Measured) and not health.is_past_line)
    found = joint_ppm(
        lambda repricing: JUDGE.health(market, one, repricing), factors_of(MODEL, market, JUDGE.assess(market, one))
    )
    if found is None:
        assert not is_past(market, one, -PPM)
        assert not is_past(market, one, RISE_PPM)
        return
    move_ppm, direction = found
    sign = -1 if direction == "falls" else 1
    assert not is_past(market, one, sign * move_ppm)
    assert is_past(market, one, sign * (move_ppm + 1))


@given(
    owed=st.integers(1, 2_000 * 10**6),
    moves=st.lists(st.integers(0, PPM), min_size=2, max_size=6),
)
@settings(max_examples=100, deadline=None)
def test_a_larger_fall_is_never_less_dangerous_to_a_loan_of_dollars(owed: int, moves: list[int]):
    one, healths = account({WETH: 10**18, WBTC: 10**6}, {USDC: owed}), []
    factors = factors_of(MODEL, POOL, JUDGE.assess(POOL, one))
    for move in sorted(moves):
        health = JUDGE.health(POOL, one, _moved(factors, -move))
        assert isinstance(health, Measured)
        healths.append(health.factor_wad_down)
    assert healths == sorted(healths, reverse=True)


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=2), cash=st.integers(1, 40_000))
@settings(max_examples=60, deadline=None)
def test_more_cash_is_never_nearer_to_the_line_of_a_long_account(sizes: list[int], cash: int):
    coins = ("BTC", "ETH")
    held = tuple(
        Held(name, size * UNIT, size * 1_000 * UNIT, ONE_PER_CENT) for name, size in zip(coins, sizes, strict=False)
    )
    prices: dict[str, int | Unknown] = dict.fromkeys(coins, 1_000 * UNIT)

    def near(amount: int) -> tuple[int, int]:
        found = perp(Book(amount * UNIT, prices, held))[1]
        return found.joint_ppm if found.joint_ppm is not None else 10 * PPM, found.sigmas_ppm or 0

    (joint, sigmas), (further, more) = near(cash), near(cash + 500)
    assert further >= joint
    assert more >= sigmas or more == 0
