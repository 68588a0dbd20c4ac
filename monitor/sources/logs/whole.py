"""Logs from receipts: those of a whole block, which add up to its header, and single ones that an index has lost."""

from collections.abc import Iterable
from typing import Any

from monitor.errors import EndpointError, ReadError
from monitor.query import Log, LogFilter
from monitor.sources.evm import block as blocks
from monitor.sources.evm.reader import Reader
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.logs import entries
from monitor.sources.logs.bloom import bloom_from, bloom_of

_ALL = LogFilter((), ())


async def whole_block(reader: Reader) -> tuple[Log, ...]:
    """Return every log of the read's block.

    Raises EndpointError when neither receipts nor an unfiltered answer add up to the header, BlockMoved when the
    endpoint does not have the block.
    """
    at, endpoint = reader.at, reader.endpoint
    receipts = Request("eth_getBlockReceipts", (at.hash,))
    header, answer = await endpoint.ask_many([blocks.asked(at.hash), receipts], reader.request_s, reader.urgency)
    reader.must_be_this_block(header)
    bloom = bloom_of(header)
    found = _added_up(_logs_of_receipts(answer, endpoint.label), bloom, reader)
    if found is None:
        unfiltered = [entries.of_hash(_ALL, at.hash)]
        (answer,) = await endpoint.ask_many(unfiltered, reader.request_s, reader.urgency)
        found = _added_up(answer, bloom, reader)
    if found is None:
        raise EndpointError(
            f"{endpoint.label}: expected receipts or logs that add up to block {at.number}, found neither"
        )
    return found


async def admitted(reader: Reader, logs: Iterable[Log]) -> set[Log]:
    """Return those of the logs that the endpoint's own receipts have, though its index may not."""
    hashes = tuple(dict.fromkeys(log.transaction_hash for log in logs))
    requests = [Request("eth_getTransactionReceipt", (transaction,)) for transaction in hashes]
    found: set[Log] = set()
    for receipt in await reader.endpoint.ask_many(requests, reader.request_s, reader.urgency):
        answer = _logs_of_receipts([receipt], reader.endpoint.label)
        try:
            found.update(entries.from_node(answer, 0, reader.at.number, reader.endpoint.label))
        except ReadError:
            continue
    return found.intersection(logs)


def _added_up(answer: Any, bloom: int | None, reader: Reader) -> tuple[Log, ...] | None:
    """Return the logs when none can be missing, else None."""
    at = reader.at
    try:
        found = entries.from_node(answer, at.number, at.number, reader.endpoint.label)
    except ReadError:
        return None
    are_all = [log.index for log in found] == list(range(len(found))) and bloom_from(found) == bloom
    return tuple(found) if are_all and all(log.block_hash == at.hash for log in found) else None


def _logs_of_receipts(receipts: Any, where: str) -> Any:
    if isinstance(receipts, ReadError):
        return receipts
    try:
        return [entry for receipt in receipts for entry in receipt["logs"]]
    except (AttributeError, KeyError, TypeError) as e:
        return EndpointError(f"{where}: expected receipts, found some without {e}")
