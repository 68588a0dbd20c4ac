"""A changed parameter concerns those who owe and hold or owe what it is about."""

import pytest

from monitor.adapter import Changed
from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.folding.bearing import bears_on
from monitor.protocols.aave_v3.market import Category
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from tests.protocols.aave_v3.made import POOL, VERSIONS, Listed, account_of, market_of, token_of

HELD, OWED, OTHER = token_of(0), token_of(1), token_of(2)
BALANCES = (0, COLLATERAL, 10**18), (1, SCALED_DEBT, 10**17)
BORROWER = account_of(*BALANCES)
IN_MODE = account_of(*BALANCES, category=2)
SAVER = account_of((0, COLLATERAL, 10**18))


def concerned(subject: str, field: str, account: Account = BORROWER) -> bool:
    market = market_of(VERSIONS["3.6"], [Listed()] * 3, [Category(2, 9_000, 9_300, 10_100, 0b11)])
    return bears_on(market, Changed(subject, field, 1, 2), account)


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        *((HELD, field) for field in ("threshold_bps", "ltv_bps", "bonus_bps", "supply_cap_tokens", "price source")),
        *((token, field) for token in (HELD, OWED) for field in ("is_paused", "is_frozen", "price source")),
        (OWED, "interest_rate_strategy"),
        *((POOL, field) for field in ("oracle", "fallback oracle", "sentinel", "revision")),
    ],
)
def test_what_touches_the_health_of_who_owes_is_told(subject: str, field: str):
    assert concerned(subject, field)
    assert not concerned(subject, field, SAVER)


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        *((OTHER, field) for field in ("threshold_bps", "is_paused", "price source")),
        *((OWED, field) for field in ("threshold_bps", "ltv_bps", "supply_cap_tokens")),
        (HELD, "interest_rate_strategy"),
        *((HELD, field) for field in ("borrow_cap_tokens", "reserve_factor_bps", "a_token implementation")),
        *((POOL, field) for field in ("role granted", "acl_admin", "sentinel_allows")),
        ("category 2", "threshold_bps"),
    ],
)
def test_what_does_not_touch_it_is_not(subject: str, field: str):
    assert not concerned(subject, field)


def test_a_category_concerns_its_own_accounts():
    assert concerned("category 2", "threshold_bps", IN_MODE)
    assert concerned("category 2", "members", IN_MODE)
    assert not concerned("category 1", "threshold_bps", IN_MODE)
