"""What the bot does for a chat that is linked."""

from monitor.domain.alerts import Level, Route
from monitor.rules.hearing.hours import hours_of
from monitor.store import Commit, Cursor
from tests.bot.room import ALICE, OWNER, Room
from tests.fakes.evaluations import CHAIN, block, evaluation, position
from tests.outbox.scene import alert, deliver, told

MINE = position(int(OWNER, 16))


async def test_status_says_level_health_distance_moment_and_age_and_calls_the_unknown_unknown(chat: Room):
    await chat.know()
    assert "No open position is known yet" in await chat.ask("/status")
    cursor = Cursor(MINE.deployment, MINE.protocol, CHAIN, block(5))
    other = position(int(OWNER, 16), "local-other")
    await chat.store.commit(Commit(cursor, [evaluation("1.04", at=5, of=MINE, distance_bps=385)]))
    away = Cursor(other.deployment, other.protocol, CHAIN, block(5))
    await chat.store.commit(Commit(away, [evaluation("?no price", at=5, of=other)]))
    said = await chat.ask("/status")
    assert "main 0xa1a1…a1a1 · local-core" in said
    assert "UNKNOWN · main 0xa1a1…a1a1 · local-other" in said
    assert "data of block 5" in said
    assert "not known to be safe" in said


async def test_a_mute_says_until_when_and_what_still_comes_through(chat: Room):
    await chat.know()
    await chat.store.people.set("alice", zone="Europe/Berlin")
    said = await chat.ask("/mute 2h")
    # 15 June 2025, 15:06 UTC is 17:06 in Berlin.
    assert said == "Muted until 19:06 Europe/Berlin. Anything that gets DANGER or worse still comes through."
    assert (await chat.store.people.named("alice")).muted_until_s == 1_750_000_000 + 7200
    assert "Muted until 19:06 Europe/Berlin" in await chat.ask("/status")
    assert "tomorrow" not in await chat.ask("/mute until 08:00")
    assert "Mon 16 Jun 08:00 Europe/Berlin" in chat.last().text
    assert "Not muted" in await chat.ask("/mute off")
    assert (await chat.store.people.named("alice")).muted_until_s is None
    assert "one minute to seven days" in await chat.ask("/mute 9d")


async def test_everything_open_is_acknowledged_or_one_incident_by_name(chat: Room):
    await chat.know()
    await chat.store.commit(told(alert(of=MINE, incident="ONE"), recipient=await chat.recipient()))
    other = position(int(OWNER, 16), "local-other")
    await chat.store.commit(told(alert(Level.WARN, of=other, incident="TWO"), recipient=await chat.recipient()))
    assert "Nothing is open" in await chat.ask("/ack")
    await deliver(chat.store, [chat.telegram], chat.clock)
    assert "No open incident" in await chat.ask("/ack THREE")
    said = await chat.ask("/ack two")
    assert "Acknowledged: WARN of main 0xa1a1…a1a1, TWO" in said
    assert "ONE" not in said
    assert "If it gets worse you are told at once" in said
    said = await chat.ask("/ack")
    assert "Acknowledged: CRITICAL of main 0xa1a1…a1a1, ONE" in said
    assert "Already acknowledged: WARN" in said
    acks, _ = await chat.store.owed.waiting()
    assert {(one.recipient, one.incident, one.level) for one in acks} == {
        ("alice", "ONE", Level.CRITICAL),
        ("alice", "TWO", Level.WARN),
    }


async def test_hours_zone_and_summary_are_set_and_shown(chat: Room):
    await chat.know()
    assert "Quiet from 22:00 to 07:00 UTC" in await chat.ask("/quiet 22:00-07:00")
    assert "22:00 to 07:00 Europe/Berlin" in await chat.ask("/zone Europe/Berlin")
    assert "every day at 08:00 Europe/Berlin" in await chat.ask("/digest 08:00")
    who = await chat.store.people.named("alice")
    assert (who.quiet, who.zone, who.digest_at_min) == (hours_of("22:00-07:00"), "Europe/Berlin", 480)
    assert who.digested_on == "2025-06-15"
    assert "Did you mean" in await chat.ask("/zone Europe/Berln")
    assert "expected hours such as 22:00-07:00" in (await chat.ask("/quiet all day")).lower()
    assert "No quiet hours" in await chat.ask("/quiet off")
    assert "No daily summary" in await chat.ask("/digest off")
    assert (await chat.store.people.named("alice")).digest_at_min is None


async def test_thresholds_of_ones_own_are_tried_before_they_are_kept(chat: Room):
    await chat.know()
    assert "DANGER: health 1.1, or 8 % away" in await chat.ask("/levels")
    assert "nothing has changed" in (await chat.ask("/levels danger 1.4")).lower()
    assert (await chat.store.people.named("alice")).levels is None
    for wrong in (
        "/levels danger 1",
        "/levels danger x",
        "/levels ok 1.2",
        "/levels danger 1.1 2",
        "/levels danger -2",
    ):
        assert "expected" in (await chat.ask(wrong)).lower()
    said = await chat.ask("/levels danger 1.15")
    assert "Your own levels" in said
    assert "DANGER: health 1.15, or 8 % away" in said
    assert (await chat.store.people.named("alice")).levels == {"class": {"default": {"danger": {"health": "1.15"}}}}
    said = await chat.ask("/levels")
    assert "Other kinds of position have their own: /levels perpetual, /levels loop, /levels stable" in said
    assert "/levels danger 1.15 sets one, /levels reset takes the usual ones." in said
    assert "The usual levels" in await chat.ask("/levels reset")
    assert (await chat.store.people.named("alice")).levels is None


async def test_thresholds_of_a_class_of_positions_are_its_own(chat: Room):
    await chat.know()
    said = await chat.ask("/levels loop")
    assert "The usual levels of loop positions" in said
    assert "DANGER: health 1.01, or 0.99 % away" in said
    assert "nothing has changed" in (await chat.ask("/levels loop danger 1.4")).lower()
    said = await chat.ask("/levels Loop danger 1.012")
    assert "Your own levels of loop positions" in said
    assert "DANGER: health 1.012, or 0.99 % away" in said
    assert "DANGER: health 1.1, or 8 % away" in await chat.ask("/levels")
    assert (await chat.store.people.named("alice")).levels == {"class": {"loop": {"danger": {"health": "1.012"}}}}
    assert "expected one of critical, danger" in (await chat.ask("/levels loops danger")).lower()
    assert "The usual levels" in await chat.ask("/levels reset")


async def test_an_address_is_watched_by_name_and_left_by_name(chat: Room):
    await chat.know()
    other = "0x" + "B2" * 20
    said = await chat.ask(f"/watch {other} second")
    assert "Watching second 0xb2b2…b2b2 from the next block on" in said
    assert "No open position is known yet" in said
    assert (await chat.store.people.named("alice")).watches == {OWNER: "main", other.lower(): "second"}
    assert "You hear nothing more of 0xb2b2…b2b2" in await chat.ask("/unwatch Second")
    assert "You do not watch" in await chat.ask(f"/unwatch {other}")
    assert "expected an address" in (await chat.ask("/watch")).lower()
    assert (await chat.store.people.named("alice")).watches == {OWNER: "main"}


async def test_who_comes_late_is_told_at_once_how_it_stands(chat: Room):
    await chat.know()
    late = position(7)
    cursor = Cursor(late.deployment, late.protocol, CHAIN, block(5))
    await chat.store.commit(Commit(cursor, [evaluation("1.04", at=5, of=late)]))
    said = await chat.ask(f"/watch {late.key} late")
    assert "late 0x0000…0007 · local-core" in said
    assert "data of block 5" in said


async def test_whom_the_settings_name_is_told_that_their_list_stands_there(chat: Room):
    await chat.store.people.settle({f"telegram:{ALICE}": (Route("telegram", str(ALICE)), {OWNER: "main"})})
    assert "stands in the settings" in await chat.ask(f"/watch {'0x' + 'b2' * 20}")
    assert "stands in the settings" in await chat.ask(f"/unwatch {OWNER}")
    assert "Muted until" in await chat.ask("/mute 30m")


async def test_an_unknown_command_is_answered_with_the_one_that_was_meant(chat: Room):
    await chat.know()
    assert "Did you mean /status?" in await chat.ask("/statsu")
    assert "/unlink" in await chat.ask("/help")
    assert "Commands begin with a stroke" in await chat.ask("hello")
    assert chat.api.commands[:2] == ["status", "ack"]


async def test_a_command_for_another_bot_is_left_alone(chat: Room):
    await chat.know()
    assert await chat.ask("/status@other_bot") == ""
    assert await chat.ask("/status@HFM_test_bot") != ""
