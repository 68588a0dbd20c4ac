"""Pages that a mail leads to: opening one changes nothing, its button does what it says, and no key is asked for."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.domain.alerts import Alert, AlertKind, Level, Notice, Route
from monitor.domain.ids import Address
from monitor.store import Store
from tests.api.served import KEYS, Served, served
from tests.fakes.evaluations import position
from tests.outbox.scene import alert, step

OWNER = Address(position().key)
MAIL = Route("email", "alice@example.org")
UNKNOWN = "A" * 22


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, KEYS) as running:
        await running.store.people.add("alice")
        await running.store.people.reach("alice", MAIL)
        await running.store.people.reach("alice", Route("telegram", "42"))
        await running.store.people.watch("alice", OWNER, "main")
        yield running


async def mailed(store: Store, one: Alert | None = None) -> str:
    """Owe Alice a message, and return the token it goes out with."""
    who = (await store.people.named("alice")).recipient(OWNER)
    await store.commit(step(Notice(one or alert(incident="ONE"), (who,))))
    (owed, *_) = (await store.queue.look("email", 10, 2**40)).due
    assert owed.token is not None
    return owed.token


def content(folder: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(folder.glob("hfm.db*")))).hexdigest()


@pytest.mark.parametrize("path", ["acknowledge/{}", "unsubscribe/{}", "unsubscribe/{}?position=1"])
async def test_opening_a_page_changes_nothing_and_says_the_same_to_everybody(api: Served, tmp_path: Path, path: str):
    token, before = await mailed(api.store), content(tmp_path)
    status, page = await api.get("/" + path.format(token))
    assert status == 200
    assert '<form method="post">' in page
    assert (await api.get("/" + path.format(UNKNOWN)))[1] == page
    assert token not in page
    assert content(tmp_path) == before


async def test_the_button_of_a_mail_program_stops_everything_to_that_address_at_once(api: Served):
    token = await mailed(api.store)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, page = await api.get(f"/unsubscribe/{token}", "POST", data="List-Unsubscribe=One-Click", headers=form)
    assert (status, "no more messages to this address" in page) == (200, True)
    assert (await api.store.people.named("alice")).routes == (Route("telegram", "42"),)
    assert (await api.store.queue.look("email", 10, 2**40)).due == ()
    assert (await api.get(f"/unsubscribe/{token}", "POST"))[1] == page
    assert (await api.get(f"/unsubscribe/{UNKNOWN}", "POST"))[1] == page


async def test_two_who_share_an_address_are_both_left_alone(api: Served):
    await api.store.people.settle({"email:alice@example.org": (MAIL, {OWNER: ""})})
    await api.get(f"/unsubscribe/{await mailed(api.store)}", "POST")
    assert await api.store.people.reached_at(MAIL) == ()


async def test_one_position_is_silenced_and_others_are_not(api: Served):
    token = await mailed(api.store)
    status, page = await api.get(f"/unsubscribe/{token}?position=1", "POST")
    assert (status, "about this position" in page) == (200, True)
    who = await api.store.people.named("alice")
    assert (who.silenced, who.routes[0]) == (frozenset({str(position())}), MAIL)
    assert (await api.get(f"/unsubscribe/{UNKNOWN}?position=1", "POST"))[1] == page


async def test_a_reader_acknowledges_once(api: Served):
    token = await mailed(api.store)
    status, page = await api.get(f"/acknowledge/{token}", "POST")
    assert (status, "Acknowledged for 60 minutes: ONE" in page) == (200, True)
    (ack,) = (await api.store.owed.waiting())[0]
    assert (ack.recipient, ack.incident, ack.level) == ("alice", "ONE", Level.CRITICAL)
    assert "has been used" in (await api.get(f"/acknowledge/{token}", "POST"))[1]
    assert "Nothing was acknowledged" in (await api.get(f"/acknowledge/{UNKNOWN}", "POST"))[1]


async def test_an_address_that_was_stopped_acknowledges_nothing(api: Served):
    token = await mailed(api.store)
    await api.get(f"/unsubscribe/{token}", "POST")
    page = (await api.get(f"/acknowledge/{token}", "POST"))[1]
    assert "Nothing was acknowledged" in page
    assert page == (await api.get(f"/acknowledge/{UNKNOWN}", "POST"))[1]
    assert (await api.store.owed.waiting())[0] == ()


async def test_a_page_says_nothing_of_positions(api: Served):
    token = await mailed(api.store)
    said = [
        (await api.get(path, method))[1]
        for path in (f"/acknowledge/{token}", f"/unsubscribe/{token}?position=1", f"/unsubscribe/{token}")
        for method in ("GET", "POST")
    ]
    for word in (OWNER, OWNER[:6], "main", "alice", "local-core", "aave", "CRITICAL", "1.04"):
        assert all(word not in page for page in said)


async def test_what_cannot_be_acknowledged_is_not(api: Served):
    over = alert(Level.OK, AlertKind.RECOVERED, incident="ONE")
    await api.get(f"/acknowledge/{await mailed(api.store, over)}", "POST")
    assert (await api.store.owed.waiting())[0] == ()


@pytest.mark.parametrize("token", ["%00", "..%2f..", "a" * 200, "%F0%9F%98%80", "<script>", "x" * 201])
async def test_a_token_of_any_shape_is_an_unknown_one(api: Served, token: str):
    status, page = await api.get(f"/unsubscribe/{token}", "POST")
    assert status in (200, 422, 400)
    assert "<script>" not in str(page)
    assert (await api.store.people.named("alice")).routes[0] == MAIL


async def test_whoever_asks_too_often_is_told_to_wait(tmp_path: Path):
    async with served(tmp_path, KEYS) as api:
        asked = [api.get(f"/unsubscribe/{UNKNOWN}", "POST") for _ in range(450)]
        statuses = [status for status, _ in await asyncio.gather(*asked)]
    assert set(statuses) == {200, 429}
