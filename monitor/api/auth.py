"""Who may ask: API keys known by their hash, and what each of them is for."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from aiohttp import web

from monitor.errors import ConfigError

SECRET_CHARACTERS = 32


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key's name, the SHA-256 of its secret, and its scopes; the secret itself is not kept."""

    name: str
    digest: bytes
    scopes: frozenset[Scope]

    @classmethod
    def of(cls, secret: str, scopes: Iterable[Scope] = Scope, name: str | None = None) -> "ApiKey":
        """Return the key of a secret, named after its hash unless told otherwise.

        Raises ConfigError when the secret is too short to be random or cannot stand in a header.
        """
        if len(secret) < SECRET_CHARACTERS or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ConfigError(
                f"expected an API key of at least {SECRET_CHARACTERS} printable ASCII characters without blanks, "
                f"found one of {len(secret)} characters; make one with `openssl rand -hex 32`"
            )
        digest = _sha256(secret)
        return cls(name or digest.hex()[:8], digest, frozenset(scopes))


class Access:
    """Decides who asks and whether they may; without keys everybody on this machine may."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for."""
        return not self._keys

    def holder(self, request: web.Request) -> ApiKey | None:
        """Return the key the request carries, None when it carries none of ours."""
        secret = _presented(request)
        if secret is None:
            return None
        digest, found = _sha256(secret), None
        for key in self._keys:
            # Every key is compared, so the time taken says nothing about which one was near.
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def check(self, request: web.Request, scope: Scope | None) -> None:
        """Let the request pass; raises 401 without a key of ours, 403 when the key is not for this.

        Without keys the request must name this machine, else a page in a browser could ask through a name of its own.
        """
        if self.is_open:
            if not is_loopback(request.url.host or ""):
                raise web.HTTPForbidden(text="without API keys only requests to localhost are answered")
            return
        if scope is None:
            return
        key = self.holder(request)
        if key is None:
            raise web.HTTPUnauthorized(
                text="expected an API key in `Authorization: Bearer …` or `X-API-Key`",
                headers={"WWW-Authenticate": 'Bearer realm="hfm"'},
            )
        if scope not in key.scopes:
            raise web.HTTPForbidden(text=f"this API key lacks the scope {scope.value!r}")

    def check_bind(self, host: str) -> None:
        """Raise ConfigError when the host can be reached by others and no key is asked for."""
        if self.is_open and not is_loopback(host):
            raise ConfigError(
                f"expected API keys to listen on {host!r}, found none: set api.keys, or api.host = '127.0.0.1'"
            )


def is_loopback(host: str) -> bool:
    """Say whether the name or address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _presented(request: web.Request) -> str | None:
    bearer, plain = request.headers.get("Authorization"), request.headers.get("X-API-Key")
    if bearer is None:
        return plain
    kind, _, secret = bearer.partition(" ")
    return secret.strip() if kind.lower() == "bearer" and plain is None else None


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
