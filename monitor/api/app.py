"""The application: all routes behind one guard."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from aiohttp import web

from monitor.api.asked.alerts import alerts_routes
from monitor.api.asked.at_risk import Pages, at_risk_route
from monitor.api.asked.channels import channels_route
from monitor.api.asked.markets import markets_routes
from monitor.api.asked.past import Past
from monitor.api.asked.positions import positions_routes
from monitor.api.asked.seen import seen_route
from monitor.api.auth import Access, ApiKey
from monitor.api.guard import Guard
from monitor.api.limits import Limits, Pace
from monitor.api.metrics import Metrics
from monitor.api.one_click import OneClick
from monitor.api.openapi import document
from monitor.api.probes import probes
from monitor.api.route import Route
from monitor.api.signature import Ring, Signatures
from monitor.api.stream.feed import Feed
from monitor.clock import Clock
from monitor.cycle.board import Board
from monitor.domain.ids import DeploymentName
from monitor.store import Views

ACCESS = web.AppKey("access", Access)
LIMITS = web.AppKey("limits", Limits)
FEED = web.AppKey("feed", Feed)
WORK = web.AppKey("work", tuple[Callable[[], Awaitable[None]], ...])
"""What runs while the application is listened to."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What only the running service has: books, keys that sign, the stream that it wakes, readers, and history."""

    board: Board | None = None
    ring: Ring | None = None
    feed: Feed | None = None
    one_click: OneClick | None = None
    history: Path | None = None


def create_app(
    views: Views,
    clock: Clock,
    metrics: Metrics,
    keys: Sequence[ApiKey] = (),
    readiness: Mapping[DeploymentName, int] | None = None,
    limits: Limits | None = None,
    inside: Inside | None = None,
) -> web.Application:
    """Return the API over these views.

    `readiness` says for each followed deployment how many seconds old its last whole read may be. Without `keys` every
    request to this machine's own name is answered, and `listening` refuses to listen on any other address. Positions
    are asked of the board, of the views without one.
    """
    limits, readiness, inside = limits or Limits(), readiness or {}, inside or Inside()
    access = Access(keys, None if inside.ring is None else Signatures(inside.ring, clock))
    board, feed = inside.board, inside.feed or Feed(views, clock)
    pages = Pages(board or views, clock)
    routes = (
        at_risk_route(pages),
        *positions_routes(board or views, Past(views, inside.history), board, clock),
        *markets_routes(views, board, clock, readiness),
        *alerts_routes(views, feed, limits.stream_s),
        channels_route(views),
        *probes(views, metrics, readiness),
        *(() if inside.one_click is None else (*inside.one_click.routes, seen_route(inside.one_click, clock))),
    )
    app = _application(routes, Guard(access, limits, Pace(clock, limits), metrics, clock), access, limits)
    app[FEED], app[WORK] = feed, (feed.run, pages.run)

    async def end_streams(_: web.Application) -> None:
        feed.close()

    app.on_shutdown.append(end_streams)
    return app


def _application(routes: Sequence[Route], guard: Guard, access: Access, limits: Limits) -> web.Application:
    async def openapi() -> bytes:
        """Give this document."""
        return written[access.is_open]

    described = (*routes, Route("/openapi.json", openapi, scope=None))
    written = {is_open: orjson.dumps(document(described, is_open=is_open)) for is_open in (False, True)}
    app = web.Application(client_max_size=limits.body_bytes, middlewares=[guard.around])
    app[ACCESS], app[LIMITS], app[WORK] = access, limits, ()
    for route in described:
        app.router.add_route(route.method, route.pattern, guard.endpoint(route))
    return app
