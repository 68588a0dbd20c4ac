"""What an endpoint can do, found out once at start by asking for things whose answers are known."""

from typing import Any

from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved, CallReverted, RateLimited, ReadError
from monitor.sources.evm import block as blocks
from monitor.sources.evm.programs import CODE_HOME, HEADER_BYTES, MANY, WITNESS, WITNESS_HOME, deployless
from monitor.sources.evm.reader import as_bytes
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.rpc.endpoint import Abilities, Endpoint
from monitor.sources.rpc.spec import Pin, Way

TRIES = 3
_NO_SUCH_BLOCK = "0x" + "5a" * 32
_CODE_WAYS = (Way.OVERRIDE, Way.DEPLOYLESS_REVERT, Way.DEPLOYLESS_RETURN)
_EMPTY_CALL = {"to": "0x" + "00" * 20, "data": "0x"}
_HOMES = {WITNESS_HOME: {"code": "0x" + WITNESS.hex()}, CODE_HOME: {"code": "0x" + MANY.hex()}}


async def probe(endpoint: Endpoint) -> tuple[Abilities, BlockRef]:
    """Return what works, and the head it was tried at; raises ReadError when the endpoint does not answer at all."""
    max_batch = endpoint.abilities.max_batch = await _max_batch(endpoint)
    head = blocks.from_node(await endpoint.ask(blocks.LATEST), endpoint.chain.id, endpoint.label)
    known, unknown, override, reverted, returned, multicall3 = await endpoint.ask_many(
        [
            Request("eth_call", (_EMPTY_CALL, _by_hash(head.hash))),
            Request("eth_call", (_EMPTY_CALL, _by_hash(_NO_SUCH_BLOCK))),
            *(_trial(way, "latest") for way in _CODE_WAYS),
            Request("eth_getCode", (endpoint.chain.multicall3, "latest")),
        ]
    )
    tried = zip(_CODE_WAYS, (override, reverted, returned), strict=True)
    headers = {way: header for way, outcome in tried if (header := _header(outcome))}
    ways = [*headers, *([Way.MULTICALL3] if _bytes(multicall3) else []), Way.BATCH if max_batch > 1 else Way.SINGLE]
    # Some gateways ignore the object and answer at their latest block, so a hash that does not exist must be refused.
    # To have no such block yet is an answer too: behind a load balancer, the next node may be one block behind.
    is_understood = isinstance(known, str | BlockMoved) and isinstance(unknown, ReadError)
    is_proof = bool(headers) and await _proves(endpoint, next(iter(headers.values())))
    if is_understood and is_proof:
        is_understood = await _goes_back(endpoint, next(iter(headers)), head)
    return Abilities(Pin.HASH if is_understood else Pin.NUMBER, tuple(ways), max_batch, is_proof), head


async def _max_batch(endpoint: Endpoint) -> int:
    endpoint.abilities.max_batch = 2
    try:
        outcomes = await endpoint.ask_many([Request("eth_chainId"), Request("eth_blockNumber")])
    except RateLimited:
        raise
    except ReadError:
        return 1
    return 1 if any(isinstance(o, ReadError) for o in outcomes) else max(endpoint.spec.max_batch, 1)


def _by_hash(block_hash: str) -> dict[str, Any]:
    return {"blockHash": block_hash, "requireCanonical": True}


def _trial(way: Way, at: Any) -> Request:
    if way is Way.OVERRIDE:
        return Request("eth_call", ({"to": WITNESS_HOME, "data": "0x"}, at, _HOMES))
    ending = "REVERT" if way is Way.DEPLOYLESS_REVERT else "RETURN"
    return Request("eth_call", ({"data": "0x" + deployless(MANY, b"", ending).hex()}, at))


def _header(outcome: Any | ReadError) -> bytes:
    header = outcome.data if isinstance(outcome, CallReverted) else _bytes(outcome)
    return header if len(header) == HEADER_BYTES else b""


async def _goes_back(endpoint: Endpoint, way: Way, head: BlockRef) -> bool:
    """Whether a call pinned to the parent is answered there, and not politely at the latest block."""
    (outcome,) = await endpoint.ask_many([_trial(way, _by_hash(head.parent_hash))])
    return isinstance(outcome, BlockMoved) or int.from_bytes(_header(outcome)[:32]) == head.number - 1


def _bytes(outcome: Any | ReadError) -> bytes:
    try:
        return as_bytes(outcome, "probe")
    except ReadError:
        return b""


async def _proves(endpoint: Endpoint, header: bytes) -> bool:
    """Whether own code sees a block's number, parent and time; on some rollups it sees those of the layer below."""
    number, parent, timestamp_s = int.from_bytes(header[:32]), "0x" + header[32:64].hex(), int.from_bytes(header[64:96])
    if number >= 2**63:
        return False
    for _ in range(TRIES):
        if (answer := await endpoint.ask(blocks.asked(number))) is not None:
            block = blocks.from_node(answer, endpoint.chain.id, endpoint.label)
            return (block.parent_hash, block.timestamp_s) == (parent, timestamp_s)
    return False
