"""Remedies: the least amount that reaches the target, proven, and only where the protocol lets the owner act."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.domain.assessment import Assessment, Kind, Leg, Remedy, Side, Step
from monitor.domain.health import Health, Line, Measured, NoDebt, Unmeasurable
from monitor.domain.ids import ChainId, DeploymentName, MarketKey, PositionId, PositionKey, Slug
from monitor.domain.moment import VenueMoment
from monitor.domain.prices import PROTOCOL, Repricing, SidedValue, Unknown
from monitor.health.remedy import View, reaches, remedy
from monitor.ledger.accounts import Account
from monitor.pricing.graph import PriceGraph
from monitor.protocols.aave_v3.market import Market
from monitor.units import UINT256_MAX, WAD
from tests.health.pool import FROZEN, JUDGE, PAUSED, V30, V36, Listing, account, asset, pool, token
from tests.health.random_pools import positions

E8, E18 = 10**8, 10**18
WETH, USDC = Listing("WETH", 2_500 * E8, 18, 8_300), Listing("USDC", E8, 6, 7_800)
TARGET = 3 * WAD // 2


def view(market: Market, who: Account, repricing: Repricing = PROTOCOL) -> View:
    return repricing, JUDGE.assess(market, who, repricing)


def advice(market: Market, who: Account, target_wad: int = TARGET, *repricings: Repricing) -> Remedy:
    return remedy(JUDGE, market, who, target_wad, [view(market, who, r) for r in (PROTOCOL, *repricings)])


def leg_of(seen: Assessment, step: Step) -> Leg:
    side = Side.DEBT if step.action == "repay" else Side.COLLATERAL
    return next(leg for leg in seen.legs if leg.side is side and leg.token == step.token)


def after(market: Market, who: Account, step: Step, short_by_raw: int = 0, repricing: Repricing = PROTOCOL) -> Health:
    leg = leg_of(JUDGE.assess(market, who), step)
    changed = JUDGE.adjusted(market, who, leg, step.amount_raw - short_by_raw)
    return JUDGE.assess(market, changed, repricing).health


def haircut(market: Market, bps: int) -> Repricing:
    values = {node: market.graph.values[node] for node, _ in market.tokens}
    return Repricing(
        "cautious",
        {n: SidedValue(v * (10_000 - bps) // 10_000, v) if isinstance(v, int) else v for n, v in values.items()},
    )


def test_ten_ether_against_fifteen_thousand_dollars():
    market = pool([WETH, USDC])
    who = account({0: 10 * E18}, {1: 15_000 * 10**6})
    add, repay = advice(market, who).steps
    needed_base = -(-15_000 * E8 * 3 * 100 // (2 * 83))
    assert (add.action, add.token.symbol) == ("add", "WETH")
    assert add.amount_raw == needed_base * E18 // (2_500 * E8) - 10 * E18 == 843_373_493_976_000_000
    assert (repay.action, repay.token.symbol, repay.amount_raw) == (
        "repay",
        "USDC",
        15_000 * 10**6 - 20_750 * 10**6 * 2 // 3,
    )
    assert add.reaches_wad >= TARGET
    assert repay.reaches_wad == 20_750 * 10**6 * WAD // 13_833_333_333


@settings(max_examples=200)
@given(positions(), st.integers(105 * 10**16, 3 * WAD))
def test_the_suggested_amount_reaches_the_target_and_one_unit_less_does_not(
    position: tuple[Market, Account], target_wad: int
):
    market, who = position
    for step in advice(market, who, target_wad).steps:
        assert reaches(after(market, who, step), target_wad)
        assert not reaches(after(market, who, step, 1), target_wad)


@settings(max_examples=100)
@given(positions(), st.integers(105 * 10**16, 2 * WAD), st.integers(0, 2_000))
def test_both_views_reach_the_target_and_one_unit_less_leaves_one_short(
    position: tuple[Market, Account], target_wad: int, haircut_bps: int
):
    market, who = position
    cautious = haircut(market, haircut_bps)
    for step in advice(market, who, target_wad, cautious).steps:
        assert all(reaches(after(market, who, step, 0, r), target_wad) for r in (PROTOCOL, cautious))
        assert not all(reaches(after(market, who, step, 1, r), target_wad) for r in (PROTOCOL, cautious))


@given(positions(), st.integers(105 * 10**16, 3 * WAD))
def test_what_is_shown_as_reached_is_what_the_contract_will_show(position: tuple[Market, Account], target_wad: int):
    market, who = position
    for step in advice(market, who, target_wad).steps:
        health = after(market, who, step)
        assert step.reaches_wad == (health.native if isinstance(health, Measured) else UINT256_MAX)


@given(positions(), st.integers(105 * 10**16, 3 * WAD))
def test_every_leg_is_either_advised_or_said_to_be_no_way(position: tuple[Market, Account], target_wad: int):
    market, who = position
    seen = JUDGE.assess(market, who)
    found = advice(market, who, target_wad)
    if reaches(seen.health, target_wad):
        assert found == Remedy(target_wad, ())
    else:
        assert len(found.steps) + len(found.unavailable) == len(seen.legs)


@given(positions(), st.integers(105 * 10**16, 3 * WAD))
def test_a_repayment_called_insufficient_is_insufficient_in_full(position: tuple[Market, Account], target_wad: int):
    market, who = position
    seen = JUDGE.assess(market, who)
    advised = {step.token for step in advice(market, who, target_wad).steps if step.action == "repay"}
    if reaches(seen.health, target_wad):
        return
    for leg in seen.legs:
        if leg.side is Side.DEBT and leg.token not in advised:
            paid = JUDGE.adjusted(market, who, leg, leg.amount_raw)
            assert not reaches(JUDGE.health(market, paid), target_wad)


CLOSED = [
    ("frozen collateral", {"flags": FROZEN}, {}, ["repay"], ["add WETH", "frozen"]),
    ("paused collateral", {"flags": PAUSED}, {}, ["repay"], ["add WETH", "paused"]),
    ("frozen debt", {}, {"flags": FROZEN}, ["add", "repay"], []),
    ("paused debt", {}, {"flags": PAUSED}, ["add"], ["repay USDC", "paused"]),
    ("both paused", {"flags": PAUSED}, {"flags": PAUSED}, [], ["add WETH", "repay USDC"]),
    ("frozen and paused", {"flags": FROZEN | PAUSED}, {}, ["repay"], ["paused"]),
    ("cap reached", {"cap_tokens": 100, "supplied_scaled": 100 * E18}, {}, ["repay"], ["supply cap full"]),
    ("cap exceeded", {"cap_tokens": 100, "supplied_scaled": 101 * E18}, {}, ["repay"], ["supply cap full"]),
    ("room for little", {"cap_tokens": 100, "supplied_scaled": 995 * E18 // 10}, {}, ["repay"], ["room for 0.5 only"]),
    ("room enough", {"cap_tokens": 100, "supplied_scaled": 90 * E18}, {}, ["add", "repay"], []),
]


@pytest.mark.parametrize("revision", [V30, V36])
@pytest.mark.parametrize(
    ("held", "owed", "actions", "said"), [row[1:] for row in CLOSED], ids=[row[0] for row in CLOSED]
)
def test_advice_honours_the_reserves_flags(held, owed, actions: list[str], said: list[str], revision: int):
    market = pool([Listing("WETH", 2_500 * E8, 18, 8_300, **held), Listing("USDC", E8, 6, **owed)], revision)
    found = advice(market, account({0: 10 * E18}, {1: 15_000 * 10**6}))
    assert [step.action for step in found.steps] == actions
    assert all(any(text in line for line in found.unavailable) for text in said)


def test_collateral_without_a_threshold_is_no_way_out():
    market = pool([Listing("DUST", 5 * E8, 18, 0), WETH, USDC])
    found = advice(market, account({0: 10**20, 1: 10 * E18}, {2: 15_000 * 10**6}))
    assert [(s.action, s.token.symbol) for s in found.steps] == [("add", "WETH"), ("repay", "USDC")]
    assert found.unavailable[0].endswith("no amount of it suffices")


def test_a_debt_too_small_to_matter_is_no_way_out():
    market = pool([WETH, USDC, Listing("DAI", E8)])
    found = advice(market, account({0: 10 * E18}, {1: 15_000 * 10**6, 2: 100 * E18}))
    assert [(s.action, s.token.symbol) for s in found.steps] == [("add", "WETH"), ("repay", "USDC")]
    assert found.unavailable[0].startswith("repay DAI (")
    assert found.unavailable[0].endswith("all of it does not suffice")


def test_repaying_all_may_be_the_only_repayment_that_is_enough():
    market = pool([Listing("DUST", 5 * E8, 18, 0), WETH, USDC])
    (repay,) = advice(market, account({0: 10**20}, {2: 15_000 * 10**6})).steps
    assert (repay.amount_raw, repay.reaches_wad) == (15_000 * 10**6, UINT256_MAX)


def test_a_position_at_its_target_needs_nothing():
    market = pool([WETH, USDC])
    assert advice(market, account({0: 10 * E18}, {1: 10_000 * 10**6}), 2 * WAD) == Remedy(2 * WAD, ())
    assert advice(market, account({0: 10 * E18}, {})) == Remedy(TARGET, ())


def test_no_advice_is_given_in_the_dark():
    market = pool([Listing("WETH", Unknown("the feed reverts")), USDC])
    found = advice(market, account({0: 10 * E18}, {1: 15_000 * 10**6}))
    assert found.steps == ()
    assert "the feed reverts" in found.unavailable[0]


def test_a_strangers_symbol_is_shown_safely():
    market = pool([Listing("WETH", 2_500 * E8, 18, 8_300, flags=FROZEN), Listing("<b>USDC", E8, 6)])
    found = advice(market, account({0: 10 * E18}, {1: 15_000 * 10**6}), 10**6 * WAD)
    assert not any("<" in line for line in found.unavailable)


@pytest.mark.parametrize(
    ("health", "target_wad", "enough"),
    [
        (Measured(3, 2, Line.BELOW, None), TARGET, True),
        (Measured(3, 2, Line.BELOW, None), TARGET + 1, False),
        (Measured(1, 1, Line.AT_OR_BELOW, None), WAD, False),
        (Measured(0, 1, Line.NATIVE_BELOW_WAD, TARGET), TARGET, True),
        (Measured(9, 1, Line.NATIVE_BELOW_WAD, TARGET - 1), TARGET, False),
        (NoDebt(), TARGET, True),
        (Unmeasurable("x"), TARGET, False),
    ],
)
def test_the_contracts_own_integer_decides_whether_a_target_is_reached(health: Health, target_wad: int, enough: bool):
    assert reaches(health, target_wad) == enough


def test_a_frozen_collateral_leaves_the_debt_to_repay():
    """Frozen rsETH of April 2026: nothing to add there, but the debt can be repaid."""
    market = pool([Listing("rsETH", 2_600 * E8, 18, 7_500, flags=FROZEN), WETH])
    found = advice(market, account({0: 10 * E18}, {1: 7 * E18}), 12 * WAD // 10)
    assert [(s.action, s.token.symbol) for s in found.steps] == [("repay", "WETH")]
    assert "frozen" in found.unavailable[0]


class Margin:
    """A perpetual venue: equity in raw dollars against a requirement of 500, and no view that says a health."""

    graph = PriceGraph.of([])

    def __init__(self, per_unit: int = 3) -> None:
        self.per_unit = per_unit

    def health(self, market: "Margin", account: int, repricing: Repricing = PROTOCOL) -> Health:
        return Measured(account * self.per_unit, 500, Line.AT_OR_BELOW, None)

    def assess(self, market: "Margin", account: int, repricing: Repricing = PROTOCOL) -> Assessment:
        dollars = Leg(Side.COLLATERAL, token("USD"), account, account, 0, None, 10_000, asset("USD"))
        identity = PositionId(ChainId("venue:x"), Slug("x"), DeploymentName("x"), MarketKey("x"), PositionKey("1"))
        at = VenueMoment("x", None, 0, 0)
        found = self.health(market, account)
        return Assessment(identity, None, at, Kind.PERP, "cross", found, (dollars,), None, None, 1, base_is_usd=True)

    def later(self, market: "Margin", seconds: int) -> None:
        return None

    def quote(self, market: "Margin", account: int, repricing: Repricing = PROTOCOL) -> None:
        return None

    def adjusted(self, market: "Margin", account: int, leg: Leg, change_raw: int) -> int:
        return account + change_raw

    def closed_ways(self, market: "Margin", leg: Leg, change_raw: int = 0) -> str | None:
        return None


def test_a_venue_without_values_or_a_view_of_its_own_is_searched_all_the_same():
    """Equity of 300 against 500: the target of 1.2 takes 100 units more, and at exactly 1 the venue liquidates."""
    venue = Margin()
    views = [(PROTOCOL, venue.assess(venue, 100))]
    (step,) = remedy(venue, venue, 100, 12 * WAD // 10, views).steps
    assert (step.action, step.amount_raw, step.reaches_wad) == ("add", 100, 12 * WAD // 10)
    (safe,) = remedy(venue, venue, 100, WAD, views).steps
    assert safe.amount_raw == 67


def test_what_nothing_can_mend_is_said_to_be_beyond_mending():
    venue = Margin(per_unit=0)
    found = remedy(venue, venue, 100, WAD, [(PROTOCOL, venue.assess(venue, 100))])
    assert found.steps == ()
    assert found.unavailable[0].endswith("no amount of it suffices")
