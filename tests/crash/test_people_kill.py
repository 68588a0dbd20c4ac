"""Killed while people mute, acknowledge and get their digests, the service forgets none of it and tells none twice."""

import random
from pathlib import Path

import pytest

from tests.crash.people import READER_CHAT, STAIRS, dates
from tests.crash.test_kill import Arena, arena, check_none_lost, check_repeats, repeats

FAILPOINTS = (
    "people: changed",
    "people: acknowledged",
    "people: done",
    "commit: people written",
    "commit: cursor written",
    "commit: done",
    "queue: sent recorded",
    "lane: accepted",
    "bot api: accepted, not yet answered",
)
HITS, LONG_HITS = 1, 20


@pytest.mark.parametrize(("hits", "random_kills"), [(HITS, 6), pytest.param(LONG_HITS, 300, marks=pytest.mark.long)])
async def test_what_people_did_outlives_every_kill_and_no_digest_is_lost_or_doubled(
    tmp_path: Path, hits: int, random_kills: int
):
    chance = random.Random(6)
    plan: list[str | None] = [*FAILPOINTS * hits, *[None] * random_kills]
    chance.shuffle(plan)
    async with arena(tmp_path) as world:
        world.with_people = True
        await world.one_life(after_s=2.0)
        world.in_flight.clear()
        for dies_at in plan:
            await world.one_life(dies_at or "", None if dies_at else chance.uniform(0.05, 0.5))
        assert await world.one_life(goes_on=False) == 0
        check_none_lost(world)
        check_repeats(world)
    days = check_people(world)
    print(f"{len(world.in_flight)} kills, {days} digests and acknowledgements, {len(repeats(world))} repeated")
    assert days >= len(plan) // 2
    assert min(world.in_flight) >= 1


def check_people(world: Arena) -> int:
    """Return how many days there were; each has its digest and its acknowledged alert, no more and no less."""
    [(last, muted)] = world.rows("SELECT digested_on, muted_until_s FROM subscribers WHERE name = 'reader'")
    days = next(n for n in range(10_000) if dates(n) == last)
    assert int(muted) in {days - 1, days}
    digests = world.rows("SELECT key FROM alerts WHERE kind = 'digest'")
    assert len(digests) == days
    states = [state for (state,) in world.rows("SELECT state FROM outbox WHERE recipient = 'reader' ORDER BY id")]
    assert set(states) <= {"sent", "superseded"}
    assert states[-1] == "sent"
    heard = {said for _, told in world.told for address, _, said in told if address == READER_CHAT}
    assert len(heard) == states.count("sent")
    further = world.rows("SELECT state FROM outbox WHERE recipient = 'stairs' AND step = 1")
    assert [state for (state,) in further] == ["acknowledged"] * days
    assert len(world.rows("SELECT incident FROM acks WHERE recipient = 'stairs'")) == days
    addresses = {address for _, told in world.told for address, _, _ in told}
    assert STAIRS.routes[0].address in addresses
    assert STAIRS.routes[1].address not in addresses
    return days
