"""A venue or price service that answers in JSON over HTTP, asked with the same caps as a node."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import aiohttp
from yarl import URL

from monitor.clock import Clock
from monitor.domain.moment import VenueMoment
from monitor.errors import ConfigError, EndpointError, MalformedJson, NoEndpoint, RateLimited, ReadError
from monitor.outgoing.guard import Destination
from monitor.query import Absent, Ask, VenueCall, drive
from monitor.sources.http import strict_json
from monitor.sources.http.budget import MINUTE_MS, Budget
from monitor.sources.http.exchange import exchange
from monitor.sources.http.freshness import Freshness, VenueStatus
from monitor.sources.http.reading import Reading
from monitor.sources.http.status import refusal

READ_DEADLINE_S = 10.0
RETRY_PAUSES_MS = (250, 500)
_NOT_FOUND = 404

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VenueSpec:
    """One venue as configured; the URL may carry a key, paths of questions are added to it.

    `weight_per_minute` is what it lets one address ask in a minute, in its own weights of questions.
    """

    name: str
    url: str = field(repr=False)
    requests_per_s: int | None = None
    weight_per_minute: int | None = None
    allow_private: bool = False

    @property
    def parsed(self) -> URL:
        """The URL; raises ConfigError for one that is no http(s)://host/…, without repeating it."""
        try:
            url = URL(self.url)
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.host:
            found = url.scheme or "malformed"
            raise ConfigError(f"{self.name}: expected the address of an API, http(s)://host/…, found a {found} one")
        return url


class Venue:
    """Answers the questions of one venue."""

    def __init__(self, spec: VenueSpec, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.spec = spec
        self._clock = clock
        self._session = session
        self._to = Destination(spec.parsed, spec.allow_private, clock)
        self._budget = Budget(clock, spec.requests_per_s)
        self._weights = Budget(clock, spec.weight_per_minute, MINUTE_MS)
        self._freshness = Freshness(clock)

    def status(self) -> VenueStatus:
        """Return how old its last news is; stale after 45 s, whether it fails, repeats itself or was not asked."""
        fresh = self._freshness
        return VenueStatus(self.spec.name, fresh.age_ms, fresh.is_stale, fresh.problem)

    def left(self) -> int | None:
        """Return how much weight can be asked at once, 0 while the venue wants peace; None where nothing is counted."""
        return 0 if self._budget.pause_ms else self._weights.left()

    def share(self, of_ms: int) -> int | None:
        """Return how much weight a time may use so that as much is left for every time like it; None without a cap."""
        return self._weights.share(of_ms)

    async def read(self, ask: Ask[T], *, deadline_s: float = READ_DEADLINE_S, urgency: int = 0) -> T:
        """Return what the read finds; a lower urgency number goes first where questions have to wait.

        Raises RateLimited while the venue asks to wait, MalformedJson for a body that is no strict JSON, EndpointError
        when it does not answer, NoEndpoint when the time is up.
        """
        reading = Reading(self.spec.name, partial(self.fetch, urgency=urgency), self.moment)
        try:
            async with asyncio.timeout(deadline_s):
                return await drive(ask, reading.answer)
        except TimeoutError:
            raise NoEndpoint(f"{self.spec.name}: expected the read to end within {deadline_s:g} s") from None

    async def fetch(self, call: VenueCall, urgency: int = 0) -> tuple[str | Absent, int]:
        """Return the JSON text of one answer, or that there is nothing of the kind, and the server's time in ms.

        Raises ReadError, never an older answer.
        """
        try:
            return await self._tried(call, urgency)
        except ReadError as e:
            self._freshness.failed(str(e))
            raise

    async def _tried(self, call: VenueCall, urgency: int) -> tuple[str | Absent, int]:
        pauses_ms = iter(RETRY_PAUSES_MS)
        while True:
            if self._budget.pause_ms:
                raise RateLimited(f"{self.spec.name}: asked to wait", self._budget.pause_ms)
            await self._weights.take(call.weight, urgency)
            await self._budget.take(1, urgency)
            try:
                return await self._fetched(call)
            except RateLimited as e:
                self._budget.pause(e.retry_after_ms or 1000)
                raise
            except EndpointError:
                pause_ms = next(pauses_ms, None)
                if pause_ms is None:
                    raise
            await self._clock.sleep(pause_ms / 1000)

    async def _fetched(self, call: VenueCall) -> tuple[str | Absent, int]:
        body = call.body.encode() or None
        answer = await exchange(self._session, self._to, body, READ_DEADLINE_S, call.path)
        is_absent = answer.status == _NOT_FOUND and self._is_json(answer.body)
        if answer.status != 200 and not is_absent:
            raise refusal(answer.status, answer.retry_after_ms, self.spec.name)
        if not is_absent:
            strict_json.parse(answer.body, self.spec.name)
        self._freshness.answered(answer.server_time_ms)
        text, stated_ms = str(answer.body, "utf-8"), answer.server_time_ms or self._clock.wall_s() * 1000
        return Absent(f"{self.spec.name}: it has none: {text[:120]}") if is_absent else text, stated_ms

    def _is_json(self, body: bytes) -> bool:
        """Whether the venue itself may have written it: the front of one that is gone answers with a page."""
        try:
            strict_json.parse(body, self.spec.name)
        except MalformedJson:
            return False
        return True

    def moment(self, server_time_ms: int) -> VenueMoment:
        """Return the moment of an answer that arrives now."""
        return VenueMoment(self.spec.name, None, server_time_ms, self._clock.wall_s())
