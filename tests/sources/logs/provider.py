"""A provider in this process: a made-up history of logs, and limits that it refuses to go beyond in its own words."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.domain.ids import Address, ChainId
from monitor.domain.moment import BlockRef
from monitor.query import LogFilter
from monitor.sources.jsonrpc.messages import Fault, Request
from monitor.sources.logs.bloom import bloom_from
from monitor.sources.logs.entries import from_node
from monitor.sources.rpc.comparison import Doubt
from monitor.sources.rpc.endpoint import Abilities, Endpoint
from monitor.sources.rpc.failover import Failover, Limits
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec, Pin
from tests.fakes.clock import FakeClock
from tests.sources.logs.dialects import ADDRESSES, BLOCKS, NO_ADDRESS, RESULTS, TOPICS, Dialect

LOCAL = ChainSpec(ChainId("eip155:31337"), "local", 12_000, (), allow_private=True)
POOL = Address("0x" + "0a" * 20)
OTHER = Address("0x" + "0b" * 20)
TOPIC = "0x" + "77" * 32
WANTED = LogFilter((POOL,), ((TOPIC,),))


def hash_of(number: int) -> str:
    return f"0x{number + 1:064x}"


def block_of(number: int) -> BlockRef:
    return BlockRef(LOCAL.id, number, hash_of(number), hash_of(number - 1), 1_750_000_000 + number)


def entry(number: int, index: int, address: str = POOL, topic: str = TOPIC) -> dict[str, Any]:
    """A log as a node writes it; its second topic is its own."""
    return {
        "address": address,
        "topics": [topic, f"0x{number * 1_000 + index:064x}"],
        "data": "0x",
        "blockNumber": hex(number),
        "blockHash": hash_of(number),
        "logIndex": hex(index),
        "transactionHash": hash_of(number * 7 + 1),
        "removed": False,
    }


@dataclass
class Provider:
    """Serves the entries, which are in order. `drops` says which logs its index has lost; receipts have all."""

    entries: Sequence[dict[str, Any]]
    head: int
    dialect: Dialect | None = None
    label: str = "provider"
    drops: Callable[[dict[str, Any]], bool] = lambda _: False
    receipts: bool = True
    log_calls: list[tuple[int, int]] = field(default_factory=list)
    refused: int = 0
    methods: list[str] = field(default_factory=list)
    renewals: int = 0

    def __post_init__(self) -> None:
        self._numbers = [int(e["blockNumber"], 16) for e in self.entries]

    async def connect(self) -> None:
        """Nothing to open."""

    def tend(self) -> None:
        """Nothing to tend."""

    async def close(self) -> None:
        """Nothing to close."""

    async def send(self, requests: Sequence[Request], timeout_s: float) -> list[Any | Fault]:
        self.methods += [request.method for request in requests]
        return [self._answer(request.method, request.params) for request in requests]

    def of(self, first: int, last: int) -> list[dict[str, Any]]:
        """Return the entries of blocks first to last."""
        return list(self.entries[bisect_left(self._numbers, first) : bisect_right(self._numbers, last)])

    def _answer(self, method: str, params: Sequence[Any]) -> Any | Fault:
        match method:
            case "eth_chainId":
                return hex(LOCAL.number)
            case "eth_getBlockByNumber":
                return self._header(int(params[0], 16))
            case "eth_getBlockByHash":
                return self._header(int(params[0], 16) - 1)
            case "eth_getLogs":
                return self._logs(params[0])
            case "eth_getBlockReceipts" | "eth_getTransactionReceipt" if self.receipts:
                return self._receipts(method, int(params[0], 16))
        return Fault(-32601, f"the method {method} does not exist/is not available")

    def _receipts(self, method: str, hash_number: int) -> Any:
        is_one = method == "eth_getTransactionReceipt"
        number = (hash_number - 2) // 7 if is_one else hash_number - 1
        receipt = {"logs": self.of(number, number)}
        return receipt if is_one else [receipt]

    def _header(self, number: int) -> dict[str, Any] | None:
        if number > self.head:
            return None
        block, own = block_of(number), self.of(number, number)
        bloom = bloom_from(from_node(own, number, number, "history"))
        return {
            "number": hex(number),
            "hash": block.hash,
            "parentHash": block.parent_hash,
            "timestamp": hex(block.timestamp_s),
            "logsBloom": f"0x{bloom:0512x}",
            "gasUsed": "0x5208" if own else "0x0",
        }

    def _logs(self, asked: dict[str, Any]) -> list[dict[str, Any]] | Fault:
        if "blockHash" in asked:
            first = last = int(asked["blockHash"], 16) - 1
        else:
            first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        self.log_calls.append((first, last))
        addresses, topics = set(asked.get("address", ())), (asked.get("topics") or [None])[0]
        found = [
            e
            for e in self.of(first, min(last, self.head))
            if (not addresses or e["address"] in addresses) and (not topics or e["topics"][0] in topics)
        ]
        refusal = self._refusal(first, last, len(found), len(addresses), len(topics or ()))
        self.refused += refusal is not None
        return refusal or [e for e in found if not self.drops(e)]

    def _refusal(self, first: int, last: int, results: int, addresses: int, topics: int) -> Fault | None:
        if self.dialect is None:
            return None
        limit = self.dialect.limit
        too_much = {
            BLOCKS: last - first + 1 > limit,
            RESULTS: results > limit,
            ADDRESSES: addresses > limit,
            TOPICS: topics > limit,
            NO_ADDRESS: not addresses,
        }
        if not too_much[self.dialect.bound]:
            return None
        until = first + limit - 1 if self.dialect.bound == BLOCKS else self._last_that_fits(first, last, limit)
        said = self.dialect.text.format(
            limit=limit,
            first=first,
            last=until,
            first_hex=hex(first),
            last_hex=hex(until),
            from_block=first,
            to_block=last,
            asked=last - first + 1,
            asked_span=f"{first}-{last}",
        )
        return Fault(self.dialect.code, said)

    def _last_that_fits(self, first: int, last: int, limit: int) -> int:
        own = self.of(first, last)
        return int(own[limit]["blockNumber"], 16) - 1 if len(own) > limit else last


def endpoint_of(provider: Provider, clock: FakeClock) -> Endpoint:
    """An open endpoint over the provider."""
    made = Endpoint(EndpointSpec(f"http://{provider.label}"), LOCAL, provider, clock)
    made.opened(Abilities(Pin.HASH, max_batch=100))
    return made


@dataclass
class Reading:
    """What a scan or a comparison needs, over some providers."""

    providers: Sequence[Provider]
    clock: FakeClock = field(default_factory=lambda: FakeClock(runs=True))

    def __post_init__(self) -> None:
        self.endpoints = [endpoint_of(provider, self.clock) for provider in self.providers]
        self.doubt = Doubt(self.clock)
        self.failover = Failover(self.clock, self.fit)
        self.limits = Limits.within(self.clock, 60)

    def fit(self) -> list[Endpoint]:
        return [endpoint for endpoint in self.endpoints if not endpoint.is_quarantined]
