"""What a lens costs on the wire beside the items and outputs themselves."""

from monitor.query import LensAnswer, LensCall, ask_raw
from tests.faults.proxy import Proxy
from tests.sources.conftest import MakeChain
from tests.sources.contracts import ECHO

ITEMS = tuple(i.to_bytes(20) for i in range(10_000))


async def test_the_wire_carries_two_digits_per_byte_and_a_kilobyte_per_request(proxy: Proxy, chain_of: MakeChain):
    chain = await chain_of(proxy.url)
    head = await chain.head()
    proxy.forget()
    (answer,) = await chain.read(ask_raw(LensCall(ECHO, b"", ITEMS)), head)
    assert isinstance(answer, LensAnswer)
    sent = sum(proxy.sizes)
    assert sent <= 2 * 20 * len(ITEMS) + 1024 * proxy.posts
    assert proxy.posts <= 15


async def test_a_second_read_needs_fewer_requests_because_sizes_were_learned(proxy: Proxy, chain_of: MakeChain):
    chain = await chain_of(proxy.url)
    head = await chain.head()
    counts = []
    for _ in range(2):
        proxy.forget()
        await chain.read(ask_raw(LensCall(ECHO, b"", ITEMS)), head)
        counts.append(proxy.posts)
    assert counts[1] < counts[0]
