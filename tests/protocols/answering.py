"""Answers a read from one block of a local chain, straight over JSON-RPC."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from monitor.domain.ids import ChainId
from monitor.domain.moment import At, BlockRef
from monitor.query import (
    Answer,
    Ask,
    EthCall,
    Failed,
    LensAnswer,
    LensCall,
    LensPart,
    Log,
    Logs,
    Moment,
    Question,
    StorageRead,
    T,
)
from tests.devnet.chain.rpc import Rpc, RpcError

LENS_AT = "0x" + "1e" * 20
LENS_ITEMS = 1500


@dataclass
class Node:
    """One chain as a source of answers. `batches` counts round trips, `wire_bytes` what lenses sent and received."""

    rpc: Rpc
    lens_items: int = LENS_ITEMS
    lens_gas: int | None = None
    has_lens: bool = True
    batches: int = 0
    wire_bytes: int = 0
    tampered: Callable[[Question, Answer], Answer] = field(default=lambda question, answer: answer)

    def read(self, read: Ask[T], block: str = "latest") -> T:
        """Run a read at one block."""
        head = self.rpc.request("eth_getBlockByNumber", block, False)
        at = BlockRef(
            ChainId("eip155:31337"),
            int(head["number"], 16),
            head["hash"],
            head["parentHash"],
            int(head["timestamp"], 16),
        )
        try:
            questions = next(read)
            while True:
                questions = read.send(self.answers(questions, at))
        except StopIteration as stop:
            return cast("T", stop.value)

    def answers(self, questions: tuple[Question, ...], at: BlockRef) -> tuple[Answer, ...]:
        self.batches += 1
        where = {"blockHash": at.hash}
        plain = [(i, q) for i, q in enumerate(questions) if isinstance(q, EthCall)]
        calls = [("eth_call", ({"to": q.to, "data": "0x" + q.data.hex()}, where)) for _, q in plain]
        found: dict[int, Answer] = {
            i: _bytes(answer) for (i, _), answer in zip(plain, self.rpc.batch(calls), strict=True)
        }
        for i, question in enumerate(questions):
            if i not in found:
                found[i] = self._other(question, at, where)
            found[i] = self.tampered(question, found[i])
        return tuple(found[i] for i in range(len(questions)))

    def _other(self, question: Question, at: BlockRef, where: dict[str, str]) -> Answer:
        match question:
            case Moment():
                moment: At = at
                return moment
            case StorageRead(address, slot):
                return _bytes(self.rpc.batch([("eth_getStorageAt", (address, hex(slot), where))])[0])
            case Logs(wanted, from_block):
                topics = [list(t) if t is not None else None for t in wanted.topics]
                entries = self.rpc.request(
                    "eth_getLogs",
                    {
                        "fromBlock": hex(from_block),
                        "toBlock": hex(at.number),
                        "address": list(wanted.addresses),
                        "topics": topics,
                    },
                )
                return tuple(_log(entry) for entry in entries)
            case LensCall() if self.has_lens:
                return self._lens(question, where)
            case LensCall():
                return LensAnswer((LensPart(0, len(question.items), Failed("no state override here")),))
        raise NotImplementedError(type(question).__name__)

    def _lens(self, question: LensCall, where: dict[str, str]) -> LensAnswer:
        parts: list[LensPart] = []
        spans = [
            (i, min(i + self.lens_items, len(question.items))) for i in range(0, len(question.items), self.lens_items)
        ]
        while spans:
            start, stop = spans.pop(0)
            data = "0x" + (question.head + b"".join(question.items[start:stop])).hex()
            override = {LENS_AT: {"code": "0x" + question.code.hex()}}
            gas = {} if self.lens_gas is None else {"gas": hex(self.lens_gas)}
            try:
                output = self.rpc.request("eth_call", {"to": LENS_AT, "data": data, **gas}, where, override)
            except RpcError as e:
                if stop - start == 1:
                    parts.append(LensPart(start, stop, Failed(str(e))))
                else:
                    spans[:0] = [(start, (start + stop) // 2), ((start + stop) // 2, stop)]
                continue
            self.wire_bytes += len(data) + len(output)
            parts.append(LensPart(start, stop, bytes.fromhex(output[2:])))
        return LensAnswer(tuple(parts))


def _bytes(answer: str | RpcError) -> bytes | Failed:
    if isinstance(answer, RpcError):
        data = answer.data if isinstance(answer.data, str) else "0x"
        return Failed(str(answer), bytes.fromhex(data.removeprefix("0x")))
    return bytes.fromhex(answer[2:])


def _log(entry: dict[str, Any]) -> Log:
    return Log(
        entry["address"],
        tuple(entry["topics"]),
        bytes.fromhex(entry["data"][2:]),
        int(entry["blockNumber"], 16),
        entry["blockHash"],
        int(entry["logIndex"], 16),
    )
