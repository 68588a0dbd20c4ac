"""How much may be taken, in every branch of every version, from numbers worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.assessment import Quote
from monitor.domain.ids import Slug
from monitor.ledger.accounts import Account
from monitor.protocols import ADAPTERS
from monitor.protocols.aave_v3.health import priced, sums_of
from monitor.protocols.aave_v3.liquidation import Offer, offers, written_off_raw
from monitor.protocols.aave_v3.market import Category, Market
from monitor.protocols.aave_v3.reading import SENTINEL, _sentinel_allows
from monitor.protocols.aave_v3.versions.closing import SMALL_REST_BASE, leaves_dust
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT, Totals
from monitor.units import UINT256_MAX
from tests.protocols.aave_v3.made import POOL, VERSIONS, Listed, account_of, accounts, market_of, markets, token_of

ADAPTER = ADAPTERS[Slug("aave_v3")]
ALL = pytest.mark.parametrize("version", sorted(VERSIONS))
BEFORE_33, SINCE_33 = ("3.0", "3.1", "3.2"), ("3.3", "3.4", "3.5", "3.6", "3.7")
USD = 10**18


def pool(version: str, collateral: Listed | None = None, **flags: bool) -> Market:
    """Reserve 0 is collateral with a threshold of 80 %, bonus 5 %, fee a tenth of it; 1 and 2 are dollars owed."""
    debts = [Listed(threshold_bps=0, bonus_bps=0, **flags), Listed(threshold_bps=0, bonus_bps=0)]
    return market_of(VERSIONS[version], [collateral or Listed(), *debts])


def owing(collateral_usd: int, *debts_usd: int) -> Account:
    debts = [(i + 1, SCALED_DEBT, usd * USD) for i, usd in enumerate(debts_usd)]
    return account_of((0, COLLATERAL, collateral_usd * USD), *debts)


def quote(market: Market, account: Account) -> Quote:
    found = ADAPTER.quote(market, account)
    assert found is not None
    return found


def found_offers(market: Market, account: Account) -> list[Offer]:
    view = priced(market)
    sums = sums_of(view, account)
    assert isinstance(sums, Totals)
    return [one for one in offers(view, account, sums) if isinstance(one, Offer)]


@ALL
def test_just_below_the_line_half_may_be_repaid_and_the_fee_comes_out_of_the_bonus(version: str) -> None:
    found = quote(pool(version), owing(10_000, 8_200))
    assert found.debt_to_cover_raw == 4_100 * USD
    assert found.protocol_fee_raw == 4_100 * USD * 5 // 1000
    assert found.collateral_to_liquidator_raw + found.protocol_fee_raw == 4_305 * USD
    assert (found.bonus_bps, found.function[:15]) == (500, "liquidationCall")
    assert found.arguments == (token_of(0), token_of(1), owing(0).key, str(UINT256_MAX), "false")
    assert found.profit_base == (4_100 * 45 * 10**8) // 1000


@ALL
def test_at_95_hundredths_and_below_all_may_be_repaid(version: str) -> None:
    at, above = owing(9_500, 8_000), owing(9_501, 8_000)
    assert quote(pool(version), at).debt_to_cover_raw == 8_000 * USD
    assert quote(pool(version), above).debt_to_cover_raw == 4_000 * USD


@ALL
def test_collateral_that_does_not_suffice_is_taken_whole(version: str) -> None:
    found = quote(pool(version), owing(5_250, 8_000))
    assert found.debt_to_cover_raw == 5_000 * USD
    assert found.collateral_to_liquidator_raw + found.protocol_fee_raw == 5_250 * USD


@pytest.mark.parametrize("version", SINCE_33)
def test_small_legs_may_be_repaid_whole_since_33(version: str) -> None:
    assert quote(pool(version), owing(2_400, 1_950)).debt_to_cover_raw == 1_950 * USD
    assert quote(pool(version), owing(2_500, 2_040)).debt_to_cover_raw == 1_020 * USD
    small, large = found_offers(pool(version), owing(10_000, 1_000, 7_200))
    assert (small.seized.debt_raw, large.seized.debt_raw) == (1_000 * USD, 4_100 * USD)
    minor, major = found_offers(pool(version), owing(10_000, 3_000, 5_200))
    assert (minor.seized.debt_raw, major.seized.debt_raw) == (3_000 * USD, 4_100 * USD)


@pytest.mark.parametrize("version", BEFORE_33)
def test_before_33_each_debt_is_halved_however_small(version: str) -> None:
    assert quote(pool(version), owing(2_400, 1_950)).debt_to_cover_raw == 975 * USD
    small, large = found_offers(pool(version), owing(10_000, 1_000, 7_200))
    assert (small.seized.debt_raw, large.seized.debt_raw) == (500 * USD, 3_600 * USD)


@pytest.mark.parametrize("version", SINCE_33)
def test_an_offer_never_leaves_dust_and_says_which_amount_avoids_it(version: str) -> None:
    market = pool(version)
    offer, other = found_offers(market, owing(6_120, 2_900, 2_100))
    least_rest = 1_000 * USD if version < "3.5" else 1_000 * USD - 10**10 + 1
    assert offer.seized.debt_raw == offer.argument == 2_900 * USD - least_rest
    assert (other.seized.debt_raw, other.argument) == (2_100 * USD, UINT256_MAX)
    for debt in (2_050, 2_400, 2_900):
        for rest in (2_050, 2_500):
            for one in found_offers(market, owing((debt + rest) * 5 // 4 - 30, debt, rest)):
                assert not leaves_dust(one.pair, one.seized, market.rules.rounding.debt_value)
                kept = one.pair.debt_raw - one.seized.debt_raw
                assert kept == 0 or kept > (SMALL_REST_BASE - 1) * 10**10


@pytest.mark.parametrize("version", SINCE_33)
def test_taking_the_last_collateral_writes_off_what_remains(version: str) -> None:
    market, account = pool(version), owing(5_250, 6_000, 2_000)
    first, _ = found_offers(market, account)
    assert first.writes_off
    assert written_off_raw(market, account, first) == {token_of(1): 1_000 * USD, token_of(2): 2_000 * USD}
    partial = found_offers(market, owing(10_000, 8_200))[0]
    assert not partial.writes_off
    assert written_off_raw(market, owing(10_000, 8_200), partial) == {}


@pytest.mark.parametrize("version", BEFORE_33)
def test_before_33_nothing_is_written_off(version: str) -> None:
    market, account = pool(version), owing(5_250, 8_000)
    (offer,) = found_offers(market, account)
    assert written_off_raw(market, account, offer) == {}


@ALL
def test_the_category_of_the_account_sets_bonus_and_threshold_of_its_members(version: str) -> None:
    category = Category(1, 9000, 9500, 10_100, members=0b001)
    market = market_of(VERSIONS[version], [Listed(), Listed()], [category])
    account = account_of((0, COLLATERAL, 10_000 * USD), (1, SCALED_DEBT, 9_800 * USD), category=1)
    assert quote(market, account).bonus_bps == 100
    assert ADAPTER.quote(market, account_of(*[(b.asset, b.kind, b.raw) for b in account.balances])) is not None


@ALL
@pytest.mark.parametrize(
    ("flag", "reason"), [("is_paused", "paused: "), ("is_active", "inactive: "), ("is_frozen", None)]
)
def test_flags_of_either_leg_block_except_frozen(version: str, flag: str, reason: str | None) -> None:
    value = flag != "is_active"
    for market in (pool(version, Listed(**{flag: value})), pool(version, **{flag: value})):  # type: ignore[arg-type]
        assessment = ADAPTER.assess(market, owing(10_000, 8_200))
        assert assessment.is_insolvent
        assert assessment.is_liquidatable_now is (reason is None)
        assert (ADAPTER.quote(market, owing(10_000, 8_200)) is None) is (reason is not None)
        if reason is not None:
            (said,) = assessment.blockers
            assert said.startswith(reason)


@pytest.mark.parametrize("version", [*BEFORE_33, *SINCE_33[:-1]])
def test_the_sentinel_blocks_only_health_of_95_hundredths_and_more(version: str) -> None:
    market = market_of(VERSIONS[version], [Listed(), Listed()], sentinel_allows=False)
    blocked = ADAPTER.assess(market, owing(10_000, 8_200)).blockers
    assert blocked == ("price sentinel: only health below 0.95 may be liquidated",)
    assert ADAPTER.assess(market, owing(9_499, 8_000)).blockers == ()


def test_nobody_asks_the_sentinel_any_more_since_37() -> None:
    with pytest.raises(StopIteration) as done:
        next(_sentinel_allows(POOL, VERSIONS["3.7"]))
    assert done.value.value is None
    (asked,) = next(_sentinel_allows(POOL, VERSIONS["3.6"]))
    assert asked == SENTINEL["isLiquidationAllowed"].at(POOL).question


@ALL
def test_a_grace_period_blocks_until_the_second_after_it(version: str) -> None:
    now_s = pool(version).at.timestamp_s
    for until_s, is_blocked in ((now_s, True), (now_s - 1, False)):
        blocked = ADAPTER.assess(pool(version, Listed(grace_until_s=until_s)), owing(10_000, 8_200)).blockers
        assert bool(blocked) is (is_blocked and version >= "3.1")


@ALL
def test_a_blocked_leg_does_not_block_the_others(version: str) -> None:
    market = pool(version, is_paused=True)
    assessment = ADAPTER.assess(market, owing(10_000, 4_000, 4_200))
    assert assessment.is_liquidatable_now
    assert quote(market, owing(10_000, 4_000, 4_200)).debt.address == token_of(2)


@given(st.data())
def test_an_offer_never_takes_more_than_there_is_nor_pays_a_liquidator_for_nothing(data: st.DataObject) -> None:
    market = data.draw(markets())
    account = data.draw(accounts(market))
    for offer in found_offers(market, account):
        assert 0 < offer.seized.debt_raw <= offer.pair.debt_raw + 1
        taken = offer.seized.to_liquidator_raw + offer.seized.fee_raw
        assert 0 < taken <= offer.pair.collateral_raw
    assert (ADAPTER.quote(market, account) is not None) is ADAPTER.assess(market, account).is_liquidatable_now
