"""Signed requests: whose key it is, that the signature is right, and that no request is taken twice."""

import hmac
from typing import Protocol

from aiohttp import web

from monitor.api.auth import ApiKey, Scope
from monitor.client.signing import SKEW_S, Signed, signature
from monitor.clock import Clock
from monitor.store import StoredKey

_FRESH_MS = 1000
_NOBODY = bytes(32)


class Ring(Protocol):
    """Where keys are kept."""

    async def every(self) -> tuple[StoredKey, ...]:
        """Return every key that was ever made; raises StoreError."""
        ...


class Signatures:
    """Checks signatures against the keys of a ring, which is read anew once a second.

    A signature is good for 30 seconds around the service's time, once. What was forgotten stays forbidden when the
    clock is put back.
    """

    def __init__(self, ring: Ring, clock: Clock) -> None:
        self._ring, self._clock = ring, clock
        self._keys: dict[str, ApiKey] = {}
        self._read_ms: int | None = None
        self._spent: dict[int, set[tuple[str, str]]] = {}
        self._floor_s = 0
        self.has_keys = False

    async def refresh(self) -> None:
        """Read the keys unless that was done within the last second; raises StoreError."""
        now_ms = self._clock.monotonic_ms()
        if self._read_ms is not None and now_ms - self._read_ms < _FRESH_MS:
            return
        every = await self._ring.every()
        self._keys = {key.id: _api_key(key) for key in every if key.revoked_s is None}
        self.has_keys, self._read_ms = bool(every), now_ms

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """The keys that are good, as last read."""
        return tuple(self._keys.values())

    async def holder(self, request: web.Request, signed: Signed) -> ApiKey | None:
        """Return whose signature the request carries, None where it is not good."""
        if not self._is_timely(signed.time_s):
            return None
        await self.refresh()
        key = self._keys.get(signed.key)
        body = await request.read()
        expected = signature(
            key.digest if key else _NOBODY, request.method, request.raw_path, signed.time_s, signed.nonce, body
        )
        return key if hmac.compare_digest(expected, signed.signature) else None

    def spend(self, signed: Signed) -> bool:
        """Note that a good signature was used, and return whether this is the first time."""
        oldest_s = self._clock.wall_s() - SKEW_S
        for time_s in [time_s for time_s in self._spent if time_s < oldest_s]:
            del self._spent[time_s]
            self._floor_s = max(self._floor_s, time_s + 1)
        used, this = self._spent.setdefault(signed.time_s, set()), (signed.key, signed.nonce)
        if this in used or signed.time_s < self._floor_s:
            return False
        used.add(this)
        return True

    def _is_timely(self, time_s: int) -> bool:
        return abs(self._clock.wall_s() - time_s) <= SKEW_S and time_s >= self._floor_s


def _api_key(key: StoredKey) -> ApiKey:
    return ApiKey(key.id, key.digest, frozenset(scope for scope in Scope if scope.value in key.scopes))
