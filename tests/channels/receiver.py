"""A receiver of webhooks on loopback: verifies as the specification says, by code of its own, and remembers ids."""

import base64
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.faults.wire import Wire

SECRET = "whsec_" + base64.b64encode(b"a receiver's secret of 32 bytes!").decode()
TOLERANCE_S = 300


@dataclass
class Accepted:
    """One webhook that came for the first time."""

    id: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """What it accepted, and what it does wrong next; a repeat is answered like the first and counted apart."""

    now_s: Callable[[], int]
    secret: str = SECRET
    port: int = 0
    asked: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    faults: deque[Wire] = field(default_factory=deque)
    on_post: Callable[[str, Any], None] = lambda _id, _body: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/owner?key=in-the-url"

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Receiver"]:
        """Listen on loopback until left."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        raw = await request.read()
        answer = await self.faults.popleft()(request) if self.faults else None
        if answer is not None:
            return answer
        refusal = self.refusal(request.headers, raw)
        if refusal:
            self.refusals.append(refusal)
            return web.Response(status=401, text=refusal)
        one = Accepted(request.headers["webhook-id"], dict(request.headers), raw)
        if any(one.id == known.id for known in self.accepted):
            self.repeats.append(one.id)
        else:
            self.accepted.append(one)
        self.on_post(one.id, one.body)
        return web.Response(status=204)

    def refusal(self, headers: Mapping[str, str], raw: bytes) -> str:
        """Return why a request is not believed, nothing when it is."""
        moment = headers.get("webhook-timestamp", "")
        if not moment.isdecimal() or abs(self.now_s() - int(moment)) > TOLERANCE_S:
            return "too old, or of the future"
        key = base64.b64decode(self.secret.split("_", 1)[1])
        mac = hmac.new(key, digestmod="sha256")
        mac.update(headers["webhook-id"].encode() + b"." + moment.encode() + b"." + raw)
        expected = base64.b64encode(mac.digest()).decode()
        given = [text.split(",", 1) for text in headers["webhook-signature"].split(" ")]
        if not any(version == "v1" and hmac.compare_digest(digest, expected) for version, digest in given):
            return "the signature is another's"
        return ""
