"""A loan is of one peg when everything that counts on both sides is, and one stranger makes it ordinary."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.assessment import Assessment, Kind, Leg, Side
from monitor.domain.ids import Address, ChainId
from monitor.domain.prices import Node
from monitor.domain.token import Token
from monitor.risk.pegs import DUST, NO_PEG, Peg, peg_of
from tests.fakes.evaluations import evaluation
from tests.risk.scene import MODEL

TOKENS = {
    "WETH": ("eip155:1", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"),
    "rETH": ("eip155:1", "0xae78736cd615f374d3085123a210448e74fc6393"),
    "USDC": ("eip155:1", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),
    "sUSDe": ("eip155:1", "0x9d39a5de30e57443bff2a8307a4256c8797a3497"),
    "PT": ("eip155:1", "0xe6a934089bbee34f832060ce98848359883749b3"),
    "WBTC": ("eip155:1", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"),
    "EURC": ("eip155:1", "0x1abaea1f7c830bd89acc67ec4af516284b1bc33c"),
    "USTB": ("eip155:1", "0x43415eb6ff9db7e26a15b704e7a3edce97d31c4e"),
    "WETH of nobody": ("eip155:1", "0x" + "66" * 20),
}
WHOLE = 10**12


def leg(side: Side, name: str, value_base: int | None = WHOLE, weight_bps: int = 9_500) -> Leg:
    token = Token(Address(TOKENS[name][1]), name.split(maxsplit=1)[0], 18)
    return Leg(side, token, 1, 1, 1, value_base, weight_bps, Node(f"price:{name}"))


def loan(held: Mapping[str, int | None], owed: Mapping[str, int | None]) -> Assessment:
    legs = [leg(Side.COLLATERAL, name, value) for name, value in held.items()]
    legs += [leg(Side.DEBT, name, value) for name, value in owed.items()]
    seen = evaluation("1.03").protocol
    return replace(seen, id=replace(seen.id, chain=ChainId("eip155:1")), legs=tuple(legs))


def peg(held: Mapping[str, int | None], owed: Mapping[str, int | None]) -> Peg:
    return peg_of(MODEL, loan(held, owed))


@pytest.mark.parametrize(
    ("held", "owed", "name"),
    [
        (("rETH",), ("WETH",), "ether"),
        (("rETH", "WETH"), ("WETH",), "ether"),
        (("sUSDe",), ("USDC",), "dollar"),
        (("PT", "sUSDe"), ("USDC",), "dollar"),
        (("USDC",), ("USDC",), "dollar"),
        (("WBTC",), ("WBTC",), "bitcoin"),
        (("rETH",), ("USDC",), ""),
        (("WBTC",), ("WETH",), ""),
        (("EURC",), ("USDC",), ""),
        (("rETH", "USDC"), ("WETH",), ""),
        (("rETH",), ("WETH", "USDC"), ""),
        (("rETH", "USDC"), ("WETH", "USDC"), ""),
        (("WETH of nobody",), ("WETH",), ""),
        (("WETH of nobody",), ("WETH of nobody",), ""),
        (("USTB",), ("USDC",), ""),
        ((), ("WETH",), ""),
        (("rETH",), (), ""),
    ],
)
def test_a_loan_is_of_the_peg_of_all_its_legs(held: tuple[str, ...], owed: tuple[str, ...], name: str):
    assert peg(dict.fromkeys(held, WHOLE), dict.fromkeys(owed, WHOLE)) == Peg(name)


@pytest.mark.parametrize("side", Side)
def test_a_thousandth_of_a_stranger_is_dust_and_a_little_more_is_not(side: Side):
    def of(strange: int | None) -> Peg:
        held, owed = {"rETH": WHOLE}, {"WETH": WHOLE}
        if side is Side.COLLATERAL:
            return peg({**held, "USDC": strange}, owed)
        return peg(held, {**owed, "USDC": strange})

    dust = WHOLE // (DUST - 1)
    assert of(0) == Peg("ether")
    assert of(1) == of(dust) == Peg("ether", is_by_value=True)
    assert of(dust + 1) == of(WHOLE // 100) == Peg("", is_by_value=True)
    assert of(WHOLE // 50) == Peg("")
    assert of(None) == Peg(""), "what it is worth is not known"


def test_strangers_count_together():
    dust = WHOLE // 1_500
    assert peg({"rETH": WHOLE, "USDC": dust}, {"WETH": WHOLE}).name == "ether"
    assert peg({"rETH": WHOLE, "USDC": dust, "WBTC": dust}, {"WETH": WHOLE}).name == ""


def test_collateral_that_does_not_count_makes_no_stranger_and_debt_always_counts():
    seen = loan({"rETH": WHOLE}, {"WETH": WHOLE})
    idle, owed = leg(Side.COLLATERAL, "USDC", weight_bps=0), leg(Side.DEBT, "USDC", weight_bps=0)
    assert peg_of(MODEL, replace(seen, legs=(*seen.legs, idle))) == Peg("ether")
    assert peg_of(MODEL, replace(seen, legs=(*seen.legs, owed))) == NO_PEG


def test_prices_that_are_not_known_leave_a_loan_without_strangers_what_it_is():
    assert peg({"rETH": None}, {"WETH": None}) == Peg("ether")


def test_a_perpetual_account_has_no_peg():
    assert peg_of(MODEL, replace(loan({"rETH": 1}, {"WETH": 1}), kind=Kind.PERP)) == NO_PEG


@given(
    st.lists(st.tuples(st.sampled_from(sorted(TOKENS)), st.integers(0, 10**15)), max_size=6),
    st.lists(st.tuples(st.sampled_from(sorted(TOKENS)), st.integers(0, 10**15)), max_size=6),
)
def test_no_volatile_leg_of_any_weight_is_inside_a_peg(held, owed):
    """By another way: of a pegged loan, whatever is of another class of price is at most a thousandth of its side."""
    found = peg(dict(held), dict(owed))
    peg_by_name = {n: MODEL.of(ChainId(c), Address(a)).peg for n, (c, a) in TOKENS.items()}
    for legs, name in product((dict(held), dict(owed)), {found.name} - {""}):
        total = sum(value or 0 for value in legs.values())
        assert total > 0
        assert sum(v or 0 for n, v in legs.items() if peg_by_name[n] != name) * DUST <= total
    if not found.name:
        for name in ("ether", "dollar", "bitcoin", "euro"):
            sides = [[peg_by_name[n] for n, v in legs.items() if v] for legs in (dict(held), dict(owed))]
            assert not all(side and set(side) == {name} for side in sides)
