"""A recording on a real node, so that lenses, multicall and the whole command line work on it.

    with playback(load("compound_v3")) as chain:     # tests.devnet Chain: chain.node.http_url, chain.rpc
        ...                                          # its head is the last recorded block: number, timestamp, answers

At each recorded address stands a tiny program of our own: it answers a call from storage keyed by the hash of the
calldata, and one sender makes it emit the recorded logs. Block numbers of logs and numbers and timestamps of the three
blocks are the recorded ones; all three can be read, by number or by hash. Hashes are the node's own. A call that was
not recorded reverts with `NOT_RECORDED`.

Storage: with k = keccak256(calldata), slot k holds ((length + 1) << 1) | reverted, 0 where nothing is recorded; the
words of the answer are at keccak256(k) + i.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from eth_utils.crypto import keccak

from monitor.query import Failed, Log
from tests.devnet.chain.anvil import anvil
from tests.devnet.chain.client import Chain
from tests.devnet.chain.multicall3 import install_multicall3
from tests.devnet.chain.rpc import Rpc, strict
from tests.recordings.assembler import assembled
from tests.recordings.recording import Block, Recording

RECORDER = "0x" + "4ec0" * 10
NOT_RECORDED = "0x" + b"not recorded".hex()
_TOPICS_AND_COUNT = 160

PROGRAM = assembled(
    # A call of the recorder is a log: number of topics, four topics, data.
    f"CALLER {RECORDER} EQ ?emit",
    # k = keccak256(calldata); its slot says how long the answer is.
    "CALLDATASIZE 0 0 CALLDATACOPY  CALLDATASIZE 0 KECCAK256  DUP1 SLOAD  DUP1 ISZERO ?unrecorded",
    # [k head] -> [base head length], base = keccak256(k)
    "SWAP1 0 MSTORE  32 0 KECCAK256  SWAP1  1 DUP2 1 SHR SUB",
    # [base head length 0]: copy words while the offset is below the length.
    "0",
    ":next  DUP2 DUP2 LT ISZERO ?done",
    "DUP1 5 SHR DUP5 ADD SLOAD  DUP2 MSTORE  32 ADD !next",
    ":done  POP  SWAP1 1 AND ?revert  0 RETURN",
    ":revert  0 REVERT",
    f":unrecorded  {NOT_RECORDED} {8 * 20} SHL 0 MSTORE  12 0 REVERT",
    f":emit  {_TOPICS_AND_COUNT} CALLDATASIZE SUB  DUP1 {_TOPICS_AND_COUNT} 0 CALLDATACOPY",
    *(f"0 CALLDATALOAD {count} EQ ?log{count}" for count in range(5)),
    *(
        f":log{count}  "
        + "".join(f"{32 * i} CALLDATALOAD " for i in range(count, 0, -1))
        + f"DUP{count + 1} 0 LOG{count} STOP"
        for count in range(5)
    ),
)


@contextmanager
def playback(recording: Recording, numbers: Collection[int] = (0, 1, 2)) -> Iterator[Chain]:
    """Run a node with the recording on it; `numbers` are the recorded blocks that can be read, which cost the time.

    Raises `DevnetUnavailable` where there is no node program.
    """
    first_s = recording.blocks[0].at.timestamp_s - recording.blocks[0].at.number - 1
    with anvil(timestamp_s=first_s) as node:
        rpc = Rpc(node.http_url)
        try:
            chain = Chain(node, rpc)
            rpc.request("anvil_setBlockTimestampInterval", 1)
            strict(rpc.batch([("anvil_setCode", (a, PROGRAM)) for a in recording.addresses]))
            install_multicall3(chain)
            _play(rpc, recording, {recording.blocks[number].at.number for number in numbers})
            yield chain
        finally:
            rpc.close()


def _play(rpc: Rpc, recording: Recording, wanted: Collection[int]) -> None:
    """Mine the logs of every block; what is stored after a recorded block was mined belongs to that block."""
    rpc.request("evm_setAutomine", False)
    mined, nonce, before = 0, 0, dict[tuple[str, str], str]()
    for block in recording.blocks:
        due = (log for log in recording.logs if mined < log.block_number <= block.at.number)
        for number, logs in groupby(due, key=lambda log: log.block_number):
            _mine(rpc, number - 1 - mined)
            nonce = _emit(rpc, tuple(logs), nonce)
            if number == block.at.number:
                rpc.request("evm_setNextBlockTimestamp", block.at.timestamp_s)
            _mine(rpc, 1)
            mined = number
        if mined < block.at.number:
            _mine(rpc, block.at.number - 1 - mined)
            rpc.request("evm_setNextBlockTimestamp", block.at.timestamp_s)
            _mine(rpc, 1)
            mined = block.at.number
        words = dict(stored(block)) if block.at.number in wanted else {}
        gone = {place: "0x" + "00" * 32 for place in before if place not in words}
        changed = {place: word for place, word in (words | gone).items() if before.get(place) != word}
        strict(rpc.batch([("anvil_setStorageAt", (a, s, w)) for (a, s), w in changed.items()], size=8_000))
        before = words
    rpc.request("evm_setAutomine", True)


def stored(block: Block) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield address, slot and word of everything that makes up a block's answers."""
    for (address, slot), word in block.storage.items():
        yield (address, f"0x{slot:064x}"), "0x" + word.hex()
    for (to, data), answer in block.calls.items():
        output = answer.revert_data if isinstance(answer, Failed) else answer
        key = keccak(data)
        yield (to, "0x" + key.hex()), f"0x{(len(output) + 1) << 1 | isinstance(answer, Failed):064x}"
        base = int.from_bytes(keccak(key), "big")
        for i in range(0, len(output), 32):
            yield (to, f"0x{(base + i // 32) % 2**256:064x}"), "0x" + output[i : i + 32].ljust(32, b"\0").hex()


def _mine(rpc: Rpc, count: int) -> None:
    if count:
        rpc.request("anvil_mine", hex(count))


def _emit(rpc: Rpc, logs: Iterable[Log], nonce: int) -> int:
    """Put a block's logs into the pool, one transaction each; return the next nonce."""
    requests: list[tuple[str, Any]] = []
    for log in logs:
        topics = "".join(topic[2:] for topic in log.topics).ljust(256, "0")
        data = f"0x{len(log.topics):064x}{topics}{log.data.hex()}"
        request = {"from": RECORDER, "to": log.address, "data": data, "nonce": hex(nonce), "gas": hex(2_000_000)}
        requests.append(("eth_sendTransaction", (request | {"gasPrice": "0x0"},)))
        nonce += 1
    strict(rpc.batch(requests))
    return nonce
