"""How fast accounts of real pools are read over loopback by the real source, and judged exactly."""

import time
from collections.abc import Callable

import pytest

from monitor.clock import SystemClock
from monitor.domain.ids import ChainId
from monitor.sources.opening import open_chain
from monitor.sources.rpc.spec import ChainSpec, EndpointSpec
from tests.devnet.chain.client import Chain, running_chain
from tests.devnet.chain.multicall3 import install_multicall3
from tests.devnet.venus.core import core_pool
from tests.devnet.venus.isolated import isolated_pool
from tests.devnet.venus.pool import Pool
from tests.protocols.compound_v2.recorded import ADAPTER
from tests.protocols.compound_v2.venus.watched import Watched

pytestmark = [pytest.mark.devnet, pytest.mark.long]

ACCOUNTS = 3_000
LEAST_PER_CPU_S, MOST_EXACT_US = 7_000, 15


@pytest.mark.parametrize("opened", [isolated_pool, core_pool])
async def test_reading_and_judging_three_thousand_accounts_is_within_budget(opened: Callable[..., Pool]) -> None:
    with running_chain() as chain:
        await _measured(chain, opened)


async def _measured(chain: Chain, opened: Callable[..., Pool]) -> None:
    watched = Watched(opened(chain, people=ACCOUNTS))
    install_multicall3(chain)
    chain.mine()
    spec = ChainSpec(
        ChainId("eip155:31337"), "local", 12_000, (EndpointSpec(chain.node.http_url),), 1, allow_private=True
    )
    wall, busy = list[float](), list[float]()
    async with open_chain(spec, SystemClock()) as source:
        at = await source.head()
        market = await source.read(ADAPTER.market(watched.deployment, watched.key), at)
        accounts = await source.read(ADAPTER.accounts(market, watched.keys), at)
        for _ in range(5):
            began, began_busy = time.perf_counter(), time.process_time()
            accounts = await source.read(ADAPTER.accounts(market, watched.keys), at)
            wall.append(time.perf_counter() - began)
            busy.append(time.process_time() - began_busy)
    assert accounts.failed == ()
    rows, exact_s = list(accounts), list[float]()
    for start in range(0, ACCOUNTS, ACCOUNTS // 10):
        part, began = rows[start : start + ACCOUNTS // 10], time.perf_counter()
        assert len(list(ADAPTER.healths(market, part))) == len(part)
        exact_s.append((time.perf_counter() - began) / len(part))
    per_s, per_busy_s, exact_us = ACCOUNTS / min(wall), ACCOUNTS / min(busy), min(exact_s) * 1e6
    print(f"{opened.__name__}: {per_s:,.0f} accounts/s over loopback, {per_busy_s:,.0f} per second of our own work")
    print(f"{exact_us:.1f} µs each exactly")
    assert per_busy_s >= LEAST_PER_CPU_S
    assert exact_us <= MOST_EXACT_US
