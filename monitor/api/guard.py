"""What stands before and around every route: limits, keys, and one answer for everything that goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor import log
from monitor.api.auth import CALLER, Access, Caller
from monitor.api.limits import Limits, Pace, check_size, peer
from monitor.api.metrics import Metrics
from monitor.api.openapi import PROBLEM_JSON
from monitor.api.route import Route, Running
from monitor.api.wire import Problem
from monitor.clock import Clock
from monitor.errors import HistoryError, StoreError, UsageError
from monitor.units import div_up

_KEPT = ("Allow", "WWW-Authenticate", "Retry-After")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
SERVER = "hfm"


class Guard:
    """Lets a request through to its route, and turns every failure into a problem document."""

    def __init__(self, access: Access, limits: Limits, pace: Pace, metrics: Metrics, clock: Clock) -> None:
        self._access = access
        self._limits = limits
        self._pace = pace
        self._metrics = metrics
        self._clock = clock
        self._log = log.get("api")

    def endpoint(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return the route's handler behind its lock."""
        call = route.endpoint()

        async def locked(request: web.Request) -> web.StreamResponse:
            self._access.check(request, request[CALLER], route.scope)
            return await call(request)

        return locked

    @web.middleware
    async def around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer, count, and send within the patience of the service."""
        started_ms = self._clock.monotonic_ms()
        response = await self._answer(request, handler)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = SERVER
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unmatched"
        self._metrics.requests.labels(route, str(response.status)).inc()
        self._metrics.seconds.labels(route).observe((self._clock.monotonic_ms() - started_ms) / 1000)
        await self._send(request, response)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            check_size(request, self._limits)
            async with asyncio.timeout(self._limits.patience_s):
                request[CALLER] = caller = await self._access.caller(request)
                self._check_pace(request, caller)
                return await handler(request)
        except (web.HTTPException, web.RequestPayloadError, UsageError, StoreError, HistoryError, TimeoutError) as e:
            return self._refusal(request, e)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - whatever a route raises, the caller gets a typed answer and no traceback
            self._metrics.failures.inc()
            self._log.exception("a request ended in a defect", method=request.method)
            return problem(500, "this is a defect of the service; it has been logged")

    def _refusal(self, request: web.Request, error: Exception) -> web.Response:
        match error:
            case web.HTTPException():
                kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
                return problem(error.status, error.text or "", kept)
            case web.RequestPayloadError():
                return problem(400, "expected a whole body, found a broken one")
            case UsageError():
                return problem(422, str(error))
            case TimeoutError() if request.can_read_body and not request.content.is_eof():
                return problem(408, f"expected the whole body within {self._limits.patience_s:g} s")
            case _:
                self._log.error("a request was not answered", reason=str(error) or "out of time")
                return problem(503, "the answer cannot be given now; try again", {"Retry-After": "5"})

    def _check_pace(self, request: web.Request, caller: Caller) -> None:
        key = caller.key
        whose = f"key {key.name}" if key else f"peer {peer(request, self._limits.proxies)}"
        wait_ms = self._pace.wait_ms(whose)
        if wait_ms:
            raise web.HTTPTooManyRequests(
                text=f"expected at most {self._limits.requests_per_s} requests per second",
                headers={"Retry-After": str(div_up(wait_ms, 1000))},
            )

    async def _send(self, request: web.Request, response: web.StreamResponse) -> None:
        transport = request.transport
        if transport is None:
            return
        # Nothing stays in our memory for a caller that does not read, nor does it keep one of the connections.
        transport.set_write_buffer_limits(high=0)

        async def send(some: bytes) -> None:
            async with asyncio.timeout(self._limits.patience_s):
                await response.write(some)

        try:
            async with asyncio.timeout(self._limits.patience_s):
                await response.prepare(request)
            if isinstance(response, Running):
                await response.run(send)
            async with asyncio.timeout(self._limits.patience_s):
                await response.write_eof()
        except (TimeoutError, ConnectionError):
            transport.abort()
        except (StoreError, UsageError) as e:
            # Part of it is sent: only a broken connection tells that the rest is missing.
            self._log.error("an answer was not finished", reason=str(e))
            transport.abort()


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the answer that says why there is none."""
    said = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return web.Response(status=status, body=said.model_dump_json().encode(), content_type=PROBLEM_JSON, headers=headers)
