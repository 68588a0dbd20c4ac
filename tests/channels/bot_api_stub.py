"""A Bot API that keeps Telegram's rules and misbehaves on request, in a test's loop or standing alone.

`python -m tests.channels.bot_api_stub [--port N] [--journal FILE]` prints its URL and one line per accepted message.
"""

import argparse
import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.channels.markup import BadMarkup, Parsed, parse, plain
from tests.channels.talk import Talk

TOKEN = "100200300:" + "AAstub-" + "x" * 28
CHARACTERS = 4096


@dataclass(frozen=True)
class Fault:
    """What one send meets instead of the rules; `accepts` delivers the message all the same, `waits` only waits."""

    status: int = 500
    description: str = "Internal Server Error"
    retry_after: int | None = None
    delay_s: float = 0
    hangs: bool = False
    cuts: bool = False
    body: str | None = None
    accepts: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Accepted:
    """One delivered message."""

    id: int
    chat: str
    text: str
    entities: tuple[tuple[str, str, str], ...]
    is_html: bool
    at_s: float
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass
class BotApi:
    """The stub: what was accepted, what broke the rules, and what goes wrong next."""

    per_s: int = 30
    per_chat_s: float = 1.0
    per_group_minute: int = 20
    url: str = ""
    accepted: list[Accepted] = field(default_factory=list)
    asked: int = 0
    violations: list[str] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    faults: deque[Fault] = field(default_factory=deque)
    poll_faults: deque[Fault] = field(default_factory=deque)
    on_accept: Callable[[Accepted], None] = lambda _: None
    now_s: Callable[[], float] = time.monotonic
    talk: Talk = field(default_factory=Talk)
    commands: list[str] = field(default_factory=list)
    undressed: list[int] = field(default_factory=list)
    _recent: deque[float] = field(default_factory=deque)
    _by_chat: dict[str, float] = field(default_factory=dict)
    _by_group: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator["BotApi"]:
        """Listen on loopback until left."""
        app = web.Application(client_max_size=1024 * 1024)
        app.add_routes(
            [
                web.post("/bot{token}/sendMessage", self._send),
                web.route("*", "/bot{token}/getMe", self._me),
                web.post("/bot{token}/getUpdates", self._updates),
                web.post("/bot{token}/answerCallbackQuery", self._answer),
                web.post("/bot{token}/setMyCommands", self._commands),
                web.post("/bot{token}/editMessageReplyMarkup", self._edit),
                web.post("/talk/{deed}", self._deed),
                web.post("/faults", self._add_faults),
                web.get("/accepted", self._list),
            ]
        )
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def texts(self, chat: str | None = None) -> list[str]:
        return [a.text for a in self.accepted if chat is None or a.chat == chat]

    async def _send(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        body = await request.json()
        if self.faults:
            return await self._fail(self.faults.popleft(), body, request)
        return self._judge(body)

    async def _fail(self, fault: Fault, body: dict[str, Any], request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(fault.delay_s)
        if fault.waits:
            return self._judge(body)
        if fault.accepts:
            self._judge(body)
        if fault.hangs:
            await asyncio.sleep(3600)
        if fault.cuts:
            assert request.transport is not None
            request.transport.abort()
        if fault.body is not None:
            return web.Response(status=fault.status, text=fault.body, content_type="application/json")
        return _error(fault.status, fault.description, fault.retry_after)

    def _judge(self, body: dict[str, Any]) -> web.Response:
        chat, text = str(body.get("chat_id", "")), str(body.get("text", ""))
        flood_s = self.flood_s(chat)
        if flood_s:
            return _error(429, f"Too Many Requests: retry after {flood_s}", flood_s)
        if chat in self.blocked:
            return _error(403, "Forbidden: bot was blocked by the user")
        if chat in self.gone or not chat.lstrip("-").isdecimal():
            return _error(400, "Bad Request: chat not found")
        is_html = body.get("parse_mode") == "HTML"
        try:
            parsed = _read(text, is_html=is_html)
        except BadMarkup as e:
            self.violations.append(str(e))
            return _error(400, f"Bad Request: {e}")
        entities, buttons = tuple(parsed.entities), _buttons(body)
        if any(len(data.encode()) > 64 for _, data in buttons):
            return _error(400, "Bad Request: BUTTON_DATA_INVALID")
        accepted = Accepted(len(self.accepted) + 1, chat, parsed.text, entities, is_html, self.now_s(), buttons)
        self.accepted.append(accepted)
        self.on_accept(accepted)
        result = {"message_id": accepted.id, "date": 0, "chat": {"id": int(chat), "type": "private"}, "text": text}
        return web.json_response({"ok": True, "result": result})

    def flood_s(self, chat: str) -> int:
        """Count a message to a chat, and return for how many seconds it has to wait, 0 when it is taken."""
        now, group = self.now_s(), self._by_group[chat] if chat.startswith("-") else deque[float]()
        for past, window_s in ((self._recent, 1), (group, 60)):
            while past and past[0] <= now - window_s:
                past.popleft()
        is_full = len(self._recent) >= self.per_s or len(group) >= self.per_group_minute
        if is_full or now - self._by_chat.get(chat, now - 3600) < self.per_chat_s:
            self.violations.append(f"flood to {chat}")
            return 1
        self._recent.append(now)
        group.append(now)
        self._by_chat[chat] = now
        return 0

    async def _me(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        return web.json_response({"ok": True, "result": {"id": 1, "is_bot": True, "username": "hfm_test_bot"}})

    async def _updates(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        if self.poll_faults:
            fault = self.poll_faults.popleft()
            return web.Response(status=fault.status, text=fault.body or "", content_type="application/json")
        return web.json_response({"ok": True, "result": await self.talk.given(await request.json())})

    async def _answer(self, request: web.Request) -> web.Response:
        refused = self.talk.answer(await request.json())
        return _error(400, f"Bad Request: {refused}") if refused else web.json_response({"ok": True, "result": True})

    async def _commands(self, request: web.Request) -> web.Response:
        self.commands = [one["command"] for one in (await request.json())["commands"]]
        return web.json_response({"ok": True, "result": True})

    async def _edit(self, request: web.Request) -> web.Response:
        body = await request.json()
        flood_s = self.flood_s(str(body["chat_id"]))
        if flood_s:
            return _error(429, f"Too Many Requests: retry after {flood_s}", flood_s)
        self.undressed.append(body["message_id"])
        return web.json_response({"ok": True, "result": {}})

    async def _deed(self, request: web.Request) -> web.Response:
        """Let someone outside this process say something or press a button."""
        getattr(self.talk, request.match_info["deed"])(**await request.json())
        return web.json_response({"ok": True})

    async def _add_faults(self, request: web.Request) -> web.Response:
        self.faults.extend(Fault(**fault) for fault in await request.json())
        return web.json_response({"ok": True})

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response([a.__dict__ for a in self.accepted])


def _buttons(body: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    rows = body.get("reply_markup", {}).get("inline_keyboard", [])
    return tuple((one["text"], one["callback_data"]) for row in rows for one in row)


def _read(text: str, *, is_html: bool) -> Parsed:
    try:
        parsed = parse(text) if is_html else plain(text)
    except BadMarkup as e:
        raise BadMarkup(f"can't parse entities: {e}") from e
    if len(parsed.text.encode("utf-16-le")) // 2 > CHARACTERS:
        raise BadMarkup("message is too long")
    if not parsed.text.strip():
        raise BadMarkup("message text is empty")
    return parsed


def _error(status: int, description: str, retry_after: int | None = None) -> web.Response:
    answer: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if retry_after is not None:
        answer["parameters"] = {"retry_after": retry_after}
    return web.json_response(answer, status=status)


async def _alone(port: int, journal: Path | None) -> None:
    def write(accepted: Accepted) -> None:
        line = json.dumps(accepted.__dict__)
        print(line, flush=True)
        if journal:
            with journal.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    async with BotApi(on_accept=write).serve(port) as stub:
        print(json.dumps({"url": stub.url, "token": TOKEN}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--journal", type=Path)
    chosen = parser.parse_args()
    asyncio.run(_alone(chosen.port, chosen.journal))
