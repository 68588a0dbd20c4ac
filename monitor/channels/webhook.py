"""Posts alerts as signed JSON to receivers that are programs: Standard Webhooks, and only to where nobody is harmed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from monitor.channels.channel import Limits, Message
from monitor.channels.signature import Secret, signed
from monitor.clock import Clock
from monitor.domain.label import safe_line
from monitor.errors import ConfigError, DeliveryDeferred, DeliveryRefused, EndpointError
from monitor.outgoing.guard import Destination, Resolve, system_resolve
from monitor.outgoing.place import place
from monitor.outgoing.waits import retry_after_ms

TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver: where it listens, and the secrets of which it knows at least one.

    Without `allow_private` it is reached by https on 443 or 8443 at a public address, with it anywhere.
    """

    url: URL = field(repr=False)
    secrets: Sequence[Secret]
    allow_private: bool = False

    @classmethod
    def parse(cls, text: str, secrets: Sequence[Secret], *, allow_private: bool = False) -> "Endpoint":
        """Return the receiver at a URL; raises ConfigError for a URL that no message may go to."""
        return cls(place(text, "a webhook", allow_private=allow_private), secrets, allow_private)


class Webhook:
    """Sends to receivers by the name that the settings give them, or by URL, signed with the secrets for all such."""

    name = "webhook"
    limits = Limits(messages=50, window_ms=1000, gap_ms=0)
    gathers = False

    def __init__(
        self,
        http: aiohttp.ClientSession,
        clock: Clock,
        endpoints: Mapping[str, Endpoint],
        secrets: Sequence[Secret] = (),
        resolve: Resolve = system_resolve,
    ) -> None:
        self._http = http
        self._clock = clock
        self._endpoints = endpoints
        self._secrets = secrets
        self._resolve = resolve

    async def send(self, address: str, message: Message) -> None:
        """Post once; the id is that of the message, so that a receiver knows a repeat."""
        endpoint = self._endpoint(address)
        body = message.record.encode()
        headers = {"Content-Type": "application/json", "User-Agent": "hfm"}
        headers |= signed(endpoint.secrets, message.key, self._clock.wall_s(), body)
        status, wait_ms = await self._post(endpoint, headers, body)
        if 200 <= status < 300:
            return
        text = f"the webhook answered {status}"
        if status == 410:
            raise DeliveryRefused(f"{text}: it is gone")
        raise DeliveryDeferred(f"{text}, redirects are not followed" if 300 <= status < 400 else text, wait_ms)

    def _endpoint(self, address: str) -> Endpoint:
        endpoint = self._endpoints.get(address)
        if endpoint is None and "://" not in address:
            raise DeliveryRefused(f"no webhook is called {safe_line(address, 40)}: name it in [webhook.endpoint]")
        try:
            endpoint = endpoint or Endpoint.parse(address, self._secrets)
        except ConfigError as e:
            raise DeliveryRefused(str(e)) from None
        if not endpoint.secrets:
            raise DeliveryRefused("the webhook has no secret: set HFM_WEBHOOK__SECRETS or the endpoint's own")
        return endpoint

    async def _post(self, endpoint: Endpoint, headers: dict[str, str], body: bytes) -> tuple[int, int | None]:
        # Resolved for every message: what a name meant a minute ago is no reason to send anything there now.
        to = Destination(endpoint.url, endpoint.allow_private, self._clock, self._resolve)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                pinned = await to.pinned()
                async with self._http.post(
                    pinned.url,
                    data=body,
                    headers={**headers, "Host": pinned.host},
                    allow_redirects=False,
                    server_hostname=pinned.server_hostname,
                ) as response:
                    # The status says all; whatever else is answered is never read.
                    return response.status, retry_after_ms(response.headers)
        except ConfigError as e:
            raise DeliveryRefused(str(e)) from None
        except TimeoutError:
            failure = f"no answer in {TIMEOUT_S} s"
        except EndpointError as e:
            failure = str(e)
        except (aiohttp.ClientError, OSError, ValueError) as e:
            failure = type(e).__name__
        # Raised out here, so that no chained exception carries a URL that may hold a key.
        raise DeliveryDeferred(f"expected an answer of the webhook, found {failure}")
