"""Every vector of the venue's SDK: profit and its cap, fees, impact, liquidation prices; and keys and price answers."""

from collections import Counter
from dataclasses import replace

import orjson
import pytest

from monitor.domain.health import Measured
from monitor.domain.ids import Address
from monitor.errors import UnexpectedAnswer
from monitor.pricing.repricing import at
from monitor.protocols.gmx_v2 import math, wire
from monitor.protocols.gmx_v2.health import Sums, priced, sums_of
from monitor.protocols.gmx_v2.market import high_node, price_node
from monitor.protocols.gmx_v2.math import ONE, Sides
from monitor.protocols.gmx_v2.positions import position_of
from monitor.protocols.gmx_v2.store import Part, constant, key, position_key
from monitor.units import BPS, WAD, decimal_text
from tests.protocols.gmx_v2.recorded import ADAPTER, AT, MARKET, Vector, cases, discount_in, vectors

FLOATS = 10**9
"""The SDK raises to powers in binary floating point: one part in so many."""


def sums(vector: Vector) -> Sums:
    position = position_of(vector.account)
    assert position is not None
    found = sums_of(priced(vector.market), position)
    assert isinstance(found, Sums)
    return found


def closing_usd(found: Sums) -> int:
    quotes, one = found.quotes, found.position
    virtual_usd = quotes.state.virtual_usd
    return math.closing_impact_usd(quotes.terms.curve, quotes.interest, virtual_usd, one.size_usd, is_long=one.is_long)


def is_balancing(found: Sums) -> bool:
    return math.is_balancing(found.quotes.interest, found.position.size_usd, is_long=found.position.is_long)


def test_profit_is_the_contracts_capped_by_the_maximised_profit_of_the_pool():
    """The SDK caps with the minimised one: where both differ the contract's rule stands."""
    for vector in vectors():
        found, expected = sums(vector), vector.expected
        assert found.uncapped_pnl_usd == int(expected["pnl_usd_uncapped"]), vector.name
        assert found.pnl_usd == int(expected["pnl_usd_contract_rule"]), vector.name
        assert found.quotes.pool_pnl_usd == int(expected["pool_pnl_maximised"]), vector.name
        assert found.quotes.pool_usd == int(expected["pool_usd_min"]), vector.name


def test_a_profit_is_cut_in_the_proportion_of_the_cap_to_all_profit_of_its_side():
    """Half of a pool worth 100 pays a side whose profit is 80 at most: 50 for it, so 5 for who has earned 8."""
    assert math.capped_pnl_usd(8 * ONE, 80 * ONE, 100 * ONE, ONE // 2) == 5 * ONE
    assert math.capped_pnl_usd(8 * ONE + 1, 80 * ONE, 100 * ONE, ONE // 2) == 5 * ONE
    assert math.capped_pnl_usd(8 * ONE, 50 * ONE, 100 * ONE, ONE // 2) == 8 * ONE
    assert math.capped_pnl_usd(-8 * ONE, 80 * ONE, 100 * ONE, ONE // 2) == -8 * ONE
    assert math.capped_pnl_usd(8 * ONE, 80 * ONE, 0, ONE // 2) == 8 * ONE


def test_a_cap_that_binds_takes_part_of_a_profit_and_is_told():
    """The profit of the whole side is counted at the upper end of the price, that of the position at the lower one."""
    vector = next(one for one in vectors() if sums(one).uncapped_pnl_usd > ONE)
    (traded,) = vector.market.traded
    found = sums(vector)
    is_long = found.position.is_long
    factor = ONE // 10**6
    terms = replace(traded.terms, most_pnl_factor=Sides(factor, factor))
    market = replace(vector.market, traded=(replace(traded, terms=terms),))
    seen = ADAPTER.assess(market, vector.account)
    pool_pnl, pool_usd = int(vector.expected["pool_pnl_maximised"]), int(vector.expected["pool_usd_min"])
    expected = found.uncapped_pnl_usd * (pool_usd * factor // ONE) // pool_pnl
    (leg,) = seen.positions
    assert leg.unrealised_pnl_base == expected < found.uncapped_pnl_usd, is_long
    assert "profit capped by the pool" in leg.label


def test_the_impact_of_closing_is_the_sdks_and_its_caps_too():
    seen = Counter[str]()
    for vector in vectors():
        found, expected = sums(vector), vector.expected
        said = int(expected["price_impact_full_close_usd_sdk"])
        assert abs(closing_usd(found) - said) * FLOATS <= max(abs(said), FLOATS), vector.name
        assert is_balancing(found) == expected["balance_was_improved"], vector.name
        counted = int(expected["price_impact_used_in_liquidation_price"])
        assert abs(found.impact_usd - counted) * FLOATS <= max(abs(counted), FLOATS), vector.name
        seen["positive" if said > 0 else "negative" if said < 0 else "none"] += 1
        seen["counted"] += bool(counted)
    print(dict(seen))
    assert min(seen.values()) > 5


def test_the_closing_fee_is_the_sdks_and_the_position_pays_what_balances_less():
    for vector in vectors():
        given, found = vector.given, sums(vector)
        (traded,) = vector.market.traded
        size_usd, fees = found.position.size_usd, traded.terms.fee_factor
        dearer = math.fee_raw_down(size_usd, fees.no, 1, discount_in(given))
        assert dearer == int(vector.expected["closing_fee_usd"]), vector.name
        own = math.fee_raw_down(size_usd, fees.of(is_balancing(found)), found.quotes.collateral, discount_in(given))
        assert found.costs.total_raw == found.costs.fee_raw == own


@pytest.mark.parametrize("expected", ["liquidation_price", "liquidation_price_with_max_price_impact"])
def test_the_price_that_the_venue_shows_is_the_sdks(expected: str):
    """Fed with the SDK's own impact, which it raises to a power in binary floating point."""
    shown = 0
    for vector in vectors():
        found, given = sums(vector), vector.given
        (traded,) = vector.market.traded
        size_usd = found.position.size_usd
        fees_usd = int(vector.expected["closing_fee_usd"])
        pending_usd = int(given["pending_borrowing_fees_usd"]) + int(given["pending_funding_fees_usd"])
        most_usd = math.part_down(size_usd, traded.terms.most_impact_for_liquidations)
        counted_usd = int(vector.expected["price_impact_used_in_liquidation_price"])
        impact_usd = counted_usd if expected == "liquidation_price" else -most_usd
        price = math.shown_liquidation_price(
            size_usd,
            found.position.size_raw,
            max(found.least_usd, found.least_for_leverage_usd),
            fees_usd + pending_usd - impact_usd,
            int(given["collateral_usd"]),
            found.position.collateral_raw,
            is_long=found.position.is_long,
            is_index=given["collateral_token"]["address"] == given["index_token"]["address"],
        )
        said = vector.expected[expected]
        unit = 10 ** given["index_token"]["decimals"]
        assert (price is None) == (said is None), vector.name
        if price is not None:
            assert abs(price - int(said) // unit) <= 1, vector.name
            shown += price * unit == int(said)
    print(f"{shown} equal to the last digit")
    assert shown > 90


def test_where_collateral_is_another_token_our_line_is_where_the_sdk_draws_it():
    """Health flips within a smallest unit of the SDK's price, fed with our own costs, where no impact moves with it."""
    checked = 0
    for vector in vectors():
        found, (traded,) = sums(vector), vector.market.traded
        position, listed = found.position, traded.listed
        is_index = listed.collateral(position.is_short_token) == listed.index_token
        if is_index or traded.terms.most_impact_for_liquidations:
            continue
        price = math.shown_liquidation_price(
            position.size_usd,
            position.size_raw,
            found.required_usd,
            found.costs.total_raw * found.quotes.owed,
            found.collateral_usd,
            position.collateral_raw,
            is_long=position.is_long,
            is_index=False,
        )
        if price is None:
            continue
        node = price_node(listed.index_token) if position.is_long else high_node(listed.index_token)
        inward, outward = (price - 1, price + 1) if position.is_long else (price + 1, price - 1)
        past = ADAPTER.health(vector.market, vector.account, at(node, inward))
        safe = ADAPTER.health(vector.market, vector.account, at(node, outward))
        assert isinstance(past, Measured)
        assert isinstance(safe, Measured)
        assert past.is_past_line, vector.name
        assert not safe.is_past_line, vector.name
        checked += 1
    assert checked > 30


def test_entry_and_leverage_are_the_sdks():
    for vector in vectors():
        found, given, expected = sums(vector), vector.given, vector.expected
        position = found.position
        unit = 10 ** given["index_token"]["decimals"]
        assert position.size_usd * unit // position.size_raw == int(expected["entry_price"])
        pending_usd = int(given["pending_borrowing_fees_usd"]) + int(given["pending_funding_fees_usd"])
        left_usd = int(given["collateral_usd"]) + int(expected["pnl_usd_sdk"]) - pending_usd
        said = expected["leverage_bps_sdk"]
        assert said is None or position.size_usd * BPS // left_usd == int(said)
        assert int(given["collateral_usd"]) == found.collateral_usd


SIDED = {
    "minCollateralFactorKey": "MIN_COLLATERAL_FACTOR",
    "minCollateralFactorForLiquidationKey": "MIN_COLLATERAL_FACTOR_FOR_LIQUIDATION",
    "minCollateralFactorForOpenInterest": "MIN_COLLATERAL_FACTOR_FOR_OPEN_INTEREST_MULTIPLIER",
    "maxPositionImpactFactorForLiquidationsKey": "MAX_POSITION_IMPACT_FACTOR_FOR_LIQUIDATIONS",
    "maxPnlFactorKey": "MAX_PNL_FACTOR",
}
"""Names of the SDK's functions that are not the names of the keys."""


def name_of(function: str) -> str:
    """`positionFeeFactorKey` is the function for `POSITION_FEE_FACTOR`."""
    words = function.removesuffix("Key")
    return SIDED.get(function) or "".join("_" + one if one.isupper() else one for one in words).upper()


def part(argument: str | bool) -> Part:
    if isinstance(argument, bool):
        return argument
    return bytes.fromhex(argument[2:]) if len(argument) == 66 else Address(argument)


def test_every_key_of_the_store_is_the_sdks():
    kinds = Counter[str]()
    for case in cases("gmx_v2_keys"):
        given, expected = case["input"], case["expected"]["key"]
        if case["kind"] == "constant":
            found = "0x" + constant(given["name"]).hex()
        elif given["name"] == "hashedPositionKey":
            account, market, token, is_long = given["args"]
            found = position_key(account, market, token, is_long)
        else:
            found = "0x" + key(name_of(given["name"]), *map(part, given["args"])).hex()
        assert found == expected, given["name"]
        kinds[case["kind"]] += 1
    assert kinds == {"constant": 54, "composite": 17}


@pytest.mark.parametrize("name", ["gmx_v2_tickers", "gmx_v2_tickers_b"])
def test_a_price_answer_of_the_venue_is_read_to_its_last_digit(name: str):
    rows = cases(name)
    found = wire.quotes(orjson.dumps([row["input"] for row in rows]).decode())
    assert len(found) == len(rows)
    for row in rows:
        one, expected = found[Address(row["input"]["tokenAddress"].lower())], row["expected"]
        decimals = 30 - expected["token_decimals"]
        assert decimal_text(one.low, decimals) == expected["usd_min"]
        assert decimal_text(one.high, decimals) == expected["usd_max"]
        assert one.updated_ms == row["input"]["updatedAt"]


ROW = {"tokenAddress": "0x" + "01" * 20, "tokenSymbol": "ONE", "minPrice": "9", "maxPrice": "10", "updatedAt": 1}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"prices": []}, "valid array"),
        ([{**ROW, "minPrice": 9}], "minPrice"),
        ([{**ROW, "minPrice": "9.5"}], "minPrice"),
        ([{**ROW, "minPrice": "1e9"}], "minPrice"),
        ([{**ROW, "minPrice": "0"}], "above 0"),
        ([{**ROW, "minPrice": "11"}], "no higher"),
        ([{**ROW, "tokenAddress": "0x12"}], "40 hex digits"),
        ([{key: value for key, value in ROW.items() if key != "updatedAt"}], "updatedAt"),
        ([{**ROW, "updatedAt": "1"}], "updatedAt"),
        ([ROW, ROW], "once"),
    ],
)
def test_a_price_answer_of_another_shape_is_refused_and_says_what_was_expected(answer: object, said: str):
    with pytest.raises(UnexpectedAnswer, match=said):
        wire.quotes(orjson.dumps(answer).decode())


def test_a_token_answer_of_another_shape_is_refused():
    row = {"symbol": "BTC", "address": "0x" + "0b" * 20, "decimals": 8, "synthetic": True}
    (token,) = wire.tokens(orjson.dumps({"tokens": [row]}).decode()).values()
    assert (token.symbol, token.decimals) == ("BTC", 8)
    for answer in ([row], {"tokens": [{**row, "decimals": "8"}]}, {"tokens": [{**row, "decimals": 31}]}, {"tokens": 1}):
        with pytest.raises(UnexpectedAnswer, match="tokens"):
            wire.tokens(orjson.dumps(answer).decode())


def test_assessments_of_the_vectors_say_that_the_sdk_is_their_measure():
    for vector in vectors():
        seen = ADAPTER.assess(vector.market, vector.account)
        assert seen.exactness == "sdk"
        assert seen.positions[0].market == MARKET
        assert seen.sources[0] == AT


def test_powers_are_made_of_the_librarys_own_multipliers():
    """Some of the 64 that PRBMath 2 lists (PRBMath.exp2), at both ends and between; a power of 1 and of 0 is itself."""
    listed = {0: 0x16A09E667F3BCC909, 1: 0x1306FE0A31B7152DF, 4: 0x1059B0D31585743AE, 31: 0x100000000B17217F8}
    listed |= {36: 0x100000000058B90C0, 52: 0x1000000000000058C, 56: 0x10000000000000059, 63: 0x10000000000000001}
    assert {place: math._ROOTS[place] for place in listed} == listed
    assert len(math._ROOTS) == 64
    assert math.power_wad_down(4 * WAD, WAD // 2) == 2 * WAD
    assert math.power_wad_down(8 * WAD, 2 * WAD) == 64 * WAD
    assert math.power_wad_down(7 * WAD, 0) == WAD
