"""Random pools and indebted accounts in them, for both families of rounding."""

from hypothesis import strategies as st

from monitor.ledger.accounts import Account
from monitor.protocols.aave_v3.market import Market
from monitor.units import RAY
from tests.health.pool import V30, V36, Listing, account, pool

_SYMBOLS = ("AAA", "BBB", "CCC")


@st.composite
def listings(draw: st.DrawFn) -> tuple[Listing, ...]:
    return tuple(
        Listing(
            symbol,
            draw(st.integers(10**4, 10**13)),
            draw(st.sampled_from([6, 8, 18])),
            draw(st.integers(1_000, 9_500)),
            draw(st.integers(RAY, 2 * RAY)),
            draw(st.integers(RAY, 2 * RAY)),
        )
        for symbol in _SYMBOLS
    )


@st.composite
def positions(draw: st.DrawFn, revisions: tuple[int, ...] = (V30, V36)) -> tuple[Market, Account]:
    """A pool, and an account with one or two collaterals and one or two debts, from far above the line to below it."""
    listed = draw(listings())
    held = draw(st.lists(st.sampled_from(range(3)), min_size=1, max_size=2, unique=True))
    owed = draw(st.lists(st.sampled_from(range(3)), min_size=1, max_size=2, unique=True))
    values = {i: draw(st.integers(10**10, 10**16)) for i in held}
    collateral = {i: _raw(listed[i], value) + draw(st.integers(0, 10**6)) for i, value in values.items()}
    limit = sum(value * listed[i].threshold_bps for i, value in values.items()) // 10**4
    share_bps = draw(st.integers(1_000, 11_000)) // len(owed)
    debts = {i: max(_raw(listed[i], limit * share_bps // 10**4), 1) for i in owed}
    return pool(listed, draw(st.sampled_from(revisions))), account(collateral, debts)


def _raw(one: Listing, value_base: int) -> int:
    assert isinstance(one.price, int)
    return value_base * int(10**one.decimals) // one.price
