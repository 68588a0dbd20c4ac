"""Asks the URL of a service that raises an alarm when nobody has asked for a while."""

import asyncio

import aiohttp
from yarl import URL

from monitor.clock import Clock
from monitor.errors import ConfigError, DeliveryDeferred, EndpointError
from monitor.outgoing.guard import Destination, Resolve, system_resolve
from monitor.outgoing.place import place

TIMEOUT_S = 10


class Heartbeat:
    """One URL, whose path is a secret and shows nowhere.

    Without `allow_private` it is reached by https at a public address. Made with another URL it raises ConfigError.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        url: str,
        *,
        allow_private: bool = False,
        resolve: Resolve = system_resolve,
    ) -> None:
        self._http = http
        self._clock = clock
        self._url: URL = place(url, "heartbeat.url", allow_private=allow_private)
        self._allow_private = allow_private
        self._resolve = resolve

    def __repr__(self) -> str:
        return f"Heartbeat({self._url.host!r})"

    async def ping(self) -> None:
        """Ask once; raises DeliveryDeferred unless the answer is 2xx."""
        status = await self._get()
        if not 200 <= status < 300:
            text = f"expected the heartbeat's receiver to answer 200, found {status}"
            raise DeliveryDeferred(f"{text}; redirects are not followed" if 300 <= status < 400 else text)

    async def _get(self) -> int:
        to = Destination(self._url, self._allow_private, self._clock, self._resolve)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                pinned = await to.pinned()
                async with self._http.get(
                    pinned.url,
                    headers={"Host": pinned.host, "User-Agent": "hfm"},
                    allow_redirects=False,
                    server_hostname=pinned.server_hostname,
                ) as response:
                    return response.status
        except TimeoutError:
            failure = f"no answer in {TIMEOUT_S} s"
        except (ConfigError, EndpointError) as e:
            failure = str(e)
        except (aiohttp.ClientError, OSError, ValueError) as e:
            failure = type(e).__name__
        # Raised out here, so that no chained exception carries the URL.
        raise DeliveryDeferred(f"expected the heartbeat's receiver to answer, found {failure}")
