"""GMX v2 keeps the promises that every adapter makes."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from monitor.adapter import Followed
from monitor.domain.health import Measured, NoDebt, Unmeasurable
from monitor.domain.ids import PositionKey
from monitor.domain.prices import Node, Repricing, Unknown
from monitor.health import perp
from monitor.ledger.accounts import Account
from monitor.pricing.repricing import at
from monitor.protocols.gmx_v2.adapter import GmxV2
from monitor.protocols.gmx_v2.health import Sums, health_by, priced, sums_of
from monitor.protocols.gmx_v2.market import Market, State, price_node
from monitor.protocols.gmx_v2.math import ONE, Sides, verdict
from monitor.protocols.gmx_v2.positions import position_of, with_collateral
from monitor.protocols.gmx_v2.reading import NOBODY
from tests.protocols.contract import MadeUpContract, haircut, is_no_better
from tests.protocols.family import Family
from tests.protocols.following import FollowedContract
from tests.protocols.gmx_v2.made import LISTED, deployment, position, wild
from tests.protocols.gmx_v2.recorded import ADAPTER, AT, DEPLOYMENT
from tests.protocols.gmx_v2.world import World, log_of, world_of

EMPTY = Account(PositionKey("0x" + "00" * 31 + "01"), 0, (), NOBODY)


def reads_price(adapter: GmxV2, market: Market, account: Account, node: Node) -> bool:  # the family's
    """Whether the price of a collateral is asked for: by the position that it backs."""
    one = position_of(account)
    if one is None:
        return False
    return node == f"collateral:{market.layout.listed[one.place].collateral(one.is_short_token)}"


def worse(adapter: Followed[Market], account: Account, more_raw: int) -> Account:  # the family's
    """The position with less collateral, which is how it comes nearer to its requirement."""
    one = position_of(account)
    return account if one is None else with_collateral(account, one, max(one.collateral_raw - more_raw, 0))


@cache
def moments() -> Sequence[World]:
    """Two moments: positions opened before the first, some changed and one more opened between them."""
    random = np.random.default_rng(5)
    market = deployment(random)
    people = [position(random, market, number) for number in range(30)]
    opened = tuple(log_of("PositionIncrease", one, market, 900 + number) for number, one in enumerate(people))
    changed = [_more(one, market, number) for number, one in enumerate(people[:7])]
    new = position(random, market, 99)
    moved = tuple(log_of("PositionIncrease", one, market, 1_005, index) for index, one in enumerate((*changed, new)))
    market = open_interest(market, people)
    first = world_of(market, people, opened)
    later = replace(AT, number=1_010, hash="0x" + "22" * 32, parent_hash="0x" + "21" * 32)
    everyone = [*changed, *people[7:], new]
    after = open_interest(replace(market, at=later), everyone)
    return first, world_of(after, everyone, (*opened, *moved))


def open_interest(market: Market, people: Sequence[Account]) -> Market:
    """The market with what these positions add up to as its open interest, in tokens."""
    sizes = {(place, flag): 0 for place in range(len(LISTED)) for flag in (True, False)}
    for account in people:
        one = position_of(account)
        assert one is not None
        sizes[one.place, one.is_long] += one.size_raw
    changed = []
    for traded in market.traded:
        assert isinstance(traded.state, State)
        raw = Sides(*(sizes[traded.place, flag] for flag in (True, False)))
        changed.append(replace(traded, state=replace(traded.state, interest_raw=raw)))
    return replace(market, traded=tuple(changed))


def _more(account: Account, market: Market, number: int) -> Account:
    one = position_of(account)
    assert one is not None
    return with_collateral(account, one, one.collateral_raw + number + 1)


FAMILY = Family(
    adapter=ADAPTER,
    wild=wild,
    deployment=DEPLOYMENT,
    moments=moments,
    empty=EMPTY,
    reads_price=reads_price,
    grown=worse,
    most_calls=2,
    most_width=1e-2,
)


class TestMadeUp(MadeUpContract):
    family = FAMILY

    def test_a_haircut_never_makes_costs_cheaper(self):
        """Nor anything else better: what is paid in the collateral is counted as it is."""
        lower = 0
        for market, account in self._pairs(13, 150):
            seen, after = ADAPTER.assess(market, account), ADAPTER.assess(market, account, haircut(market))
            assert is_no_better(after.health, seen.health)
            assert after.margin is not None
            assert seen.margin is not None
            assert after.margin.collateral_base is not None
            assert seen.margin.collateral_base is not None
            lower += after.margin.collateral_base < seen.margin.collateral_base
        assert lower > 100

    def test_a_liquidation_price_flips_exactly_between_its_two_integers(self):
        """Every boundary on every price of index and collateral."""
        flips = 0
        for market, account in self._pairs(7, 150):
            seen = ADAPTER.assess(market, account)
            found = perp.liquidation_prices(partial(ADAPTER.health, market, account), market.graph, seen)
            for price in found:
                safe = ADAPTER.assess(market, account, at(price.node, price.last_safe))
                past = ADAPTER.assess(market, account, at(price.node, price.first_liquidatable))
                assert abs(price.last_safe - price.first_liquidatable) == 1
                assert past.is_insolvent
                assert not safe.is_insolvent
                flips += 1
        assert flips > 100

    def test_health_never_rises_when_the_index_moves_against_a_position(self):
        moved = 0
        for market, account in self._pairs(12, 150):
            seen = ADAPTER.assess(market, account)
            (leg,) = seen.positions
            now = market.graph.values[leg.node]
            assert isinstance(now, int)
            worse_bps = 9_900 if leg.size_raw > 0 else 10_100
            traded = next(one for one in market.traded if one.listed.market == leg.market)
            if traded.terms.most_impact_for_liquidations or len({*traded.listed[1:]}) < 3:
                continue
            after = ADAPTER.health(market, account, at(leg.node, now * worse_bps // 10_000))
            assert isinstance(after, Measured)
            assert isinstance(seen.health, Measured)
            slack = 3 * 10**30 if market.layout.counts_tokens else 0
            assert is_no_better(replace(after, numerator=after.numerator - slack), seen.health)
            moved += 1
        assert moved > 10

    def test_an_unknown_index_hides_who_is_in_it_and_nobody_else(self):
        hidden, untouched = 0, 0
        for market, account in self._pairs(11, 60):
            for token in market.layout.tokens:
                after = ADAPTER.health(market, account, Repricing("gone", {price_node(token): Unknown("too old")}))
                one = position_of(account)
                assert one is not None
                listed = market.layout.listed[one.place]
                pool = listed.long_token if one.is_long else listed.short_token
                if token in (listed.index_token, listed.collateral(one.is_short_token), pool):
                    assert isinstance(after, Unmeasurable)
                    hidden += 1
                else:
                    assert after == ADAPTER.health(market, account)
                    untouched += 1
        assert min(hidden, untouched) > 30


class TestFollowed(FollowedContract):
    family = FAMILY


def test_at_equality_a_position_is_safe_and_nothing_left_is_never_enough():
    """Exactly the requirement is enough; where nothing is required, nothing left is still too little."""
    for market, account in TestMadeUp()._pairs(21, 60):
        one = position_of(account)
        assert one is not None
        sums = sums_of(priced(market), one)
        assert isinstance(sums, Sums)
        for required, left, is_past in ((5, 5, False), (5, 4, True), (0, 0, True), (0, 1, False), (0, -1, True)):
            made = replace(sums, remaining_usd=left, least_usd=0, least_for_leverage_usd=required)
            health = health_by(made)
            assert isinstance(health, Measured)
            assert health.is_past_line is is_past
            assert bool(verdict(left, None, required)) is is_past
            assert bool(verdict(left, 0, required)) is is_past
        assert verdict(ONE - 1, ONE, 0) == "min collateral"
        assert verdict(ONE, ONE, 0) == verdict(ONE - 1, None, 0) == ""


def test_a_position_that_is_closed_is_nothing_and_owned_by_nobody():
    first, _ = moments()
    (account,) = first.read(ADAPTER.accounts(first.market, [EMPTY.key]))
    assert account == EMPTY
    assert ADAPTER.health(first.market, account) == NoDebt()
