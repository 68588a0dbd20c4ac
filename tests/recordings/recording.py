"""Recorded answers of real contracts: three blocks of calls and storage, and every log up to the last of them.

    recording = load("compound_v3")                  # tests/recordings/compound_v3.json.gz, loaded once
    recording.deployment                             # addresses by role, source, commit
    for block in recording.blocks:                   # block.at · block.calls · block.storage · block.truth
        ...

Recordings of perpetual venues (`source` instead of `format`) name blocks by number alone: hashes are made from those.

The files are answers only, no code. `played.py` answers an `Ask` from them, `playback.py` puts them on a real node.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from monitor.domain.ids import ChainId
from monitor.domain.moment import BlockRef
from monitor.query import Failed, Log

CHAIN = ChainId("eip155:31337")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Block:
    """One recorded block. `calls` by (to, calldata), `storage` by (address, slot); `truth` as the file has it."""

    at: BlockRef
    calls: Mapping[tuple[str, bytes], bytes | Failed]
    storage: Mapping[tuple[str, int], bytes]
    truth: Any


@dataclass(frozen=True)
class Recording:
    """One file. `logs` are in the order in which they happened."""

    name: str
    deployment: Mapping[str, Any]
    blocks: tuple[Block, ...]
    logs: tuple[Log, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every contract that answers or speaks in the recording."""
        asked = (to for block in self.blocks for to, _ in (*block.calls, *block.storage))
        return tuple(dict.fromkeys((*asked, *(log.address for log in self.logs))))


@cache
def load(name: str) -> Recording:
    """Return the recording `<name>.json.gz` of this folder."""
    raw = orjson.loads(gzip.decompress((HERE / f"{name}.json.gz").read_bytes()))
    return Recording(
        name,
        raw["deployment"],
        tuple(_block(block) for block in raw["blocks"]),
        tuple(sorted((_log(entry) for entry in raw["logs"]), key=lambda log: (log.block_number, log.index))),
    )


def _block(raw: Mapping[str, Any]) -> Block:
    return Block(
        _header(raw),
        {(call["to"], _bytes(call["data"])): _answer(call) for call in raw["calls"]},
        {(one["address"], int(one["slot"], 16)): _bytes(one["value"]) for one in raw.get("storage", ())},
        raw["truth"],
    )


def _header(raw: Mapping[str, Any]) -> BlockRef:
    header = raw["block"]
    if isinstance(header, int):
        return BlockRef(CHAIN, header, _made_hash(header), _made_hash(header - 1), raw["timestamp"])
    return BlockRef(CHAIN, header["number"], header["hash"], header["parentHash"], header["timestamp"])


def _made_hash(number: int) -> str:
    return f"0x{number:064x}"


def _answer(call: Mapping[str, Any]) -> bytes | Failed:
    if "error" in call:
        return Failed("execution reverted", _bytes(call["error"]))
    if call["result"] is None:
        return Failed("execution reverted", _bytes(call["revert"]))
    return _bytes(call["result"])


def _log(entry: Mapping[str, Any]) -> Log:
    return Log(
        entry["address"],
        tuple(entry["topics"]),
        _bytes(entry["data"]),
        entry.get("blockNumber", entry.get("block")),
        entry.get("blockHash") or _made_hash(entry["block"]),
        entry["logIndex"],
        entry["transactionHash"],
    )


def _bytes(digits: str) -> bytes:
    return bytes.fromhex(digits[2:])
