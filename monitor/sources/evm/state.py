"""Storage words and logs as one endpoint has them at one block."""

from collections.abc import Sequence
from typing import Any

from monitor.domain.ids import Address
from monitor.errors import BlockMoved, EndpointError, ReadError
from monitor.query import Failed, Log, Logs, StorageRead
from monitor.sources.evm import block as blocks
from monitor.sources.evm.reader import Reader, as_bytes
from monitor.sources.jsonrpc.messages import Request


async def words(reader: Reader, reads: Sequence[StorageRead]) -> list[bytes | Failed]:
    """Return 32 bytes for each read."""
    requests = [Request("eth_getStorageAt", (r.address, f"0x{r.slot:064x}", reader.block)) for r in reads]
    found = [as_bytes(outcome, reader.endpoint.label) for outcome in await reader.ask_many(requests)]
    wrong = next((word for word in found if len(word) > 32), None)
    if wrong is not None:
        raise EndpointError(f"{reader.endpoint.label}: expected a storage word of 32 bytes, found {len(wrong)}")
    return [word.rjust(32, b"\0") for word in found]


async def logs(reader: Reader, question: Logs) -> tuple[Log, ...]:
    """Return the logs from `from_block` up to and including the block of the read, in order.

    Raises BlockMoved when the endpoint's chain at that height is another, AskedTooMuch when the range is too wide.
    """
    chosen = question.filter
    by: dict[str, Any] = {"topics": [list(t) if t else None for t in chosen.topics]}
    if chosen.addresses:
        by["address"] = list(chosen.addresses)
    if question.from_block == reader.at.number:
        by["blockHash"] = reader.at.hash
    else:
        by |= {"fromBlock": hex(question.from_block), "toBlock": hex(reader.at.number)}
    where = reader.endpoint.label
    head = blocks.asked(reader.at.number)
    asked = [head, Request("eth_getLogs", (by,)), head]
    before, outcome, after = await reader.endpoint.ask_many(asked, reader.request_s, reader.urgency)
    for block in (before, after):
        reader.must_be_this_block(block)
    if isinstance(outcome, ReadError):
        raise outcome
    if not isinstance(outcome, list):
        raise EndpointError(f"{where}: expected a list of logs, found {type(outcome).__name__}")
    found = sorted((_log(entry, where) for entry in outcome), key=lambda log: (log.block_number, log.index))
    for log in found:
        if not question.from_block <= log.block_number <= reader.at.number:
            raise EndpointError(
                f"{where}: expected logs up to block {reader.at.number}, found one of {log.block_number}"
            )
        if log.block_number == reader.at.number and log.block_hash != reader.at.hash:
            raise BlockMoved(f"{where}: expected logs of {reader.at.hash[:12]}…, found some of {log.block_hash[:12]}…")
    return tuple(found)


def _log(entry: Any, where: str) -> Log:
    try:
        if entry.get("removed"):
            raise BlockMoved(f"{where}: expected canonical logs, found one that a reorg removed")
        return Log(
            address=Address(entry["address"].lower()),
            topics=tuple(topic.lower() for topic in entry["topics"]),
            data=as_bytes(entry["data"], where),
            block_number=int(entry["blockNumber"], 16),
            block_hash=entry["blockHash"].lower(),
            index=int(entry["logIndex"], 16),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise EndpointError(f"{where}: expected a log, found one without a whole {e}") from e
