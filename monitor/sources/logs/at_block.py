"""The logs of one block from one endpoint, and whether its header proves that there are no others."""

from dataclasses import dataclass

from monitor.errors import BlockMoved, ReadError, Unsupported
from monitor.query import Log, LogFilter
from monitor.sources.evm import block as blocks
from monitor.sources.evm.reader import Reader
from monitor.sources.logs import entries
from monitor.sources.logs.bloom import bloom_of, is_telling, may_hold
from monitor.sources.logs.span import logs_of_span


@dataclass(frozen=True, slots=True)
class OfBlock:
    """What an endpoint says. `is_proven`: the header rules out any log; `is_telling`: it could well have done so."""

    logs: tuple[Log, ...]
    is_proven: bool
    is_telling: bool


async def logs_of_block(reader: Reader, wanted: LogFilter) -> OfBlock:
    """Return the logs of the read's block, asked for by its hash.

    Raises BlockMoved when the endpoint's block at that height is another.
    """
    at, endpoint = reader.at, reader.endpoint
    limits, head = endpoint.log_limits, blocks.asked(at.number)
    is_small = len(wanted.addresses) <= (limits.addresses or len(wanted.addresses))
    if not limits.by_hash or not is_small:
        return OfBlock(await logs_of_span(reader, wanted, at.number, at.number), is_proven=False, is_telling=False)
    before, outcome, after = await endpoint.ask_many(
        [head, entries.of_hash(wanted, at.hash), head], reader.request_s, reader.urgency
    )
    for block in (before, after):
        reader.must_be_this_block(block)
    if isinstance(outcome, ReadError) and not isinstance(outcome, BlockMoved):
        limits.by_hash = not isinstance(outcome, Unsupported)
        return OfBlock(await logs_of_span(reader, wanted, at.number, at.number), is_proven=False, is_telling=False)
    found = entries.from_node(outcome, at.number, at.number, endpoint.label)
    if any(log.block_hash != at.hash for log in found):
        raise BlockMoved(f"{endpoint.label}: expected logs of {at.hash[:12]}…, found some of another block")
    logs = tuple(entries.matching(found, wanted))
    bloom = bloom_of(before)
    limits.has_blooms = limits.has_blooms and bloom is not None and (may_hold(bloom, wanted) or not logs)
    if bloom is None or not limits.has_blooms:
        return OfBlock(logs, is_proven=False, is_telling=False)
    return OfBlock(logs, is_proven=not may_hold(bloom, wanted), is_telling=is_telling(bloom))
