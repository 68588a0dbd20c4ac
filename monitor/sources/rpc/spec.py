"""What is known about a chain and its endpoints before anything is asked, and what is told about them afterwards."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from yarl import URL

from monitor.domain.ids import Address, ChainId
from monitor.domain.moment import BlockRef
from monitor.errors import ConfigError
from monitor.outgoing.guard import scrub

SCHEMES = ("http", "https", "ws", "wss")
MULTICALL3 = Address("0xca11bde05977b3631167028862be2a173976ca11")


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """One way to a node: `http(s)://`, `ws(s)://` or the path of an IPC socket. The URL may carry a key."""

    url: str = field(repr=False)
    requests_per_s: int | None = None
    max_batch: int = 100

    @property
    def parsed(self) -> URL | None:
        """The URL, None for a socket's path; raises ConfigError for anything else, without repeating it."""
        if "://" not in self.url:
            return None
        try:
            url = URL(self.url)
        except ValueError:
            url = URL()
        if url.scheme not in SCHEMES or not url.host:
            raise ConfigError(
                "expected an rpc URL http(s)://host/… or ws(s)://host/…, or the path of a node's IPC socket, "
                f"found a {url.scheme or 'malformed'} one without use"
            )
        return url

    @property
    def label(self) -> str:
        """What may be shown: host and written port, or the socket's file name."""
        url = self.parsed
        if url is None:
            return self.url.rpartition("/")[2]
        return f"{url.host}:{url.explicit_port}" if url.explicit_port else str(url.host)

    def scrub(self, text: str) -> str:
        """Return the text without what the URL may hide."""
        url = self.parsed
        return text[:200] if url is None else scrub(url, text)


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """One chain as configured.

    An endpoint more than `lag_blocks` behind the others is not asked. Where no endpoint knows which block is final,
    those `settle_blocks` below the head are taken for it. `halted_after_ms` is for chains that make no empty blocks;
    None goes by the block time.
    """

    id: ChainId
    name: str
    block_time_ms: int
    endpoints: tuple[EndpointSpec, ...]
    lag_blocks: int = 5
    settle_blocks: int = 64
    halted_after_ms: int | None = None
    allow_private: bool = False
    multicall3: Address = MULTICALL3

    @property
    def number(self) -> int:
        """The EIP-155 chain id."""
        return int(self.id.removeprefix("eip155:"))


class Urgency(IntEnum):
    """Whose requests go first when there are more than an endpoint takes."""

    URGENT = 0
    ROUTINE = 1


class EndpointState(StrEnum):
    """Whether and why an endpoint is asked or left out."""

    NEW = "new"
    OK = "ok"
    LAGGING = "lagging"
    STUCK = "stuck"
    COOLING = "cooling"
    QUARANTINED = "quarantined"
    WRONG_CHAIN = "wrong_chain"
    REFUSED = "refused"


class Way(StrEnum):
    """How code runs at a block, cheapest first."""

    OVERRIDE = "override"
    DEPLOYLESS_REVERT = "deployless_revert"
    DEPLOYLESS_RETURN = "deployless_return"
    MULTICALL3 = "multicall3"
    BATCH = "batch"
    SINGLE = "single"


class Pin(StrEnum):
    """How a read is held to one block: by its hash (EIP-1898), or by its number with the hash checked around it."""

    HASH = "hash"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """One endpoint as operators and metrics see it. Never holds a path or a key.

    `log_blocks` and `log_addresses` are what the next request for logs may ask for at once, None for any number.
    `flags` counts failed checks that are still on trial, `renewals` the connections given up for being silent.
    """

    label: str
    state: EndpointState
    reason: str
    head: BlockRef | None
    lag_blocks: int
    head_age_ms: int | None
    calls: int
    requests: int
    errors: int
    rate_limited: int
    disagreements: int
    flags: int
    renewals: int
    latency_p50_ms: int | None
    latency_p95_ms: int | None
    ways: tuple[Way, ...]
    pin: Pin
    max_batch: int
    chunk_items: int
    wait_ms: int
    log_blocks: int
    log_addresses: int | None
