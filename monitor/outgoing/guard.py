"""Where a URL may lead: its host is resolved, every address is checked, and the connection goes to that address."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from yarl import URL

from monitor.clock import Clock
from monitor.errors import ConfigError, EndpointError
from monitor.log import redact

RESOLVE_TIMEOUT_S = 5.0
KEEP_ADDRESS_MS = 60_000

Resolve = Callable[[str, int], Awaitable[list[str]]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Python's own `is_global` differs between patch releases, so the list stands here.
_CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24"
            " 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
            " ::/96 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20"
            " 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
        ).split(),
    )
)


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet may mean."""
    ip: _Address = ipaddress.ip_address(address.partition("%")[0])
    return not any(ip in network for network in _CLOSED if network.version == ip.version)


def scrub(url: URL, text: str) -> str:
    """Return the text without user, path and query of the URL, at most 200 characters of it."""
    secrets = {url.raw_user, url.user, url.raw_password, url.password, url.raw_path_qs, url.path_qs}
    secrets |= {*url.raw_parts, *url.parts, url.raw_query_string, url.query_string, *url.query.values()}
    return redact(text, sorted((s for s in secrets if s), key=len, reverse=True))[:200]


async def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses the system knows for a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A URL with an IP address for a host, and the name it stood for."""

    url: URL
    host: str
    server_hostname: str | None


@dataclass(slots=True)
class Destination:
    """One outside URL. Its text may carry a key and never appears in an error."""

    url: URL = field(repr=False)
    allow_private: bool
    clock: Clock = field(repr=False)
    resolve: Resolve = field(default=system_resolve, repr=False)
    _pinned: Pinned | None = field(default=None, init=False, repr=False)
    _until_ms: int = field(default=0, init=False, repr=False)

    @property
    def label(self) -> str:
        """Host, and the port when it is written out."""
        host = self.url.host or "?"
        return f"{host}:{self.url.explicit_port}" if self.url.explicit_port else host

    def scrub(self, text: str) -> str:
        """Return the text without what this URL may hide."""
        return scrub(self.url, text)

    async def pinned(self) -> Pinned:
        """Return the checked address, resolved anew once a minute.

        Raises ConfigError for a private address that is not allowed, EndpointError when the name does not resolve.
        """
        if self._pinned is None or self.clock.monotonic_ms() >= self._until_ms:
            self._pinned = await self._resolve()
            self._until_ms = self.clock.monotonic_ms() + KEEP_ADDRESS_MS
        return self._pinned

    def forget(self) -> None:
        """Resolve again before the next connection: this address did not work."""
        self._pinned = None

    async def _resolve(self) -> Pinned:
        host, port = self.url.host or "", self.url.port or 0
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_S):
                addresses = await self.resolve(host, port)
        except (OSError, UnicodeError) as e:
            raise EndpointError(f"{self.label}: expected the host to resolve, found {type(e).__name__}") from e
        closed = [address for address in addresses if not is_public(address)]
        if closed and not self.allow_private:
            raise ConfigError(
                f"{self.label}: expected a public address, found {closed[0]}: "
                "set allow_private = true if this is your own node"
            )
        is_tls = self.url.scheme in ("https", "wss")
        written = host if self.url.is_default_port() else f"{host}:{port}"
        return Pinned(self.url.with_host(addresses[0]), written, host if is_tls else None)
