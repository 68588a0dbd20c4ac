"""Which blocks are final: as the chain's own tags say, or by their depth where no endpoint knows the tags."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from monitor.domain.moment import BlockRef
from monitor.errors import ReadError
from monitor.sources.evm import block as blocks
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.parallel import in_parallel
from monitor.sources.rpc.endpoint import Endpoint
from monitor.sources.rpc.spec import ChainSpec, Urgency

_TAGS = tuple(Request("eth_getBlockByNumber", (tag, False)) for tag in ("safe", "finalized"))


class Settled:
    """Never goes back, whatever a node says later, and errs towards calling too little settled."""

    def __init__(self, spec: ChainSpec, fit: Callable[[], Sequence[Endpoint]]) -> None:
        self._spec = spec
        self._fit = fit
        self._number = 0
        self._asked_at: str | None = None
        self._has_tags = False

    async def at(self, head: BlockRef) -> int:
        """Return the number of the newest block that is settled when `head` is the head, 0 when none is known to be.

        Where endpoints differ the lowest counts; where none answers, what was settled before.
        """
        if head.hash == self._asked_at:
            return self._number
        jobs: list[Callable[[], Awaitable[int | None]]] = [partial(self._asked, e, head) for e in self._fit()]
        said = [number for number in await in_parallel(jobs) if number is not None]
        tagged = [number for number in said if number >= 0]
        self._has_tags = self._has_tags or bool(tagged)
        if tagged:
            self._number = max(self._number, min(*tagged, head.number))
        elif said and not self._has_tags:
            self._number = max(self._number, head.number - self._spec.settle_blocks)
        self._asked_at = head.hash if said else None
        return self._number

    async def _asked(self, endpoint: Endpoint, head: BlockRef) -> int | None:
        """Return the newest block it calls safe or finalized, -1 where it knows no tags, None without an answer."""
        try:
            latest, *outcomes = await endpoint.ask_many([blocks.LATEST, *_TAGS], urgency=Urgency.ROUTINE)
            top = blocks.from_node(latest, head.chain, endpoint.label).number
        except ReadError:
            return None
        # What is no older than the head is a gateway that takes every tag for `latest`, or finality at once: its depth
        # tells as much.
        return max((n for outcome in outcomes if (n := _number(outcome, head, endpoint)) < top), default=-1)


def _number(outcome: Any | ReadError, head: BlockRef, endpoint: Endpoint) -> int:
    try:
        return blocks.from_node(outcome, head.chain, endpoint.label).number
    except ReadError:
        return -1
