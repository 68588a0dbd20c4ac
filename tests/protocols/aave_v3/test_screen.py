"""The screen against exact health: made-up accounts of every version, and every account of the devnet."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.prices import PROTOCOL, Repricing, Unknown
from monitor.ledger.accounts import Accounts
from monitor.pricing.repricing import shock
from monitor.protocols.aave_v3.health import healths, priced, sums_of
from monitor.protocols.aave_v3.market import Market
from monitor.protocols.aave_v3.screen import CELLS, factors
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, PLAIN_DEBT, SCALED_DEBT, Totals
from monitor.screen.factors import Factors
from monitor.screen.kernel import Kernel
from monitor.screen.scenarios import exposure
from monitor.screen.select import select
from monitor.screen.slots import Slots
from monitor.units import RAY, WAD
from tests.devnet import moments
from tests.protocols.aave_v3.bracket import Bracket, compare, is_below
from tests.protocols.aave_v3.made import VERSIONS, Listed, account_of, market_of, node_of, repriced
from tests.protocols.aave_v3.watched import Watched
from tests.protocols.aave_v3.wild import TAME, WILD, haircut, stably_indebted, wild_accounts, wild_market

ACCOUNTS, POOLS = 10_000, 10
LINES = tuple(line * WAD // 100 for line in (100, 103, 105, 110, 125, 150, 200))
ALL = pytest.mark.parametrize("version", sorted(VERSIONS))
Pool = tuple[Market, Accounts, Repricing]


def pools(version: str, count: int = POOLS, each: int = ACCOUNTS // POOLS) -> Iterator[tuple[bool, Pool]]:
    """Pools of both kinds under both repricings; whether each is a wild one."""
    random = np.random.default_rng(int(version.replace(".", "")))
    for number in range(count):
        kind = (WILD, TAME)[number // 2 % 2]
        market = wild_market(version, random, kind)
        accounts = wild_accounts(market, each, random, kind)
        yield kind is WILD, (market, accounts, haircut(market, random) if number % 2 else PROTOCOL)


@ALL
def test_the_interval_contains_the_exact_health_of_ten_thousand_wild_accounts(version: str, kernel: Kernel) -> None:
    wild, tame = Bracket(), Bracket()
    for is_wild, (market, accounts, repricing) in pools(version):
        compare(kernel, market, accounts, repricing, wild if is_wild else tame)
    print(f"{version} wild: {wild}\n{version} tame: {tame}")
    assert wild.compared + tame.compared == ACCOUNTS
    assert wild.outside + tame.outside == []
    assert len(wild.widths) > wild.compared // 3
    assert np.median(tame.widths) < 1e-3


@pytest.mark.devnet
def test_the_interval_contains_the_exact_health_of_every_devnet_account_at_every_moment(
    watched: Watched, kernel: Kernel
) -> None:
    found, market, random = Bracket(), watched.market(), np.random.default_rng(5)
    for _ in moments(watched.devnet):
        market = watched.again(market)
        accounts = watched.accounts(market)
        compare(kernel, market, accounts, PROTOCOL, found)
        compare(kernel, market, accounts, haircut(market, random), found)
    print(f"{market.rules.version}: {found}")
    assert found.outside == []
    assert len(found.widths) > 5_000


@ALL
def test_screening_and_assessing_who_straddles_decides_as_assessing_everyone(version: str, kernel: Kernel) -> None:
    straddlers = decisions = 0
    for _, (market, accounts, repricing) in pools(version, count=4, each=500):
        exact = list(healths(market, accounts, repricing))
        natives = [h.native for h in exact if isinstance(h, Measured) and h.native is not None]
        lines = tuple(sorted({*LINES, *(n for n in natives[::40] if 0 < n < 10 * WAD)}))
        chosen = select(kernel, kernel.screen(Slots.of(CELLS, accounts), factors(market, repricing)), lines)
        straddling = set(chosen.straddling.tolist())
        for line in lines:
            surely = set(chosen.surely_below(line).tolist())
            decided = surely - straddling | {row for row in straddling if is_below(exact[row], line)}
            assert decided == {row for row, health in enumerate(exact) if is_below(health, line)}
        assert chosen.unknown.tolist() == [row for row, h in enumerate(exact) if isinstance(h, Unmeasurable)]
        assert (np.diff(chosen.low) >= 0).all()
        straddlers, decisions = straddlers + len(straddling), decisions + len(accounts)
    print(f"{version}: {straddlers} of {decisions} accounts straddle a line")


@ALL
def test_an_unknown_price_never_makes_a_number(version: str, kernel: Kernel) -> None:
    random = np.random.default_rng(3)
    market = wild_market(version, random, TAME)
    accounts = wild_accounts(market, 1_000, random, TAME)
    blind = Repricing("blind", {node_of(2): Unknown("the feed reverts"), node_of(5): 12_345})
    found = compare(kernel, market, accounts, blind)
    assert found.outside == []
    assert found.unknown > compare(kernel, market, accounts).unknown
    assert compare(kernel, repriced(market, 2, Unknown("gone")), accounts).outside == []


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_an_unknown_category_price_hides_every_account_of_the_category(version: str, kernel: Kernel) -> None:
    random = np.random.default_rng(8)
    market = wild_market(version, random, TAME)
    (price,) = (category.price for category in market.categories.values() if category.price is not None)
    accounts = wild_accounts(market, 500, random, TAME)
    found = compare(kernel, market, accounts, Repricing("blind", {price: Unknown("gone"), node_of(0): 7}))
    assert found.outside == []
    assert compare(kernel, market, accounts, Repricing("cheap", {price: 3, node_of(0): 7})).outside == []


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_a_stable_debt_leaves_the_account_to_the_exact_evaluator(version: str, kernel: Kernel) -> None:
    random = np.random.default_rng(9)
    market = wild_market(version, random, TAME)
    plain = wild_accounts(market, 500, random, TAME)
    accounts = Accounts.of(
        stably_indebted(account, random) for account in plain if any(b.kind == SCALED_DEBT for b in account.balances)
    )
    intervals = kernel.screen(Slots.of(CELLS, accounts), factors(market))
    assert compare(kernel, market, accounts).outside == []
    assert set(intervals.low[~np.isnan(intervals.low)]) == {0.0}


def test_a_price_or_reserve_that_the_market_does_not_know_is_unknown(kernel: Kernel) -> None:
    market = market_of(VERSIONS["3.6"], [Listed(), Listed()])
    strange = Accounts.of([account_of((0, COLLATERAL, 10**18), (7, SCALED_DEBT, 10**18))])
    absurd = Repricing("absurd", {node_of(0): 10**400, node_of(1): -1})
    assert compare(kernel, market, strange).unknown == 1
    for account in (account_of((0, COLLATERAL, 1)), account_of((1, SCALED_DEBT, 1)), account_of((0, SCALED_DEBT, 1))):
        intervals = kernel.screen(Slots.of(CELLS, Accounts.of([account])), factors(market, absurd))
        assert not (intervals.low > 0).any() or intervals.low[0] == np.inf


@ALL
def test_the_sums_of_one_leg_are_within_the_bounds_of_its_cell_on_the_edge_of_every_rounding(version: str) -> None:
    random = np.random.default_rng(2)
    for _ in range(1_500):
        listed = Listed(
            price=int(random.choice((1, 7, 100, 10**6 - 1, 10**8))),
            decimals=int(random.choice((0, 2, 8, 18))),
            threshold_bps=int(random.choice((1, 4_999, 5_000, 10_000))),
            supply_index_ray=RAY + RAY * int(random.integers(0, 9)) // 8 + int(random.integers(-1, 2)),
            debt_index_ray=RAY + RAY * int(random.integers(0, 9)) // 8 + int(random.integers(-1, 2)),
        )
        market = market_of(VERSIONS[version], [listed])
        assert isinstance(listed.price, int)
        one_base_unit = 10**listed.decimals * RAY // (listed.price * listed.supply_index_ray)
        raw = int(random.integers(0, 12)) * int(random.choice((1, one_base_unit + 1))) + int(random.integers(0, 3))
        assert_within_bounds(market, raw, raw - 2 if raw > 2 else raw)


def assert_within_bounds(market: Market, owed_raw: int, held_raw: int) -> None:
    made, view = factors(market), priced(market)
    for kind in (SCALED_DEBT, PLAIN_DEBT) if market.rules.has_discounted_debt else (SCALED_DEBT,):
        sums = sums_of(view, account_of((0, kind, owed_raw)))
        assert isinstance(sums, Totals)
        low, high, less, more = map(Fraction, made.debt[0, CELLS.debt_code(0, kind)].tolist())
        assert low * owed_raw - less <= sums.debt_base <= high * owed_raw + more
    sums = sums_of(view, account_of((0, COLLATERAL, held_raw), (0, SCALED_DEBT, 10**30)))
    assert isinstance(sums, Totals)
    ratio = market.rules.rounding.ratio(sums)
    held = Fraction(ratio.numerator * sums.debt_base, ratio.denominator)
    low, high, less, more = map(Fraction, made.collateral[0, CELLS.collateral_code(0, COLLATERAL)].tolist())
    slack = Fraction(made.slack)
    assert low * held_raw - less - slack <= held <= high * held_raw + more + slack


@pytest.mark.parametrize("version", ["3.0", "3.6"])
def test_what_many_shocks_expose_lies_between_the_ends(version: str, kernel: Kernel) -> None:
    random = np.random.default_rng(4)
    market = wild_market(version, random, TAME)
    accounts = wild_accounts(market, 1_000, random, TAME)
    shocks = [shock(market.graph, {node_of(i): ppm for i in range(0, 14, 2)}) for ppm in (1_000_000, 900_000, 600_000)]
    found = exposure(kernel, Slots.of(CELLS, accounts), [factors(market, one) for one in shocks])
    for s, repricing in enumerate(shocks):
        view, below, owed = priced(market, repricing), 0, 0
        for account, health in zip(accounts, healths(market, accounts, repricing), strict=True):
            if is_below(health, WAD):
                sums = sums_of(view, account)
                assert isinstance(sums, Totals)
                below, owed = below + 1, owed + sums.debt_base
        assert found.least_accounts[s] <= below <= found.most_accounts[s]
        assert found.least_debt[s] <= owed <= found.most_debt[s]
        assert found.most_accounts[s] - found.least_accounts[s] < 0.1 * below
    assert len(set(found.least_accounts.tolist())) == len(shocks)


def test_a_price_that_moves_changes_only_its_own_reserve() -> None:
    market = wild_market("3.6", np.random.default_rng(6), TAME)
    moved = factors(market, Repricing("moved", {node_of(3): 777}))
    assert assets_changed(factors(market), moved) == [3]
    later = replace(
        market, reserves={**market.reserves, 5: replace(market.reserves[5], debt_index_ray=2 * RAY)}, views=[]
    )
    assert assets_changed(factors(later), moved) == [3, 5]


def assets_changed(one: Factors, other: Factors) -> list[int]:
    found = one.changed_assets(other)
    assert found is not None
    return [int(asset) for asset in found]
