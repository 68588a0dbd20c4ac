"""All HTTP venues on one loopback address, with their rate limits, their clocks and whatever goes wrong with them."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Protocol

from aiohttp import web

from monitor.clock import Clock
from tests.faults.wire import Wire
from tests.venues.limit import Limit

JSON = "application/json"


class NotServed(Exception):
    """A question that the venue refuses, with the status and the words it does it with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True)
class Question:
    """One request as the venues see it."""

    method: str
    path: str
    query: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The JSON that was posted; raises NotServed for what is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise NotServed(422, "Failed to deserialize the JSON body into the target type") from None


class Desk(Protocol):
    """One venue's API; `behind_s` is how far its clock is behind, in the `Date` of each answer too."""

    name: str
    limit: Limit
    behind_s: int

    def takes(self, question: Question) -> bool:
        """Whether the path is one of its own."""
        ...

    def kind(self, question: Question) -> str:
        """What is asked, as a word to count and to script by."""
        ...

    def weight(self, question: Question) -> int:
        """What the question takes of the limit."""
        ...

    def answer(self, question: Question) -> Any:
        """What is answered, to be written as JSON; raises NotServed."""
        ...


@dataclass
class Fault:
    """A way to answer wrongly from one second of the monotonic clock to another, at all questions or at some kinds."""

    wire: Wire
    from_s: int = 0
    until_s: int | None = None
    kinds: frozenset[str] = frozenset()

    def holds(self, now_ms: int, kind: str) -> bool:
        """Whether it goes wrong now."""
        is_time = self.from_s * 1000 <= now_ms and (self.until_s is None or now_ms < self.until_s * 1000)
        return is_time and (not self.kinds or kind in self.kinds)


@dataclass
class Simulator:
    """The server. `asked` counts questions by venue and kind.

    While `frozen` it repeats to each question what it said to it last, with the time of then, as the front of a venue
    does whose back is gone.
    """

    clock: Clock
    desks: tuple[Desk, ...]
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    frozen: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    _said: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        question = Question(request.method, request.path, dict(request.query), await request.text())
        desk = next((one for one in self.desks if one.takes(question)), None)
        if desk is None:
            return web.Response(status=404, text="not found")
        try:
            kind = desk.kind(question)
            self.asked[f"{desk.name} {kind}"] += 1
            wait_s = desk.limit.retry_after_s(desk.weight(question))
            if wait_s is not None:
                headers = {**self._headers(desk), "Retry-After": str(wait_s)}
                return web.Response(status=429, text="null", content_type=JSON, headers=headers)
            for fault in self.faults:
                if fault.holds(self.clock.monotonic_ms(), kind):
                    wrong = await fault.wire(request)
                    if wrong is not None:
                        return wrong
            return self._answered(desk, question)
        except NotServed as e:
            return web.Response(status=e.status, text=e.text, headers=self._headers(desk))

    def _answered(self, desk: Desk, question: Question) -> web.Response:
        key = (f"{question.path} {sorted(question.query.items())}", question.text)
        if not self.frozen or key not in self._said:
            body = json.dumps(desk.answer(question)).encode()
            if self.frozen:
                raise NotServed(502, "bad gateway")
            self._said[key] = body, self._headers(desk)["Date"]
        body, date = self._said[key]
        return web.Response(body=body, content_type=JSON, headers={"Date": date})

    def _headers(self, desk: Desk) -> dict[str, str]:
        return {"Date": formatdate(self.clock.wall_s() - desk.behind_s, usegmt=True)}


@asynccontextmanager
async def simulating(clock: Clock, *desks: Desk) -> AsyncIterator[Simulator]:
    """Serve venues on a port of their own until the end."""
    made = Simulator(clock, desks)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


def slow(clock: Clock, seconds: int) -> Wire:
    """Let the request pass after a while of the clock."""

    async def answer(_: web.Request) -> None:
        await clock.sleep(seconds)

    return answer
