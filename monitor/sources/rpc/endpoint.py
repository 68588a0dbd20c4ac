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
from monitor.sources.http.budget import Budget
from monitor.sources.jsonrpc import dialect
from monitor.sources.jsonrpc.messages import Fault, Request
from monitor.sources.jsonrpc.transport import Transport
from monitor.sources.logs.limits import LogLimits
from monitor.sources.rpc.meter import Chunks, Meter
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec, Pin, Urgency, Way

ASK_TIMEOUT_S = 5.0
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
        self.log_limits = LogLimits()
        self.budget = Budget(clock, spec.requests_per_s)
        self.refusal: ReadError | ConfigError | None = None
        self.last_failure = ""
        self._opened_ms: int | None = None
        self._quarantined_until_ms = 0
        self._failures = 0
        self._verified_ms = self._used_ms = clock.monotonic_ms()
        self._genesis: str | None = None

    async def ask(self, request: Request, timeout_s: float = ASK_TIMEOUT_S) -> Any:
        """Return the result of one small request, ahead of others; raises the typed error of a fault."""
        (outcome,) = await self.ask_many([request], timeout_s, Urgency.URGENT)
        if isinstance(outcome, ReadError):
            raise outcome
        return outcome

    async def ask_many(
        self, requests: Sequence[Request], timeout_s: float = ASK_TIMEOUT_S, urgency: Urgency = Urgency.ROUTINE
    ) -> list[Any | ReadError]:
        """Return the results, an error in the place of each request that failed by itself.

        Raises EndpointError or MalformedJson when the endpoint failed as a whole, or did not answer in time.
        """
        step = max(min(self.abilities.max_batch, self.budget.most or self.abilities.max_batch), 1)
        outcomes: list[Any | ReadError] = []
        for start in range(0, len(requests), step):
            outcomes += await self._send(requests[start : start + step], timeout_s, urgency)
        return outcomes

    async def _send(self, requests: Sequence[Request], timeout_s: float, urgency: Urgency) -> list[Any | ReadError]:
        await self.budget.take(len(requests), urgency)
        self.meter.calls += 1
        self.meter.requests += len(requests)
        started_ms = self.clock.monotonic_ms()
        try:
            outcomes = await self.transport.send(requests, timeout_s)
        except (EndpointError, MalformedJson) as e:
            self.failed(e)
            raise
        self.meter.latencies_ms.append(self.clock.monotonic_ms() - started_ms)
        typed = [self._typed(o) if isinstance(o, Fault) else o for o in outcomes]
        for outcome in typed:
            if isinstance(outcome, RateLimited):
                self.failed(outcome)
                raise outcome
        self._failures = 0
        return typed

    def _typed(self, fault: Fault) -> ReadError:
        # What a node says may repeat the URL it was asked at.
        return dialect.meaning(Fault(fault.code, self.spec.scrub(fault.message), fault.data), self.label)

    def failed(self, e: ReadError) -> None:
        """Note a failure of the endpoint itself and leave it alone for a while, longer each time in a row."""
        self.meter.errors += 1
        self.last_failure = str(e)
        if isinstance(e, (AskedTooMuch, Unsupported)):
            return
        self._failures += 1
        pause_ms = min(FIRST_PAUSE_MS << min(self._failures - 1, 10), LONGEST_PAUSE_MS)
        if isinstance(e, RateLimited):
            self.meter.rate_limited += 1
            pause_ms = e.retry_after_ms if e.retry_after_ms is not None else max(pause_ms, 1000)
        self.budget.pause(pause_ms)

    @property
    def wait_ms(self) -> int:
        """How long to leave it alone; 0 when it may be asked now."""
        return max(self.budget.pause_ms, self._quarantined_until_ms - self.clock.monotonic_ms())

    def opened(self, abilities: Abilities) -> None:
        """Let it be asked, in the ways it was found to know."""
        self.abilities = abilities
        self._opened_ms = self.clock.monotonic_ms()

    @property
    def is_open(self) -> bool:
        """Whether it may be asked: it was let in once and not refused since."""
        return self._opened_ms is not None and self.refusal is None

    @property
    def needs_opening(self) -> bool:
        """Whether it is to be looked at in full: never let in yet, or ten minutes ago."""
        return self._opened_ms is None or self.clock.monotonic_ms() - self._opened_ms >= RECHECK_MS

    def quarantine(self, for_ms: int) -> None:
        """Do not ask it for a while: it said something that others contradict."""
        self._quarantined_until_ms = self.clock.monotonic_ms() + for_ms

    @property
    def is_quarantined(self) -> bool:
        """Whether others have lately contradicted it."""
        return self.clock.monotonic_ms() < self._quarantined_until_ms

    async def be_sure_of_chain(self) -> None:
        """Check the chain id again every ten minutes, and when work comes here after a pause, as after a switch."""
        now_ms, used_ms, verified_ms = self.clock.monotonic_ms(), self._used_ms, self._verified_ms
        self._used_ms = now_ms
        if now_ms - verified_ms >= (SWITCH_RECHECK_MS if now_ms - used_ms >= SWITCH_RECHECK_MS else RECHECK_MS):
            await self.check_chain()

    async def check_chain(self) -> None:
        """Ask which chain this is; raises WrongChain, and remembers it, when it is another or has become another."""
        found = await self.ask(Request("eth_chainId"))
        genesis = await self._genesis_hash()
        if _number(found) != self.chain.number:
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


def _number(answer: Any) -> int | None:
    try:
        return int(answer, 16)
    except (TypeError, ValueError):
        return None
