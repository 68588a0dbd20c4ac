"""The pool as it will be: as the contracts are after a wait in which nobody acts, and nobody fallen below the bound."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from monitor.domain.health import Health, Measured, NoDebt
from monitor.domain.ids import Address
from monitor.health.carry import first_liquidatable_s, raised_wad
from monitor.ledger.accounts import Account, Accounts
from monitor.protocols.aave_v3.adapter import AaveV3
from monitor.protocols.aave_v3.health import account_data, healths, priced
from monitor.protocols.aave_v3.market import Configuration, Market
from monitor.protocols.aave_v3.screen import CELLS, factors
from monitor.screen.kernel import Kernel
from monitor.screen.slots import Slots
from monitor.units import RAY, WAD, YEAR_S
from tests.devnet import MAX
from tests.protocols.aave_v3.made import VERSIONS, Listed, market_of
from tests.protocols.aave_v3.watched import Watched
from tests.protocols.aave_v3.wild import TAME, WILD, wild_accounts, wild_market

ADAPTER = AaveV3()
WAITS_S = (1, 12, 3_600, 30 * 86_400, YEAR_S, 5 * YEAR_S)
VIRTUAL = 1 << 252
POSITIONS = 30
HEALTHY = {"HEALTH_FACTOR_NOT_BELOW_THRESHOLD", "HealthFactorNotBelowThreshold"}
LINES = tuple(line * WAD // 100 for line in (100, 103, 110, 160))


@pytest.mark.devnet
def test_after_a_wait_every_account_is_exactly_as_foreseen(watched: Watched) -> None:
    """All six values of `getUserAccountData`, in the block that a node mines that many seconds on."""
    now = watched.market()
    accounts = list(watched.accounts(now))
    keys = [account.key for account in accounts]
    before = watched.truth(keys)
    for wait_s in WAITS_S:
        foreseen = ADAPTER.later(now, wait_s)
        assert foreseen is not None
        with watched.devnet.chain.undone():
            watched.devnet.chain.advance_time(wait_s)
            read, truth = watched.market(), watched.truth(keys)
        assert read.at.timestamp_s == foreseen.at.timestamp_s
        assert read.graph.values == now.graph.values
        assert dict(foreseen.reserves) == dict(read.reserves)
        view, unlike = priced(foreseen), []
        for account, says in zip(accounts, truth, strict=True):
            ours, health = account_data(view, account), ADAPTER.health(foreseen, account)
            same_health = says is not None and (not isinstance(health, Measured) or health.native == says[-1])
            if not same_health or tuple(getattr(ours, name) for name in ours.__slots__) != tuple(says or ()):
                unlike.append((account.key, ours, health, says))
        moved = sum(says != was for says, was in zip(truth, before, strict=True))
        print(f"{wait_s:>12,} s: {len(accounts)} accounts, {moved} moved, {len(unlike)} unlike the contract")
        assert unlike == []
        assert moved > 500


@pytest.mark.devnet
def test_the_contract_liquidates_in_the_second_that_was_named_and_not_one_earlier(watched: Watched) -> None:
    watched.fund_liquidator()
    now, chain = watched.market(), watched.devnet.chain
    outcomes: Counter[tuple[str | None, ...]] = Counter()
    for account in watched.accounts(now):
        first_s = first_liquidatable_s(ADAPTER.health(now, account), partial(_after, now, account))
        if first_s and sum(outcomes.values()) < POSITIONS:
            refusals = []
            for wait_s in (first_s - 1, first_s):
                with chain.undone():
                    chain.advance_time(wait_s)
                    (says,) = watched.truth([account.key])
                    assert says is not None
                    assert (says.health_factor_wad < WAD) == (wait_s == first_s)
                    refusals += watched.refusals([(account.key, *_largest_pair(now, account), MAX)])
            outcomes[tuple(refusals)] += 1
    print(f"{now.rules.version}: {outcomes}")
    assert sum(outcomes.values()) == POSITIONS
    assert all(before in HEALTHY or before == after for before, after in outcomes)
    assert not any(after in HEALTHY for _, after in outcomes)
    assert sum(count for (before, after), count in outcomes.items() if before in HEALTHY and after is None) >= 20


@pytest.mark.parametrize("version", sorted(VERSIONS))
def test_no_health_falls_below_the_screens_low_end_by_more_than_debts_can_grow(version: str, kernel: Kernel) -> None:
    random = np.random.default_rng(int(version.replace(".", "")) + 1)
    compared = wrong = wrong_with_half = 0
    for market, accounts in _pools(version, random):
        low = kernel.screen(Slots.of(CELLS, accounts), factors(market)).low.tolist()
        wait_s = int(10 ** random.uniform(0, 8.5))
        growth_wad, later = ADAPTER.debt_growth_wad(market, wait_s), ADAPTER.later(market, wait_s)
        assert later is not None
        for end, health in zip(low, healths(later, accounts), strict=True):
            compared += isinstance(health, Measured)
            wrong += not _holds(end, growth_wad, health)
            wrong_with_half += not _holds(end, growth_wad // 2, health)
            for line_wad in LINES:
                if end >= raised_wad(line_wad, growth_wad) / WAD and isinstance(health, Measured):
                    assert health.factor_wad_down >= line_wad
    print(f"{version}: {compared} compared, {wrong} below the bound; half the growth would miss {wrong_with_half}")
    assert compared > 3_000
    assert wrong == 0
    assert wrong_with_half > 30


def test_a_debt_that_no_index_tells_cannot_be_foreseen() -> None:
    market = market_of(VERSIONS["3.3"], [Listed()])
    assert ADAPTER.later(market, 1) is None
    told = {
        0: replace(market.reserves[0], configuration=Configuration(market.reserves[0].configuration.word | VIRTUAL))
    }
    assert ADAPTER.later(replace(market, reserves=told), 1) is not None


def test_a_pool_later_leaves_the_pool_now_as_it_was_and_goes_on_from_there() -> None:
    market = market_of(VERSIONS["3.6"], [Listed(supply_rate_ray=RAY // 50, debt_rate_ray=RAY // 20)])
    before = dict(market.reserves)
    once = ADAPTER.later(market, 500)
    assert once is not None
    twice = ADAPTER.later(once, 500)
    at_once = ADAPTER.later(market, 1_000)
    assert twice is not None
    assert at_once is not None
    assert dict(twice.reserves) == dict(at_once.reserves) != dict(once.reserves) != before
    assert dict(market.reserves) == before
    assert (twice.at, market.at.timestamp_s) == (at_once.at, twice.at.timestamp_s - 1_000)


def _after(market: Market, account: Account, seconds: int) -> Health | None:
    later = ADAPTER.later(market, seconds)
    return None if later is None else ADAPTER.health(later, account)


def _largest_pair(market: Market, account: Account) -> tuple[Address, Address]:
    legs = ADAPTER.assess(market, account).legs
    best = {leg.side: leg for leg in sorted(legs, key=lambda leg: leg.value_base or 0)}
    collateral, debt = sorted(best.values(), key=lambda leg: leg.side.value)
    return collateral.token.address, debt.token.address


def _pools(version: str, random: np.random.Generator) -> Iterator[tuple[Market, Accounts]]:
    """Pools with wild rates; where debts would be told by balance alone, all are told by an index.

    No category is without a threshold, which its configurator refuses.
    """
    for number in range(12):
        kind = (WILD, TAME)[number % 2]
        made = wild_market(version, random, kind)
        accounts = wild_accounts(replace(made, rules=replace(made.rules, has_discounted_debt=False)), 500, random, kind)
        rates = [int(RAY * 10 ** random.uniform(-4, 0.5)) for _ in made.reserves]
        reserves = {
            i: replace(
                reserve,
                configuration=Configuration(reserve.configuration.word | VIRTUAL),
                interest=replace(reserve.interest, supply_rate_ray=rate // 2, debt_rate_ray=rate),
            )
            for (i, reserve), rate in zip(made.reserves.items(), rates, strict=True)
        }
        categories = {i: replace(c, threshold_bps=max(c.threshold_bps, 1)) for i, c in made.categories.items()}
        yield replace(made, reserves=reserves, categories=categories, views=[]), accounts


def _holds(low: float, growth_wad: int, health: Health) -> bool:
    if not isinstance(health, Measured) or np.isnan(low):
        return True
    if low == np.inf:
        return isinstance(health, NoDebt)
    return Fraction(health.numerator, health.denominator) >= Fraction(low) * WAD / (WAD + growth_wad)
