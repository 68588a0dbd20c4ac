"""What an owner's acts change, which ways are closed, and whom a changed parameter concerns; made-up pools."""

import pytest

from monitor.adapter import Changed
from monitor.domain.assessment import Side
from monitor.domain.ids import Address
from monitor.errors import UsageError
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v2.adapter import AaveV2
from monitor.protocols.aave_v2.liquidation import NOTHING
from monitor.protocols.aave_v2.market import WHOLE_DEBT_MANAGERS
from monitor.protocols.aave_v2.totals import COLLATERAL, SCALED_DEBT, STABLE_PRINCIPAL
from monitor.units import RAY, UINT256_MAX, WAD, YEAR_S
from tests.protocols.aave_v2.made import AT, POOL, Listed, account_of, market_of, stable_of, token_of

ADAPTER = AaveV2()
HELD, OWED, OTHER = token_of(0), token_of(1), token_of(2)
BALANCES = (0, COLLATERAL, 10 * WAD), (1, SCALED_DEBT, 2 * WAD)
BORROWER = account_of(*BALANCES)
STABLE_BORROWER = account_of(BALANCES[0], *stable_of(1, 2 * WAD, RAY // 10, YEAR_S))
UNDERWATER = account_of((0, COLLATERAL, WAD), (1, SCALED_DEBT, WAD))


def raw_of(account: Account, kind: int) -> int | None:
    return next((b.raw for b in account.balances if b.kind == kind), None)


def leg_of(market, account, side, label=None):
    legs = ADAPTER.assess(market, account).legs
    return next(leg for leg in legs if leg.side is side and label in (None, leg.label))


def test_a_repayment_of_all_takes_the_debt_away_and_a_part_leaves_the_rest():
    market = market_of(Listed(), Listed(debt_index_ray=2 * RAY))
    leg = leg_of(market, BORROWER, Side.DEBT)
    assert leg.amount_raw == 4 * WAD
    assert ADAPTER.adjusted(market, BORROWER, leg, 4 * WAD).balances == BORROWER.balances[:1]
    assert raw_of(ADAPTER.adjusted(market, BORROWER, leg, WAD), SCALED_DEBT) == 3 * WAD // 2
    assert raw_of(ADAPTER.adjusted(market, BORROWER, leg, UINT256_MAX), SCALED_DEBT) is None


def test_a_stable_debt_is_repaid_from_what_it_has_grown_to():
    market = market_of(Listed(), Listed())
    leg = leg_of(market, STABLE_BORROWER, Side.DEBT, "stable")
    assert leg.amount_raw > 2 * WAD
    left = ADAPTER.adjusted(market, STABLE_BORROWER, leg, WAD)
    assert raw_of(left, STABLE_PRINCIPAL) == leg.amount_raw - WAD
    assert leg_of(market, left, Side.DEBT, "stable").amount_raw == leg.amount_raw - WAD
    assert ADAPTER.adjusted(market, STABLE_BORROWER, leg, leg.amount_raw).balances == STABLE_BORROWER.balances[:1]


def test_a_leg_that_the_account_has_not_cannot_be_changed():
    market = market_of(Listed(), Listed(), Listed())
    leg = leg_of(market, account_of((2, COLLATERAL, WAD)), Side.COLLATERAL)
    with pytest.raises(UsageError, match="expected a leg"):
        ADAPTER.adjusted(market, BORROWER, leg, 1)


@pytest.mark.parametrize(
    ("held", "owed", "paused", "ways"),
    [
        (Listed(), Listed(), False, (None, None)),
        (Listed(), Listed(), True, ("paused", "paused")),
        (Listed(is_frozen=True), Listed(is_frozen=True), False, ("frozen", None)),
        (Listed(is_active=False), Listed(is_active=False), False, ("inactive", "inactive")),
    ],
)
def test_a_way_is_closed_where_the_contract_closes_it(held, owed, paused, ways):
    market = market_of(held, owed, is_paused=paused)
    legs = [leg_of(market, BORROWER, side) for side in (Side.COLLATERAL, Side.DEBT)]
    assert tuple(ADAPTER.closed_ways(market, leg, 1) for leg in legs) == ways


def test_interest_that_the_pool_forgets_cannot_be_repaid():
    market = market_of(Listed(), Listed(debt_rate_ray=RAY, since_s=AT.timestamp_s - YEAR_S))
    leg = leg_of(market, BORROWER, Side.DEBT)
    assert leg.amount_raw > 2 * WAD
    assert ADAPTER.closed_ways(market, leg, 2 * WAD) is None
    assert ADAPTER.closed_ways(market, leg, 2 * WAD + 1) == f"the debt token has only {2 * WAD} units to burn"


@pytest.mark.parametrize(
    ("held", "owed", "paused", "reason"),
    [
        (Listed(), Listed(), True, "paused"),
        (Listed(grace_until_s=AT.timestamp_s), Listed(), False, f"grace period: {HELD} until {AT.timestamp_s}"),
        (Listed(), Listed(grace_until_s=AT.timestamp_s + 9), False, f"grace period: {OWED} until {AT.timestamp_s + 9}"),
        (Listed(), Listed(is_active=False), False, f"inactive: {OWED}"),
        (Listed(threshold_bps=0), Listed(), False, f"no liquidation threshold: {HELD}"),
        (Listed(bonus_bps=0), Listed(), False, NOTHING),
    ],
)
def test_what_stands_against_a_liquidation_is_said(held, owed, paused, reason):
    market = market_of(held, owed, is_paused=paused)
    seen = ADAPTER.assess(market, UNDERWATER)
    assert seen.is_insolvent
    assert seen.blockers == (reason,)
    assert ADAPTER.quote(market, UNDERWATER) is None


@pytest.mark.parametrize("grace_until_s", [0, AT.timestamp_s - 1])
def test_a_grace_period_that_is_over_stands_against_nothing(grace_until_s):
    market = market_of(Listed(grace_until_s=grace_until_s), Listed())
    assert ADAPTER.assess(market, UNDERWATER).is_liquidatable_now


@pytest.mark.parametrize(("available", "as_a_tokens"), [(10**40, "false"), (WAD // 4, "true"), (None, "true")])
def test_collateral_that_the_pool_has_lent_out_is_offered_as_a_tokens(available, as_a_tokens):
    market = market_of(Listed(available_raw=available), Listed())
    quote = ADAPTER.quote(market, UNDERWATER)
    assert quote is not None
    assert quote.arguments[-1] == as_a_tokens
    assert quote.debt_to_cover_raw == WAD // 2
    assert quote.collateral_to_liquidator_raw == WAD // 2 * 105 // 100
    assert quote.profit_base == WAD // 2 * 5 // 100


def test_a_manager_known_to_let_all_of_a_debt_be_repaid_is_quoted_so():
    halves, whole = (market_of(Listed(), Listed(), manager=m) for m in (Address(POOL), min(WHOLE_DEBT_MANAGERS)))
    assert (halves.close_factor_bps, whole.close_factor_bps) == (5_000, 10_000)
    quote = ADAPTER.quote(whole, UNDERWATER)
    assert quote is not None
    assert quote.collateral_to_liquidator_raw == WAD
    assert quote.debt_to_cover_raw == (WAD * 10_000 + 5_250) // 10_500


def concerned(subject: str, field: str, account: Account = BORROWER) -> bool:
    return ADAPTER.bears_on(market_of(Listed(), Listed(), Listed()), Changed(subject, field, 1, 2), account)


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        *((HELD, field) for field in ("threshold_bps", "ltv_bps", "bonus_bps", "price source")),
        *((token, field) for token in (HELD, OWED) for field in ("is_active", "is_frozen", "grace_until_s")),
        (OWED, "interest_rate_strategy"),
        *((POOL, field) for field in ("oracle", "is_paused", "collateral_manager", "pool implementation")),
    ],
)
def test_what_touches_the_health_of_who_owes_is_told(subject: str, field: str):
    assert concerned(subject, field)
    assert not concerned(subject, field, account_of(BALANCES[0]))


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        *((OTHER, field) for field in ("threshold_bps", "is_active", "price source")),
        *((OWED, field) for field in ("threshold_bps", "ltv_bps")),
        *((HELD, field) for field in ("interest_rate_strategy", "reserve_factor_bps", "a_token implementation")),
        *((POOL, field) for field in ("pool_admin", "emergency_admin", "configurator implementation")),
    ],
)
def test_what_does_not_touch_it_is_not(subject: str, field: str):
    assert not concerned(subject, field)
