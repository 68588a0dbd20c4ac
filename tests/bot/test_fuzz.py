"""Ten thousand updates of any shape: none breaks the bot, none is heard that should not be, nothing raw comes back."""

import json
import random
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from monitor.bot.bot import Bot
from monitor.bot.crowd import PER_CHAT, Crowd
from monitor.bot.updates import KINDS, Pressed, Said, number, update
from monitor.domain.alerts import Route
from monitor.domain.ids import Address
from monitor.errors import DeliveryDeferred
from tests.bot.handing import Handing
from tests.bot.room import ALICE, MALLORY, OWNER, Room
from tests.channels.bot_api_stub import Fault
from tests.domain.hostile import PAYLOADS

WORDS = (
    *("/status", "/ack", "/mute", "/watch", "/unwatch", "/quiet", "/zone", "/digest", "/levels", "/help", "/start"),
    *("/statsu", "/", "//", "/ack@hfm_test_bot", "hello", ""),
)
PLACES = ("chat", "from", "text", "message_id", "forward_origin", "via_bot", "data", "id", "message", "callback_query")
RAW = re.compile(
    r"[<>\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]|https?:\S|\w\.[a-z]{2}|@|\{\{|\$\{"
)


def value(rng: random.Random, depth: int = 0) -> Any:
    """Anything that JSON can say, small or huge, flat or deep."""
    made: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: rng.choice((0, -1, 1, ALICE, MALLORY, 2**31, 2**53, 2**64, -(2**64), 10**300)),
        lambda: rng.choice((0.5, -1e308, 1e-9)),
        lambda: rng.choice(PAYLOADS),
        lambda: rng.choice(PAYLOADS) * rng.choice((1, 50, 1000)),
        lambda: rng.choice(("private", "group", "supergroup", "channel")),
        lambda: [value(rng, depth + 1) for _ in range(rng.randint(0, 3))] if depth < 4 else [],
        lambda: {rng.choice(PLACES): value(rng, depth + 1) for _ in range(rng.randint(0, 4))} if depth < 4 else {},
        lambda: json.loads('{"chat":' * 200 + "1" + "}" * 200),
    )
    return rng.choice(made)()


def message(rng: random.Random) -> dict[str, Any]:
    """A message in a good shape with hostile words in it."""
    chat = rng.choice((ALICE, ALICE, ALICE, MALLORY, rng.randint(1, 10**9), -rng.randint(1, 10**12)))
    word, rest = (
        rng.choice(WORDS),
        rng.choice((*PAYLOADS, "2h", OWNER, f"{OWNER} {rng.choice(PAYLOADS)}", "danger 1.2")),
    )
    kind = "private" if chat > 0 else rng.choice(("group", "supergroup", "channel"))
    user = {"id": abs(chat), "is_bot": rng.random() < 0.02, "first_name": rng.choice(PAYLOADS)}
    text = rng.choice((f"{word} {rest}", f"{word} {rest}", f"/{rest}", rest))
    return {"message_id": 1, "date": 0, "chat": {"id": chat, "type": kind}, "from": user, "text": text}


def broken(rng: random.Random, body: dict[str, Any]) -> dict[str, Any]:
    """The same with one thing in it replaced, left out or added."""
    body = json.loads(json.dumps(body))
    at = body
    for _ in range(rng.randint(0, 2)):
        inner = [name for name, one in at.items() if isinstance(one, dict)]
        at = at[rng.choice(inner)] if inner else at
    name = rng.choice((*at, *PLACES))
    if rng.random() < 0.3:
        at.pop(name, None)
    else:
        at[name] = value(rng)
    return body


def made(rng: random.Random, id_: int) -> Any:
    """One update."""
    query = {
        "id": rng.choice(("1", "x" * 64, "x" * 65, "")),
        "from": message(rng)["from"],
        "message": {"message_id": 1, "chat": message(rng)["chat"]},
        "data": rng.choice(("a:", "m:", "l:", "n:", "z:")) + rng.choice((*PAYLOADS, "A" * 22, "A" * 43)),
    }
    match rng.randint(0, 9):
        case 0:
            return {"update_id": id_, rng.choice((*KINDS, "edited_message", "my_chat_member", "poll")): value(rng)}
        case 1:
            return rng.choice((value(rng), {"update_id": value(rng), "message": message(rng)}))
        case 2 | 3:
            return {"update_id": id_, "message": broken(rng, message(rng))}
        case 4:
            return {"update_id": id_, "callback_query": broken(rng, query)}
        case 5:
            return {"update_id": id_, "callback_query": query}
        case _:
            return {"update_id": id_, "message": message(rng)}


async def test_ten_thousand_updates_of_any_shape_break_nothing_and_nothing_raw_comes_back(chat: Room):
    rng = random.Random(20_251_121)
    await chat.know()
    async with aiohttp.ClientSession() as http:
        api = Handing(http, [made(rng, 1000 + count) for count in range(10_000)])
        chat.bot.outgoing._api = api
        bot = Bot(api, chat.bot.means, Crowd(chat.clock), chat.bot.outgoing)
        while api.updates:
            # A batch in which nothing has a number is an answer that makes no sense, and is asked for again.
            with suppress(DeliveryDeferred):
                await bot.once()
            await chat.clock.sleep(60)
            await chat.said_all()
    assert len(api.said) > 2000
    raw = [text for text in api.said if RAW.search(text.replace("/watch 0x…", ""))]
    assert raw == []
    assert all(len(text.encode("utf-16-le")) // 2 <= 4096 for text in api.said)
    (who,) = await chat.store.people.everyone()
    assert who.routes == (Route("telegram", str(ALICE)),)
    assert all(not RAW.search(label) for label in who.watches.values())


@pytest.mark.parametrize("raw", [None, 1, "x", [], {}, {"update_id": True}, {"update_id": 2**60}, {"update_id": "1"}])
def test_what_has_no_number_is_no_update(raw: object):
    assert number(raw) is None
    assert update(raw) is None


def test_other_kinds_of_update_are_not_taken():
    whole = {"chat": {"id": ALICE, "type": "private"}, "from": {"id": ALICE, "is_bot": False}, "text": "/stop"}
    assert isinstance(update({"update_id": 1, "message": whole}), Said)
    for kind in ("edited_message", "channel_post", "edited_channel_post", "business_message", "inline_query"):
        assert update({"update_id": 1, kind: whole}) is None
    for change in (
        {"chat": {"id": ALICE, "type": "channel"}},
        {"chat": {"id": MALLORY, "type": "private"}},
        {"chat": {"id": True, "type": "private"}},
        {"from": {"id": ALICE, "is_bot": True}},
        {"from": {"id": ALICE}},
        {"text": "x" * 4097},
    ):
        assert update({"update_id": 1, "message": whole | change}) is None


async def test_only_two_kinds_are_asked_for_and_each_update_is_confirmed_once_it_had_its_effect(chat: Room):
    await chat.know()
    await chat.ask("/mute 1h")
    await chat.bot.once()
    first, second = chat.api.talk.asked
    assert first["allowed_updates"] == ["message", "callback_query"]
    assert "offset" not in first
    assert second["offset"] == 701
    assert chat.api.talk.waiting == []


async def test_an_update_whose_effect_could_not_be_confirmed_has_the_same_effect_again(chat: Room):
    await chat.know()
    chat.api.talk.say(ALICE, f"/watch {'0x' + 'b2' * 20} second")
    await chat.turn()
    again = Bot(chat.bot.api, chat.bot.means, Crowd(chat.clock), chat.bot.outgoing)
    await again.once()
    await chat.said_all()
    assert (await chat.store.people.named("alice")).watches == {OWNER: "main", Address("0x" + "b2" * 20): "second"}


async def test_twenty_commands_a_minute_are_taken_and_the_next_is_told_so_once(chat: Room):
    await chat.know()
    # Each chat has a minute of its own.
    for _ in range(PER_CHAT + 10):
        chat.api.talk.say(ALICE, "/mute")
    chat.api.talk.say(MALLORY, "/status")
    await chat.turn()
    said = chat.api.texts(str(ALICE))
    assert len(said) == PER_CHAT + 1
    assert "more than 20 in a minute" in said[-1]
    assert len(chat.api.texts(str(MALLORY))) == 1
    await chat.clock.sleep(60)
    assert "Muted until" in await chat.ask("/mute 1h")


async def test_strangers_share_a_limit_and_take_nothing_from_those_who_are_linked(chat: Room):
    await chat.know()
    for stranger in range(100_000, 100_040):
        chat.api.talk.say(stranger, "/status")
    chat.api.talk.say(ALICE, "/mute 1h")
    await chat.turn()
    assert sum(int(one.chat) >= 100_000 for one in chat.api.accepted) == 30
    assert "Muted until" in chat.last().text


def test_a_button_of_a_message_that_telegram_keeps_no_more_is_still_pressed():
    query = {
        "id": "1",
        "from": {"id": ALICE, "is_bot": False},
        "message": {"chat": {"id": ALICE, "type": "private"}, "message_id": 3, "date": 0},
        "data": "a:" + "A" * 22,
    }
    assert isinstance(update({"update_id": 1, "callback_query": query}), Pressed)


@pytest.mark.parametrize(
    "fault", [Fault(200, body="<html>"), Fault(200, body='{"ok":true,"result":7}'), Fault(409, body='{"ok":false}')]
)
async def test_an_answer_that_holds_no_updates_is_a_failure_and_loses_none(chat: Room, fault: Fault):
    await chat.know()
    chat.api.poll_faults.append(fault)
    chat.api.talk.say(ALICE, "/mute 1h")
    with pytest.raises(DeliveryDeferred):
        await chat.bot.once()
    await chat.turn()
    assert "Muted until" in chat.last().text
