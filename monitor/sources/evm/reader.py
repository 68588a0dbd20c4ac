"""One endpoint answering at one block: every request leaves pinned, every answer is checked to be of that block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from monitor.domain.moment import BlockRef
from monitor.errors import AskedTooMuch, BlockMoved, CallReverted, EndpointError, ReadError, Unsupported
from monitor.sources.evm import block as blocks
from monitor.sources.evm.programs import CODE_HOME, HEADER_BYTES, WITNESS, WITNESS_HOME, deployless
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.rpc.endpoint import ASK_TIMEOUT_S, Endpoint
from monitor.sources.rpc.spec import Pin, Urgency, Way

_ENDINGS = {Way.DEPLOYLESS_REVERT: "REVERT", Way.DEPLOYLESS_RETURN: "RETURN"}
CODE_WAYS = (Way.OVERRIDE, *_ENDINGS)
_WITNESS_HEX = "0x" + WITNESS.hex()
_EXHAUSTED_GAS = 100_000


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads of one endpoint at one block."""

    endpoint: Endpoint
    at: BlockRef
    request_s: float = ASK_TIMEOUT_S
    urgency: Urgency = Urgency.ROUTINE

    @property
    def code_way(self) -> Way | None:
        """How own code runs here, None when it cannot."""
        return next((way for way in self.endpoint.abilities.ways if way in CODE_WAYS), None)

    @property
    def needs_witness(self) -> bool:
        """Whether only own code can prove which block a call was answered at."""
        return self.endpoint.abilities.pin is Pin.NUMBER and self.code_way is not None

    @property
    def block(self) -> Any:
        """The block as a parameter of a call."""
        if self.endpoint.abilities.pin is Pin.HASH:
            return {"blockHash": self.at.hash, "requireCanonical": True}
        return hex(self.at.number)

    async def ask_many(self, requests: Sequence[Request]) -> list[Any | ReadError]:
        """Return results or errors, all of this block.

        Raises BlockMoved when the endpoint does not have the block, or has another at its height.
        """
        if self.endpoint.abilities.pin is Pin.HASH:
            outcomes = await self.endpoint.ask_many(requests, self.request_s, self.urgency)
        else:
            check = blocks.asked(self.at.number)
            before, *outcomes, after = await self.endpoint.ask_many(
                [check, *requests, check], self.request_s, self.urgency
            )
            for block in (before, after):
                self.must_be_this_block(block)
        moved = next((o for o in outcomes if isinstance(o, BlockMoved)), None)
        if moved is not None:
            raise moved
        return outcomes

    @contextmanager
    def learning(self, program: bytes, items: int) -> Iterator[None]:
        """Let the endpoint's chunk sizes learn from the request made inside."""
        clock, chunks = self.endpoint.clock, self.endpoint.chunks
        began_ms = clock.monotonic_ms()
        try:
            yield
        except AskedTooMuch:
            chunks.refused(program, items, clock.monotonic_ms())
            raise
        except EndpointError:
            chunks.took_too_long(program, items, clock.monotonic_ms() - began_ms, clock.monotonic_ms())
            raise
        chunks.fitted(program, items, clock.monotonic_ms() - began_ms, clock.monotonic_ms())

    async def call(self, transaction: dict[str, str], *overrides: Any) -> bytes:
        """Return what an `eth_call` returns; raises the typed error of a fault."""
        (outcome,) = await self.ask_many([Request("eth_call", (transaction, self.block, *overrides))])
        return as_bytes(outcome, self.endpoint.label)

    async def run(self, code: bytes, calldata: bytes) -> bytes:
        """Return what own code returns for the calldata, by the cheapest way this endpoint has.

        Raises CallReverted when the code failed, AskedTooMuch when it ran out of gas or over a limit, Unsupported when
        the endpoint can run no code of ours.
        """
        way = self.code_way
        if way is None:
            raise Unsupported(
                f"{self.endpoint.label}: expected eth_call with a state override or without a receiver, found neither: "
                "use an endpoint of a full geth, Erigon, Reth or Nethermind node"
            )
        if way is Way.OVERRIDE:
            homes = {WITNESS_HOME: {"code": _WITNESS_HEX}, CODE_HOME: {"code": "0x" + code.hex()}}
            answer = await self.call({"to": WITNESS_HOME, "data": "0x" + calldata.hex()}, homes)
        else:
            answer = await self._deployless(deployless(code, calldata, _ENDINGS[way]))
        return self._checked(answer)

    async def _deployless(self, creation: bytes) -> bytes:
        try:
            return await self.call({"data": "0x" + creation.hex()})
        except CallReverted as e:
            if len(e.data) < HEADER_BYTES:
                raise AskedTooMuch(f"{self.endpoint.label}: expected a whole answer in the revert, found {e}") from e
            return e.data

    def _checked(self, answer: bytes) -> bytes:
        if len(answer) < HEADER_BYTES:
            raise EndpointError(
                f"{self.endpoint.label}: expected the header of our own code, found {len(answer)} bytes: "
                "the endpoint did not run it"
            )
        number, parent, timestamp_s, success, gas_left = (answer[i : i + 32] for i in range(0, HEADER_BYTES, 32))
        if self.endpoint.abilities.witness:
            seen = (int.from_bytes(number), "0x" + parent.hex(), int.from_bytes(timestamp_s))
            if seen != (self.at.number, self.at.parent_hash, self.at.timestamp_s):
                self.endpoint.abilities.pin = Pin.NUMBER
                raise BlockMoved(
                    f"{self.endpoint.label}: expected block {self.at.number}, found {seen[0]} or its sibling"
                )
        if not int.from_bytes(success):
            output = answer[HEADER_BYTES:]
            if not output and int.from_bytes(gas_left) < _EXHAUSTED_GAS:
                raise AskedTooMuch(f"{self.endpoint.label}: the code ran out of gas")
            raise CallReverted(f"{self.endpoint.label}: the code reverted", output)
        return answer[HEADER_BYTES:]

    def must_be_this_block(self, block: Any) -> None:
        """Raise BlockMoved unless a node's block is the block of the read."""
        if isinstance(block, ReadError):
            raise block
        found = str(block.get("hash", "")).lower() if isinstance(block, dict) else ""
        if found != self.at.hash:
            raise BlockMoved(
                f"{self.endpoint.label}: expected {self.at.hash[:12]}… at height {self.at.number}, found {found[:12]}"
            )


def as_bytes(outcome: Any | ReadError, where: str) -> bytes:
    """Return the bytes of a hex result; raises the error where one stands, EndpointError for anything else."""
    if isinstance(outcome, ReadError):
        raise outcome
    try:
        return bytes.fromhex(outcome[2:] if outcome[:2] == "0x" else "no hex")
    except (TypeError, ValueError) as e:
        raise EndpointError(f"{where}: expected 0x and hex digits, found {str(outcome)[:40]!r}") from e
