"""How much one caller may ask: size of a request, requests per second, connections and patience."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

from monitor.clock import Clock
from monitor.units import div_up

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Limits:
    """What the API puts up with; `proxies` are the networks whose X-Forwarded-For is believed.

    A stream ends after `stream_s`, so that its key is looked at again when it is asked for anew.
    """

    requests_per_s: int = 200
    burst: int = 400
    body_bytes: int = 64 * 1024
    header_bytes: int = 8 * 1024
    connections: int = 100
    patience_s: float = 10.0
    stream_s: float = 600.0
    proxies: tuple[Network, ...] = ()


class Pace:
    """One bucket of tokens per caller, refilled by the clock; the longest unseen callers are forgotten."""

    def __init__(self, clock: Clock, limits: Limits, callers: int = 10_000) -> None:
        self._clock = clock
        self._per_s = limits.requests_per_s
        self._full = limits.burst * 1000
        self._callers = callers
        self._left: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait_ms(self, caller: str) -> int:
        """Take one token and return 0, or return how long until there is one."""
        now_ms = self._clock.monotonic_ms()
        left, seen_ms = self._left.pop(caller, (self._full, now_ms))
        left = min(self._full, left + (now_ms - seen_ms) * self._per_s)
        wait_ms = 0 if left >= 1000 else div_up(1000 - left, self._per_s)
        self._left[caller] = (left - 1000 if wait_ms == 0 else left, now_ms)
        if len(self._left) > self._callers:
            self._left.popitem(last=False)
        return wait_ms


def peer(request: web.Request, proxies: Sequence[Network]) -> str:
    """Return whom a request without a key comes from: an IPv4 address or an IPv6 /64.

    Behind our own proxies it is the right-most address of X-Forwarded-For that is not one of them; what a client
    writes further left is not believed.
    """
    found = _address(request.remote or "")
    hops = [part for line in request.headers.getall("X-Forwarded-For", ()) for part in line.split(",")]
    while found is not None and hops and any(found in network for network in proxies):
        found = _address(hops.pop()) or found
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found)


def check_size(request: web.Request, limits: Limits) -> None:
    """Raise 431 or 413 for a request that is larger than it may be."""
    header_bytes = len(request.raw_path) + sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    if header_bytes > limits.header_bytes:
        raise web.HTTPRequestHeaderFieldsTooLarge(text=f"expected at most {limits.header_bytes} bytes of headers")
    if (request.content_length or 0) > limits.body_bytes:
        raise web.HTTPRequestEntityTooLarge(
            max_size=limits.body_bytes,
            actual_size=request.content_length or 0,
            text=f"expected at most {limits.body_bytes} bytes of body",
        )


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip().split("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
