"""What the pages look into."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from monitor.clock import Clock
from monitor.cycle.board import Board
from monitor.cycle.head import Pass
from monitor.dashboard.live.lists import Lists
from monitor.dashboard.live.remembered import Remembered
from monitor.domain.row import Row
from monitor.sources.http.freshness import VenueStatus
from monitor.sources.rpc.spec import EndpointStatus

Send = Callable[[bytes], Awaitable[None]]
"""Gives bytes to whoever asked; raises TimeoutError or ConnectionError when they are not taken."""


@dataclass(frozen=True, slots=True)
class Looker:
    """Whoever made a request; `admits` says whether they may look on."""

    admits: Callable[[], Awaitable[bool]]


LOOKER = web.RequestKey("looker", Looker)


class Streamed(web.StreamResponse):
    """An answer whose body is made while it is sent."""

    def __init__(self, run: Callable[[Send], Awaitable[None]], media: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers={"Content-Type": media, **headers})
        self.run = run


@dataclass(frozen=True, slots=True)
class Workings:
    """How the running parts do: endpoints by chain, APIs, passes by deployment, failures by job."""

    endpoints: Mapping[str, Sequence[EndpointStatus]] = field(default_factory=dict)
    venues: Sequence[VenueStatus] = ()
    passes: Mapping[str, Pass] = field(default_factory=dict)
    job_failures: Mapping[str, int] = field(default_factory=dict)
    unsaved_steps: int = 0


@dataclass(frozen=True, slots=True)
class Inside:
    """The books and the store behind them, the parts that run, where history is, and how rows become CSV.

    `lists` are what several pages look at together, `remembered` what was read of late; `closing` is set when the
    service stops.
    """

    board: Board
    clock: Clock
    workings: Callable[[], Workings] = Workings
    history: Path | None = None
    csv: Callable[[Sequence[Row]], bytes] | None = None
    lists: Lists = field(init=False)
    remembered: Remembered = field(init=False)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lists", Lists(self.board))
        object.__setattr__(self, "remembered", Remembered(self.clock))

    @property
    def now_s(self) -> int:
        """Seconds since 1970."""
        return self.clock.wall_s()


def html(body: str, status: int = 200) -> web.Response:
    """Return a page, or a part of one, as an answer."""
    return web.Response(text=body, status=status, content_type="text/html", charset="utf-8")


def given(request: web.Request) -> dict[str, str]:
    """Return what a form was filled with; fields that were left empty are not asked for."""
    return {name: value.strip() for name, value in request.query.items() if value.strip()}
