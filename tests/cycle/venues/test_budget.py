"""Many owners on one address: the critical stay fresh, everyone is read, and no more weight is asked than allowed."""

from itertools import pairwise

import pytest

from monitor.cycle.venues.loop import LIMIT_S, PACE_MS
from tests.cycle.venues.parts import DEPLOYMENT, FAR, NEAR, Watched, turns


async def test_after_a_restart_those_that_were_critical_are_read_first(venue: Watched):
    users = venue.desk.add_users([FAR] * 120 + [NEAR])
    loop = venue.loop(users)
    await turns(loop, 8)
    assert (await venue.view(users[-1])).level == "CRITICAL"
    await venue.clock.sleep(60)
    venue.desk.read_ms.clear()
    began_ms = venue.clock.monotonic_ms()
    again = venue.loop()
    await again.once()
    assert venue.desk.read_ms[users[-1]] == [began_ms]
    assert len(venue.desk.read_ms) < len(users)


async def test_with_no_more_weight_than_allowed_the_critical_of_many_are_known_anew_within_ten_seconds(venue: Watched):
    await critical_among(venue, 300, seconds=80)


@pytest.mark.long
async def test_of_5000_watched_users_on_one_address_the_critical_are_known_anew_within_ten_seconds(venue: Watched):
    await critical_among(venue, 5_000, seconds=180)


async def critical_among(venue: Watched, count: int, seconds: int) -> None:
    """Follow so many users for a while after all were read once, 50 of them critical, at 1,200 a minute."""
    users = venue.desk.add_users([NEAR] * 50 + [FAR] * (count - 50))
    loop = venue.loop(users)
    counted = venue.desk.limit.most, venue.place
    venue.desk.limit.most, loop.venue = None, venue.uncounted()
    await turns(loop, 2)
    await venue.clock.sleep(60)
    venue.desk.limit.most, loop.venue = counted
    venue.desk.limit.heaviest = 0
    venue.desk.read_ms.clear()
    oldest_s = list[int]()
    for turn in range(seconds * 1_000 // PACE_MS):
        await loop.once()
        now_s = venue.clock.wall_s()
        if turn > 1:
            views = [await venue.view(user) for user in users[:50:7]]
            assert {view.level for view in views} == {"CRITICAL"}
            oldest_s += [now_s - int(str(view.row["at_time"])) for view in views]
    assert max(oldest_s) <= 10
    read_ms = [venue.desk.read_ms[user] for user in users[:50]]
    assert max(later - sooner for times in read_ms for sooner, later in pairwise(times)) <= 10_000
    assert venue.desk.limit.refused == 0
    assert venue.desk.limit.heaviest <= 1_200
    others = sum(len(venue.desk.read_ms.get(user, ())) for user in users[50:])
    assert others * LIMIT_S >= (count - 50) * seconds
    assert loop.passes[DEPLOYMENT.name].unmeasurable == 0


async def test_an_owner_who_costs_more_than_a_turn_has_room_for_is_read_all_the_same(venue: Watched):
    users = venue.desk.add_users([FAR] * 3)
    loop = venue.loop(users)
    await loop.once()
    loop.desks[DEPLOYMENT.name].cost = 1_000
    venue.desk.read_ms.clear()
    await turns(loop, 2)
    assert len(venue.desk.read_ms) == 3


async def test_everyone_is_read_once_before_anybody_waits_for_ever(venue: Watched):
    users = venue.desk.add_users([NEAR] * 50 + [FAR] * 20)
    loop = venue.loop(users)
    await turns(loop, 6)
    assert len(venue.desk.read_ms) == len(users)
    assert loop.passes[DEPLOYMENT.name].accounts == len(users)
    assert venue.desk.limit.refused == 0
