"""How soon the next message may go out on a channel, and to which addresses not yet."""

import asyncio
from collections import defaultdict, deque
from typing import Self

from monitor.channels.channel import Limits, is_group
from monitor.clock import Clock

CHANNEL_PAUSE_MS = 1000
_LOOK_MS = 20


class Place:
    """What one message holds inside its block: its address, and once it is `taken` a place in the channel's pace."""

    def __init__(self, pace: "Pace", address: str) -> None:
        self._pace, self._address = pace, address
        self._is_taken = self._is_left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave(is_answered=False)

    async def taken(self) -> None:
        """Wait until its turn has come."""
        await self._pace.take()
        self._is_taken = True

    def answered(self) -> None:
        """Say that the channel has answered; from now on others may go."""
        self._leave(is_answered=True)

    def _leave(self, *, is_answered: bool) -> None:
        if not self._is_left:
            self._is_left = True
            self._pace.left(self._address, is_taken=self._is_taken, is_answered=is_answered)


class Pace:
    """The recent past of one channel in monotonic time; everyone who sends over it asks here.

    A message counts from when it was answered: it can only have arrived before, so the receiver sees no more than that.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._door = asyncio.Lock()
        self._taken = 0
        self._busy: set[str] = set()
        self._answered_ms: deque[int] = deque()
        self._of_group_ms: dict[str, deque[int]] = defaultdict(deque)
        self._free_ms: dict[str, int] = {}
        self._paused_ms = 0

    async def free(self, address: str) -> None:
        """Wait until a message may go to an address, which is to be claimed at once."""
        while (wait_ms := self.wait_for_ms(address)) > 0:
            await self._clock.sleep(wait_ms / 1000)

    def for_address(self, address: str) -> Place:
        """Claim an address that is free: nothing else goes there until the place is left."""
        self._busy.add(address)
        return Place(self, address)

    async def take(self) -> None:
        """Wait for the next place in the channel's pace, first come first served, and take it."""
        async with self._door:
            while (wait_ms := self._wait_ms()) > 0:
                await self._clock.sleep(wait_ms / 1000)
            self._taken += 1

    def left(self, address: str, *, is_taken: bool, is_answered: bool) -> None:
        """Count an answer, good or bad; what never reached the channel counts for nothing."""
        self._taken -= is_taken
        self._busy.discard(address)
        if not is_answered:
            return
        now_ms = self._clock.monotonic_ms()
        self._answered_ms.append(now_ms)
        if is_group(address) and self._limits.group_messages:
            self._of_group_ms[address].append(now_ms)
        self.hold(address, self._limits.gap_ms)

    def one_more(self) -> None:
        """Count one more message to where one is on its way."""
        self._answered_ms.append(self._clock.monotonic_ms())

    def hold(self, address: str, wait_ms: int) -> None:
        """Leave an address alone for so long."""
        if wait_ms > 0:
            self._free_ms[address] = max(self._free_ms.get(address, 0), self._clock.monotonic_ms() + wait_ms)

    def pause(self, wait_ms: int) -> None:
        """Leave the whole channel alone for so long."""
        self._paused_ms = max(self._paused_ms, self._clock.monotonic_ms() + wait_ms)

    def asked_to_wait(self, address: str, wait_ms: int) -> None:
        """Keep a wait that the channel asked for: whole for the address, and at most a second for all others."""
        self.hold(address, wait_ms)
        self.pause(min(wait_ms, CHANNEL_PAUSE_MS))

    @property
    def busy(self) -> frozenset[str]:
        """The addresses something is on its way to."""
        return frozenset(self._busy)

    def held(self) -> dict[str, int]:
        """Return the addresses that must wait, and for how many milliseconds."""
        now_ms = self._clock.monotonic_ms()
        self._free_ms = {address: free for address, free in self._free_ms.items() if free > now_ms}
        waits = {address: free - now_ms for address, free in self._free_ms.items()}
        for address in list(self._of_group_ms):
            past = self._of_group_ms[address]
            _forget(past, now_ms - self._limits.group_window_ms)
            if not past:
                del self._of_group_ms[address]
            elif len(past) >= self._limits.group_messages:
                full_ms = past[-self._limits.group_messages] + self._limits.group_window_ms - now_ms
                waits[address] = max(waits.get(address, 0), full_ms)
        return waits

    def wait_for_ms(self, address: str) -> int:
        """Return how long nothing may go to an address, as far as is known."""
        return _LOOK_MS if address in self._busy else self.held().get(address, 0)

    def _wait_ms(self) -> int:
        now_ms = self._clock.monotonic_ms()
        _forget(self._answered_ms, now_ms - self._limits.window_ms)
        wait_ms = max(self._paused_ms - now_ms, 0)
        if self._taken + len(self._answered_ms) < self._limits.messages:
            return wait_ms
        if not self._answered_ms:
            return max(wait_ms, _LOOK_MS)
        return max(wait_ms, self._answered_ms[0] + self._limits.window_ms - now_ms)


def _forget(past_ms: deque[int], until_ms: int) -> None:
    while past_ms and past_ms[0] <= until_ms:
        past_ms.popleft()
