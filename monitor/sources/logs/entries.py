"""Logs as nodes write them: how they are asked for, and what counts as an answer."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from monitor.domain.ids import Address
from monitor.errors import BlockMoved, EndpointError, ReadError
from monitor.query import Log, LogFilter
from monitor.sources.evm.reader import as_bytes
from monitor.sources.jsonrpc.messages import Request


def of_blocks(wanted: LogFilter, first: int, last: int) -> Request:
    """Return the request for the logs of blocks first to last, both included."""
    return Request("eth_getLogs", (_filter(wanted) | {"fromBlock": hex(first), "toBlock": hex(last)},))


def of_hash(wanted: LogFilter, block_hash: str) -> Request:
    """Return the request for the logs of one block (EIP-234)."""
    return Request("eth_getLogs", (_filter(wanted) | {"blockHash": block_hash},))


def _filter(wanted: LogFilter) -> dict[str, Any]:
    asked: dict[str, Any] = {"topics": [list(t) if t else None for t in wanted.topics]}
    return asked | ({"address": list(wanted.addresses)} if wanted.addresses else {})


def from_node(outcome: Any, first: int, last: int, where: str) -> list[Log]:
    """Return a node's logs in order, each once.

    Raises the error where one stands, BlockMoved for logs that a reorg removed or that are of two blocks of one
    height, EndpointError for anything that is no list of logs of these blocks.
    """
    if isinstance(outcome, ReadError):
        raise outcome
    if not isinstance(outcome, list):
        raise EndpointError(f"{where}: expected a list of logs, found {type(outcome).__name__}")
    found = [_log(entry, where) for entry in outcome]
    strangers = sorted({log.block_number for log in found if not first <= log.block_number <= last})
    if strangers:
        raise EndpointError(f"{where}: expected logs of blocks {first} to {last}, found some of {strangers[:3]}")
    return ordered(found, where)


def ordered(logs: Iterable[Log], where: str) -> list[Log]:
    """Return the logs by block and index, each once; raises when two of them cannot be of one chain."""
    found: dict[tuple[int, int], Log] = {}
    hashes: dict[int, str] = {}
    for log in logs:
        place = (log.block_number, log.index)
        if hashes.setdefault(log.block_number, log.block_hash) != log.block_hash:
            raise BlockMoved(f"{where}: expected logs of one block {log.block_number}, found some of two")
        if found.setdefault(place, log) != log:
            raise EndpointError(f"{where}: expected one log at {place[1]} of block {place[0]}, found two")
    return [found[place] for place in sorted(found)]


def merged(
    asked: Sequence[tuple[int, LogFilter]],
) -> Iterator[tuple[LogFilter, Sequence[tuple[int, LogFilter]]]]:
    """Yield filters that ask for several at once where addresses and first topics say it all, and whom each serves."""
    plain = [(i, wanted) for i, wanted in asked if wanted.addresses and len(wanted.topics) == 1 and wanted.topics[0]]
    yield from ((wanted, [(i, wanted)]) for i, wanted in asked if (i, wanted) not in plain)
    if plain:
        addresses = dict.fromkeys(address for _, wanted in plain for address in wanted.addresses)
        topics = dict.fromkeys(topic for _, wanted in plain for topic in wanted.topics[0] or ())
        yield LogFilter(tuple(addresses), (tuple(topics),)), plain


def matching(logs: Iterable[Log], wanted: LogFilter) -> list[Log]:
    """Return those of the logs that the filter asks for."""
    addresses = set(wanted.addresses)
    return [log for log in logs if (not addresses or log.address in addresses) and _has_topics(log, wanted.topics)]


def _has_topics(log: Log, topics: Sequence[tuple[str, ...] | None]) -> bool:
    if len(log.topics) < len(topics):
        return False
    return all(not any_of or topic in any_of for topic, any_of in zip(log.topics, topics, strict=False))


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
            transaction_hash=entry["transactionHash"].lower(),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise EndpointError(f"{where}: expected a log, found one without a whole {e}") from e
