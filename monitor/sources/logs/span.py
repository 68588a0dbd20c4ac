"""A span of blocks read from one endpoint, in as few requests as it allows."""

import re
from collections.abc import Iterator
from dataclasses import replace

from monitor.errors import AskedTooMuch, EndpointError, RateLimited
from monitor.query import Log, LogFilter
from monitor.sources.evm import block as blocks
from monitor.sources.evm.reader import Reader
from monitor.sources.logs import entries, refusals
from monitor.sources.logs.limits import LogLimits
from monitor.sources.logs.refusals import Bound, Refusal

_CODE = re.compile(r" \(-?\d+\)$")


async def logs_of_span(reader: Reader, wanted: LogFilter, first: int, last: int) -> tuple[Log, ...]:
    """Return the logs of blocks first to last, in order, as the endpoint has them on the chain of the read's block.

    What it refuses is asked for again in narrower requests: fewer blocks, then fewer addresses, then fewer topics.
    Raises AskedTooMuch when one block, address and topic is too much for it, BlockMoved when its chain is another or
    does not reach the read's block yet, so that nothing it says of the span counts.
    """
    limits, where = reader.endpoint.log_limits, reader.endpoint.label
    found: list[Log] = []
    at = first
    while at <= last:
        through = min(at + limits.blocks, last + 1) - 1
        parts = list(_parts(wanted, limits))
        try:
            for part in parts:
                found += await _asked(reader, part, at, through)
        except AskedTooMuch as e:
            if not _narrowed(limits, through - at + 1, parts[0], str(e).removeprefix(f"{where}: ")):
                raise
            continue
        at = through + 1
    return tuple(entries.matching(entries.ordered(found, where), wanted))


async def _asked(reader: Reader, wanted: LogFilter, first: int, last: int) -> list[Log]:
    """Ask once, and in the same breath for the block of the read: a node that has not reached it knows too little."""
    endpoint, count = reader.endpoint, last - first + 1
    began_ms = endpoint.clock.monotonic_ms()
    requests = [entries.of_blocks(wanted, first, last), blocks.asked(reader.at.number)]
    try:
        outcome, head = await endpoint.ask_many(requests, reader.request_s, reader.urgency)
    except (RateLimited, AskedTooMuch):
        raise
    except EndpointError:
        endpoint.log_limits.failed(count)
        raise
    reader.must_be_this_block(head)
    found = entries.from_node(outcome, first, last, endpoint.label)
    if any(log.block_number == reader.at.number and log.block_hash != reader.at.hash for log in found):
        reader.must_be_this_block(None)
    endpoint.log_limits.fitted(count, len(found), endpoint.clock.monotonic_ms() - began_ms)
    return found


def _narrowed(limits: LogLimits, count: int, wanted: LogFilter, said: str) -> bool:
    """Learn from a refusal; return whether the next request will be a smaller one."""
    addresses, topics = len(wanted.addresses), len(_first(wanted))
    refusal = refusals.understood(_CODE.sub("", said), count, addresses, topics)
    if count == 1 and refusal.bound in (Bound.BLOCKS, Bound.RESULTS, Bound.UNKNOWN):
        if addresses > 1:
            refusal = Refusal(Bound.ADDRESSES, addresses // 2)
        elif topics > 1:
            refusal = Refusal(Bound.TOPICS, topics // 2)
        else:
            return False
    limits.refused(count, refusal)
    return (
        count > limits.blocks
        or addresses > (limits.addresses or addresses)
        or topics > (limits.topics or topics)
        or (refusal.bound is Bound.NO_ADDRESS and not addresses)
    )


def _parts(wanted: LogFilter, limits: LogLimits) -> Iterator[LogFilter]:
    """Yield filters that the endpoint takes and that together ask for all that is wanted, or for more.

    Where addresses would need several requests, topics alone may do in one: what is not wanted is left out afterwards.
    """
    most, topics = limits.addresses or len(wanted.addresses), _first(wanted)
    if len(wanted.addresses) > most and topics and not limits.needs_address:
        wanted = replace(wanted, addresses=())
    some = limits.topics or len(topics)
    for i in range(0, max(len(wanted.addresses), 1), most or 1):
        chosen = replace(wanted, addresses=wanted.addresses[i : i + most])
        for j in range(0, max(len(topics), 1), some or 1):
            few = topics[j : j + some]
            yield replace(chosen, topics=(few, *chosen.topics[1:])) if few else chosen


def _first(wanted: LogFilter) -> tuple[str, ...]:
    return (wanted.topics[0] if wanted.topics else None) or ()
