"""Many contract calls in few requests, none of which can spoil another's answer."""

from collections.abc import Sequence

from monitor.errors import AskedTooMuch, CallReverted, EndpointError
from monitor.query import EthCall, Failed
from monitor.sources.evm import multicall3
from monitor.sources.evm.isolation import Allowance, isolate
from monitor.sources.evm.programs import MANY, MANY_STATIC
from monitor.sources.evm.reader import Reader, as_bytes
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.rpc.spec import Way

TRUSTED_GAS = 10_000_000
UNTRUSTED_GAS = 300_000
UNTRUSTED_CHUNK = 100
SINGLES_IN_A_ROW = 10
Answer = bytes | Failed


def chunk_items(reader: Reader, *, untrusted: bool) -> int:
    """Return how many calls the endpoint takes at once; where it runs no code, no more than one batch of requests."""
    first = reader.endpoint.abilities.ways[0]
    if first in (Way.BATCH, Way.SINGLE):
        return max(reader.endpoint.abilities.max_batch, SINGLES_IN_A_ROW)
    return (
        min(UNTRUSTED_CHUNK, reader.endpoint.chunks.size(MANY_STATIC))
        if untrusted
        else reader.endpoint.chunks.size(MANY)
    )


async def answers(reader: Reader, calls: Sequence[EthCall]) -> list[Answer]:
    """Return what each call returns, `Failed` for those that revert; all of them are trusted, or none is."""
    untrusted = calls[0].untrusted
    way = _way(reader, len(calls), untrusted=untrusted)
    program = MANY_STATIC if untrusted else MANY

    async def run(start: int, stop: int) -> list[Answer]:
        with reader.learning(program, stop - start):
            return await _answered(reader, calls[start:stop], way)

    def failed(start: int, stop: int, why: Failed) -> list[Answer]:
        return [why] * (stop - start)

    found = await isolate(run, failed, 0, len(calls), Allowance(64 + len(calls) // 4))
    return found if untrusted or way in (Way.BATCH, Way.SINGLE) else await _with_reasons(reader, calls, found)


def _way(reader: Reader, count: int, *, untrusted: bool) -> Way:
    ways = reader.endpoint.abilities.ways
    if count == 1 and not reader.needs_witness:
        return Way.SINGLE
    return next(way for way in ways if not (untrusted and way is Way.MULTICALL3))


async def _answered(reader: Reader, calls: Sequence[EthCall], way: Way) -> list[Answer]:
    match way:
        case Way.OVERRIDE | Way.DEPLOYLESS_REVERT | Way.DEPLOYLESS_RETURN:
            program = MANY_STATIC if calls[0].untrusted else MANY
            output = await reader.run(program, b"".join(map(_record, calls)))
            return _records(output, len(calls), reader.endpoint.label)
        case Way.MULTICALL3:
            output = await reader.call(multicall3.transaction(calls, reader.endpoint.chain.multicall3))
            return multicall3.results(output, len(calls), reader.endpoint.label)
        case Way.BATCH | Way.SINGLE:
            return await _plainly(reader, calls)


async def _plainly(reader: Reader, calls: Sequence[EthCall]) -> list[Answer]:
    requests = [Request("eth_call", (_transaction(call), reader.block)) for call in calls]
    return [_answer(outcome, reader.endpoint.label) for outcome in await reader.ask_many(requests)]


def _answer(outcome: object, where: str) -> Answer:
    try:
        return as_bytes(outcome, where)
    except CallReverted as e:
        return Failed(str(e), e.data)


async def _with_reasons(reader: Reader, calls: Sequence[EthCall], found: list[Answer]) -> list[Answer]:
    """Ask again, each by itself and with all the gas, what failed without saying why: it may only have run short."""
    silent = [i for i, answer in enumerate(found) if isinstance(answer, Failed) and not answer.revert_data]
    if silent:
        try:
            again = await _plainly(reader, [calls[i] for i in silent])
        except AskedTooMuch:
            return found
        for i, answer in zip(silent, again, strict=True):
            found[i] = answer
    return found


def _transaction(call: EthCall) -> dict[str, str]:
    transaction = {"to": str(call.to), "data": "0x" + call.data.hex()}
    return transaction | {"gas": hex(UNTRUSTED_GAS)} if call.untrusted else transaction


def _record(call: EthCall) -> bytes:
    gas = UNTRUSTED_GAS if call.untrusted else TRUSTED_GAS
    sizes = (gas << 64 | len(call.data)).to_bytes(12)
    return bytes.fromhex(call.to[2:]) + sizes + call.data


def _records(output: bytes, count: int, where: str) -> list[Answer]:
    found: list[Answer] = []
    position = 0
    for _ in range(count):
        start = position + 5
        position = start + int.from_bytes(output[position + 1 : start])
        returned = output[start:position]
        found.append(returned if output[start - 5] else Failed("the call reverted", returned))
    if position != len(output):
        raise EndpointError(f"{where}: expected {count} answers in {position} bytes, found {len(output)} bytes")
    return found
