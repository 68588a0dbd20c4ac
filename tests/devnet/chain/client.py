"""A test's hand on the chain: views, transactions, deployments, bulk sending, time and snapshots."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from monitor.clock import SystemClock
from tests.devnet.chain.anvil import CHAIN_ID, GENESIS_TIMESTAMP_S, Anvil, anvil
from tests.devnet.chain.codec import calldata, constructor, parse, results, revert_reason
from tests.devnet.chain.compiler import own
from tests.devnet.chain.rpc import Rpc, RpcError, strict

DEPLOYER = "0xd0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0"
TRANSACTION_GAS = 15_000_000
EXECUTION_REVERTED = 3
WORDS_AT = "0x" + "00" * 18 + "f00d"
WORDS_PER_CALL = 20_000
BULK_BATCH = 1000
POLL_S = 0.0005
NUDGE_EVERY = 400
RECEIPT_POLLS = 8000

Call = tuple[Any, ...]
"""`(to, signature, *arguments)`."""


class Reverted(RuntimeError):
    """A call or transaction reverted. `error` is its name where known, else what the revert data says."""

    def __init__(self, error: str, data: str) -> None:
        super().__init__(error)
        self.error, self.data = error, data


class Head(NamedTuple):
    """The newest block."""

    number: int
    hash: str
    timestamp_s: int


class Transaction(NamedTuple):
    """One transaction of a bulk: sender, receiver, calldata."""

    sender: str
    to: str
    data: str


@dataclass
class Chain:
    """One node (`node.http_url`, …). `error_names` turns a revert's selector or text into its name."""

    node: Anvil
    rpc: Rpc
    error_names: dict[str, str] = field(default_factory=dict)

    def view(
        self,
        to: str,
        signature: str,
        *arguments: Any,
        block: str | Mapping[str, str] = "latest",
        sender: str = DEPLOYER,
    ) -> Any:
        """The decoded result of one `eth_call`. Raises `Reverted`."""
        try:
            data = self.rpc.request(
                "eth_call", {"from": sender, "to": to, "data": calldata(signature, *arguments)}, block
            )
        except RpcError as e:
            raise self._reverted(e) from e
        return results(signature, data)

    def views(self, calls: Sequence[Call], block: str | Mapping[str, str] = "latest") -> list[Any]:
        """Decoded results of many calls at one block, in order. Raises `Reverted` if one reverts."""
        try:
            answers = strict(
                self.rpc.batch([("eth_call", ({"to": to, "data": calldata(s, *a)}, block)) for to, s, *a in calls])
            )
        except RpcError as e:
            raise self._reverted(e) from e
        return [results(call[1], answer) for call, answer in zip(calls, answers, strict=True)]

    def words(self, signature: str, questions: Sequence[tuple[str, str]], block: str = "latest") -> list[int]:
        """One-word answers of `signature`, which takes one address, for many (target, account) pairs in few calls."""
        selector, answers = parse(signature).selector.hex(), ""
        code = {WORDS_AT: {"code": own("Words").runtime}}
        for start in range(0, len(questions), WORDS_PER_CALL):
            part = "".join(target[2:] + account[2:] for target, account in questions[start : start + WORDS_PER_CALL])
            request = {"to": WORDS_AT, "data": "0x" + selector + part}
            try:
                answers += self.rpc.request("eth_call", request, block, code)[2:]
            except RpcError as e:
                raise self._reverted(e) from e
        return [int(answers[i : i + 64], 16) for i in range(0, len(answers), 64)]

    def send(self, to: str, signature: str, *arguments: Any, sender: str = DEPLOYER) -> dict[str, Any]:
        """Mines one transaction and returns its receipt. Raises `Reverted`."""
        return self.transact({"from": sender, "to": to, "data": calldata(signature, *arguments)})

    def deploy(self, bytecode: str, types: Sequence[str] = (), arguments: Sequence[Any] = ()) -> str:
        """The address of a new contract, made from linked creation code."""
        receipt = self.transact({"from": DEPLOYER, "data": constructor(bytecode, types, arguments)})
        return str(receipt["contractAddress"])

    def transact(self, request: dict[str, Any]) -> dict[str, Any]:
        nonce = self.rpc.request("eth_getTransactionCount", request["from"], "latest")
        request = {"gas": hex(TRANSACTION_GAS), "gasPrice": "0x0", "nonce": nonce, **request}
        receipt = self._receipt(self.rpc.request("eth_sendTransaction", request), request)
        if receipt["status"] != "0x1":
            trace = self.rpc.request("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
            raise self._named(trace.get("output", "0x") or "0x")
        return receipt

    def _receipt(self, transaction_hash: str, request: dict[str, Any]) -> dict[str, Any]:
        """Wait for it. A transaction sent just after `evm_revert` may stay unmined or be lost: mine or send it again.

        Never both: what is sent again is mined at once, and one block more would be of another second.
        """
        for poll in range(RECEIPT_POLLS):
            receipt: dict[str, Any] | None = self.rpc.request("eth_getTransactionReceipt", transaction_hash)
            if receipt is not None:
                return receipt
            if poll % NUDGE_EVERY == NUDGE_EVERY - 1:
                known = self.rpc.request("eth_getTransactionByHash", transaction_hash)
                if known is None:
                    transaction_hash = self.rpc.request("eth_sendTransaction", request)
                elif known["blockNumber"] is None:
                    self.rpc.request("evm_mine")
            time.sleep(POLL_S)
        raise TimeoutError(f"no receipt of {transaction_hash} after {RECEIPT_POLLS} polls")

    def bulk(self, transactions: Sequence[Transaction]) -> None:
        """Mines many transactions, each sender's in order, senders in any. A revert is not told: check the state."""
        senders = sorted({t.sender for t in transactions})
        counts = strict(self.rpc.batch([("eth_getTransactionCount", (s, "latest")) for s in senders]))
        nonces = {s: int(n, 16) for s, n in zip(senders, counts, strict=True)}
        self.rpc.request("evm_setAutomine", False)
        try:
            # Mined after each batch: anvil takes ten times as long to accept transactions behind a full pool.
            for start in range(0, len(transactions), BULK_BATCH):
                self._queue(transactions[start : start + BULK_BATCH], nonces)
                while int(self.rpc.request("txpool_status")["pending"], 16):
                    self.rpc.request("evm_mine")
        finally:
            self.rpc.request("evm_setAutomine", True)

    def _queue(self, transactions: Sequence[Transaction], nonces: dict[str, int]) -> None:
        requests = []
        for t in transactions:
            body = {"from": t.sender, "to": t.to, "data": t.data, "nonce": hex(nonces[t.sender])}
            requests.append(("eth_sendTransaction", ({"gas": hex(TRANSACTION_GAS), "gasPrice": "0x0", **body},)))
            nonces[t.sender] += 1
        strict(self.rpc.batch(requests))

    def head(self) -> Head:
        block = self.rpc.request("eth_getBlockByNumber", "latest", False)
        return Head(int(block["number"], 16), block["hash"], int(block["timestamp"], 16))

    def mine(self, blocks: int = 1) -> Head:
        for _ in range(blocks):
            self.rpc.request("evm_mine")
        return self.head()

    def advance_time(self, seconds: int) -> Head:
        """Mines one block `seconds` after the newest one."""
        self.rpc.request("evm_setNextBlockTimestamp", hex(self.head().timestamp_s + seconds))
        return self.mine()

    def set_block_interval(self, seconds: int) -> None:
        """From now on each block is `seconds` after its parent (12 at the start)."""
        self.rpc.request("anvil_setBlockTimestampInterval", seconds)

    def follow_wall_clock(self) -> None:
        """From now on blocks carry the machine's time; a chain that is ahead of it goes on from where it is."""
        self.rpc.request("anvil_removeBlockTimestampInterval")
        self.rpc.request("anvil_setTime", hex(max(SystemClock().wall_s(), self.head().timestamp_s + 1)))

    def reorg(self, depth: int) -> Head:
        """Replaces the newest `depth` blocks by as many empty ones with other hashes, without their transactions."""
        self.rpc.request("anvil_reorg", depth, [])
        return self.head()

    def snapshot(self) -> str:
        return str(self.rpc.request("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Goes back to `snapshot`, which is used up by it.

        A transaction mined just before may stand in the node's pool still, and would be mined again with the next.
        """
        if not self.rpc.request("evm_revert", snapshot):
            raise ValueError(f"snapshot {snapshot} does not exist: each can be reverted to once")
        self.rpc.request("anvil_dropAllTransactions")

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside is undone at the end."""
        snapshot = self.snapshot()
        try:
            yield
        finally:
            self.revert(snapshot)

    def set_code(self, address: str, runtime_code: str) -> None:
        self.rpc.request("anvil_setCode", address, runtime_code)

    def set_storage(self, address: str, slot: int, value: int) -> None:
        self.rpc.request("anvil_setStorageAt", address, f"0x{slot:064x}", f"0x{value:064x}")

    def _reverted(self, e: RpcError) -> RuntimeError:
        """Return what to raise: a revert, or the error itself where the node could not run the call at all."""
        if e.code != EXECUTION_REVERTED and "EVM error" not in e.message:
            return e
        return self._named(e.data if isinstance(e.data, str) else "0x")

    def _named(self, data: str) -> Reverted:
        reason = revert_reason(data)
        return Reverted(self.error_names.get(reason, reason), data)


@contextmanager
def running_chain(
    *extra_flags: str, port: int = 0, timestamp_s: int = GENESIS_TIMESTAMP_S, chain_id: int = CHAIN_ID
) -> Iterator[Chain]:
    """A fresh anvil and a client for it; the process is killed at the end."""
    with anvil(*extra_flags, port=port, timestamp_s=timestamp_s, chain_id=chain_id) as node:
        rpc = Rpc(node.http_url)
        try:
            yield Chain(node, rpc)
        finally:
            rpc.close()
