"""Synthetix v3 perps keep the promises that every adapter makes."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise

from monitor.domain.assessment import Side
from monitor.domain.health import Measured, Unmeasurable
from monitor.domain.prices import Node, Repricing, SidedValue, Unknown
from monitor.health import perp
from monitor.health.carry import raised_wad
from monitor.health.remedy import reaches
from monitor.ledger.accounts import Account, Balance
from monitor.ledger.sums import sums
from monitor.pricing.repricing import at
from monitor.protocols.synthetix_v3.accounts import key_of
from monitor.protocols.synthetix_v3.adapter import SynthetixV3
from monitor.protocols.synthetix_v3.health import health_without
from monitor.protocols.synthetix_v3.market import ACCOUNT, COIN, DEBT, LONG, SHORT, Market
from monitor.protocols.synthetix_v3.storage import Stored
from monitor.screen.kernel import Kernel
from monitor.screen.slots import Slots
from monitor.units import BPS, WAD, mul_div_down
from tests.protocols.contract import FEW, MadeUpContract, is_no_better
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract
from tests.protocols.synthetix_v3.made import account_with, market_of, wild
from tests.protocols.synthetix_v3.recorded import ADAPTER, DEPLOYMENT, IDS, NOBODY, moments


def reads_price(adapter: SynthetixV3, market: Market, account: Account, node: Node) -> bool:  # the family's
    """Whether the price of a collateral is asked for: by whoever has some and a position, or a debt."""
    places = {coin.place for coin in market.coins.values() if coin.node == node}
    holds = any(b.kind == COIN and b.asset in places for b in account.balances)
    return holds and isinstance(health_without(account, "asked"), Unmeasurable)


def grown(market: Market, account: Account, more_raw: int) -> Account:
    """The account with so much more owed."""
    owed = sum(b.raw for b in account.balances if b.kind == DEBT) + more_raw
    kept = tuple(b for b in account.balances if b.kind != DEBT)
    return Account(account.key, account.category, (Balance(ACCOUNT, DEBT, owed), *kept), account.owner)


FAMILY = Family(
    adapter=ADAPTER,
    wild=wild,
    deployment=DEPLOYMENT,
    moments=moments,
    empty=NOBODY,
    reads_price=reads_price,
    grown=grown,
    most_calls=8,
    most_width=0.05,
)
"""The keeper's reward lies between two caps that only the account as a whole tells, so that intervals are wider."""
MOST_HEALTH_OF_REWARD = 17
"""Above so many times its requirement an account gains by less collateral, because the reward shrinks with it."""


class TestMadeUp(MadeUpContract):
    family = FAMILY

    def test_health_never_rises_when_a_collateral_price_falls(self):
        """Of whoever is not far above its line: the reward is at most a twentieth of the collateral."""
        fallen = 0
        for market, account in self._pairs(4, FEW):
            before = ADAPTER.health(market, account)
            if not isinstance(before, Measured) or before.numerator > MOST_HEALTH_OF_REWARD * before.denominator:
                continue
            for leg in ADAPTER.assess(market, account).legs:
                now = market.graph.values[leg.node]
                if leg.side is not Side.COLLATERAL or not isinstance(now, int):
                    continue
                for keep_bps in (9_999, 7_000, 10):
                    low = max(mul_div_down(now, keep_bps, BPS), 1)
                    after = ADAPTER.health(market, account, Repricing("fall", {leg.node: SidedValue(low, now)}))
                    assert is_no_better(after, before), (account, leg.node, before, after)
                    fallen += isinstance(after, Measured)
        assert fallen > FEW

    def test_a_liquidation_price_flips_exactly_between_its_two_integers(self):
        """Every boundary on every market's price and every collateral's."""
        flips = 0
        for market, account in self._pairs(7, 60):
            seen = ADAPTER.assess(market, account)
            for price in perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen):
                safe = ADAPTER.assess(market, account, at(price.node, price.last_safe))
                past = ADAPTER.assess(market, account, at(price.node, price.first_liquidatable))
                assert abs(price.last_safe - price.first_liquidatable) == 1
                assert past.is_insolvent
                assert not safe.is_insolvent
                flips += 1
        assert flips > 30

    def test_interest_alone_takes_no_health_below_what_its_low_end_and_the_growth_of_debts_allow(self, kernel: Kernel):
        """Of lines from 1 on: funding takes margin, so that who has less than is required may lose any part of it."""
        aged = bounded = 0
        for number, (market, accounts) in enumerate(self._wild(9, FEW, 8)):
            wait_s = 6**number // 6
            later, growth_wad = ADAPTER.later(market, wait_s), ADAPTER.debt_growth_wad(market, wait_s)
            low = kernel.screen(Slots.of(ADAPTER.cells, accounts), ADAPTER.factors(market)).low.tolist()
            for account, end in zip(accounts, low, strict=True):
                after = ADAPTER.health(later, account)
                assert wait_s or after == ADAPTER.health(market, account)
                for line_wad in (WAD, WAD * 11 // 10, 2 * WAD):
                    if end < float("inf") and Fraction(end) * WAD >= raised_wad(line_wad, growth_wad):
                        assert reaches(after, line_wad), (account, wait_s, growth_wad)
                        aged += isinstance(after, Measured)
                        bounded += 0 < growth_wad < WAD
        assert aged > FEW
        assert bounded > FEW // 5

    def test_a_price_that_is_not_known_hides_whoever_has_a_position_there_and_nobody_else(self):
        hidden = 0
        for market, account in self._pairs(11, 150):
            for place, traded in market.traded.items():
                after = ADAPTER.health(market, account, Repricing("gone", {traded.node: Unknown("too old")}))
                if any(b.asset == place for b in account.balances):
                    assert isinstance(after, Unmeasurable)
                    hidden += 1
                else:
                    assert after == ADAPTER.health(market, account)
        assert hidden > 50

    def test_health_never_rises_when_a_price_moves_against_the_only_position(self):
        """Of an account that is worth less than its position, and where funding is not half the price and more."""
        moved = 0
        for market, account in self._pairs(12, 1_500):
            seen = ADAPTER.assess(market, account)
            is_levered = seen.margin is not None and (seen.margin.leverage_wad_up or 0) > 2 * WAD
            if len(seen.positions) != 1 or not is_levered or seen.is_insolvent:
                continue
            (leg,) = seen.positions
            assert isinstance(leg.price, int)
            if any(abs(one.per_price) > WAD // 2 for one in market.traded.values() if one.node == leg.node):
                continue
            worse = leg.price * 99 // 100 if leg.size_raw > 0 else leg.price * 101 // 100
            after = ADAPTER.health(market, account, Repricing("moved", {leg.node: worse}))
            assert is_no_better(after, seen.health), (account, seen.health, after)
            moved += 1
        assert moved > 30

    def test_at_equality_the_account_is_safe(self):
        """Ten units at 1,000 dollars require 1 % and a little for their size, 50 dollars, and a reward."""
        market = market_of([1_000 * WAD], [])
        whole = account_with((0, Stored(10 * WAD, 1_000 * WAD, 0, market.interest.accrued)), usd=500 * WAD)
        margin = ADAPTER.assess(market, whole).margin
        assert margin is not None
        assert margin.surplus_base is not None
        enough = 500 * WAD - margin.surplus_base
        for usd, is_past in ((enough, False), (enough - 1, True)):
            account = account_with((0, Stored(10 * WAD, 1_000 * WAD, 0, market.interest.accrued)), usd=usd)
            assert ADAPTER.assess(market, account).is_insolvent is is_past


class TestFollowed(FollowedContract):
    family = FAMILY

    def test_everyone_who_owes_is_found_from_logs_because_debts_add_up_to_the_markets_totals(self):
        """The NFT lists everyone; debts add up. Sizes of the recorded markets were written at random."""
        for played in moments():
            (key,) = played.read(ADAPTER.markets(DEPLOYMENT))
            market = played.read(ADAPTER.market(DEPLOYMENT, key))
            page = played.read(ADAPTER.positions(market))
            assert len(page.keys) == len(IDS)
            assert page.after is None
            accounts = played.read(ADAPTER.accounts(market, page.keys))
            assert accounts.failed == ()
            owed = played.read(ADAPTER.totals(market))
            assert sums(accounts)[ACCOUNT, DEBT] == owed[ACCOUNT, DEBT] > 0
            for place, traded in market.traded.items():
                assert owed[place, LONG] - owed[place, SHORT] == traded.skew
                assert 0 <= traded.size - owed[place, LONG] - owed[place, SHORT] <= 1

    def test_events_rebuild_the_balances_that_reads_find(self):
        """Nobody acted between the recorded blocks: without a log everyone is as before, margins are not."""
        seen = []
        for played in moments():
            (key,) = played.read(ADAPTER.markets(DEPLOYMENT))
            market = played.read(ADAPTER.market(DEPLOYMENT, key))
            accounts = played.read(ADAPTER.accounts(market, played.read(ADAPTER.positions(market)).keys))
            seen.append((market, {account.key: account for account in accounts}))
        for (before, old), (after, new) in pairwise(seen):
            fold = ADAPTER.fold(before, after, old.get, ())
            assert (fold.reread, fold.put, fold.appeared, fold.everyone) == ((), (), (), False)
            assert old == new
            changed = sum(ADAPTER.health(before, one) != ADAPTER.health(after, one) for one in new.values())
            assert changed > 40


def test_the_screen_leaves_whoever_is_flagged_to_the_exact_evaluator(kernel: Kernel):
    """Also one that has margin enough, whose health alone would pass."""
    reader = moments()[-1]
    (key,) = reader.read(ADAPTER.markets(DEPLOYMENT))
    market = reader.read(ADAPTER.market(DEPLOYMENT, key))
    rich = next(
        one
        for one in reader.read(ADAPTER.accounts(market, [key_of(one) for one in IDS]))
        if isinstance(health := ADAPTER.health(market, one), Measured) and health.numerator > 3 * health.denominator
    )
    for flagged in (frozenset[int](), frozenset([int(rich.key, 16)])):
        now = replace(market, flagged=flagged)
        read = reader.read(ADAPTER.accounts(now, [rich.key]))
        (account,) = read
        found = kernel.screen(Slots.of(ADAPTER.cells, read), ADAPTER.factors(now))
        assert bool(found.low[0] < 1) is bool(flagged)
        assert ADAPTER.assess(now, account).is_liquidatable_now is bool(flagged)
