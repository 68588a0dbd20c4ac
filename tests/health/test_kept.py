"""Collateral that its protocol keeps, whatever the health is: said with the reason, and only where there is one."""

import pytest

from monitor.domain.label import safe_label
from tests.health.pool import FROZEN, PAUSED, V30, V36, Listing, account, pool, token
from tests.health.test_remedy import E8, E18, USDC, WETH, advice

KEPT = [
    ("all there", {"available_raw": 10 * E18}, None),
    ("nobody says", {"available_raw": None}, None),
    ("all lent out", {"available_raw": 0}, "no liquidity, all of it is lent out"),
    (
        "a unit short",
        {"available_raw": 10 * E18 - 1},
        "liquidity of 9.999999999999999999 only, the rest is lent out",
    ),
    ("frozen", {"flags": FROZEN, "available_raw": 10 * E18}, None),
    ("frozen and lent out", {"flags": FROZEN, "available_raw": 0}, "no liquidity, all of it is lent out"),
    ("paused", {"flags": PAUSED, "available_raw": 10 * E18}, "paused"),
    ("paused and lent out", {"flags": PAUSED | FROZEN, "available_raw": 0}, "paused"),
]


@pytest.mark.parametrize("revision", [V30, V36])
@pytest.mark.parametrize(("held", "said"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_advice_says_what_cannot_be_withdrawn_and_why(held, said: str | None, revision: int):
    market = pool([Listing("WETH", 2_500 * E8, 18, 8_300, **held), USDC], revision)
    found = advice(market, account({0: 10 * E18}, {1: 15_000 * 10**6}))
    label = safe_label("WETH", token("WETH").address)
    assert found.kept == (() if said is None else (f"{label}: {said}",))
    assert "repay" in [step.action for step in found.steps]


def test_ether_lent_out_beside_frozen_restaked_ether_leaves_repaying_and_says_what_is_stuck():
    """Aave in April 2026: rsETH frozen, all ether lent out. Who holds both can repay, and cannot take the ether out."""
    lent = Listing("WETH", 2_500 * E8, 18, 8_300, available_raw=0)
    market = pool([Listing("rsETH", 2_600 * E8, 18, 7_500, flags=FROZEN, available_raw=10**24), lent, USDC])
    found = advice(market, account({0: 10 * E18, 1: 5 * E18}, {2: 25_000 * 10**6}))
    assert [(s.action, s.token.symbol) for s in found.steps] == [("add", "WETH"), ("repay", "USDC")]
    (closed,), (stuck,) = found.unavailable, found.kept
    assert closed.startswith("add rsETH")
    assert closed.endswith(": frozen")
    assert stuck.startswith("WETH")
    assert stuck.endswith(": no liquidity, all of it is lent out")


def test_collateral_that_nothing_may_be_borrowed_against_has_to_go_out_first():
    market = pool([Listing("rsETH", 2_600 * E8, 18, 400), WETH, USDC])
    found = advice(market, account({0: E18, 1: 10 * E18}, {2: 15_000 * 10**6}))
    assert [line.partition(": ")[2] for line in found.kept] == [
        "not before the collateral that nothing may be borrowed against"
    ]
    assert found.kept[0].startswith("WETH")
