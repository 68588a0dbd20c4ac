"""Calldata and results of the deployed Multicall3 contract (mds1/multicall3, `aggregate3`), packed without a codec.

A general decoder would follow any pointer; this one accepts only the layout the Solidity compiler writes.
"""

from collections.abc import Sequence

from monitor.domain.ids import Address
from monitor.errors import EndpointError
from monitor.query import EthCall, Failed

_AGGREGATE3 = bytes.fromhex("82ad56cb")
_ALLOW_FAILURE = (1).to_bytes(32)
_DATA_AT = (96).to_bytes(32)
_LIST_AT = (32).to_bytes(32)


def transaction(calls: Sequence[EthCall], multicall3: Address) -> dict[str, str]:
    """Return the transaction that makes all calls and allows each to fail."""
    offsets, bodies, offset = [], [], 32 * len(calls)
    for call in calls:
        padded = call.data + bytes(-len(call.data) % 32)
        head = bytes.fromhex(call.to[2:]).rjust(32, b"\0") + _ALLOW_FAILURE + _DATA_AT
        offsets.append(offset.to_bytes(32))
        bodies.append(head + len(call.data).to_bytes(32) + padded)
        offset += 128 + len(padded)
    data = b"".join((_AGGREGATE3, _LIST_AT, len(calls).to_bytes(32), *offsets, *bodies))
    return {"to": str(multicall3), "data": "0x" + data.hex()}


def results(output: bytes, count: int, where: str) -> list[bytes | Failed]:
    """Return what each call returned; raises EndpointError when the output is not exactly `count` results in order."""
    if output[:64] != _LIST_AT + count.to_bytes(32):
        raise EndpointError(
            f"{where}: expected {count} results of Multicall3, found {len(output)} bytes of another kind"
        )
    found: list[bytes | Failed] = []
    position = 64 + 32 * count
    for i in range(count):
        size = int.from_bytes(output[position + 64 : position + 96])
        start, end = position + 96, position + 96 + size
        if int.from_bytes(output[64 + 32 * i : 96 + 32 * i]) != position - 64 or end > len(output):
            raise EndpointError(f"{where}: expected result {i} of Multicall3 at byte {position}, found it elsewhere")
        returned = output[start:end]
        found.append(returned if output[position + 31] else Failed("the call reverted", returned))
        position = end + -size % 32
    return found
