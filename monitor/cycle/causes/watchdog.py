"""Watches a loop from outside: a deployment that is not evaluated, and endpoints of which none names a new block."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitor.clock import Clock
from monitor.cycle.causes.memory import Memory
from monitor.cycle.head import Pass
from monitor.cycle.ruling import Living
from monitor.domain.ids import Address, DeploymentName
from monitor.domain.label import safe_line
from monitor.domain.liveness import Halted, Unreachable
from monitor.domain.moment import BlockRef
from monitor.errors import ReadError
from monitor.rules.causes.stale import deployment_cause, endpoints_cause, overdue_after_ms, stale_alert

STARTING_MS = 300_000
"""How long the first evaluation may take after a start, when everything has to be read."""
_HANGS = "its loop has not come round"


class Headed(Living, Protocol):
    """A chain that can be asked for its head by somebody else than the loop."""

    async def head(self) -> BlockRef:
        """Return the newest block that the endpoints agree on; raises NoEndpoint when none answers."""
        ...


@dataclass(frozen=True, slots=True)
class _Moved:
    """When a deployment was last seen to have been evaluated again, by the monotonic clock."""

    passes: int
    at_ms: int


@dataclass(slots=True)
class Watchdog:
    """Watches the deployments of one chain or venue, as `passes` says how they fare, by the monotonic clock alone.

    `chain` is None for a venue without blocks, whose loop tells by itself when its API is silent. `head_after_ms` is
    how old the newest head may be.
    """

    name: str
    deployments: tuple[DeploymentName, ...]
    passes: Callable[[], Mapping[DeploymentName, Pass]]
    interval_ms: int
    head_after_ms: int
    chain: Headed | None
    memory: Memory
    clock: Clock
    _moved: dict[DeploymentName, _Moved] = field(default_factory=dict)

    async def once(self) -> None:
        """Look at every deployment once and tell what is stale, and what is not any more. Raises StoreError."""
        await self.memory.load()
        is_cut_off = await self._look_at_endpoints()
        for name in self.deployments:
            await self._look_at(name, is_cut_off=is_cut_off)
        await self.memory.commit()

    async def _look_at_endpoints(self) -> bool:
        """Return whether no endpoint can be asked; then no evaluation is to be expected."""
        if self.chain is None:
            return False
        about, now_s = endpoints_cause(self.memory.chain), self.clock.wall_s()
        match self.chain.liveness:
            case Unreachable(head=head, since_s=since_s, reason=reason):
                if (now_s - since_s) * 1000 >= self.head_after_ms:
                    facts = {**self._facts(since_s), "why": safe_line(reason)}
                    alert = stale_alert(about, since_s, head.number if head else 0, now_s, facts)
                    self.memory.begin(alert, about, await self._owners(self.deployments))
                return True
            case seen:
                if about in self.memory.open:
                    self.memory.end(about, seen.head.number, now_s, await self._owners(self.deployments))
                return False

    async def _look_at(self, name: DeploymentName, *, is_cut_off: bool) -> None:
        seen, now_ms = self.passes().get(name, Pass()), self.clock.monotonic_ms()
        moved, about = self._moved.get(name), deployment_cause(self.memory.chain, name)
        if moved is None or moved.passes != seen.passes:
            self._moved[name] = _Moved(seen.passes, now_ms)
            if seen.passes:
                self.memory.end(about, seen.ok_block or 0, self.clock.wall_s(), await self._owners_if_open(name))
            return
        limit_ms = overdue_after_ms(self.interval_ms) if seen.passes else max(STARTING_MS, self.interval_ms)
        if is_cut_off or now_ms - moved.at_ms <= limit_ms:
            return
        head = await self._head_after(seen)
        if head is None:
            return
        since_s = self.clock.wall_s() - (now_ms - moved.at_ms) // 1000
        facts = {**self._facts(since_s), "of": safe_line(name), "why": safe_line(seen.problem or _HANGS)}
        alert = stale_alert(about, since_s, head, self.clock.wall_s(), facts)
        self.memory.begin(alert, about, await self._owners([name]))

    async def _head_after(self, seen: Pass) -> int | None:
        """Return the newest block if there is one that the deployment was not evaluated at, None where none is known.

        A chain that stands still or cannot be asked is told as that, and not as a deployment that is behind.
        """
        if self.chain is None:
            return seen.ok_block or 0
        try:
            head = await self.chain.head()
        except ReadError:
            return None
        if isinstance(self.chain.liveness, Halted) or (seen.ok_block is not None and head.number <= seen.ok_block):
            return None
        return head.number

    async def _owners_if_open(self, name: DeploymentName) -> Iterable[Address]:
        is_open = deployment_cause(self.memory.chain, name) in self.memory.open
        return await self._owners([name]) if is_open else ()

    async def _owners(self, deployments: Iterable[DeploymentName]) -> list[Address]:
        """Return who is known to have a position there."""
        found = list[Address]()
        for name in deployments:
            known = await self.memory.ruling.known(name)
            found += [owner or Address(position.key) for position, owner in known.items()]
        return found

    def _facts(self, since_s: int) -> dict[str, str]:
        return {"chain": safe_line(self.name), "age_s": str(max(self.clock.wall_s() - since_s, 0))}
