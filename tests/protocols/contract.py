"""What every adapter promises of made-up accounts; what it promises of real ones is in `following.py`.

A family describes itself once and inherits the tests, in tests/protocols/<slug>/test_contract.py:

    FAMILY = Family(adapter=ADAPTERS[SLUG], wild=wild, deployment=DEPLOYMENT, moments=moments, empty=EMPTY)

    class TestMadeUp(MadeUpContract):
        family = FAMILY

    class TestFollowed(FollowedContract):
        family = FAMILY

`wild` stands in the family's own made.py. A test that does not fit a family is overridden there, with the reason.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from monitor.domain.assessment import Side
from monitor.domain.health import Health, Measured, NoDebt, Unmeasurable
from monitor.domain.prices import PROTOCOL, Node, Repricing, SidedValue, Unknown
from monitor.health.liquidation_price import liquidation_prices
from monitor.health.remedy import reaches, remedy
from monitor.ledger.accounts import Account, Accounts
from monitor.pricing.repricing import at
from monitor.screen.kernel import Kernel
from monitor.screen.slots import Slots
from monitor.units import BPS, WAD, mul_div_down, mul_div_up
from tests.protocols.family import Family

SCREENED, MARKETS = 10_000, 10
FEW = 150
TARGET_WAD = 15 * WAD // 10
Pair = tuple[Any, Account]


class MadeUpContract:
    """Tests of one family on accounts made up from seeds."""

    family: ClassVar[Family]

    def test_a_position_with_nothing_owes_nothing_and_offers_nothing(self):
        adapter, empty = self.family.adapter, self.family.empty
        for market, _ in self._wild(1, count=1):
            seen = adapter.assess(market, empty)
            assert seen.health == adapter.health(market, empty) == NoDebt()
            assert seen.legs == ()
            assert not seen.is_insolvent
            assert not seen.is_liquidatable_now
            assert adapter.quote(market, empty) is None

    def test_the_assessment_has_the_health_that_searches_ask_for(self):
        adapter = self.family.adapter
        for market, account in self._pairs(2, FEW):
            for repricing in (PROTOCOL, haircut(market)):
                seen = adapter.assess(market, account, repricing)
                assert seen.health == adapter.health(market, account, repricing)
                assert seen.id.key == account.key
                if seen.is_liquidatable_now:
                    assert not seen.blockers
                if not isinstance(seen.health, Measured) or not (seen.is_insolvent or seen.forced):
                    assert adapter.quote(market, account, repricing) is None

    def test_a_removed_price_hides_the_health_of_those_who_depend_on_it_and_of_nobody_else(self):
        adapter, hidden, untouched = self.family.adapter, 0, 0
        for market, account in self._pairs(3, FEW):
            for node in dict(market.tokens):
                before = adapter.assess(market, account)
                after = adapter.health(market, account, Repricing("gone", {node: Unknown("the feed reverts")}))
                if self.family.reads_price(adapter, market, account, node):
                    assert isinstance(after, Unmeasurable), (account, node)
                    hidden += 1
                elif any(node in (leg.node, *market.graph.drivers[leg.node]) for leg in before.legs):
                    assert is_no_better(after, before.health), (account, node)
                else:
                    assert after == before.health, (account, node)
                    untouched += 1
        assert hidden > FEW // 5
        assert untouched > FEW // 5

    def test_health_never_rises_when_a_collateral_price_falls(self):
        adapter, fallen = self.family.adapter, 0
        for market, account in self._pairs(4, FEW):
            before = adapter.health(market, account)
            for leg in adapter.assess(market, account).legs:
                now = market.graph.values[leg.node]
                if leg.side is not Side.COLLATERAL or not isinstance(now, int):
                    continue
                for keep_bps in (9_999, 7_000, 10):
                    low = max(mul_div_down(now, keep_bps, BPS), 1)
                    moved = Repricing("fall", {leg.node: SidedValue(low, now)})
                    after = adapter.health(market, account, moved)
                    assert is_no_better(after, before, self.family.may_rise_bps), (account, leg.node, before, after)
                    fallen += isinstance(after, Measured)
        assert fallen > FEW

    def test_health_never_rises_when_a_debt_grows(self):
        adapter, grown = self.family.adapter, 0
        for market, account in self._pairs(5, FEW):
            before = adapter.health(market, account)
            most = max((b.raw for b in account.balances if b.kind in adapter.cells.debt), default=0)
            for more_raw in (1, most // 1000 + 1, most):
                after = adapter.health(market, self.family.grown(adapter, account, more_raw))
                if isinstance(before, Measured):
                    assert is_no_better(after, before), (account, before, after)
                    grown += isinstance(after, Measured)
        assert grown > FEW

    def test_the_screens_interval_contains_the_exact_health_of_ten_thousand_accounts(self, kernel: Kernel):
        adapter, compared, widths = self.family.adapter, 0, list[float]()
        for number, (market, accounts) in enumerate(self._wild(6, SCREENED // MARKETS, MARKETS)):
            repricing = (PROTOCOL, haircut(market), without_a_price(market))[number % 3]
            is_known = not any(isinstance(v, Unknown) for v in market.graph.evaluate(repricing).values())
            found = kernel.screen(Slots.of(adapter.cells, accounts), adapter.factors(market, repricing))
            for account, low, high in zip(accounts, found.low.tolist(), found.high.tolist(), strict=True):
                health = adapter.health(market, account, repricing)
                assert is_inside(health, low, high, may_be_unknown=not is_known), (account, health, low, high)
                compared += 1
                if isinstance(health, Measured) and health.numerator and 0 < high < np.inf:
                    widths.append((high - low) * health.denominator / health.numerator)
        median = float(np.median(widths))
        print(f"{adapter.slug}: {compared} screened, {len(widths)} with two ends, width median {median:.1e}")
        assert compared == SCREENED
        assert len(widths) > SCREENED // 4
        assert median < self.family.most_width

    def test_a_liquidation_price_flips_exactly_between_its_two_integers(self):
        adapter, flips = self.family.adapter, 0
        for market, account in self._pairs(7, FEW):
            seen = adapter.assess(market, account)

            def health(repricing: Repricing, market: Any = market, account: Account = account) -> Health:
                return adapter.health(market, account, repricing)

            for price in liquidation_prices(health, market.graph, seen.legs, seen.health):
                safe = adapter.assess(market, account, at(price.node, price.last_safe))
                past = adapter.assess(market, account, at(price.node, price.first_liquidatable))
                assert abs(price.last_safe - price.first_liquidatable) == 1
                assert isinstance(safe.health, Measured)
                assert not safe.is_insolvent
                assert past.is_insolvent
                flips += 1
        assert flips > FEW // 4

    def test_the_remedy_reaches_its_target_and_one_unit_less_does_not(self):
        adapter, steps = self.family.adapter, 0
        for market, account in self._pairs(8, FEW):
            seen = adapter.assess(market, account)
            for step in remedy(adapter, market, account, TARGET_WAD, [(PROTOCOL, seen)]).steps:
                side = Side.DEBT if step.action == "repay" else Side.COLLATERAL
                (leg, *_) = (leg for leg in seen.legs if leg.side is side and leg.token == step.token)
                enough = adapter.adjusted(market, account, leg, step.amount_raw)
                less = adapter.adjusted(market, account, leg, step.amount_raw - 1)
                assert reaches(adapter.assess(market, enough).health, TARGET_WAD), (account, step)
                assert not reaches(adapter.assess(market, less).health, TARGET_WAD), (account, step)
                assert adapter.closed_ways(market, leg, step.amount_raw) is None
                steps += 1
        assert steps > FEW // 10

    def test_interest_alone_takes_no_health_below_what_its_low_end_and_the_growth_of_debts_allow(self, kernel: Kernel):
        adapter, aged, stands_still = self.family.adapter, 0, False
        for number, (market, accounts) in enumerate(self._wild(9, FEW, MARKETS)):
            wait_s = 10**number // 10
            later, growth_wad = adapter.later(market, wait_s), adapter.debt_growth_wad(market, wait_s)
            stands_still = later is None
            low = kernel.screen(Slots.of(adapter.cells, accounts), adapter.factors(market)).low.tolist()
            for account, end in zip(accounts, low, strict=True):
                after = adapter.health(market if later is None else later, account)
                assert wait_s or is_no_better(after, adapter.health(market, account)), account
                if later is not None and isinstance(after, Measured) and not np.isnan(end):
                    exact = Fraction(after.numerator, after.denominator)
                    assert end < np.inf, account
                    assert exact >= Fraction(end) * WAD / (WAD + growth_wad), (account, wait_s, growth_wad)
                    aged += 1
        assert aged > FEW or stands_still

    def _wild(self, seed: int, count: int, markets: int = 3) -> Iterator[tuple[Any, Accounts]]:
        random = np.random.default_rng(seed)
        return (self.family.wild(random, count) for _ in range(markets))

    def _pairs(self, seed: int, count: int) -> Iterator[Pair]:
        for market, accounts in self._wild(seed, count // 3):
            yield from ((market, account) for account in accounts)


def haircut(market: Any) -> Repricing:
    """Every price a tenth lower as collateral and a twentieth higher as debt."""
    nodes = {
        node: SidedValue(mul_div_down(value, 9, 10), mul_div_up(value, 21, 20))
        for node in dict(market.tokens)
        if isinstance(value := market.graph.values[node], int)
    }
    return Repricing("cautious", nodes)


def without_a_price(market: Any) -> Repricing:
    """The first token's price is gone."""
    node: Node = next(iter(dict(market.tokens)))
    return Repricing("gone", {node: Unknown("the feed reverts")})


def is_no_better(after: Health, before: Health, may_rise_bps: int = 0) -> bool:
    """Whether a health is at most what it was; what is not known is no better."""
    if isinstance(after, Unmeasurable):
        return True
    if isinstance(before, Unmeasurable) or isinstance(after, NoDebt):
        return isinstance(after, NoDebt) and isinstance(before, NoDebt)
    if isinstance(before, NoDebt):
        return True
    if before.is_past_line and not after.is_past_line and not may_rise_bps:
        return False
    allowed = before.numerator * after.denominator * (BPS + may_rise_bps)
    return after.numerator * before.denominator * BPS <= allowed


def is_inside(health: Health, low: float, high: float, *, may_be_unknown: bool) -> bool:
    """Whether an interval of the screen holds the exact health, or leaves it to the exact evaluator where it may.

    Of a health below its floor the screen says no more than that, so that one below zero counts as zero.
    """
    is_unknown = bool(np.isnan(low) and np.isnan(high))
    match health:
        case Unmeasurable():
            return is_unknown
        case NoDebt():
            return (low <= high == np.inf) or (is_unknown and may_be_unknown)
        case Measured():
            if is_unknown:
                return may_be_unknown
            if np.isnan(low) or np.isnan(high) or low == np.inf:
                return False
            exact = Fraction(health.numerator, health.denominator)
            return Fraction(low) <= max(exact, Fraction(0)) and (high == np.inf or exact <= Fraction(high))
