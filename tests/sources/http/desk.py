"""A venue's server that answers whatever it is told to, and remembers what it was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.faults import wire

DATE = {"Date": "Sun, 15 Jun 2025 15:06:30 GMT"}
DATE_MS = 1_749_999_990_000


class Desk:
    """A venue's server: answers with `answer`, and remembers what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: wire.Wire = wire.status(200, DATE, b'{"price": 1.10}')
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs} {await request.text()}".rstrip())
        answer = await self.answer(request)
        assert answer is not None
        return answer


@asynccontextmanager
async def served() -> AsyncIterator[Desk]:
    """Serve one on loopback."""
    made = Desk()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()
