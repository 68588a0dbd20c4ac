"""The cap on requests holds whatever is asked, and says what is left so that the nearest accounts can go first."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from monitor.query import EthCall, ask_raw
from monitor.sources.jsonrpc.messages import Request
from monitor.sources.rpc.endpoint import Abilities, Endpoint
from monitor.sources.rpc.spec import EndpointSpec, Pin, Urgency
from tests.fakes.clock import FakeClock
from tests.sources.conftest import LOCAL, MakeChain
from tests.sources.contracts import TELLS_ITSELF, Node

CAP = 20


class Counting:
    """A transport that notes when how many requests came."""

    renewals = 0

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.came: list[tuple[int, int]] = []
        self.order: list[str] = []

    async def connect(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    def tend(self) -> None:
        """Nothing to tend."""

    async def send(self, requests: Sequence[Request], timeout_s: float) -> list[Any]:
        self.came.append((self.clock.monotonic_ms(), len(requests)))
        self.order += [request.method for request in requests]
        return ["0x1"] * len(requests)

    def most_in_a_second(self) -> int:
        return max(sum(n for at, n in self.came if start <= at < start + 1_000) for start, _ in self.came)


def endpoint(clock: FakeClock, transport: Counting) -> Endpoint:
    made = Endpoint(EndpointSpec("http://node", requests_per_s=CAP), LOCAL, transport, clock)
    made.opened(Abilities(Pin.HASH, max_batch=100))
    return made


async def test_under_load_no_second_sees_more_requests_than_the_cap():
    clock, dice = FakeClock(runs=True), random.Random(3)
    node = endpoint(clock, transport := Counting(clock))
    sizes = [[dice.choice([1, 2, 5, 60, 250]) for _ in range(8)] for _ in range(20)]

    async def load(mine: list[int]) -> None:
        for size in mine:
            asked = await node.ask_many([Request("eth_call")] * size, urgency=dice.choice(list(Urgency)))
            assert len(asked) == size
            await clock.sleep(dice.choice([0, 0.2, 1]))

    async with asyncio.TaskGroup() as group:
        for mine in sizes:
            group.create_task(load(mine))
    total = sum(map(sum, sizes))
    assert transport.most_in_a_second() <= CAP
    assert sum(n for _, n in transport.came) == total
    assert clock.monotonic_ms() <= 1.25 * 1_000 * total / CAP


async def test_with_little_left_the_nearest_accounts_are_read_first_and_in_time():
    clock = FakeClock(runs=True)
    node = endpoint(clock, transport := Counting(clock))
    async with asyncio.TaskGroup() as group:
        group.create_task(node.ask_many([Request("far")] * 200))
        await asyncio.sleep(0)
        for _ in range(10):
            group.create_task(node.ask_many([Request("near")], urgency=Urgency.URGENT))
    assert max(i for i, method in enumerate(transport.order) if method == "near") < 2 * CAP + 10
    assert transport.most_in_a_second() <= CAP


async def test_a_chain_says_what_is_left_over_all_its_fit_endpoints(node: Node, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(
        EndpointSpec(node.http, requests_per_s=CAP), EndpointSpec(node.ws, requests_per_s=30), clock=clock
    )
    head = await chain.head()
    await clock.sleep(2)
    assert chain.requests_left() == CAP + 30
    assert chain.requests_left(within_s=12) == 13 * (CAP + 30)
    await chain.read(ask_raw(*[EthCall(TELLS_ITSELF, b"", untrusted=True)] * 10), head)
    left = chain.requests_left()
    assert left is not None
    assert 0 < left < CAP + 30


async def test_a_chain_without_a_cap_says_so(node: Node, chain_of: MakeChain):
    chain = await chain_of(EndpointSpec(node.http, requests_per_s=CAP), node.ws, clock=FakeClock(runs=True))
    await chain.head()
    assert chain.requests_left(12) is None
