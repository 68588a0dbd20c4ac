"""Channels of the simulation: they take time, break as the story says, and report every message to the witness."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.channels.channel import Limits, Message
from monitor.errors import DeliveryDeferred, DeliveryRefused, MarkupRefused
from tests.simulator.story import Fault, Story

GAP_S = 1.0
BURST, BURST_S = 1, 1.0


@dataclass
class Answers:
    """One channel. `begun` hears of each message before, `taken` after it is accepted."""

    name: str
    story: Story
    limits: Limits
    gathers: bool = field(default=True, kw_only=True)
    begun: Callable[[str, str, Message], None]
    taken: Callable[[str, str, Message], None]
    busy: set[str] = field(default_factory=set)
    asked_until: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    accepted: dict[str, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    _arrived: list[float] = field(default_factory=list)

    async def send(self, address: str, message: Message) -> None:
        self.begun(self.name, address, message)
        self.busy.add(address)
        try:
            await asyncio.sleep(self.story.rng.uniform(0.02, 0.4))
            self._answer(address, message, self._fault())
        finally:
            self.busy.discard(address)
            self.answered[address] = asyncio.get_running_loop().time()

    def _fault(self) -> str:
        now = asyncio.get_running_loop().time()
        here = (fault for fault in self.story.faults if fault.channel == self.name)
        return next((fault.kind for fault in here if _is_on(fault, now)), "")

    def _answer(self, address: str, message: Message, fault: str) -> None:
        now = asyncio.get_running_loop().time()
        match fault:
            case "later":
                raise DeliveryDeferred("expected an answer, found none")
            case "asks":
                self.asked_until[address] = now + 7
                raise DeliveryDeferred("too many requests", 7000)
            case "never":
                raise DeliveryRefused("the chat is gone")
            case "markup" if message.html is not None:
                raise MarkupRefused("cannot parse entities")
            case "hangs":
                raise DeliveryDeferred("no answer in time")
        self._keep_rates(address, now)
        self.accepted[address] = now
        self.taken(self.name, address, message)

    def _keep_rates(self, address: str, now: float) -> None:
        """Note whoever is faster than a real service would allow."""
        if self.name != "telegram":
            return
        self._arrived = [at for at in self._arrived if now - at < BURST_S] + [now]
        if (
            len(self._arrived) > BURST
            or now - self.accepted.get(address, -9.0) < GAP_S
            or now < self.asked_until.get(address, 0)
        ):
            self.broken.append(f"{address} at {now:.3f}")


def _is_on(fault: Fault, now: float) -> bool:
    return fault.from_s <= now < fault.until_s
