"""A keeper's client: the list page by page, one position, and the stream that goes on after every cut."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from monitor.abi import spoken_calldata
from monitor.client.signing import Signer, signing_key
from monitor.client.wire.alert import AlertAnswer, Behind, SeenAnswer
from monitor.client.wire.answer import Answer, QuoteAnswer
from monitor.client.wire.asked import AlertFilter, AtRiskQuestion, SeenQuestion, WhatIfQuestion
from monitor.client.wire.market import Curves, Deployments, Markets, WhatIf
from monitor.client.wire.position import PositionAnswer, PositionDetail, PositionPage, Positions
from monitor.clock import SystemClock
from monitor.clock import secret as secret_word
from monitor.errors import EndpointError, RateLimited, ReadError

TIMEOUT_S = 20
QUIET_S = 40
"""A stream that says nothing for so long, not even a heartbeat, is dead."""
_PAUSE_S = 1.0
_LINE_BYTES = 2**20
_TOO_MANY = 429

A = TypeVar("A", bound=Answer)


class Refused(ReadError):
    """The service answered, and its answer is no; `status` is the HTTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Keeper:
    """Asks one service; made by `connected`."""

    def __init__(self, session: aiohttp.ClientSession, base: str, signer: Signer | None = None) -> None:
        self._session, self._base, self._signer = session, base.rstrip("/"), signer

    async def at_risk(self, asked: AtRiskQuestion | None = None) -> AsyncIterator[PositionAnswer]:
        """Yield every position that is asked for, page after page, in the order asked for.

        What keeps its place while others move is neither repeated nor left out. Raises EndpointError, Refused.
        """
        asked = asked or AtRiskQuestion()
        while True:
            page = await self._get(PositionPage, "/v1/at-risk", _query(asked))
            for position in page.items:
                yield position
            if page.next is None:
                return
            asked = asked.model_copy(update={"cursor": page.next})

    async def position(
        self, id_: str, history: int | None = None, price: str | None = None, until: int | None = None
    ) -> PositionDetail:
        """Return one position, with its history up to a second and itself at other prices, `ETH:-10%`, if asked for."""
        more = {"history": history, "price": price, "until": until}
        query = {name: str(value) for name, value in more.items() if value is not None}
        return await self._get(PositionDetail, f"/v1/positions/{quote(id_, safe='')}", query)

    async def owner(self, address: str) -> tuple[PositionAnswer, ...]:
        """Return all positions of an owner, worst first."""
        return (await self._get(Positions, f"/v1/owners/{quote(address, safe='')}")).items

    async def deployments(self) -> Deployments:
        """Return how well each deployment is followed."""
        return await self._get(Deployments, "/v1/deployments")

    async def markets(self) -> Markets:
        """Return every market that is followed as a whole."""
        return await self._get(Markets, "/v1/markets")

    async def levels(self, asset: str) -> Curves:
        """Return what is liquidatable at which price of an asset."""
        return await self._get(Curves, "/v1/levels", {"asset": asset})

    async def what_if(self, asked: WhatIfQuestion) -> WhatIf:
        """Return what becomes liquidatable when prices move together."""
        body = asked.model_dump_json(exclude_none=True).encode()
        return WhatIf.model_validate_json(await self._asked("POST", "/v1/what-if", {}, body))

    async def acknowledge(self, alert: int) -> SeenAnswer:
        """Acknowledge the incident of an alert for everyone who was told of it; the same again changes nothing."""
        body = SeenQuestion(alert=alert).model_dump_json().encode()
        return SeenAnswer.model_validate_json(await self._asked("POST", "/v1/acknowledge", {}, body))

    async def stream(self, asked: AlertFilter | None = None, after: int | None = None) -> AsyncIterator[AlertAnswer]:
        """Yield alerts as they are committed, each once, in order, for ever; those after an id first, if one is given.

        After a cut, or when the service says that this client lags, it goes on after the last alert. Raises Refused
        when the service does not take the question any more.
        """
        query, last = _query(asked or AlertFilter()), after
        while True:
            try:
                async for id_, name, data in self._events(query, last):
                    last = id_ if id_ is not None else last
                    if name == "alert":
                        yield AlertAnswer.model_validate_json(data)
                    elif name == "behind":
                        last = Behind.model_validate_json(data).after
            except EndpointError:
                await asyncio.sleep(_PAUSE_S)

    async def _events(self, query: Mapping[str, str], last: int | None) -> AsyncIterator[tuple[int | None, str, bytes]]:
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=QUIET_S, sock_connect=TIMEOUT_S)
        async with self._response("GET", "/v1/stream", query, b"", headers, timeout) as response:
            event: dict[str, bytes] = {}
            async for line in response.content:
                said = line.rstrip(b"\r\n")
                if said:
                    name, _, value = said.partition(b": ")
                    event[name.decode(errors="replace")] = value
                    continue
                id_ = event.get("id")
                yield int(id_) if id_ else None, event.get("event", b"").decode(), event.get("data", b"")
                event = {}

    async def _get(self, answer: type[A], path: str, query: Mapping[str, str] | None = None) -> A:
        return answer.model_validate_json(await self._asked("GET", path, query or {}))

    async def _asked(self, method: str, path: str, query: Mapping[str, str], body: bytes = b"") -> bytes:
        async with self._response(method, path, query, body, {}, aiohttp.ClientTimeout(TIMEOUT_S)) as response:
            return await response.read()

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, query: Mapping[str, str], body: bytes, headers: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:  # fmt: skip
        target = f"{path}?{urlencode(query)}" if query else path
        url = URL(self._base + target, encoded=True)
        sent = {**headers, **({"Content-Type": "application/json"} if body else {})}
        if self._signer is not None:
            now_s, nonce = SystemClock().wall_s(), secret_word(16)
            sent["Authorization"] = self._signer.authorization(method, url.raw_path_qs, now_s, nonce, body)
        try:
            async with self._session.request(method, url, data=body or None, headers=sent, timeout=limits) as response:
                if response.status >= 400:
                    raise _problem(response, await response.read())
                yield response
        except (aiohttp.ClientError, TimeoutError) as e:
            raise EndpointError(f"{self._base} did not answer: {type(e).__name__}") from e


@asynccontextmanager
async def connected(base: str, key: str | None = None, secret: str | None = None) -> AsyncIterator[Keeper]:
    """Give a client of the service at `base`; with the id and the secret of a key it signs every request."""
    signer = Signer(key, signing_key(secret)) if key and secret else None
    async with aiohttp.ClientSession(read_bufsize=_LINE_BYTES) as session:
        yield Keeper(session, base, signer)


def calldata(told: QuoteAnswer, keeper: str = "") -> bytes:
    """Return what to send to `told.target`; where the call names who is paid, that is the `keeper`.

    Raises UsageError for a liquidation that is no call of a contract, or names a keeper who was not given.
    """
    named = tuple(keeper if word.startswith("<") and keeper else word for word in told.arguments)
    return spoken_calldata(told.function, named)


def _query(asked: AtRiskQuestion | AlertFilter) -> dict[str, str]:
    cells = asked.model_dump(exclude_none=True, exclude_defaults=True)
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in cells.items()}


def _problem(response: aiohttp.ClientResponse, body: bytes) -> ReadError:
    try:
        said: Any = json.loads(body)
        detail = str(said["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        detail = response.reason or ""
    if response.status == _TOO_MANY:
        wait = response.headers.get("Retry-After", "1")
        return RateLimited(detail, int(wait) * 1000 if wait.isdigit() else 1000)
    if response.status >= 500:
        return EndpointError(f"HTTP {response.status}: {detail}")
    return Refused(f"HTTP {response.status}: {detail}", response.status)
