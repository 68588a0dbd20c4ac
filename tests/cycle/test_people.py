"""What people want, through the rules and the store: who is told when, over which contact, and what waits."""

from pathlib import Path

import pytest

from monitor.domain.alerts import AlertKind, Level
from monitor.store import Commit
from tests.cycle.town import CHAT, HOOK, MAIL, Town, about, owner, said
from tests.fakes.evaluations import evaluation

NOON_S = 1_750_075_200
NIGHT_S = NOON_S + 14 * 3600
H, MIN = 3600, 60


@pytest.fixture
async def town(tmp_path: Path):
    async with Town.open(tmp_path, NOON_S) as one:
        yield one


async def asleep(town: Town) -> None:
    """Let alice sleep from 22 to 7 UTC, and make it 2 o'clock at night."""
    await town.move_in("alice", CHAT)
    await town.store.people.set("alice", quiet_from=22 * 60, quiet_until=7 * 60)
    await town.clock.sleep(NIGHT_S - town.clock.wall_s())


async def test_nobody_is_told_of_what_they_do_not_watch(town: Town):
    await town.move_in("alice", CHAT, watches=2)
    assert await town.see("1.04", of=1) == []
    assert said(await town.see("1.04", of=2)) == [(AlertKind.WORSENED, Level.CRITICAL)]


async def test_each_is_told_under_the_name_they_gave_the_owner(town: Town):
    await town.move_in("alice", CHAT)
    await town.move_in("bob", MAIL)
    await town.store.people.watch("bob", owner(1), "his")
    await town.see("1.04")
    owed = [
        *(await town.store.queue.look("telegram", 9, 2**40)).due,
        *(await town.store.queue.look("email", 9, 2**40)).due,
    ]
    assert [(one.recipient.name, one.recipient.label) for one in owed] == [("alice", "main"), ("bob", "his")]


async def test_critical_without_an_answer_goes_to_mail_after_five_minutes_and_to_the_webhook_after_ten(town: Town):
    await town.move_in("alice", CHAT, MAIL, HOOK)
    rows, now_s = await town.see("1.04"), town.clock.wall_s()
    told = [(row.channel, row.step, row.due_s - now_s if row.due_s else 0) for row in rows]
    assert told == [("telegram", 0, 0), ("email", 1, 300), ("webhook", 2, 600)]
    assert len({row.token for row in rows}) == 3


@pytest.mark.parametrize(("health", "further"), [("1.2", 0), ("1.09", 0), ("1.04", 2), ("0.99", 2)])
async def test_nothing_better_than_critical_goes_further(town: Town, health: str, further: int):
    await town.move_in("alice", CHAT, MAIL, HOOK)
    assert sum(row.step > 0 for row in await town.see(health)) == further


async def test_an_acknowledgement_calls_off_whatever_would_go_further(town: Town):
    await town.move_in("alice", CHAT, MAIL, HOOK)
    first, *_ = await town.see("1.04")
    assert await town.acknowledge(first)
    assert [(row.channel, row.step) for row in await town.pending()] == [("telegram", 0)]
    assert not await town.acknowledge(first)


async def test_one_who_acknowledges_speaks_for_nobody_else(town: Town):
    await town.move_in("alice", CHAT, MAIL)
    await town.move_in("bob", CHAT, MAIL)
    rows = await town.see("1.04")
    assert await town.acknowledge(next(row for row in rows if row.recipient == "alice"))
    assert [row.recipient for row in await town.pending() if row.step] == ["bob"]


async def test_while_it_gets_worse_the_first_deadline_stays(town: Town):
    await town.move_in("alice", CHAT, MAIL, HOOK)
    await town.see("1.04")
    started_s = town.clock.wall_s()
    for health in ("1.02", "1.01", "0.99"):
        await town.see(health, after_s=60)
    waiting = {row.channel: row.due_s - started_s for row in await town.pending() if row.step}
    assert waiting == {"email": 300, "webhook": 600}


async def test_recovery_calls_off_what_would_go_further(town: Town):
    await town.move_in("alice", CHAT, MAIL, HOOK)
    await town.see("1.04")
    await town.see("2")
    rows = await town.see("2", after_s=600)
    assert said(rows) == [(AlertKind.RECOVERED, Level.OK)]
    assert [row.kind for row in await town.pending()] == [AlertKind.RECOVERED]


async def test_an_acknowledgement_keeps_repeats_away_for_an_hour_and_not_a_second_longer(town: Town):
    await town.move_in("alice", CHAT)
    first, *_ = await town.see("0.99")
    assert await town.acknowledge(first)
    started_s = town.clock.wall_s()
    assert await town.see("0.99", after_s=15 * MIN) == []
    await town.clock.sleep(started_s + 3590 - town.clock.wall_s())
    told_s = []
    for _ in range(20):
        if await town.see("0.99", after_s=1):
            told_s.append(town.clock.wall_s() - started_s)
            break
    assert told_s == [3600]


async def test_an_acknowledgement_is_void_when_it_gets_worse(town: Town):
    await town.move_in("alice", CHAT, MAIL)
    first, *_ = await town.see("1.04")
    await town.acknowledge(first)
    rows = await town.see("0.99")
    assert [(row.level, row.channel) for row in rows] == [
        (Level.LIQUIDATABLE, "telegram"),
        (Level.LIQUIDATABLE, "email"),
    ]
    assert said(await town.see("0.99", after_s=15 * MIN)) == [(AlertKind.REPEATED, Level.LIQUIDATABLE)]


async def test_an_incident_goes_further_ten_times_and_no_more(town: Town):
    await town.move_in("alice", CHAT, MAIL)
    rows = await town.see("0.99")
    for _ in range(20):
        rows += await town.see("0.99", after_s=15 * MIN)
    assert sum(row.step == 0 for row in rows) == 21
    assert sum(row.step == 1 for row in rows) == 10


async def test_a_repeat_goes_to_those_who_have_not_acknowledged(town: Town):
    await town.move_in("alice", CHAT)
    await town.move_in("bob", MAIL)
    rows = await town.see("1.04")
    await town.acknowledge(next(row for row in rows if row.recipient == "alice"), 2 * H)
    assert [row.recipient for row in await town.see("1.04", after_s=H)] == ["bob"]


async def test_a_warning_at_night_is_told_in_the_morning_as_things_stand_then(town: Town):
    await asleep(town)
    assert await town.see("1.2") == []
    assert await town.see("1.22", after_s=5 * H - 24) == []
    (row,) = await town.see("1.19", after_s=12)
    assert (row.kind, row.level) == (AlertKind.REPEATED, Level.WARN)
    assert (await town.sent(row)).alerts[0].facts["health"].startswith("1.19")
    assert await town.see("1.19") == []


async def test_a_warning_that_is_over_before_morning_is_never_told(town: Town):
    await asleep(town)
    assert await town.see("1.2") == []
    assert await town.see("2") == []
    assert await town.see("2", after_s=H) == []
    assert await town.see("2", after_s=5 * H) == []
    assert (await town.store.owed.waiting())[1] == ()


async def test_the_end_of_a_warning_told_in_the_evening_is_told_in_the_morning(town: Town):
    await town.move_in("alice", CHAT)
    await town.store.people.set("alice", quiet_from=22 * 60, quiet_until=7 * 60)
    await town.clock.sleep(NOON_S + 9 * H - town.clock.wall_s())
    (evening,) = await town.see("1.2")
    assert evening.level is Level.WARN
    assert await town.see("2", after_s=3 * H) == []
    assert await town.see("2", after_s=H) == []
    (row,) = await town.see("2", after_s=7 * H)
    assert (row.kind, row.incident) == (AlertKind.RECOVERED, evening.incident)
    assert await town.see("2") == []


async def test_danger_at_night_is_told_at_night(town: Town):
    await asleep(town)
    assert await town.see("1.2") == []
    assert said(await town.see("1.09")) == [(AlertKind.WORSENED, Level.DANGER)]


async def test_held_over_the_night_it_is_told_after_a_restart_too(tmp_path: Path):
    async with Town.open(tmp_path, NOON_S) as town:
        await asleep(town)
        assert await town.see("1.2") == []
        now_s, number = town.clock.wall_s(), town.block
    async with Town.open(tmp_path, now_s + 6 * H) as town:
        town.block = number
        assert said(await town.now("1.2")) == [(AlertKind.REPEATED, Level.WARN)]


async def test_a_mute_holds_all_but_the_worst_and_tells_the_rest_when_it_ends(town: Town):
    await town.move_in("alice", CHAT)
    await town.store.people.set("alice", muted_until_s=town.clock.wall_s() + 2 * H)
    assert await town.see("1.2") == []
    assert said(await town.see("1.04")) == [(AlertKind.WORSENED, Level.CRITICAL)]
    assert await town.see("1.04", after_s=H) == []
    assert said(await town.see("1.04", after_s=H)) == [(AlertKind.REPEATED, Level.CRITICAL)]
    assert (await town.store.owed.waiting())[1] == ()


async def test_who_stops_is_owed_nothing_from_that_moment(town: Town):
    await town.move_in("alice", CHAT, MAIL)
    await town.see("1.04")
    await town.store.people.stop("alice")
    assert await town.pending() == []
    assert await town.see("0.99") == []
    await town.store.people.resume("alice")
    assert said(await town.see("0.99", after_s=15 * MIN)) == [(AlertKind.REPEATED, Level.LIQUIDATABLE)]


async def test_who_stops_between_the_judgement_and_its_commit_is_told_nothing(town: Town):
    await town.move_in("alice", CHAT, MAIL)
    ruled = await town.ruling.judge([evaluation("1.04")])
    assert ruled.notices[0].recipients
    await town.store.people.stop("alice")
    await town.ruling.commit(Commit(None, ruled.evaluations, ruled.states, ruled.notices))
    assert await town.pending() == []


async def test_one_contact_less_sends_over_the_next(town: Town):
    await town.move_in("alice", CHAT, MAIL)
    await town.store.people.unreach("alice", CHAT)
    assert [row.channel for row in await town.see("1.04")] == ["email"]
    await town.store.people.reach("alice", CHAT)
    assert {row.channel for row in await town.see("0.99")} == {"email", "telegram"}


async def test_a_silenced_position_is_not_told_and_others_are(town: Town):
    await town.move_in("alice", CHAT, watches=(1, 2))
    await town.see("1.04", of=1)
    await town.store.people.silence("alice", str(about(1)))
    assert await town.pending() == []
    assert await town.see("0.99", of=1) == []
    assert said(await town.see("1.04", of=2)) == [(AlertKind.WORSENED, Level.CRITICAL)]


async def test_own_levels_tell_their_owner_and_nobody_else(town: Town):
    await town.move_in("alice", CHAT)
    await town.move_in("bob", MAIL)
    own = {"class": {"default": {"danger": {"health": "1.3", "distance_bps": 800}, "warn": {"health": "1.4"}}}}
    await town.store.people.set("alice", levels=own)
    rows = await town.see("1.29")
    assert {(row.recipient, row.level) for row in rows} == {("alice", Level.DANGER), ("bob", Level.WATCH)}
    assert len({row.incident for row in rows}) == 2
    rows = await town.see("1.24")
    assert {(row.recipient, row.level) for row in rows} == {("bob", Level.WARN)}
    await town.see("2")
    rows = await town.see("2", after_s=600)
    assert {(row.recipient, row.kind) for row in rows} == {
        ("alice", AlertKind.RECOVERED),
        ("bob", AlertKind.RECOVERED),
    }


async def test_own_levels_are_acknowledged_on_their_own(town: Town):
    await town.move_in("alice", CHAT, MAIL)
    own = {"class": {"default": {name: {"health": "1.6", "distance_bps": 0} for name in ("watch", "warn", "danger")}}}
    own["class"]["default"]["critical"] = {"health": "1.5", "distance_bps": 0}
    await town.store.people.set("alice", levels=own)
    rows = await town.see("1.45")
    assert [(row.level, row.step) for row in rows] == [(Level.CRITICAL, 0), (Level.CRITICAL, 1)]
    assert await town.acknowledge(rows[0])
    assert [row.step for row in await town.pending()] == [0]
    assert await town.see("1.45", after_s=H - 12) == []
    assert said(await town.see("1.45", after_s=12)) == [(AlertKind.REPEATED, Level.CRITICAL)]


async def test_levels_that_make_no_sense_fall_back_to_the_usual_ones(town: Town):
    await town.move_in("alice", CHAT)
    await town.store.people.set("alice", levels={"class": {"default": {"danger": {"health": "none"}}}})
    assert said(await town.see("1.04")) == [(AlertKind.WORSENED, Level.CRITICAL)]


async def test_the_subscribers_of_the_settings_keep_what_they_have_set_themselves(town: Town):
    people = town.store.people
    await people.settle({"telegram:42": (CHAT, {owner(1): "main", owner(2): ""})})
    await people.set("telegram:42", zone="Europe/Berlin")
    await people.settle({"telegram:42": (CHAT, {owner(2): "b"}), "email:a@b.c": (MAIL, {owner(1): ""})})
    mail, chat = await people.everyone()
    assert (chat.zone, dict(chat.watches)) == ("Europe/Berlin", {owner(2): "b"})
    assert mail.watches == {owner(1): ""}
    await people.settle({})
    assert await people.everyone() == ()
