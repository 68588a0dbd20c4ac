"""What owners and keepers can do with an urn, what stands against it, and what time does to it."""

from dataclasses import replace

import pytest

from monitor.domain.assessment import Side
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Node, Repricing, Unknown
from monitor.errors import UsageError
from monitor.health.liquidation_price import liquidation_prices
from monitor.health.remedy import remedy
from monitor.protocols.maker.health import as_stored, at_next_price, priced, urn_of
from monitor.protocols.maker.liquidation import auction
from monitor.protocols.maker.market import Fee
from monitor.protocols.maker.math import Auction, Refused, Room, bark, power_ray
from monitor.protocols.maker.price import CLOSED, Feed, pip_node
from monitor.units import RAY, UINT128_MAX, WAD
from tests.protocols.maker.made import AT, ILK, PIP, RAD, ilk_of, urn, with_feed, without_price
from tests.protocols.maker.recorded import ADAPTER

YEAR_S = 31_536_000
FIVE_PERCENT_RAY = 1_000_000_001_547_125_957_863_212_448


def leg_of(market, account, side):
    return next(leg for leg in ADAPTER.assess(market, account).legs if leg.side is side)


def test_at_the_line_an_urn_is_safe_and_one_unit_less_of_collateral_makes_it_unsafe():
    market = ilk_of()
    safe, unsafe = urn(10 * WAD, 10_000 * WAD), urn(10 * WAD - 1, 10_000 * WAD)
    assert not ADAPTER.assess(market, safe).is_insolvent
    assert ADAPTER.assess(market, unsafe).is_liquidatable_now


def test_a_fee_compounds_by_the_second_as_the_contract_raises_it():
    assert power_ray(FIVE_PERCENT_RAY, YEAR_S) == 1_049_999_999_999_999_999_961_070_145
    assert power_ray(FIVE_PERCENT_RAY, 0) == RAY
    result = RAY
    for count in range(1, 40):
        result = (result * FIVE_PERCENT_RAY + RAY // 2) // RAY
        assert abs(power_ray(FIVE_PERCENT_RAY, count) - result) <= count
    market = ilk_of(fee=Fee(FIVE_PERCENT_RAY, AT.timestamp_s))
    later = ADAPTER.later(market, YEAR_S)
    assert later.rate_ray == power_ray(FIVE_PERCENT_RAY, YEAR_S)
    assert ADAPTER.debt_growth_wad(market, YEAR_S) >= WAD // 20 - 1


def test_interest_that_waits_counts_for_the_accrued_health_and_not_for_the_stored_one():
    market = ilk_of(fee=Fee(FIVE_PERCENT_RAY, AT.timestamp_s - YEAR_S))
    account = urn(103 * WAD, 100_000 * WAD)
    assert ADAPTER.assess(market, account).is_insolvent
    assert not ADAPTER.assess(as_stored(market), account).is_insolvent


def test_a_spot_that_lags_behind_a_risen_price_still_lets_a_bark_through():
    market = with_feed(ilk_of(), Feed(3000 * WAD))
    assert ADAPTER.assess(market, urn(10 * WAD - 1, 10_000 * WAD)).is_liquidatable_now
    fallen = with_feed(ilk_of(), Feed(1499 * WAD))
    assert ADAPTER.assess(fallen, urn(10 * WAD, 10_000 * WAD)).is_liquidatable_now
    assert not ADAPTER.assess(as_stored(fallen), urn(10 * WAD, 10_000 * WAD)).is_insolvent


def test_whoever_is_past_the_line_is_told_the_price_that_would_be_safe_again():
    account = urn(10 * WAD, 11_000 * WAD)
    for feed in (Feed(1500 * WAD), Feed(1600 * WAD)):
        market = with_feed(ilk_of(), feed)
        seen = ADAPTER.assess(market, account)

        def health(repricing, market=market):
            return ADAPTER.health(market, account, repricing)

        (price,) = liquidation_prices(health, market.graph, seen.legs, seen.health)
        assert (price.last_safe, price.first_liquidatable) == (1650 * WAD, 1650 * WAD - 1)
    market = with_feed(ilk_of(), Feed(3000 * WAD))
    seen = ADAPTER.assess(market, account)
    (price,) = liquidation_prices(lambda r: ADAPTER.health(market, account, r), market.graph, seen.legs, seen.health)
    assert (price.last_safe, price.first_liquidatable) == (3000 * WAD + 1, 3000 * WAD)


def test_the_next_price_is_foreseen_up_and_down_but_not_of_an_osm_that_is_stopped():
    account = urn(10 * WAD, 9_000 * WAD)
    feed = Feed(1500 * WAD, 1200 * WAD, AT.timestamp_s - 600, AT.timestamp_s + 3000)
    (foreseen,) = ADAPTER.assess(ilk_of(feed), account).foreseen
    assert isinstance(foreseen.health, Measured)
    assert foreseen.health == Measured(8_000 * WAD * RAY, 9_000 * WAD * RAY, foreseen.health.line, None)
    assert (foreseen.node, foreseen.value, foreseen.from_s) == (pip_node(PIP, ILK), 1200 * WAD, AT.timestamp_s + 3000)
    (risen,) = ADAPTER.assess(ilk_of(replace(feed, following=1800 * WAD)), account).foreseen
    assert isinstance(risen.health, Measured)
    assert risen.health.numerator == 12_000 * WAD * RAY
    (nothing,) = ADAPTER.assess(ilk_of(replace(feed, following=0)), account).foreseen
    assert isinstance(nothing.health, Unmeasurable)
    stopped = ilk_of(replace(feed, is_stopped=True))
    assert at_next_price(stopped) is None
    assert ADAPTER.assess(stopped, account).foreseen == ()
    assert ADAPTER.assess(ilk_of(feed), urn(10 * WAD, 0)).foreseen == ()
    moved = Repricing("at", {pip_node(PIP, ILK): 1000 * WAD})
    assert ADAPTER.assess(ilk_of(feed), account, moved).foreseen == ()


def test_an_urn_without_collateral_is_past_its_line_whatever_the_price_and_nothing_can_be_auctioned():
    for market in (ilk_of(), without_price()):
        seen = ADAPTER.assess(market, urn(0, 5 * WAD))
        assert seen.is_insolvent
        assert not seen.is_liquidatable_now
    assert ADAPTER.assess(ilk_of(), urn(0, 5 * WAD)).blockers == ("no collateral to auction",)


def test_a_price_that_is_gone_hides_an_urn_with_debt_and_nobody_else():
    market = without_price()
    assert ADAPTER.health(market, urn(10 * WAD, WAD)) == Unmeasurable("gone")
    assert ADAPTER.health(market, urn(10 * WAD, 0)) == NoDebt()
    zero = with_feed(ilk_of(), Feed(0))
    assert isinstance(ADAPTER.health(zero, urn(10 * WAD, WAD)), Unmeasurable)
    assert isinstance(ADAPTER.health(zero, urn(10 * WAD, WAD), Repricing("at", {pip_node(PIP, ILK): WAD})), Measured)


def test_an_ilk_without_a_source_and_without_a_spot_is_unmeasurable():
    market = ilk_of(CLOSED, spot_ray=0)
    assert isinstance(ADAPTER.health(market, urn(WAD, WAD)), Unmeasurable)
    filed = ilk_of(CLOSED, spot_ray=RAY)
    seen = ADAPTER.assess(filed, urn(WAD, 2 * WAD))
    assert seen.is_insolvent
    assert seen.blockers == ("no price to start an auction at: the ilk has no price source",)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_live": False}, "liquidations are shut down"),
        ({"stopped": 1}, "auctions stopped"),
        ({"room": Room(5 * RAD, 5 * RAD, 9 * RAD, 0)}, "liquidation limit reached"),
        ({"room": Room(9 * RAD, 0, 5 * RAD, 6 * RAD)}, "liquidation limit reached"),
    ],
)
def test_what_stands_against_a_liquidation_is_named_and_there_is_no_quote(changed, reason):
    market = ilk_of()
    market = replace(market, auctions=replace(market.auctions, **changed))
    seen = ADAPTER.assess(market, urn(WAD, 10_000 * WAD))
    assert seen.is_insolvent
    assert seen.blockers == (reason,)
    assert ADAPTER.quote(market, urn(WAD, 10_000 * WAD)) is None


def test_a_bark_without_a_value_of_the_source_is_refused_although_the_stored_spot_makes_the_urn_unsafe():
    taken = auction(priced(as_stored(without_price())), urn(WAD, 10_000 * WAD))
    assert isinstance(taken, Refused)
    assert taken.reason == "no price to start an auction at: gone"


def test_little_room_makes_a_bark_partial_unless_it_or_what_it_leaves_would_be_dust():
    art, rate, chop = 100 * WAD, RAY, WAD

    def taken(room_rad, dust_rad):
        found = bark(10 * WAD, art, rate, dust_rad, chop, Room(10**9 * RAD, 0, room_rad, 0))
        return (found.dart_wad, found.dink_wad, found.tab_rad) if isinstance(found, Auction) else found.reason

    assert taken(1000 * RAD, 20 * RAD) == (art, 10 * WAD, 100 * RAD)
    assert taken(40 * RAD, 20 * RAD) == (40 * WAD, 4 * WAD, 40 * RAD)
    assert taken(80 * RAD, 20 * RAD) == (80 * WAD, 8 * WAD, 80 * RAD)
    assert taken(80 * RAD + RAY, 20 * RAD) == (art, 10 * WAD, 100 * RAD)
    assert taken(20 * RAD, 20 * RAD) == (20 * WAD, 2 * WAD, 20 * RAD)
    assert taken(20 * RAD - RAY, 20 * RAD) == "liquidation limit leaves room for dust only"
    refused = bark(1, 10 * WAD, RAY, 0, WAD, Room(RAD, 0, RAD, 0))
    assert isinstance(refused, Refused)
    assert refused.reason == "no collateral to auction"


def test_a_quote_names_the_bark_and_what_it_pays_the_keeper():
    quote = ADAPTER.quote(ilk_of(), urn(WAD, 10_000 * WAD))
    assert quote is not None
    assert quote.debt_to_cover_raw == 11_300 * WAD
    assert quote.collateral_to_liquidator_raw == WAD
    assert quote.profit_base == 300 * WAD + 113 * WAD // 10
    assert (quote.bonus_bps, quote.function) == (1_300, "bark(bytes32,address,address)")
    assert quote.arguments[1] == urn(1, 1).key


def test_repaying_buys_debt_rounded_down_and_all_that_is_owed_repays_everything():
    market = ilk_of(rate_ray=3 * RAY // 2)
    account = urn(10 * WAD, 1_001)
    debt = leg_of(market, account, Side.DEBT)
    assert debt.amount_raw == 1_502
    assert urn_of(ADAPTER.adjusted(market, account, debt, 1)).art_wad == 1_001
    assert urn_of(ADAPTER.adjusted(market, account, debt, 2)).art_wad == 1_000
    assert urn_of(ADAPTER.adjusted(market, account, debt, 1_501)).art_wad == 1
    assert ADAPTER.health(market, ADAPTER.adjusted(market, account, debt, 1_502)) == NoDebt()
    assert ADAPTER.health(market, ADAPTER.adjusted(market, account, debt, 10**9)) == NoDebt()


def test_no_repayment_leaves_dust_so_the_remedy_stops_at_dust_or_repays_all():
    market = ilk_of(dust_rad=9_000 * RAD)
    account = urn(10 * WAD, 10_000 * WAD)
    debt = leg_of(market, account, Side.DEBT)
    assert urn_of(ADAPTER.adjusted(market, account, debt, 1_000 * WAD)).art_wad == 9_000 * WAD
    assert urn_of(ADAPTER.adjusted(market, account, debt, 1_000 * WAD + 1)).art_wad == 9_000 * WAD
    assert urn_of(ADAPTER.adjusted(market, account, debt, 10_000 * WAD)).art_wad == 0
    found = remedy(ADAPTER, market, account, 15 * WAD // 10, [(PROTOCOL, ADAPTER.assess(market, account))])
    assert [(step.action, step.amount_raw) for step in found.steps] == [("add", 5 * WAD), ("repay", 10_000 * WAD)]
    near = remedy(ADAPTER, market, account, 11 * WAD // 10, [(PROTOCOL, ADAPTER.assess(market, account))])
    assert next(step.amount_raw for step in near.steps if step.action == "repay") < 1_000 * WAD


def test_an_urn_below_dust_can_be_repaid_as_a_whole_and_no_other_way():
    market, account = ilk_of(dust_rad=20_000 * RAD), urn(10 * WAD, 10_000 * WAD)
    found = remedy(ADAPTER, market, account, 11 * WAD // 10, [(PROTOCOL, ADAPTER.assess(market, account))])
    assert [(step.action, step.amount_raw) for step in found.steps] == [("repay", 10_000 * WAD)]
    assert found.unavailable == ("add GEM (0x6e6e…6e6e): no amount of it suffices",)


def test_collateral_of_few_decimals_is_added_in_its_own_units():
    market = ilk_of()
    gem = replace(market.layout.gem, decimals=8)
    market = replace(market, layout=replace(market.layout, gem=gem))
    account = urn(10 * WAD + 7, 10_000 * WAD)
    held = leg_of(market, account, Side.COLLATERAL)
    assert held.amount_raw == 10 * 10**8
    assert urn_of(ADAPTER.adjusted(market, account, held, 1)).ink_wad == 10 * WAD + 7 + 10**10
    assert ADAPTER.closed_ways(market, held, UINT128_MAX) is not None


def test_after_the_final_shutdown_nothing_can_be_repaid_or_added():
    market, account = replace(ilk_of(), is_live=False), urn(10 * WAD, WAD)
    for side in Side:
        assert ADAPTER.closed_ways(market, leg_of(market, account, side)) == "the system is shut down"
        assert ADAPTER.closed_ways(ilk_of(), leg_of(market, account, side), 5) is None


def test_a_leg_the_urn_has_not_is_refused():
    market = ilk_of()
    held = leg_of(market, urn(WAD, 0), Side.COLLATERAL)
    with pytest.raises(UsageError, match="expected a leg"):
        ADAPTER.adjusted(market, urn(0, WAD), held, 1)
    assert isinstance(
        ADAPTER.health(market, urn(WAD, WAD), Repricing("x", {Node("dai:" + market.vat): Unknown("?")})), Unmeasurable
    )
