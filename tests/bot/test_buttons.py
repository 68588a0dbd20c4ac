"""Buttons under a message: opaque, for its chat and its reader alone, and good once."""

from collections.abc import Callable

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level, Notice, Recipient, Route
from tests.bot.room import ALICE, GROUP, MALLORY, OWNER, Room
from tests.fakes.evaluations import position
from tests.outbox.scene import alert, deliver, step, told

MINE = position(int(OWNER, 16))


async def warned(chat: Room, level: Level = Level.CRITICAL, **own: object) -> dict[str, str]:
    """Tell Alice of a level, and return the buttons under the message."""
    one = alert(level, of=MINE, **own)  # type: ignore[arg-type]
    await chat.store.commit(told(one, recipient=await chat.recipient()))
    await deliver(chat.store, [chat.telegram], chat.clock)
    await chat.clock.sleep(2)
    return dict(chat.last().buttons)


async def acks(chat: Room) -> list[tuple[str, str, Level]]:
    return [(one.recipient, one.incident, one.level) for one in (await chat.store.owed.waiting())[0]]


async def test_the_reader_acknowledges_by_a_button_and_it_goes(chat: Room):
    await chat.know()
    buttons = await warned(chat, incident="ONE")
    assert list(buttons) == ["Acknowledge", "Mute 2 h"]
    assert "ONE" not in "".join(buttons.values())
    assert str(MINE) not in "".join(buttons.values())
    said = await chat.press(buttons["Acknowledge"], message=7)
    assert said.startswith("Acknowledged: CRITICAL of main 0xa1a1…a1a1, ONE. No repeats for 1 h")
    assert await acks(chat) == [("alice", "ONE", Level.CRITICAL)]
    assert chat.api.undressed == [7]


async def test_a_button_is_good_once(chat: Room):
    await chat.know()
    buttons = await warned(chat, incident="ONE")
    await chat.press(buttons["Acknowledge"])
    await chat.clock.sleep(2 * 3600)
    await chat.store.owed.acknowledge("alice", alert(Level.WATCH, of=MINE, incident="OTHER"), 60)
    assert "has been used" in await chat.press(buttons["Acknowledge"])
    assert ("alice", "ONE", Level.CRITICAL) not in [
        (one.recipient, one.incident, one.level)
        for one in (await chat.store.owed.waiting())[0]
        if one.until_s > chat.clock.wall_s()
    ]
    assert (await chat.press(buttons["Mute 2 h"])).startswith("Muted until")
    assert "has been used" in await chat.press(buttons["Mute 2 h"])


async def test_a_mute_by_a_button_never_shortens_a_longer_one(chat: Room):
    await chat.know()
    buttons = await warned(chat)
    await chat.ask("/mute 1d")
    before = (await chat.store.people.named("alice")).muted_until_s
    await chat.press(buttons["Mute 2 h"])
    assert (await chat.store.people.named("alice")).muted_until_s == before


@pytest.mark.parametrize("button", ["Acknowledge", "Mute 2 h"])
async def test_a_button_works_in_no_other_chat_and_for_no_other_user(chat: Room, button: str):
    await chat.know()
    await chat.know("mallory", MALLORY)
    data = (await warned(chat))[button]
    nothing = "This button does not work here."
    assert await chat.press(data, MALLORY) == nothing
    assert await chat.press(data, 777) == nothing
    assert await chat.press(data, GROUP, user=ALICE, kind="supergroup") == nothing
    id_ = chat.api.talk.press(ALICE, data, user=MALLORY)
    await chat.turn()
    assert id_ not in chat.api.talk.toasts
    chat.api.talk.push(callback_query={"id": "x", "from": {"id": ALICE}, "inline_message_id": "1", "data": data})
    await chat.turn()
    assert await acks(chat) == []
    assert [one.muted_until_s for one in await chat.store.people.everyone()] == [None, None]


async def test_a_button_dies_with_the_link_of_its_chat(chat: Room):
    await chat.know()
    data = (await warned(chat))["Acknowledge"]
    await chat.ask("/unlink")
    assert await chat.press(data) == "This button does not work here."
    assert await acks(chat) == []


@pytest.mark.parametrize(
    "forged",
    [
        lambda data: "a:" + "A" * 22,
        lambda data: data.upper(),
        lambda data: data[:-1],
        lambda data: "a:" + data,
        lambda data: "z:" + data[2:],
        lambda data: data[2:],
        lambda data: "a:%",
        lambda data: "a:",
    ],
)
async def test_a_forged_button_does_nothing(chat: Room, forged: Callable[[str], str]):
    await chat.know()
    data = (await warned(chat))["Acknowledge"]
    assert await chat.press(forged(data)) == "This button does not work here."
    assert await acks(chat) == []


async def test_a_group_that_the_operator_named_acknowledges_and_changes_nothing_else(chat: Room):
    name = f"telegram:{GROUP}"
    await chat.store.people.settle({name: (Route("telegram", str(GROUP)), {OWNER: "main"})})
    who = (await chat.store.people.named(name)).recipient(OWNER)
    await chat.store.commit(told(alert(of=MINE, incident="ONE"), recipient=who))
    await deliver(chat.store, [chat.telegram], chat.clock)
    group = {"user": MALLORY, "kind": "supergroup"}
    for word in ("/stop", "/unlink", "/quiet 22:00-07:00", f"/watch {OWNER}", "/levels danger 1.01", "/zone UTC"):
        assert "In a group this is not taken" in await chat.ask(word, GROUP, **group)
    assert (await chat.press(dict(chat.api.accepted[0].buttons)["Acknowledge"], GROUP, **group)).startswith("Ack")
    assert await acks(chat) == [(name, "ONE", Level.CRITICAL)]


async def test_a_group_that_moved_or_speaks_in_its_own_name_is_not_heard(chat: Room):
    name = f"telegram:{GROUP}"
    await chat.store.people.settle({name: (Route("telegram", str(GROUP)), {OWNER: "main"})})
    who = (await chat.store.people.named(name)).recipient(OWNER)
    await chat.store.commit(told(alert(of=MINE, incident="ONE"), recipient=who))
    await deliver(chat.store, [chat.telegram], chat.clock)
    data, moved = dict(chat.last(GROUP).buttons)["Acknowledge"], -1_001_234_567_890
    assert await chat.press(data, moved, user=MALLORY, kind="supergroup") == "This button does not work here."
    assert await chat.ask("/ack", moved, user=MALLORY, kind="supergroup") == ""
    anonymous = {"id": GROUP, "type": "supergroup"}
    assert "Forwarded" in await chat.ask("/ack", GROUP, user=MALLORY, kind="supergroup", sender_chat=anonymous)
    bot = {"id": 1_087_968_824, "is_bot": True}
    chat.api.talk.push(
        message={"message_id": 1, "chat": {"id": GROUP, "type": "supergroup"}, "from": bot, "text": "/ack"}
    )
    await chat.turn()
    assert await acks(chat) == []


@pytest.mark.parametrize(
    ("one", "has"),
    [
        (alert(Level.WARN, of=MINE), True),
        (alert(Level.LIQUIDATABLE, AlertKind.REPEATED, of=MINE), True),
        (alert(Level.WATCH, of=MINE), False),
        (alert(Level.OK, AlertKind.RECOVERED, of=MINE), False),
        (alert(Level.WARN, AlertKind.UNKNOWN, of=MINE), False),
    ],
)
async def test_buttons_stand_under_levels_from_warn_on(chat: Room, one: Alert, has: bool):
    await chat.know()
    await chat.store.commit(told(one, recipient=await chat.recipient()))
    await deliver(chat.store, [chat.telegram], chat.clock)
    assert bool(chat.last().buttons) is has


async def test_an_acknowledgement_calls_off_what_it_has_seen_and_not_what_got_worse(chat: Room):
    await chat.know()
    await chat.store.people.reach("alice", Route("email", "alice@example.org"))
    both: Recipient = await chat.recipient(escalate_s=(300,))
    await chat.store.commit(step(Notice(alert(Level.CRITICAL, of=MINE, incident="ONE"), (both,))))
    await deliver(chat.store, [chat.telegram], chat.clock, lambda: len(chat.api.accepted) == 1)
    first = dict(chat.last().buttons)["Acknowledge"]
    worse = alert(Level.LIQUIDATABLE, of=MINE, incident="ONE", seq=1)
    await chat.store.commit(step(Notice(worse, (both,)), at=101))
    await chat.clock.sleep(2)
    await chat.press(first)
    (channel,) = [one for one in (await chat.store.views.outbox_status()).channels if one.channel == "email"]
    assert channel.pending == 1
    await deliver(chat.store, [chat.telegram], chat.clock, lambda: len(chat.api.accepted) == 2)
    await chat.clock.sleep(2)
    await chat.press(dict(chat.last().buttons)["Acknowledge"])
    (channel,) = [one for one in (await chat.store.views.outbox_status()).channels if one.channel == "email"]
    assert channel.pending == 0
