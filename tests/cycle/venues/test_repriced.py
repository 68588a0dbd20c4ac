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
from monitor.risk.model import parse
from monitor.risk.moves import Shock
from monitor.screen.kernel import numpy_kernel
from monitor.store import AtRisk
from tests.cycle.venues.parts import DEPLOYMENT, FAR, Watched
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
    assert answers.unanswered(AtRisk()) == (DEPLOYMENT.name,)


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
