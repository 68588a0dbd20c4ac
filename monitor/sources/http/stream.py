"""A connection on which a venue says what has changed: a wake-up; what is true stays with the question asked."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from monitor.clock import Clock
from monitor.errors import ConfigError, EndpointError, MalformedJson
from monitor.outgoing.guard import Destination
from monitor.sources.jsonrpc.wires import websocket

LISTEN_S = 2.0
"""How long nothing new is said while nothing comes."""


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A WebSocket as configured; the URL may carry a key."""

    name: str
    url: str = field(repr=False)
    allow_private: bool = False

    @property
    def parsed(self) -> URL:
        """The URL; raises ConfigError for one that is no ws(s)://host/…, without repeating it."""
        try:
            url = URL(self.url)
        except ValueError:
            url = URL()
        if url.scheme not in ("ws", "wss") or not url.host:
            found = url.scheme or "malformed"
            raise ConfigError(f"{self.name}: expected the address of a WebSocket, ws(s)://host/…, found a {found} one")
        return url


class Stream:
    """One such connection, opened anew for each talk. A socket that answers no ping is closed after 20 s."""

    def __init__(self, spec: StreamSpec, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.spec = spec
        self._session = session
        self._to = Destination(spec.parsed, spec.allow_private, clock)

    async def talk(self, say: Callable[[], Sequence[str]], heard: Callable[[str], None]) -> None:
        """Send what is to be said, now and whenever there is more, and hand over each message until it breaks.

        Raises EndpointError when it does, and whatever `heard` raises.
        """
        wire = await websocket(self._session, self._to)
        try:
            while True:
                for text in say():
                    await wire.send(text.encode())
                try:
                    async with asyncio.timeout(LISTEN_S):
                        message = await wire.receive()
                except TimeoutError:
                    continue
                heard(_text(message, self._to.label))
        except OSError as e:
            raise EndpointError(f"{self._to.label}: expected the connection to stay, found {type(e).__name__}") from e
        finally:
            await wire.close()


def _text(message: bytes, label: str) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError as e:
        raise MalformedJson(f"{label}: expected text, found {message[:20]!r}") from e
