"""Every recorded account at every recorded block: margins, requirements, predicates, positions and projections."""

from dataclasses import replace

from monitor.domain.health import Measured, NoDebt
from monitor.domain.ids import PositionKey
from monitor.protocols.synthetix_v3.accounts import id_of
from monitor.protocols.synthetix_v3.health import Sums, priced, sums_of
from monitor.protocols.synthetix_v3.reading import HOUSE
from tests.protocols.synthetix_v3.recorded import ADAPTER, HOUSE_AT, Page, pages

MARGINS = (
    *("available_margin", "required_initial_margin_with_reward", "required_maintenance_margin_with_reward"),
    *("max_liquidation_reward", "withdrawable_margin"),
)


def summed(page: Page, key: PositionKey) -> Sums:
    sums = sums_of(priced(page.market), page.accounts[key])
    assert not isinstance(sums, str)
    return sums


def said(page: Page, name: str, *of: int) -> tuple[int, ...]:
    """What a view of the contract answered, its words as signed numbers."""
    answer = page.played.block.calls[HOUSE_AT, HOUSE[name].calldata(*of)]
    assert isinstance(answer, bytes)
    return tuple(int.from_bytes(answer[i : i + 32], signed=True) for i in range(0, len(answer), 32))


def test_margins_and_requirements_are_the_contracts_to_the_last_unit():
    checked = 0
    for page in pages():
        for key, told in page.truth.items():
            sums = summed(page, key)
            found = (sums.available, sums.initial, sums.maintenance, sums.reward, sums.withdrawable)
            assert found == tuple(int(told[name]) for name in MARGINS), key
            checked += 1
    assert checked == 180


def test_both_predicates_of_liquidation_are_the_contracts():
    goes = goes_without = 0
    for page in pages():
        for key, told in page.truth.items():
            sums = summed(page, key)
            assert sums.can_liquidate == told["can_liquidate"], key
            assert sums.can_liquidate_margin == told["can_liquidate_margin_only"], key
            goes += sums.can_liquidate
            goes_without += sums.can_liquidate_margin
    assert (goes, goes_without) == (78, 11)


def test_the_assessment_says_liquidatable_now_exactly_where_a_call_goes_through():
    flagged = 0
    for page in pages():
        for key, told in page.truth.items():
            account = page.accounts[key]
            seen = ADAPTER.assess(page.market, account)
            assert seen.health == ADAPTER.health(page.market, account)
            goes = told["can_liquidate"] or told["can_liquidate_margin_only"]
            assert seen.is_liquidatable_now == goes, key
            assert (ADAPTER.quote(page.market, account) is not None) == goes
            flagged += seen.forced
            required, available = int(told["required_maintenance_margin_with_reward"]), int(told["available_margin"])
            if required:
                assert isinstance(seen.health, Measured)
                assert (seen.health.numerator, seen.health.denominator) == (available, required)
                assert seen.is_insolvent == (available < required)
            elif not account.balances or not seen.margin or not seen.margin.maintenance_base:
                assert seen.health == NoDebt()
    assert flagged == 3


def test_each_position_and_the_sums_beside_it_are_what_the_views_say():
    checked = 0
    for page in pages():
        for key, account in page.accounts.items():
            sums, account_id = summed(page, key), id_of(key)
            assert said(page, "totalCollateralValue", account_id) == (sums.whole,)
            assert said(page, "totalAccountOpenInterest", account_id) == (sums.notional,)
            for leg in ADAPTER.assess(page.market, account).positions:
                assert leg.unrealised_pnl_base is not None
                assert leg.funding_base is not None
                assert leg.borrow_fee_base is not None
                pnl = leg.unrealised_pnl_base + leg.funding_base - leg.borrow_fee_base
                told = said(page, "getOpenPosition", account_id, int(leg.market))
                assert (pnl, leg.funding_base, leg.size_raw, leg.borrow_fee_base) == told, key
                checked += 1
    assert checked == 273


def test_a_market_told_ahead_is_the_contracts_own_at_that_time():
    """Nobody acted between the recorded blocks, so that the first, told ahead, has the margins of the others."""
    first, *others = pages()
    projected = 0
    for page in others:
        later = ADAPTER.later(first.market, page.market.at.timestamp_s - first.market.at.timestamp_s)
        moved = page._replace(market=replace(later, at=page.market.at, graph=page.market.graph))
        assert moved.market.interest == page.market.interest
        assert moved.market.traded == page.market.traded
        for key, told in page.truth.items():
            assert summed(moved, key).available == int(told["available_margin"])
            assert first.accounts[key] == page.accounts[key]
            projected += 1
    assert projected == 120
