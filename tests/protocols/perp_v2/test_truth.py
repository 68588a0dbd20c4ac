"""Every recorded account at every recorded block: value, requirement, free collateral, predicates and liquidations."""

from collections import Counter

from monitor.domain.health import Measured
from monitor.protocols.perp_v2.health import priced, sums_of
from monitor.protocols.perp_v2.liquidation import OK, outcome, takeable
from tests.protocols.perp_v2.recorded import ADAPTER, CONTRACTS, pages


def test_value_requirement_and_free_collateral_are_the_contracts_to_the_last_unit():
    checked = 0
    for page in pages():
        view = priced(page.market)
        for key, told in page.truth.items():
            sums = sums_of(view, page.accounts[key])
            assert not isinstance(sums, str)
            assert sums.equity == int(told["clearing_house_account_value_18"]), key
            assert sums.equity == int(told["vault_account_value_6"]) * 10**12
            assert sums.maintenance == int(told["margin_requirement_for_liquidation_18"]), key
            assert sums.free_raw == int(told["free_collateral_6"]), key
            assert sums.is_coin_sale_open == told["collateral_liquidatable"], key
            checked += 1
    assert checked == 125


def test_a_liquidation_ends_as_the_contract_says_and_takes_what_it_says():
    ends, sizes = Counter[str](), 0
    for page in pages():
        view = priced(page.market)
        places = page.market.places
        for key, told in page.truth.items():
            sums = sums_of(view, page.accounts[key])
            assert not isinstance(sums, str)
            for name, end in told["liquidate_call"].items():
                place = places[CONTRACTS[name]]
                assert outcome(page.market, sums, place) == end, (key, name)
                ends[end] += 1
                held = next((one for one in sums.positions if one.place == place), None)
                taken = 0 if held is None else takeable(sums, held)
                assert taken == int(told["positions"][name]["liquidatable_size"]), (key, name)
                sizes += bool(taken)
    print(dict(ends), sizes)
    assert set(ends) == {"ok", "CH_EAV", "CH_CLWTISO", "CH_PSZ", "CH_MNO"}
    assert sum(ends.values()) == 250
    assert sizes > 10


def test_the_assessment_says_liquidatable_now_exactly_where_a_liquidation_goes_through():
    past = 0
    for page in pages():
        for key, told in page.truth.items():
            seen = ADAPTER.assess(page.market, page.accounts[key])
            value = int(told["clearing_house_account_value_18"])
            required = int(told["margin_requirement_for_liquidation_18"])
            if required:
                assert isinstance(seen.health, Measured)
                assert (seen.health.numerator, seen.health.denominator) == (value, required)
                assert seen.is_insolvent == (value < required)
                past += seen.is_insolvent
            goes = OK in told["liquidate_call"].values() or told["collateral_liquidatable"]
            assert seen.is_liquidatable_now == goes, key
            assert (ADAPTER.quote(page.market, page.accounts[key]) is not None) == goes
    assert past > 10


def test_positions_are_what_the_contracts_say_of_each_market():
    checked = 0
    for page in pages():
        for key, told in page.truth.items():
            legs = {leg.market: leg for leg in ADAPTER.assess(page.market, page.accounts[key]).positions}
            for name, one in told["positions"].items():
                leg = legs.get(CONTRACTS[name])
                found = (leg.size_raw, leg.value_base, -(leg.entry_base or 0)) if leg else (0, 0, 0)
                if leg or int(one["size"]):
                    assert found == (int(one["size"]), int(one["value"]), int(one["open_notional"])), (key, name)
                    checked += 1
    assert checked > 100
