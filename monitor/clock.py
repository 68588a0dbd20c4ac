"""Time and chance, injected: wall clock for display and stored deadlines, monotonic for ages and waits."""

import asyncio
import random
import secrets
import time
from typing import Protocol


class Clock(Protocol):
    """What the service knows about time."""

    def wall_s(self) -> int:
        """Return seconds since 1970, UTC."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clocks."""

    def wall_s(self) -> int:
        """Return seconds since 1970, UTC."""
        return int(time.time())

    def monotonic_ms(self) -> int:
        """Return milliseconds that never run backwards."""
        return time.monotonic_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def jitter() -> float:
    """Return a number from 0 to 1 that spreads retries; it protects nothing."""
    return random.random()  # noqa: S311  # not for secrets


def salt() -> int:
    """Return 63 bits that nobody outside can guess."""
    return secrets.randbits(63)


def secret(size_bytes: int) -> str:
    """Return that many bytes that nobody can guess, as hex digits."""
    return secrets.token_hex(size_bytes)


def token() -> str:
    """Return 128 bits that nobody outside can guess, as 22 letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(16)
