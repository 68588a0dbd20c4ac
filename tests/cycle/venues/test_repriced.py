"""A watched position of a venue at other prices is what the venue makes of it when they come, and old ones are none."""

import tomllib
from dataclasses import replace
from decimal import Decimal

import pytest

from monitor import resources
from monitor.cycle.answers.watched import Watched as Answers
from monitor.cycle.venues.loop import VenueLoop
from monitor.domain.health import Measured
from monitor.domain.ids import PositionKey
from monitor.errors import UsageError
from monitor.protocols import ADAPTERS
from monitor.risk.curve import grid
from monitor.risk.model import parse
from monitor.risk.moves import Shock
from monitor.screen.kernel import numpy_kernel
from monitor.store import AtRisk
from tests.cycle.venues.parts import DEPLOYMENT, FAR, NEAR, Watched
from tests.cycle.venues.test_loop import through
from tests.faults import wire
from tests.venues.simulator import Fault


def answers_of(loop: VenueLoop) -> Answers:
    """What-ifs over the loop, with the packaged model of how assets move."""
    files = (tomllib.loads((resources.config() / name).read_text()) for name in ("risk.toml", "haircuts.toml"))
    risk, haircuts = files
    outlooks = replace(loop.outlooks, risk=parse(risk, (haircuts,), {}))
    return Answers((), outlooks, numpy_kernel(), ADAPTERS, (loop,))


async def test_it_is_what_the_venue_makes_of_it_when_the_price_comes(venue: Watched):
    (far,) = venue.desk.add_users([FAR])
    coin = venue.desk.users[far].positions[0].coin.name
    loop = venue.loop([far])
    await loop.once()
    answers, whose = answers_of(loop), (await venue.view(far)).id
    for percent in (-30, 10):
        ratio = 1_000_000 + percent * 10_000
        found = answers.repriced(whose, [Shock(coin, ratio)])
        assert found is not None
        assert isinstance(found.then.health, Measured)
        before, venue.desk.marks[coin] = venue.desk.marks[coin], venue.desk.marks[coin] * Decimal(ratio) / 10**6
        await through(loop, 30)
        later = answers.repriced(whose, [Shock(coin, 1_000_000)])
        assert later is not None
        assert isinstance(later.now.health, Measured)
        assert later.now.health.factor_wad_down == pytest.approx(found.then.health.factor_wad_down, rel=1e-4)
        venue.desk.marks[coin] = before
        await through(loop, 30)
    assert answers.unanswered(AtRisk()) == ()


async def test_a_shock_on_all_of_them_is_what_the_venue_makes_of_each_when_the_prices_come(venue: Watched):
    users = venue.desk.add_users([FAR, NEAR, NEAR, NEAR, FAR])
    loop = venue.loop(users)
    answers = answers_of(loop)
    assert answers.unanswered(AtRisk()) == (DEPLOYMENT.name,), "nothing was read yet"
    await through(loop, 10)
    coins = {user: venue.desk.users[user].positions[0] for user in users}
    down = {user for user in users if coins[user].size > 0}
    assert down
    assert down != set(users), "somebody must be short"
    shocks = [Shock(one.coin.name, 600_000) for one in coins.values()]
    (it,) = await answers.stressed(AtRisk(), shocks, 100)
    assert (it.totals.now.most.accounts, it.totals.then.unknown, answers.unanswered(AtRisk())) == (0, 0, ())
    for coin in {one.coin.name for one in coins.values()}:
        venue.desk.marks[coin] *= Decimal("0.6")
    await through(loop, 30)
    (later,) = await answers.stressed(AtRisk(), [Shock(shocks[0].name, 1_000_000)], 100)
    assert later.totals.now.least == later.totals.now.most
    assert later.totals.now.most.accounts == it.totals.then.most.accounts == len(it.first) > 0
    assert {one.then.owner for one in it.first} <= down
    assert later.totals.now.most.debt == pytest.approx(it.totals.then.most.debt, rel=1e-4)
    required = sum(one.then.margin.maintenance_base or 0 for one in it.first if one.then.margin)
    assert it.totals.entered.most.debt == pytest.approx(required, rel=1e-9)


async def test_a_curve_of_them_counts_at_each_price_whoever_is_past_the_line_alone(venue: Watched):
    users = venue.desk.add_users([NEAR, FAR, Decimal("1.5"), NEAR])
    coins = {user: venue.desk.users[user].positions[0].coin.name for user in users}
    loop, ratios = venue.loop(users), grid(500_000, 500_000, 100_000)
    await through(loop, 10)
    answers, counts = answers_of(loop), set[int]()
    for coin in sorted(set(coins.values())):
        (curve,) = await answers.curves(AtRisk(), coin, ratios)
        theirs = [(await venue.view(user)).id for user in users if coins[user] == coin]
        for one in curve.bins:
            alone = [answers.repriced(whose, [Shock(coin, one.ratio_ppm)]) for whose in theirs]
            past = [each.then for each in alone if each is not None and each.then.is_insolvent]
            assert one.past.least == one.past.most
            assert one.past.most.accounts == len(past)
            required = sum(each.margin.maintenance_base or 0 for each in past if each.margin)
            assert one.past.most.debt == pytest.approx(required, rel=1e-12)
        counts |= {one.past.most.accounts for one in curve.bins}
    assert len(counts) > 1, "the prices must matter"


async def test_an_outage_is_named_and_answers_nothing(venue: Watched):
    (near,) = venue.desk.add_users([NEAR])
    loop = venue.loop([near])
    await loop.once()
    answers, shock = answers_of(loop), Shock(venue.desk.users[near].positions[0].coin.name, 500_000)
    assert len(await answers.stressed(AtRisk(), [shock], 9)) == 1
    venue.simulator.faults.append(Fault(wire.status(503), until_s=loop.clock.monotonic_ms() // 1000 + 60))
    await through(loop, 30)
    assert answers.unanswered(AtRisk()) == (DEPLOYMENT.name,)
    assert await answers.stressed(AtRisk(), [shock], 9) == []
    assert await answers.curves(AtRisk(), shock.name, (500_000, 1_000_000)) == []
    await through(loop, 60)
    assert (len(await answers.stressed(AtRisk(), [shock], 9)), answers.unanswered(AtRisk())) == (1, ())


async def test_nobody_else_and_nothing_old_is_repriced(venue: Watched):
    (far,) = venue.desk.add_users([FAR])
    coin = venue.desk.users[far].positions[0].coin.name
    loop = venue.loop([far])
    answers, shock = answers_of(loop), [Shock(coin, 900_000)]
    await loop.once()
    whose = (await venue.view(far)).id
    assert answers_of(venue.loop([far])).repriced(whose, shock) is None, "a loop that has not read yet knows nothing"
    assert answers.repriced(replace(whose, key=PositionKey("0x" + "9" * 40)), shock) is None
    with pytest.raises(UsageError, match="no asset of this market"):
        answers.repriced(whose, [Shock("NOTHING", 900_000)])
    assert answers.repriced(whose, shock) is not None
    venue.simulator.faults.append(Fault(wire.status(503), until_s=loop.clock.monotonic_ms() // 1000 + 60))
    await through(loop, 30)
    assert answers.repriced(whose, shock) is None
    await through(loop, 60)
    assert answers.repriced(whose, shock) is not None
