"""How fast positions of the real contract are read over loopback by the real source, and judged exactly."""

import time

import pytest

from monitor.clock import SystemClock
from monitor.domain.health import Measured
from monitor.domain.ids import ChainId, PositionKey
from monitor.protocols.morpho_blue.accounts import position_slots
from monitor.protocols.morpho_blue.interest import Totals
from monitor.sources.opening import open_chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from tests.devnet.chain.rpc import strict
from tests.protocols.morpho_blue.watched import Watched

pytestmark = [pytest.mark.devnet, pytest.mark.long]

ACCOUNTS = 20_000
LEAST_PER_S = 10_000
MOST_EXACT_US = 15


async def test_reading_and_judging_twenty_thousand_positions_is_within_budget(watched: Watched) -> None:
    morpho = watched.morpho
    one = morpho.of("weth-usdc")
    market = watched.market(one)
    assert isinstance(market.totals, Totals)
    keys = [PositionKey(f"0x{0x5EED_0000 + i:040x}") for i in range(ACCOUNTS)]
    words = [(1 + i) * 10**18 << 128 | (1 + i) * 1_500 * 10**12 for i in range(ACCOUNTS)]
    slots = position_slots(market.key, keys)
    writes = [
        ("anvil_setStorageAt", (morpho.address, "0x" + slot.hex(), f"0x{word:064x}"))
        for slot, word in zip(slots, words, strict=True)
    ]
    strict(morpho.chain.rpc.batch(writes, 5_000))
    morpho.chain.mine()
    spec = ChainSpec(
        ChainId("eip155:31337"), "local", 12_000, (EndpointSpec(morpho.chain.node.http_url),), 1, allow_private=True
    )
    async with open_chain(spec, SystemClock()) as chain:
        at = await chain.head()
        market = await chain.read(watched.adapter.market(watched.deployment, market.key), at)
        accounts, took = await chain.read(watched.adapter.accounts(market, keys), at), list[float]()
        for _ in range(3):
            began = time.perf_counter()
            accounts = await chain.read(watched.adapter.accounts(market, keys), at)
            took.append(time.perf_counter() - began)
    per_s = ACCOUNTS / min(took)
    assert [b.raw for a in list(accounts)[:3] for b in a.balances] == [
        part for word in words[:3] for part in (word >> 128, word % 2**128)
    ]
    whole, exact_s = list(accounts), list[float]()
    for start in range(0, ACCOUNTS, ACCOUNTS // 10):
        part, began = whole[start : start + ACCOUNTS // 10], time.perf_counter()
        found = list(watched.adapter.healths(market, part))
        exact_s.append(time.perf_counter() - began)
        assert all(isinstance(health, Measured) for health in found)
    exact_us = min(exact_s) * 10 / ACCOUNTS * 10**6
    print(f"{per_s:,.0f} positions/s over loopback, {exact_us:.1f} µs each exactly")
    assert per_s >= LEAST_PER_S
    assert exact_us <= MOST_EXACT_US
