"""Killed without warning, again and again, the service loses no alert and repeats at most the one under way."""

import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.domain.alerts import dedupe_key
from monitor.outbox.render import headline
from tests.architecture.tree import ROOT
from tests.channels.bot_api_stub import Accepted, BotApi, Fault
from tests.channels.mail_server import MailServer
from tests.channels.receiver import Receiver
from tests.crash.child import Orders
from tests.crash.story import told_until

FAILPOINTS = (
    *(f"migration: {n}" for n in ("begun", "applied", "recorded", "committed")),
    *(f"commit: {n} written" for n in ("positions", "states", "alerts", "outbox", "cursor")),
    *(f"commit: {n}" for n in ("begun", "older messages superseded", "done")),
    *(f"queue: {outcome} {n}" for outcome in ("sent", "deferred") for n in ("written", "recorded", "done")),
    *(f"queue: leader {n}" for n in ("written", "done")),
    *(f"queue: {n}" for n in ("refusal written", "messages rerouted", "refused done")),
    *(f"lane: {n}" for n in ("before sending", "accepted")),
    "bot api: accepted, not yet answered",
    "webhook: accepted, not yet answered",
)
HITS = 3
_OF_THE_STORY = "alert NOT LIKE 'E0%' AND position NOT LIKE '#%'"


Told = tuple[str, str, str]
"""An address, the incident, and what was said of it in a word."""


class Blocked(set[str]):
    """Every chat that blocked the bot; in the story they start with 9."""

    def __contains__(self, chat: object) -> bool:
        return str(chat).startswith("9")


@dataclass
class Arena:
    """The world outside the child: its three servers, what they accepted from which life, and the child's keeper."""

    folder: Path
    keeper: asyncio.subprocess.Process
    api: BotApi
    mail: MailServer
    hooks: Receiver
    life: int = 0
    pid: int = 0
    changes: int = 0
    asked: int = 0
    dies_on_accept: str = ""
    with_people: bool = False
    in_flight: list[int] = field(default_factory=list)
    told: list[tuple[int, frozenset[Told]]] = field(default_factory=list)
    names: dict[Told, set[str]] = field(default_factory=lambda: defaultdict(set))

    def heard_chat(self, accepted: Accepted) -> None:
        self._heard(accepted.chat, accepted.text)
        if self.dies_on_accept == "bot api":
            self.dies_on_accept = ""
            os.kill(self.pid, signal.SIGKILL)

    def heard_mail(self, mail: EmailMessage) -> None:
        text = mail.get_body(("plain",))
        assert text is not None
        for one in self._heard(mail["To"], text.get_content().replace("\r", "")):
            self.names[one].add(mail["Message-ID"])

    def heard_hook(self, key: str, body: Any) -> None:
        for one in self._heard("owners", body["data"]["text"]):
            self.names[one].add(key)
        if self.dies_on_accept == "webhook":
            self.dies_on_accept = ""
            os.kill(self.pid, signal.SIGKILL)

    def _heard(self, address: str, text: str) -> frozenset[Told]:
        found = frozenset((address, incident, said) for incident, said in _said(text))
        assert found, text
        self.told.append((self.life, found))
        return found

    async def one_life(self, dies_at: str = "", after_s: float | None = None, *, goes_on: bool = True) -> int:
        """Run the child until it dies by itself or is killed; returns its exit status."""
        self.life += 1
        self.dies_on_accept = dies_at.partition(":")[0] if dies_at.endswith("not yet answered") else ""
        if dies_at.startswith("migration"):
            self.changes += 1
        orders = Orders(
            folder=str(self.folder),
            bot_url=self.api.url,
            mail_port=self.mail.port,
            hook_url=self.hooks.url,
            goes_on=goes_on,
            dies_at=dies_at,
            dies_at_nth=1 if dies_at.startswith("migration") else 1 + self.life % 3,
            changes=self.changes,
            with_people=self.with_people,
        )
        self.pid = (await self._ask(asdict(orders)))["pid"]
        if after_s is not None:
            await asyncio.sleep(after_s)
            os.kill(self.pid, signal.SIGKILL)
        status = (await self._answer())["status"]
        if goes_on:
            assert status == -signal.SIGKILL, (self.folder / "errors.txt").read_text()[-3000:]
            self.in_flight.append(self._count("SELECT count(*) FROM outbox WHERE state = 'pending'"))
        return status

    async def _ask(self, orders: dict[str, object]) -> dict[str, int]:
        assert self.keeper.stdin is not None
        self.keeper.stdin.write(json.dumps(orders).encode() + b"\n")
        return await self._answer()

    async def _answer(self) -> dict[str, int]:
        assert self.keeper.stdout is not None
        answer: dict[str, int] = json.loads(await asyncio.wait_for(self.keeper.stdout.readline(), 40))
        return answer

    def _count(self, query: str) -> int:
        with sqlite3.connect(self.folder / "hfm.db") as connection:
            (found,) = connection.execute(query).fetchone()
        connection.close()
        return int(found)

    def rows(self, query: str) -> list[tuple[str, ...]]:
        with sqlite3.connect(self.folder / "hfm.db") as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found


@asynccontextmanager
async def arena(folder: Path) -> AsyncIterator[Arena]:
    piped = asyncio.subprocess.PIPE
    keeper = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.child", cwd=ROOT, stdin=piped, stdout=piped
    )
    api = BotApi(per_s=1_000_000, per_chat_s=0, blocked=Blocked())
    hooks = Receiver(SystemClock().wall_s)
    async with api.serve(), MailServer().serve() as mail, hooks.serve():
        world = Arena(folder, keeper, api, mail, hooks)
        api.on_accept, mail.on_accept, hooks.on_post = world.heard_chat, world.heard_mail, world.heard_hook
        try:
            yield world
        finally:
            keeper.kill()
            await keeper.wait()


@pytest.mark.parametrize("random_kills", [20, pytest.param(1000, marks=pytest.mark.long)])
async def test_no_alert_is_lost_and_at_most_the_one_under_way_is_repeated(tmp_path: Path, random_kills: int):
    chance, started = random.Random(20), time.monotonic()
    plan: list[str | None] = [*FAILPOINTS * HITS, *[None] * random_kills]
    chance.shuffle(plan)
    async with arena(tmp_path) as world:
        await world.one_life(after_s=1.0)
        for dies_at in plan:
            world.api.faults.extend([Fault(500)] * (4 if dies_at and "deferred" in dies_at else 0))
            await world.one_life(dies_at or "", None if dies_at else chance.uniform(0.02, 0.3))
            world.api.faults.clear()
        assert await world.one_life(goes_on=False) == 0
        check_none_lost(world)
        check_repeats(world)
    kills = len(world.in_flight)
    repeated = len(repeats(world))
    together = sum(len(said) > 1 for _, said in world.told)
    hits = Counter(plan)
    print(
        f"{kills} kills ({len(FAILPOINTS)} failpoints x {min(hits[f] for f in FAILPOINTS)}, {random_kills} random), "
        f"{len(world.told)} messages, {together} of them of several positions, 0 lost, {repeated} repeated, "
        f"{time.monotonic() - started:.0f} s"
    )
    assert kills >= 100
    assert all(hits[name] >= HITS for name in FAILPOINTS)
    assert min(world.in_flight) >= 1
    assert repeated <= kills
    assert together >= kills // 10


def check_none_lost(world: Arena) -> None:
    """Every alert of the story was recorded once and reached whoever it was for, the newest of each topic at least."""
    assert world._count("SELECT count(*) FROM outbox WHERE state IN ('pending', 'dead')") == 0
    assert world.rows("PRAGMA integrity_check") == [("ok",)]
    assert world.rows("PRAGMA foreign_key_check") == []
    last = world._count("SELECT number FROM cursors")
    expected = told_until(last)
    recorded = {key for (key,) in world.rows(f"SELECT key FROM alerts WHERE {_OF_THE_STORY.replace('alert ', 'key ')}")}
    assert recorded == {f"{n.alert.incident}:{n.alert.seq}:{n.alert.kind.value}" for n in expected}
    states = {row[0]: row[1] for row in world.rows(f"SELECT dedupe_key, state FROM outbox WHERE {_OF_THE_STORY}")}
    newest: dict[tuple[str, str, str], str] = {}
    arrived = {one for _, said in world.told for one in said}
    for notice in expected:
        for recipient in notice.recipients:
            key = dedupe_key(recipient, notice.alert)
            assert key in states, f"lost: {notice.alert}"
            newest[recipient.name, str(notice.alert.position), notice.alert.topic] = key
            address = recipient.routes[-1].address
            if states[key] == "sent":
                said = (address, notice.alert.incident, headline(notice.alert))
                assert said in arrived, f"marked sent and never arrived: {notice.alert}"
    assert all(states[key] == "sent" for key in newest.values())
    assert len(states) == sum(len(n.recipients) for n in expected)
    assert all(len(names) == 1 for names in world.names.values()), "repeated under another name"
    told = {row[0] for row in world.rows("SELECT dedupe_key FROM outbox WHERE channel = 'webhook' AND state = 'sent'")}
    assert told
    assert told <= {one.id for one in world.hooks.accepted}
    assert world.hooks.refusals == []


def check_repeats(world: Arena) -> None:
    found = repeats(world)
    assert all(before < life for before, life in found), "repeated without a crash"
    by_kill = Counter(before for before, _ in found)
    assert max(by_kill.values(), default=0) <= 1, by_kill


def repeats(world: Arena) -> list[tuple[int, int]]:
    """Return for each message some of which had been told before the life in which that was, and its own."""
    last: dict[Told, int] = {}
    found = []
    for life, said in world.told:
        before = [last[one] for one in said if one in last]
        found += [(max(before), life)] if before else []
        last |= dict.fromkeys(said, life)
    return found


def _said(text: str) -> list[tuple[str, str]]:
    """Return each incident of a message and what is said of it in a word, as the headline of a message of its own."""
    daily = re.search(r"^day (\d+): data of", text, re.MULTILINE)
    if daily is not None:
        return [("digest", daily[0])]
    alone = re.search(r"^Incident (\w{10})$", text, re.MULTILINE)
    if alone is not None:
        return [(alone[1], text.splitlines()[0])]
    lines = re.findall(r"^(\S+ [^·\n]*?) · .* · (\w{10})$", text, re.MULTILINE)
    return [(incident, "❔ HEALTH UNKNOWN" if said.startswith("❔") else said) for said, incident in lines]
