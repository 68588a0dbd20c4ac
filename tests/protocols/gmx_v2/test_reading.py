"""A whole deployment read from its store, its Reader, its logs and its price API, and what is said when one fails."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from monitor.domain.assessment import Assessment
from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.ids import MarketKey, PositionKey
from monitor.domain.moment import VenueMoment
from monitor.errors import ConfigError, ReadError, UnexpectedAnswer
from monitor.ledger.accounts import Account
from monitor.protocols.gmx_v2.market import MOST_APART_S, Market
from monitor.protocols.gmx_v2.math import ONE
from monitor.protocols.gmx_v2.positions import DISCOUNT_UNKNOWN, LONG, account_of, position_of
from tests.protocols.gmx_v2.made import ETH, LISTED, SOL, address, deployment, position
from tests.protocols.gmx_v2.recorded import ADAPTER, AT, DEPLOYMENT, STORE
from tests.protocols.gmx_v2.world import World, log_of, rule_log, world_of

KEY = MarketKey(STORE)
LATER = replace(AT, number=AT.number + 10, hash="0x" + "33" * 32)


def made(seed: int = 3, count: int = 40) -> World:
    """A deployment without impact on liquidations, and positions whose discounts are all told."""
    random = np.random.default_rng(seed)
    market = deployment(random, has_impact=False)
    people = (position(random, market, number) for number in range(count))
    return world_of(market, [replace(one, category=one.category & ~DISCOUNT_UNKNOWN) for one in people])


def seen(world: World) -> tuple[Market, dict[PositionKey, Account], dict[PositionKey, Assessment]]:
    market = world.read(ADAPTER.market(DEPLOYMENT, KEY))
    accounts = {one.key: one for one in world.read(ADAPTER.accounts(market, tuple(world.accounts)))}
    return market, accounts, {key: ADAPTER.assess(market, one) for key, one in accounts.items()}


def test_what_is_read_is_what_is_there():
    for seed in range(5):
        world = made(seed)
        assert world.read(ADAPTER.markets(DEPLOYMENT)) == (KEY,)
        market, accounts, _ = seen(world)
        assert market == world.market
        assert accounts == dict(world.accounts)


def test_the_reader_judges_every_position_as_we_do_and_a_difference_is_found():
    judged = 0
    for seed in range(5):
        world = made(seed, 60)
        keys = tuple(world.accounts)
        assert world.read(ADAPTER.compare(DEPLOYMENT, KEY, keys)) == ()
        judged += len(keys)
    assert judged == 300


def test_a_difference_from_the_reader_is_found_and_both_sides_are_told():
    world = made()
    key, *_ = world.accounts
    (mismatch,) = Lying(world.market, world.accounts).read(ADAPTER.compare(DEPLOYMENT, KEY, [key]))
    assert mismatch.key == key
    assert "remaining 0 (< 0)" in mismatch.expected
    assert "remaining 0 (< 0)" not in mismatch.found


class Lying(World):
    """A Reader that says of every position that nothing is left."""

    def _isPositionLiquidatable(self, *_: object) -> tuple[bool, str, tuple[int, int, int]]:  # noqa: N802
        return True, "< 0", (0, 0, 0)


def test_everyone_is_listed_a_thousand_at_a_time_and_an_owner_a_hundred_at_a_time():
    world = made(count=3)
    (first, *_) = world.accounts.values()
    many = {PositionKey(f"0x{number:064x}"): first for number in range(2_000)}
    crowd = World(world.market, many)
    keys, after, pages = list[PositionKey](), None, 0
    while after is not None or not pages:
        page = crowd.read(ADAPTER.positions(world.market, after))
        keys, after, pages = [*keys, *page.keys], page.after, pages + 1
    assert keys == list(many)
    assert pages == 3
    assert crowd.names.count("getBytes32ValuesAt") == 3
    owner = first.owner
    assert owner is not None
    hundred = World(world.market, dict(list(many.items())[:150]))
    assert hundred.read(ADAPTER.owned(world.market, owner)) == (first.key,) * 150
    assert hundred.names == ["getAccountPositions"] * 2


def test_the_moments_of_block_and_prices_stand_in_the_assessment_with_their_distance():
    world = made()
    _, _, found = seen(world)
    assert found
    for one in found.values():
        block, quoted = one.sources
        assert block == AT
        assert isinstance(quoted, VenueMoment)
        assert quoted.venue == "local-gmx-v2/prices"
        assert quoted.server_time_ms == AT.timestamp_s * 1000 - 2_000
        assert one.skew_s == 2


@pytest.mark.parametrize("apart_s", [MOST_APART_S, -MOST_APART_S, MOST_APART_S + 1, -MOST_APART_S - 1])
def test_a_price_too_far_from_the_block_hides_whoever_is_judged_by_it_and_nobody_else(apart_s: int):
    world = made()
    quoted = {**world.market.quoted_ms, SOL: (AT.timestamp_s + apart_s) * 1000}
    world.market = replace(world.market, quoted_ms=quoted)
    _, _, found = seen(world)
    is_near = abs(apart_s) <= MOST_APART_S
    in_sol = 0
    for one in found.values():
        is_sol = world.accounts[one.id.key].balances[0].asset == 2
        assert isinstance(one.health, Unmeasurable) == (is_sol and not is_near)
        if is_sol:
            assert one.skew_s == max(abs(apart_s), 2 + max(apart_s, 0))
            in_sol += 1
            if not is_near:
                assert isinstance(one.health, Unmeasurable)
                assert (
                    f"expected a price within {MOST_APART_S} s of the block, found one {abs(apart_s)} s"
                    in one.health.reason
                )
    assert in_sol > 3


def test_an_api_that_fails_leaves_everyone_known_and_nobody_measured():
    world = made()
    world.silent.add("/prices/tickers")
    market, accounts, found = seen(world)
    assert accounts.keys() == world.accounts.keys()
    for one in found.values():
        assert isinstance(one.health, Unmeasurable)
        assert "the price API does not answer: bad gateway" in one.health.reason
        (leg,) = one.legs
        assert leg.raw == leg.amount_raw > -1
        assert not one.is_liquidatable_now
    assert not np.isfinite(ADAPTER.factors(market).collateral[:, 1:]).any()


def test_a_token_that_the_api_does_not_quote_hides_its_markets():
    world = made()
    world.market = replace(world.market, quoted_ms={t: ms for t, ms in world.market.quoted_ms.items() if t != ETH})
    _, _, found = seen(world)
    with_eth = {place for place, listed in enumerate(LISTED) if ETH in listed}
    for key, one in found.items():
        place = world.accounts[key].balances[0].asset
        assert isinstance(one.health, Unmeasurable if place in with_eth else Measured)


def test_a_market_whose_state_cannot_be_read_leaves_the_others():
    world = made()
    world.broken.add(LISTED[1].market)
    _, _, found = seen(world)
    hidden = [key for key, one in found.items() if isinstance(one.health, Unmeasurable)]
    assert hidden == [key for key, one in world.accounts.items() if one.balances[0].asset == 1]
    assert hidden


def test_answers_of_another_shape_are_errors_that_say_what_was_expected():
    world = made()
    world.tickers = '{"prices": []}'
    with pytest.raises(UnexpectedAnswer, match="expected rows of tokenAddress"):
        seen(world)
    for name in ("/tokens", "getMarkets", "getUint", "decimals"):
        broken = made()
        broken.silent.add(name)
        with pytest.raises(ReadError):
            seen(broken)


def test_a_position_whose_fees_the_reader_does_not_tell_is_an_estimate_without_the_discount():
    world = made()
    world.silent.add("getPositionInfo")
    _, accounts, found = seen(world)
    for key, one in found.items():
        assert accounts[key].category & DISCOUNT_UNKNOWN
        assert one.exactness == "estimate"
        assert "discount" in one.positions[0].label


def test_a_position_that_cannot_be_read_or_is_of_no_market_known_fails_alone():
    world = made()
    first, second, *rest = world.accounts
    gone = replace(world.market, layout=replace(world.market.layout, listed=world.market.layout.listed[:-1]))
    found = world.read(ADAPTER.accounts(gone, tuple(world.accounts)))
    lost = {key for key, one in world.accounts.items() if one.balances[0].asset == len(LISTED) - 1}
    assert {key for key, _ in found.failed} == lost
    assert all("not part of the deployment" in reason for _, reason in found.failed)
    odd = World(world.market, {first: world.accounts[second], second: world.accounts[second]})
    swapped = odd.read(ADAPTER.accounts(world.market, [first, second]))
    assert [key for key, _ in swapped.failed] == [first]
    assert len(rest) == 38


def again(world: World, change: Callable[[Market], Market]) -> Market:
    """Bring the market of a world to ten blocks later."""
    market = world.read(ADAPTER.market(DEPLOYMENT, KEY))
    world.names.clear()
    world.market = change(replace(world.market, at=LATER))
    found = world.read(ADAPTER.again(market))
    assert found == world.market
    return found


def test_rules_are_read_anew_where_a_log_says_so_and_else_not():
    quiet = made()
    again(quiet, lambda market: market)
    assert {"getMarkets", "decimals", "/tokens", "getBytes32"}.isdisjoint(quiet.names)
    assert quiet.names.count("getMarketInfo") == len(LISTED)

    def doubled(market: Market) -> Market:
        terms = tuple(replace(one, least_factor_for_liquidation=ONE // 50) for one in market.layout.terms)
        traded = tuple(replace(one, terms=sold) for one, sold in zip(market.traded, terms, strict=True))
        return replace(market, layout=replace(market.layout, terms=terms), traded=traded)

    for name in ("SetUint", "MarketCreated"):
        told = made()
        told.logs = (rule_log(name, AT.number + 5),)
        before = told.read(ADAPTER.market(DEPLOYMENT, KEY))
        after = again(told, doubled)
        fold = ADAPTER.fold(before, after, told.accounts.get, told.logs)
        assert fold.everyone
        assert {change.field for change in fold.changed} == {"least factor for liquidation"}
        assert {change.subject for change in fold.changed} == {one.market for one in LISTED}
        account = next(iter(told.accounts.values()))
        mine = LISTED[account.balances[0].asset].market
        assert [ADAPTER.bears_on(after, one, account) for one in fold.changed] == [
            change.subject == mine for change in fold.changed
        ]


def test_a_log_of_a_position_has_it_read_again_and_a_liquidation_is_told():
    world = made()
    market = world.market
    one, two, three, *_ = world.accounts.values()
    logs = (
        log_of("PositionDecrease", one, market, 1_001, 0, order_type=7),
        log_of("PositionDecrease", two, market, 1_002, 0),
        log_of("PositionIncrease", three, market, 1_003, 0, order_type=2),
        rule_log("OraclePriceUpdate", 1_003),
    )
    wanted = ADAPTER.interests(market)
    assert [wanted.fits(log) for log in logs] == [True, True, True, False]
    known = {one.key: one, two.key: two}
    fold = ADAPTER.fold(market, market, known.get, logs)
    assert fold.reread == (one.key, two.key, three.key) == ADAPTER.touched(market, logs)
    assert fold.appeared == (three.key,)
    assert not fold.everyone
    (liquidated,) = fold.liquidated
    held = position_of(one)
    assert held is not None
    assert (liquidated.key, liquidated.seized_raw) == (one.key, held.collateral_raw)
    assert liquidated.repaid_raw == held.size_raw


def test_a_disabled_market_blocks_liquidation():
    world = made()
    for traded in world.market.traded:
        assert not isinstance(traded.state, str)
    states = tuple(replace(one, state=replace(one.state, is_disabled=True)) for one in world.market.traded)  # type: ignore[type-var]  # each was read
    world.market = replace(world.market, traded=states)
    _, _, found = seen(world)
    past = [one for one in found.values() if one.is_insolvent]
    assert past
    assert all(one.blockers == ("market disabled",) and not one.is_liquidatable_now for one in past)


def test_numbers_beyond_128_binary_digits_are_kept_and_left_to_the_exact_evaluator():
    world = made()
    size_usd = 10**9 * ONE
    told = (
        (address(9), LISTED[0].market, ETH),
        (size_usd, 3 * 10**23, 2**130 + 1, -(2**129), 2**131, *[2**128] * 3, 0, 0),
        (True,),
    )
    account = account_of(world.market, told, 0)
    one = position_of(account)
    assert one is not None
    assert one[3:11] == told[1][:8]
    assert account.category == LONG
    assert all(balance.raw < 2**128 for balance in account.balances)


def test_a_deployment_that_lacks_a_root_or_is_another_contract_is_refused():
    world = made()
    for name in ("reader", "data_store", "event_emitter"):
        roots = {key: value for key, value in DEPLOYMENT.roots.items() if key != name}
        with pytest.raises(ConfigError, match=name):
            world.read(ADAPTER.markets(replace(DEPLOYMENT, roots=roots)))
    world.silent.add("getMarkets")
    with pytest.raises(ReadError, match=r"Reader of GMX v2\.2"):
        world.read(ADAPTER.markets(DEPLOYMENT))
    empty = World(replace(world.market, layout=replace(world.market.layout, listed=())), {})
    with pytest.raises(ReadError, match="expected a market"):
        empty.read(ADAPTER.markets(DEPLOYMENT))
