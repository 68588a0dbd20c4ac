"""Who has shown a key: a random number in a cookie, kept in memory, good for as long as the key is."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from monitor.clock import Clock

COOKIE = "hfm_session"
_LIFE_S = 12 * 3600
_MOST = 1_000


class Door(Protocol):
    """Who may look: as with the API, everybody on this machine until there is a key."""

    async def needs_key(self, request: web.Request) -> bool:
        """Return whether a key is asked for; raises HTTPForbidden where none is and the request names another host."""
        ...

    def reader(self, secret: str) -> str | None:
        """Return the name of the key of this secret, None where there is none that may read."""
        ...

    def holds(self, name: str) -> bool:
        """Return whether the key of this name is still good for reading."""
        ...


@dataclass(frozen=True, slots=True)
class _Session:
    key: str
    ends_ms: int


class Sessions:
    """Those who have shown a key, the longest known forgotten first."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._known: OrderedDict[str, _Session] = OrderedDict()

    async def admits(self, request: web.Request) -> bool:
        """Return whether a request may see the pages; raises HTTPForbidden for another host's name without keys."""
        if not await self._door.needs_key(request):
            return True
        found = self._known.get(request.cookies.get(COOKIE, ""))
        return found is not None and found.ends_ms > self._clock.monotonic_ms() and self._door.holds(found.key)

    def open(self, secret: str, response: web.Response, *, is_secure: bool) -> bool:
        """Let whoever shows a good key in from now on; return whether it is one."""
        key = self._door.reader(secret)
        if key is None:
            return False
        number = secrets.token_urlsafe(32)
        self._known[number] = _Session(key, self._clock.monotonic_ms() + _LIFE_S * 1000)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        response.set_cookie(
            COOKIE, number, max_age=_LIFE_S, httponly=True, samesite="Strict", secure=is_secure, path="/"
        )
        return True

    def close(self, request: web.Request, response: web.Response) -> None:
        """Forget whoever asks."""
        self._known.pop(request.cookies.get(COOKIE, ""), None)
        response.del_cookie(COOKIE, path="/")
