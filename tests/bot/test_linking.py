"""A chat becomes somebody's contact by a token that is good once, for ten minutes, in one private chat."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.alerts import Route
from tests.bot.room import ALICE, GROUP, MALLORY, OWNER, Room

TOKEN = "t" * 43
CODE = "123456"
HERE = Route("telegram", str(ALICE))


async def asked(chat: Room, token: str = TOKEN) -> None:
    await chat.know(chat=None)
    await chat.store.links.make("alice", token, CODE)


async def routes(chat: Room) -> tuple[Route, ...]:
    return (await chat.store.people.named("alice")).routes


async def test_a_chat_is_linked_after_both_sides_saw_the_same_code(chat: Room):
    await asked(chat)
    assert "The code here is 123 456" in await chat.ask(f"/start {TOKEN}")
    assert await routes(chat) == ()
    (same, data), (no, _) = chat.last().buttons
    assert (same, no) == ("It is the same", "No")
    assert await chat.press(data) == "Linked."
    assert await routes(chat) == (HERE,)
    assert "linked to alice now; 1 address is watched" in chat.last().text
    assert "main" not in chat.last().text
    assert "No open position" in await chat.ask("/status")


async def test_a_link_is_good_once(chat: Room):
    await asked(chat)
    await chat.ask(f"/start {TOKEN}")
    data = chat.last().buttons[0][1]
    await chat.press(data)
    await chat.store.people.unreach("alice", HERE)
    assert "This link is not good" in await chat.press(data)
    assert "This link is not good" in await chat.ask(f"/start {TOKEN}")
    assert "This link is not good" in await chat.ask(f"/start {TOKEN}", MALLORY)
    assert await routes(chat) == ()


@pytest.mark.parametrize("late_s", [600, 601, 10**6, -30, -(10**6)])
async def test_a_link_is_good_for_ten_minutes_by_any_clock(chat: Room, late_s: int):
    await asked(chat)
    chat.clock.jump_wall(late_s)
    assert "This link is not good" in await chat.ask(f"/start {TOKEN}")
    chat.clock.jump_wall(-late_s)
    assert "The code here is" in await chat.ask(f"/start {TOKEN}")
    chat.clock.jump_wall(late_s)
    assert "This link is not good" in await chat.press(chat.last().buttons[0][1])
    assert await routes(chat) == ()


async def test_a_link_that_a_second_chat_opens_is_good_for_neither(chat: Room):
    await asked(chat)
    await chat.ask(f"/start {TOKEN}")
    data = chat.last().buttons[0][1]
    assert "This link is not good" in await chat.ask(f"/start {TOKEN}", MALLORY)
    assert "This link is not good" in await chat.press(data)
    assert await routes(chat) == ()


async def test_the_button_of_a_link_works_in_no_other_chat_and_for_no_other_user(chat: Room):
    await asked(chat)
    await chat.ask(f"/start {TOKEN}")
    data = chat.last().buttons[0][1]
    assert "This link is not good" in await chat.press(data, MALLORY)
    assert await chat.press(data, GROUP, user=ALICE, kind="supergroup") == "This button does not work here."
    id_ = chat.api.talk.press(ALICE, data, user=MALLORY)
    await chat.turn()
    assert id_ not in chat.api.talk.toasts
    assert await routes(chat) == ()


async def test_a_button_without_an_opened_link_links_nothing(chat: Room):
    await asked(chat)
    assert "This link is not good" in await chat.press(f"l:{TOKEN}")
    assert await routes(chat) == ()


async def test_no_makes_the_link_void(chat: Room):
    await asked(chat)
    await chat.ask(f"/start {TOKEN}")
    yes, no = (data for _, data in chat.last().buttons)
    assert await chat.press(no) == "Not linked."
    assert "This link is not good" in await chat.press(yes)
    assert "This link is not good" in await chat.ask(f"/start {TOKEN}")


async def test_a_stranger_cannot_make_anothers_link_void(chat: Room):
    await asked(chat)
    await chat.ask(f"/start {TOKEN}")
    data = chat.last().buttons[0][1]
    await chat.press("n:" + "x" * 43, MALLORY)
    assert await chat.press(data) == "Linked."


async def test_a_link_seen_in_a_group_is_void_and_a_group_is_never_linked(chat: Room):
    await asked(chat)
    said = await chat.ask(f"/start {TOKEN}", GROUP, user=ALICE, kind="group")
    assert "private chat" in said
    assert "This link is not good" in await chat.ask(f"/start {TOKEN}")
    assert await routes(chat) == ()


@pytest.mark.parametrize(
    "how",
    [
        {"forward_origin": {"type": "user"}},
        {"forward_date": 1, "forward_from": {"id": 5}},
        {"forward_sender_name": "x"},
        {"via_bot": {"id": 9, "is_bot": True}},
        {"sender_chat": {"id": GROUP, "type": "channel"}},
    ],
)
async def test_a_forwarded_link_is_not_opened(chat: Room, how: dict[str, Any]):
    await asked(chat)
    assert "not linked to anybody" in await chat.ask(f"/start {TOKEN}", **how)
    assert "The code here is" in await chat.ask(f"/start {TOKEN}")


async def test_a_new_link_takes_the_place_of_the_last_one(chat: Room):
    await asked(chat)
    await chat.store.links.make("alice", "u" * 43, "654321")
    assert "This link is not good" in await chat.ask(f"/start {TOKEN}")
    assert "654 321" in await chat.ask(f"/start {'u' * 43}")


async def test_the_store_keeps_no_token(chat: Room, tmp_path: Path):
    await asked(chat)
    await chat.ask(f"/start {TOKEN}")
    await chat.press(chat.last().buttons[0][1])
    with sqlite3.connect(tmp_path / "hfm.db") as database:
        assert TOKEN not in "\n".join(database.iterdump())


async def test_who_is_not_linked_learns_nothing_but_how_to_get_linked(chat: Room):
    await chat.know()
    said = {
        await chat.ask(text, MALLORY) for text in ("/status", "/ack", "/help", "/levels", "hello", f"/unwatch {OWNER}")
    }
    assert len(said) == 1
    assert said.pop().startswith("This chat is not linked to anybody")
    assert await chat.ask("/status", GROUP, user=ALICE, kind="group") == ""


async def test_an_unlinked_chat_is_a_stranger_again_and_a_new_link_brings_it_back(chat: Room):
    await chat.know()
    assert "It was the only contact" in await chat.ask("/unlink")
    assert "not linked to anybody" in await chat.ask("/status")
    await chat.store.links.make("alice", TOKEN, CODE)
    await chat.ask(f"/start {TOKEN}")
    await chat.press(chat.last().buttons[0][1])
    assert await routes(chat) == (HERE,)
