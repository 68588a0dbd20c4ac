"""The arithmetic against every value that the chain's own unit tests assert, tolerance 0."""

from collections import Counter
from typing import Any

import pytest

from monitor.domain.ids import Address
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import Node, PriceUsed
from monitor.domain.token import Token
from monitor.errors import UsageError
from monitor.ledger.accounts import Account, Balance
from monitor.pricing.graph import PriceGraph
from monitor.protocols.dydx_v4.health import priced, risk_of, sums_of
from monitor.protocols.dydx_v4.liquidation import bankruptcy_quote, fillable_price
from monitor.protocols.dydx_v4.market import (
    ACCOUNT,
    CASH,
    CASH_OWED,
    LONG,
    MARKET,
    PAR,
    SHORT,
    FillablePrice,
    Market,
    Status,
    Tier,
    Traded,
    key_of,
)
from monitor.protocols.dydx_v4.math import (
    Risk,
    funding_down,
    funding_ppm,
    initial_up,
    maintenance_up,
    notional_to_zero,
    open_interest_imf_ppm,
)
from monitor.units import PPM, WAD
from tests.protocols.dydx_v4.recorded import ADAPTER, DEPLOYMENT, cases, vectors

AT = VenueMoment("dydx", 1, 1_765_210_320_000, 1_765_210_320)
OWNER = Address("0x" + "d4" * 20)


def test_every_vector_of_the_chain_has_a_test_here():
    kinds = Counter(case["kind"] for case in cases("dydx_v4_vectors"))
    assert sum(kinds.values()) == 129
    assert set(kinds) == {
        *("is_initial_collateralized", "is_maintenance_collateralized", "is_liquidatable", "risk_compare"),
        *("funding_settlement_ppm", "net_notional", "margin_requirements", "initial_margin", "adjusted_imf_ppm"),
        *("account_is_liquidatable", "bankruptcy_price", "fillable_price", "account_risk"),
    }


def test_an_account_is_collateralised_and_liquidatable_as_the_chain_says():
    checked = 0
    for name, given, expected in vectors("is_initial_collateralized"):
        risk = Risk(int(given["net_collateral"]), int(given["imr"]), 0)
        assert risk.is_initially_collateralised == expected["result"], name
        checked += 1
    for name, given, expected in vectors("is_maintenance_collateralized", "is_liquidatable"):
        risk = Risk(int(given["net_collateral"]), 0, int(given["mmr"]))
        is_asked = name.startswith("is_liquidatable")
        assert (risk.is_liquidatable if is_asked else risk.is_maintenance_collateralised) == expected["result"], name
        checked += 1
    assert checked == 18


def test_accounts_stand_in_the_chains_order_of_risk():
    checked = 0
    for name, given, expected in vectors("risk_compare"):
        first = Risk(int(given["firstNC"]), 0, int(given["firstMMR"]))
        second = Risk(int(given["secondNC"]), 0, int(given["secondMMR"]))
        assert first.compared(second) == expected["result"], name
        assert second.compared(first) == -expected["result"], name
        checked += 1
    assert checked == 16


def test_funding_is_settled_as_the_chain_does():
    checked = 0
    for name, given, expected in vectors("funding_settlement_ppm"):
        numbers = (given["funding_index_now"], given["funding_index_position"], given["quantums"])
        now, then, quantums = map(int, numbers)
        assert funding_ppm(now, then, quantums) == int(expected["net_settlement_ppm"]), name
        assert funding_down(now, then, quantums) == int(expected["net_settlement_ppm"]) // PPM
        checked += 1
    assert checked == 13
    assert funding_down(1, 0, 1) == -1


def test_notional_and_requirements_are_the_chains():
    checked = 0
    for name, given, expected in vectors("net_notional"):
        found = notional_to_zero(
            int(given["quantums"]), int(given["price"]), given["price_exponent"], given["atomic_resolution"]
        )
        assert found == int(expected["net_notional"]), name
        checked += 1
    for name, given, expected in vectors("margin_requirements"):
        risk = requirements(given)
        assert (risk.initial, risk.maintenance) == (int(expected["initial"]), int(expected["maintenance"])), name
        checked += 1
    assert checked == 22


def test_open_interest_raises_the_initial_fraction_as_the_chain_does():
    checked = 0
    for name, given, expected in vectors("initial_margin", "adjusted_imf_ppm"):
        fraction = open_interest_imf_ppm(
            given["initial_margin_ppm"],
            int(given["oi_lower_cap"]),
            int(given["oi_upper_cap"]),
            int(given["open_interest_notional"]),
        )
        if "ppm" in expected:
            assert fraction == int(expected["ppm"]), name
        else:
            assert initial_up(int(given["quote_quantums"]), fraction) == int(expected["initial"]), name
        checked += 1
    assert checked == 16


def test_an_accounts_own_fraction_counts_only_where_it_is_more():
    assert initial_up(1_000_001, 50_000) == 50_001
    assert initial_up(1_000_001, 50_000, 20_000) == 50_001
    assert initial_up(1_000_001, 50_000, 200_000) == 200_001


def test_a_maintenance_requirement_is_rounded_up_twice():
    """Of 1 quantum at 10 % and 50 %: 1 is required at first, and so is 1 to keep it; of 11 it is 2 and 1."""
    assert [maintenance_up(notional, 100_000, 500_000) for notional in (0, 1, 10, 11, 21)] == [0, 1, 1, 1, 2]
    assert maintenance_up(56_944_343_822, 20_000, 600_000) == 683_332_127


def test_whole_accounts_have_the_risk_of_the_chain():
    checked = 0
    for name, given, expected in vectors("account_risk"):
        sums = sums_of(priced(market(given)), account(given))
        assert not isinstance(sums, str)
        found = (sums.risk.net, sums.risk.initial, sums.risk.maintenance)
        assert found == tuple(int(expected[part]) for part in ("net_collateral", "initial", "maintenance")), name
        checked += 1
    for name, given, expected in vectors("account_is_liquidatable"):
        seen = ADAPTER.assess(market(given), account(given))
        assert seen.is_insolvent == seen.is_liquidatable_now == expected["result"], name
        checked += 1
    assert checked == 7


def test_bankruptcy_prices_are_the_chains():
    outcomes = Counter[bool]()
    for name, given, expected in vectors("bankruptcy_price"):
        sums, place, delta = closing(given)
        if "error" in expected:
            with pytest.raises(UsageError):
                bankruptcy_quote(sums, place, delta)
        else:
            assert bankruptcy_quote(sums, place, delta) == int(expected["quote_quantums"]), name
        outcomes["error" in expected] += 1
    assert outcomes[False] + outcomes[True] == 18
    assert outcomes[True] == 4


def test_fillable_prices_are_the_chains():
    outcomes = Counter[bool]()
    for name, given, expected in vectors("fillable_price"):
        sums, place, delta = closing(given)
        config = FillablePrice(given["bankruptcy_adjustment_ppm"], given["spread_to_maintenance_margin_ratio_ppm"])
        if "error" in expected:
            with pytest.raises(UsageError):
                fillable_price(sums, place, delta, config)
        else:
            found = fillable_price(sums, place, delta, config)
            assert found.numerator * int(expected["denominator"]) == found.denominator * int(expected["numerator"]), (
                name
            )
        outcomes["error" in expected] += 1
    assert outcomes[False] + outcomes[True] == 19
    assert outcomes[True] == 4


def requirements(given: dict[str, Any]) -> Risk:
    """Return the risk of one position, put together as an account's is."""
    told = {"id": 0, **given}
    sized = {"usdc_quantums": "0", "perpetuals": [told]}
    sized["perpetual_positions"] = [{"perpetual_id": 0, "quantums": given["quantums"]}]
    assert not given["custom_imf_ppm"]
    return risk_of(market(sized).traded[1], int(given["quantums"]), int(given["price"]))


def closing(given: dict[str, Any]) -> Any:
    sums = sums_of(priced(market(given)), account(given))
    assert not isinstance(sums, str)
    return sums, given["perpetual_id"] + 1, int(given["delta_quantums"])


def market(given: dict[str, Any]) -> Market:
    """Return the chain with a vector's perpetuals."""
    prices = [PriceUsed(PAR, WAD, 18, "par", "hardcoded")]
    traded = {}
    for told in given["perpetuals"]:
        one = perpetual(told)
        traded[one.place] = one
        prices.append(PriceUsed(one.node, int(told["price"]), one.price_decimals, "vector", "market"))
    return Market(DEPLOYMENT, MARKET, AT, traded, None, PriceGraph.of(prices))


def perpetual(told: dict[str, Any]) -> Traded:
    name = f"P{told['id']}-USD"
    return Traded(
        place=told["id"] + 1,
        ticker=name,
        token=Token(Address(name), name, max(-told["atomic_resolution"], 0)),
        node=Node(f"oracle:{name}"),
        status=Status.ACTIVE,
        is_isolated=False,
        atomic_resolution=told["atomic_resolution"],
        price_decimals=-told["price_exponent"],
        tier=Tier(
            told["initial_margin_ppm"],
            told["maintenance_fraction_ppm"],
            int(told.get("oi_lower_cap", 0)),
            int(told.get("oi_upper_cap", 0)),
        ),
        open_interest=int(told.get("open_interest_quantums", 0)),
        funding_wad=0,
    )


def account(given: dict[str, Any]) -> Account:
    cash = int(given["usdc_quantums"])
    rows = [Balance(ACCOUNT, CASH if cash > 0 else CASH_OWED, abs(cash))] if cash else []
    for held in given["perpetual_positions"]:
        assert int(held.get("funding_index_delta", 0)) == int(held.get("quote_balance", 0)) == 0
        size = int(held["quantums"])
        rows.append(Balance(held["perpetual_id"] + 1, LONG if size > 0 else SHORT, abs(size)))
    return Account(key_of(OWNER, 0), 0, tuple(rows), OWNER)
