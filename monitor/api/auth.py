"""Who may ask: API keys known by their hash, and what each of them is for."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Protocol

from aiohttp import web

from monitor.client.signing import SCHEME, SKEW_S, Signed, signing_key
from monitor.errors import ConfigError

SECRET_CHARACTERS = 32


class Scope(StrEnum):
    """What a key may do; with `admin` everything."""

    READ = "read"
    ACK = "ack"
    METRICS = "metrics"
    ADMIN = "admin"


OWN = frozenset((Scope.READ, Scope.ACK, Scope.METRICS))
"""What a key of the settings may do."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key's name, the SHA-256 of its secret, and its scopes; the secret itself is not kept."""

    name: str
    digest: bytes
    scopes: frozenset[Scope]

    @classmethod
    def of(
        cls, secret: str, scopes: Iterable[Scope] = (Scope.READ, Scope.ACK, Scope.METRICS), name: str | None = None
    ) -> "ApiKey":
        """Return the key of a secret, named after its hash unless told otherwise.

        Raises ConfigError when the secret is too short to be random or cannot stand in a header.
        """
        if len(secret) < SECRET_CHARACTERS or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ConfigError(
                f"expected an API key of at least {SECRET_CHARACTERS} printable ASCII characters without blanks, "
                f"found one of {len(secret)} characters; make one with `openssl rand -hex 32`"
            )
        digest = signing_key(secret)
        return cls(name or digest.hex()[:8], digest, frozenset(scopes))


class Signing(Protocol):
    """What checks signed requests."""

    has_keys: bool

    @property
    def keys(self) -> Sequence[ApiKey]: ...
    async def refresh(self) -> None: ...
    async def holder(self, request: web.Request, signed: Signed) -> ApiKey | None: ...
    def spend(self, signed: Signed) -> bool: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: whose key it is, None for a stranger; and the signature where the request is signed."""

    key: ApiKey | None = None
    signed: Signed | None = None


CALLER = web.RequestKey("caller", Caller)


class Access:
    """Decides who asks and whether they may; before the first key was made everybody on this machine may.

    A key of the settings is carried in a header. One that was made by `hfm keys` signs, and is asked for from then on
    even when all of them are revoked.
    """

    def __init__(self, keys: Sequence[ApiKey], signing: Signing | None = None) -> None:
        self._keys = tuple(keys)
        self._signing = signing

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for."""
        return not self._keys and not (self._signing and self._signing.has_keys)

    async def refresh(self) -> None:
        """Learn which keys there are; raises StoreError."""
        if self._signing is not None:
            await self._signing.refresh()

    async def caller(self, request: web.Request) -> Caller:
        """Return who asks; raises StoreError when the keys cannot be read and there were none before."""
        await self.refresh()
        header = request.headers.get("Authorization")
        signed = Signed.parse(header) if header is not None and self._signing is not None else None
        if signed is None or self._signing is None:
            return Caller(self.holder(request))
        return Caller(await self._signing.holder(request, signed), signed)

    def holder(self, request: web.Request) -> ApiKey | None:
        """Return the key whose secret the request carries, None when it carries none of ours."""
        secret = _presented(request)
        return None if secret is None else _of(secret, self._keys)

    @property
    def keys(self) -> Sequence[ApiKey]:
        """Every key that is good, those that sign included, as last learned."""
        return (*self._keys, *(() if self._signing is None else self._signing.keys))

    async def needs_key(self, request: web.Request) -> bool:
        """Return whether a page asks for a key; raises HTTPForbidden for a strange host where none is, StoreError."""
        await self.refresh()
        self.check(request, Caller(), None)
        return not self.is_open

    def reader(self, secret: str) -> str | None:
        """Return the name of the key that somebody at a page shows, of those that sign too; None when none may read."""
        key = _of(secret, self.keys)
        return key.name if key is not None and _reads(key) else None

    def holds(self, name: str) -> bool:
        """Return whether the key of this name is still good for reading."""
        return any(key.name == name and _reads(key) for key in self.keys)

    def check(self, request: web.Request, caller: Caller, scope: Scope | None) -> None:
        """Let the request pass; raises 401 without a key of ours, 403 when the key is not for this.

        Without keys the request must name this machine, else a page in a browser could ask through a name of its own.
        """
        if self.is_open:
            if not is_loopback(request.url.host or ""):
                raise web.HTTPForbidden(text="without API keys only requests to localhost are answered")
            return
        if scope is None:
            return
        is_new = caller.signed is None or self._signing is None or self._signing.spend(caller.signed)
        if caller.key is None or not is_new:
            raise web.HTTPUnauthorized(
                text="expected an API key in `Authorization: Bearer …` or `X-API-Key`, or a signature "
                f"`Authorization: {SCHEME} …` that is right, used once and at most {SKEW_S} s old",
                headers={"WWW-Authenticate": f'Bearer realm="hfm", {SCHEME}'},
            )
        if not {scope, Scope.ADMIN} & caller.key.scopes:
            raise web.HTTPForbidden(text=f"this API key lacks the scope {scope.value!r}")

    def check_bind(self, host: str) -> None:
        """Raise ConfigError when the host can be reached by others and no key is asked for."""
        if self.is_open and not is_loopback(host):
            raise ConfigError(
                f"expected API keys to listen on {host!r}, found none: set api.keys, make one with `hfm keys create`, "
                "or set api.host = '127.0.0.1'"
            )


def is_loopback(host: str) -> bool:
    """Say whether the name or address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _reads(key: ApiKey) -> bool:
    return not key.scopes.isdisjoint({Scope.READ, Scope.ADMIN})


def _of(secret: str, keys: Sequence[ApiKey]) -> ApiKey | None:
    digest, found = signing_key(secret), None
    for key in keys:
        # Every key is compared, so the time taken says nothing about which one was near.
        if hmac.compare_digest(key.digest, digest):
            found = key
    return found


def _presented(request: web.Request) -> str | None:
    bearer, plain = request.headers.get("Authorization"), request.headers.get("X-API-Key")
    if bearer is None:
        return plain
    kind, _, secret = bearer.partition(" ")
    return secret.strip() if kind.lower() == "bearer" and plain is None else None
