"""The daily digest: once a day, as things stand, and never a good word about what is old or unknown."""

from pathlib import Path

import pytest

from monitor.cycle.people.digests import Digests
from monitor.domain.alerts import AlertKind
from monitor.domain.ids import DeploymentName
from monitor.outbox.render import render
from tests.cycle.town import CHAT, Town

EIGHT_S = 1_750_060_800
LIMITS = {DeploymentName("local-core"): 60}
MORNING = 8 * 60


@pytest.fixture
async def town(tmp_path: Path):
    async with Town.open(tmp_path, EIGHT_S - 3600) as one:
        await one.move_in("alice", CHAT, watches=(1, 2, 3))
        await one.store.people.set("alice", digest_at=MORNING)
        yield one


def digests(town: Town) -> Digests:
    return Digests(town.ruling, LIMITS, town.clock)


async def text(town: Town) -> str:
    """Return the digest that is owed, as it reads."""
    every = (await town.store.queue.look("telegram", 9, 2**40)).due
    (owed,) = [one for one in every if one.alert.kind is AlertKind.DIGEST]
    return render(owed.alert, owed.recipient, owed.key, 0, "https://hfm.example").text


async def until_eight(town: Town, later_s: int = 0) -> None:
    await town.clock.sleep(EIGHT_S + later_s - town.clock.wall_s())


async def test_it_comes_at_its_minute_once_a_day(town: Town):
    await town.see("2")
    await until_eight(town, -600)
    sent = []
    for _ in range(3 * 24 * 60):
        await digests(town).once()
        sent += [(row.kind, town.clock.wall_s()) for row in await town.news()]
        await town.clock.sleep(60)
        if town.clock.wall_s() > EIGHT_S + 86_400 + 600:
            break
    assert [at_s - EIGHT_S for _, at_s in sent] == [0, 86_400]


async def test_it_says_how_each_position_stands_worst_first(town: Town):
    await until_eight(town, -12)
    await town.now("1.2", of=1)
    await town.now("none", of=3)
    await town.see("1.04", of=2)
    await digests(town).once()
    said = await text(town)
    lines = [line.split(" · ")[0] for line in said.split("\n") if "local-core" in line and " · " in line]
    assert lines == ["CRITICAL", "WARN", "NO DEBT"]
    assert "3 positions, 2 to look after" in said
    assert "health 1.04" in said
    assert "block 103" in said


async def test_what_cannot_be_measured_is_said_first_and_is_not_well(town: Town):
    await until_eight(town, -12)
    await town.now("2", of=1)
    await town.see("?no price", of=2)
    await digests(town).once()
    said = await text(town)
    assert "2 positions, 1 not known now" in said
    assert "all well" not in said
    assert said.index("UNKNOWN") < said.index("OK ·")


async def test_of_old_data_nothing_is_called_well(town: Town):
    await town.see("2", of=1)
    await until_eight(town)
    await digests(town).once()
    said = await text(town)
    assert "1 not known now" in said
    assert "TOO OLD" in said
    assert "OK ·" not in said


async def test_when_all_is_well_it_says_so_with_the_age_of_the_data(town: Town):
    await until_eight(town)
    for number in (1, 2, 3):
        await town.now("2", of=number)
    await digests(town).once()
    said = await text(town)
    assert "3 positions, all well" in said
    assert "old" in said.rsplit("local-core: data of block 103, ", 1)[1]


async def test_it_is_late_rather_than_never_and_a_restart_sends_no_second(town: Town, tmp_path: Path):
    await town.see("2")
    await until_eight(town, 5 * 3600)
    await digests(town).once()
    await digests(town).once()
    assert len(await town.news()) == 2 - 1
    now_s = town.clock.wall_s()
    async with Town.open(tmp_path, now_s + 60) as again:
        await again.news()
        await digests(again).once()
        assert await again.news() == []


async def test_nothing_watched_nothing_owed(town: Town):
    await town.move_in("bob", CHAT, watches=())
    await town.store.people.set("bob", digest_at=MORNING)
    await until_eight(town)
    await digests(town).once()
    assert [row.recipient for row in await town.news()] == ["alice"]


async def test_quiet_hours_and_mutes_do_not_hold_the_digest_and_a_stop_does(town: Town):
    await town.store.people.set("alice", muted_until_s=EIGHT_S + 600, quiet_from=0, quiet_until=1440)
    await until_eight(town)
    await digests(town).once()
    assert [row.kind for row in await town.news()] == [AlertKind.DIGEST]
    await town.store.people.stop("alice")
    await until_eight(town, 86_400)
    await digests(town).once()
    assert await town.news() == []
