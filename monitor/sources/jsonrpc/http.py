"""JSON-RPC over HTTP."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import aiohttp

from monitor.errors import MalformedJson
from monitor.outgoing.guard import Destination
from monitor.sources.http import strict_json
from monitor.sources.http.exchange import exchange
from monitor.sources.http.status import refusal
from monitor.sources.jsonrpc.messages import Fault, Request, encode, match

_SAYS_ENOUGH = (401, 402, 403, 413, 429)
"""Statuses that mean what they mean whatever the body says; others may come with a JSON-RPC error that knows better."""


class HttpTransport:
    """Sends requests to one URL over a session that is not its own."""

    renewals = 0

    def __init__(self, to: Destination, session: aiohttp.ClientSession) -> None:
        self.label = to.label
        self._to = to
        self._session = session
        self._ids = count(1)

    async def send(self, requests: Sequence[Request], timeout_s: float) -> list[Any | Fault]:
        """Return results and faults in the order of the requests; raises ReadError when there is no whole reply."""
        first_id = next(self._ids)
        self._ids = count(first_id + len(requests))
        answer = await exchange(self._session, self._to, encode(requests, first_id), timeout_s)
        try:
            reply = strict_json.parse(answer.body, self.label)
            outcomes = match(reply, len(requests), first_id, self.label)
        except MalformedJson:
            if answer.status != 200:
                raise refusal(answer.status, answer.retry_after_ms, self.label) from None
            raise
        if answer.status != 200 and (answer.status in _SAYS_ENOUGH or answer.retry_after_ms is not None):
            raise refusal(answer.status, answer.retry_after_ms, self.label)
        return outcomes

    async def connect(self) -> None:
        """Check where the URL leads; raises ConfigError for a private address that is not allowed."""
        await self._to.pinned()

    def tend(self) -> None:
        """Nothing to tend: each request has an answer or a timeout of its own."""

    async def close(self) -> None:
        """Nothing to close: the session belongs to whoever made it."""
