"""How fast accounts of the real contract are read over loopback by the real source, and judged exactly."""

import time

import pytest

from monitor.clock import SystemClock
from monitor.domain.health import Measured
from monitor.domain.ids import ChainId, PositionKey
from monitor.sources.opening import open_chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from tests.protocols.aave_v2.watched import Watched

pytestmark = [pytest.mark.devnet, pytest.mark.long]

ACCOUNTS = 6_000
LEAST_PER_S = 10_000
MOST_EXACT_US, MOST_FULL_MS = 15, 1.0


async def test_reading_and_judging_thousands_of_accounts_is_within_budget(in_ether: Watched) -> None:
    adapter, devnet = in_ether.adapter, in_ether.devnet
    borrowers = [PositionKey(a.key) for a in in_ether.accounts(in_ether.market()) if len(a.balances) == 3]
    keys = (borrowers * (ACCOUNTS // len(borrowers) + 1))[:ACCOUNTS]
    endpoint = EndpointSpec(devnet.chain.node.http_url)
    spec = ChainSpec(ChainId("eip155:31337"), "local", 12_000, (endpoint,), 1, allow_private=True)
    async with open_chain(spec, SystemClock()) as chain:
        at = await chain.head()
        market = await chain.read(adapter.market(in_ether.deployment, in_ether.key), at)
        accounts, took = await chain.read(adapter.accounts(market, keys), at), list[float]()
        for _ in range(3):
            began = time.perf_counter()
            accounts = await chain.read(adapter.accounts(market, keys), at)
            took.append(time.perf_counter() - began)
    per_s = ACCOUNTS / min(took)
    in_ether.node.wire_bytes = 0
    in_ether.accounts(market, keys)
    whole, exact_s, full_s = list(accounts), list[float](), list[float]()
    for start in range(0, ACCOUNTS, ACCOUNTS // 10):
        part, began = whole[start : start + ACCOUNTS // 10], time.perf_counter()
        found = list(adapter.healths(market, part))
        exact_s.append(time.perf_counter() - began)
        assert sum(isinstance(health, Measured) for health in found) > len(found) // 2
        began = time.perf_counter()
        for account in part[:100]:
            adapter.assess(market, account)
            adapter.quote(market, account)
        full_s.append(time.perf_counter() - began)
    exact_us, full_ms = min(exact_s) * 10 / ACCOUNTS * 10**6, min(full_s) * 10
    print(
        f"{per_s:,.0f} accounts/s over loopback, {in_ether.node.wire_bytes / 2 / ACCOUNTS:.0f} bytes each, "
        f"{exact_us:.1f} µs each exactly, {full_ms:.3f} ms assessed and quoted"
    )
    assert per_s >= LEAST_PER_S
    assert exact_us <= MOST_EXACT_US
    assert full_ms <= MOST_FULL_MS
