"""One endpoint: its transport, what it can do, what it may be sent, and how it has behaved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.clock import Clock
from monitor.errors import (
    AskedTooMuch,
    ConfigError,
    EndpointError,
    MalformedJson,
    RateLimited,
    ReadError,
    Unsupported,
    WrongChain,
)
from monitor.sources.evm import block as blocks
from monitor.sources.http.budget import ROUTINE, Budget
from monitor.sources.jsonrpc import dialect
from monitor.sources.jsonrpc.messages import Fault, Request
from monitor.sources.jsonrpc.transport import Transport
from monitor.sources.rpc.meter import Chunks, Meter
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec, Pin, Way

SEND_TIMEOUT_S = 60.0
"""A backstop: whoever asks sets the shorter deadline."""
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 250, 30_000
RECHECK_MS = 600_000
SWITCH_RECHECK_MS = 30_000


@dataclass(slots=True)
class Abilities:
    """What probing found. `witness`: the block an own program sees proves the one that was asked for."""

    pin: Pin = Pin.NUMBER
    ways: tuple[Way, ...] = (Way.SINGLE,)
    max_batch: int = 1
    witness: bool = False


class Endpoint:
    """One way to one node."""

    def __init__(self, spec: EndpointSpec, chain: ChainSpec, transport: Transport, clock: Clock) -> None:
        self.label = spec.label
        self.spec = spec
        self.chain = chain
        self.clock = clock
        self.transport = transport
        self.abilities = Abilities()
        self.meter = Meter()
        self.chunks = Chunks()
        self.budget = Budget(clock, spec.requests_per_s)
        self.refusal: ReadError | ConfigError | None = None
        self.quarantined_until_ms = 0
        self._failures = 0
        self._verified_ms: int | None = None
        self._genesis: str | None = None

    async def ask(self, request: Request) -> Any:
        """Return the result of one request; raises the typed error of a fault."""
        (outcome,) = await self.ask_many([request])
        if isinstance(outcome, ReadError):
            raise outcome
        return outcome

    async def ask_many(self, requests: Sequence[Request], urgency: int = ROUTINE) -> list[Any | ReadError]:
        """Return the results, an error in the place of each request that failed by itself.

        Raises EndpointError or MalformedJson when the endpoint failed as a whole.
        """
        step = max(self.abilities.max_batch, 1)
        outcomes: list[Any | ReadError] = []
        for start in range(0, len(requests), step):
            outcomes += await self._send(requests[start : start + step], urgency)
        return outcomes

    async def _send(self, requests: Sequence[Request], urgency: int) -> list[Any | ReadError]:
        await self.budget.take(len(requests), urgency)
        self.meter.calls += 1
        self.meter.requests += len(requests)
        started_ms = self.clock.monotonic_ms()
        try:
            outcomes = await self.transport.send(requests, SEND_TIMEOUT_S)
        except (EndpointError, MalformedJson) as e:
            self.failed(e)
            raise
        self.meter.latencies_ms.append(self.clock.monotonic_ms() - started_ms)
        typed = [dialect.meaning(o, self.label) if isinstance(o, Fault) else o for o in outcomes]
        for outcome in typed:
            if isinstance(outcome, RateLimited):
                self.failed(outcome)
                raise outcome
        self._failures = 0
        return typed

    def failed(self, e: ReadError) -> None:
        """Note a failure of the endpoint itself and leave it alone for a while, longer each time in a row."""
        self.meter.errors += 1
        if isinstance(e, (AskedTooMuch, Unsupported)):
            return
        self._failures += 1
        pause_ms = min(FIRST_PAUSE_MS << min(self._failures - 1, 10), LONGEST_PAUSE_MS)
        if isinstance(e, RateLimited):
            self.meter.rate_limited += 1
            pause_ms = e.retry_after_ms if e.retry_after_ms is not None else max(pause_ms, 1000)
        self.budget.pause(pause_ms)

    def answered(self) -> None:
        """Note that a piece of work was done in full."""
        self._failures = 0

    @property
    def wait_ms(self) -> int:
        """How long to leave it alone; 0 when it may be asked now."""
        return max(self.budget.pause_ms, self.quarantined_until_ms - self.clock.monotonic_ms())

    def needs_check(self, *, switching: bool) -> bool:
        """Whether its chain id is due: every ten minutes, and when work moves here from another endpoint."""
        if self._verified_ms is None:
            return True
        age_ms = self.clock.monotonic_ms() - self._verified_ms
        return age_ms >= (SWITCH_RECHECK_MS if switching else RECHECK_MS)

    async def check_chain(self) -> None:
        """Ask which chain this is; raises WrongChain, and remembers it, when it is another or has become another."""
        found = await self.ask(Request("eth_chainId"))
        genesis = await self._genesis_hash()
        if found != hex(self.chain.number):
            self.refusal = WrongChain(f"{self.label}: expected chain {self.chain.number}, found {found!r:.40}")
            raise self.refusal
        if genesis and self._genesis and genesis != self._genesis:
            self.refusal = WrongChain(f"{self.label}: expected genesis {self._genesis[:12]}…, found {genesis[:12]}…")
            raise self.refusal
        self._genesis = genesis or self._genesis
        self._verified_ms = self.clock.monotonic_ms()

    @property
    def genesis(self) -> str | None:
        """Hash of its block 0, None when it does not serve it."""
        return self._genesis

    async def _genesis_hash(self) -> str | None:
        try:
            block = await self.ask(blocks.asked(0))
        except ReadError:
            return None
        return str(block["hash"]) if isinstance(block, dict) and "hash" in block else None
