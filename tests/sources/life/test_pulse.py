"""A chain that stands still is told from endpoints that do, through a halt of 116 minutes and its end."""

from contextlib import suppress
from itertools import groupby

import pytest

from monitor.domain.alerts import Alert, AlertKind
from monitor.domain.liveness import Halted, Live, Liveness, Unreachable
from monitor.errors import NoEndpoint
from monitor.rules.halt import halt_news
from monitor.sources.life.pulse import patience_ms
from monitor.sources.rpc.chain import Chain
from tests.fakes.clock import FakeClock
from tests.faults import wire
from tests.faults.proxy import Faults
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import Node

BLOCK_S, HALT_S = 2, 116 * 60


async def watched(chain: Chain, clock: FakeClock, seconds: int, every_s: int = 10) -> list[Liveness]:
    """Look for the head again and again and return what the chain was found to be."""
    found: list[Liveness] = []
    for _ in range(seconds // every_s):
        await clock.sleep(every_s)
        with suppress(NoEndpoint):
            await chain.head()
        found.append(chain.liveness)
    return found


def kinds(found: list[Liveness]) -> list[type[Liveness]]:
    return [kind for kind, _ in groupby(map(type, found))]


def test_ten_block_times_are_waited_for_and_a_minute_at_least():
    assert [patience_ms(ms) for ms in (260, 2_000, 12_000, 30_000)] == [60_000, 60_000, 120_000, 300_000]


async def test_through_a_halt_there_is_one_transition_into_it_and_one_out_of_it(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    one, other = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(one.url, other.url, clock=clock, block_time_ms=BLOCK_S * 1000)
    found: list[Liveness] = []
    for _ in range(20):
        node.mine()
        found += await watched(chain, clock, BLOCK_S, BLOCK_S)
    last = await chain.head()
    found += await watched(chain, clock, HALT_S)
    halted = found[-1]
    assert halted == Halted(last, last.timestamp_s, agreeing=2, endpoints=2)
    node.mine()
    started_ms = clock.monotonic_ms()
    first = await chain.wait_for_head(last, 3600)
    found.append(chain.liveness)
    assert clock.monotonic_ms() - started_ms <= BLOCK_S * 1000
    assert first.number == last.number + 1
    for _ in range(20):
        node.mine()
        found += await watched(chain, clock, BLOCK_S, BLOCK_S)
    assert kinds(found) == [Live, Halted, Live]
    said: list[Alert] = []
    for seen in found:
        news = halt_news(said[-1] if said else None, seen, "base", clock.wall_s())
        said += [news] if news else []
    assert [(alert.kind, alert.at_block) for alert in said] == [
        (AlertKind.UNKNOWN, last.number),
        (AlertKind.KNOWN_AGAIN, first.number),
    ]
    assert 60 <= 10 * next(i for i, seen in enumerate(found[20:], 1) if isinstance(seen, Halted)) <= 70


async def test_endpoints_that_fail_are_no_halt_before_during_or_after_one(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    both = [await proxies(), await proxies()]
    clock = FakeClock(runs=True)
    chain = await chain_of(*(p.url for p in both), clock=clock, block_time_ms=BLOCK_S * 1000)
    last = await chain.head()
    for p in both:
        p.faults = Faults(wire=wire.reset)
    assert kinds(await watched(chain, clock, 600))[-1:] == [Unreachable]
    gone = chain.liveness
    assert isinstance(gone, Unreachable)
    assert gone.head == last
    assert "expected" in gone.reason
    assert 580 <= clock.wall_s() - gone.since_s <= 600
    for p in both:
        p.faults = Faults()
    await watched(chain, clock, 40)
    assert kinds(await watched(chain, clock, 600)) == [Live, Halted]
    for p in both:
        p.faults = Faults(wire=wire.reset)
    assert kinds(await watched(chain, clock, 60)) == [Halted, Unreachable]
    for p in both:
        p.faults = Faults()
    await watched(chain, clock, 40)
    assert kinds(await watched(chain, clock, 600)) == [Halted]
    node.mine()
    assert kinds(await watched(chain, clock, 30)) == [Live]


async def test_an_outage_of_all_endpoints_does_not_count_as_standing_still(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    proxy = await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(proxy.url, clock=clock, block_time_ms=BLOCK_S * 1000)
    await watched(chain, clock, 40)
    proxy.faults = Faults(wire=wire.reset)
    assert Halted not in kinds(await watched(chain, clock, 300, every_s=4))


async def test_a_node_that_stands_still_beside_one_that_goes_on_is_no_halt(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    stuck, good = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(stuck.url, good.url, clock=clock, block_time_ms=BLOCK_S * 1000)
    stuck.faults = Faults(frozen=(await chain.head()).number)
    for _ in range(100):
        node.mine()
        await clock.sleep(BLOCK_S)
        await chain.head()
        assert isinstance(chain.liveness, Live)


async def test_of_three_the_one_that_goes_on_alone_keeps_the_chain_from_being_called_halted(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    stuck, stuck_too, good = [await proxies() for _ in range(3)]
    clock = FakeClock(runs=True)
    chain = await chain_of(stuck.url, stuck_too.url, good.url, clock=clock, block_time_ms=BLOCK_S * 1000)
    frozen = (await chain.head()).number
    stuck.faults = stuck_too.faults = Faults(frozen=frozen)
    for _ in range(100):
        node.mine()
        await clock.sleep(BLOCK_S)
        await chain.head()
        assert isinstance(chain.liveness, Live)


async def test_where_only_a_node_behind_the_others_is_left_it_is_not_the_chain_that_stands_still(
    node: Node, proxies: MakeProxy, chain_of: MakeChain
):
    slow, quick = await proxies(), await proxies()
    clock = FakeClock(runs=True)
    chain = await chain_of(slow.url, quick.url, clock=clock, block_time_ms=BLOCK_S * 1000)
    slow.faults = Faults(frozen=(await chain.head()).number)
    node.mine(2)
    await watched(chain, clock, 30)
    quick.faults = Faults(wire=wire.reset)
    found = await watched(chain, clock, 600)
    assert Halted not in kinds(found)
    seen = found[-1]
    assert isinstance(seen, Unreachable)
    assert "behind" in seen.reason
    quick.faults = Faults()
    assert kinds(await watched(chain, clock, 200))[-1] is Halted
    node.mine()
    assert kinds(await watched(chain, clock, 30))[-1] is Live


@pytest.mark.parametrize("trouble", ["jitter", "joins", "leaves", "clock"])
async def test_a_halt_lasts_whatever_the_endpoints_and_the_clock_do_meanwhile(
    node: Node, proxies: MakeProxy, chain_of: MakeChain, trouble: str
):
    node.mine(10)
    one, other = await proxies(), await proxies()
    if trouble == "joins":
        other.faults = Faults(wire=wire.reset)
    clock = FakeClock(runs=True)
    chain = await chain_of(one.url, other.url, clock=clock, block_time_ms=BLOCK_S * 1000)
    await watched(chain, clock, 120)
    if trouble == "jitter":
        one.faults = other.faults = Faults(jitter=3)
    other.faults = {"joins": Faults(lag=2), "leaves": Faults(wire=wire.reset)}.get(trouble, other.faults)
    if trouble == "clock":
        clock.jump_wall(-7200)
    found = await watched(chain, clock, HALT_S)
    assert kinds(found) == [Halted]
    seen = found[-1]
    assert isinstance(seen, Halted)
    assert seen.agreeing in {"joins": (1,), "leaves": (1,), "jitter": (1, 2), "clock": (2,)}[trouble]


async def test_at_a_start_in_the_middle_of_a_halt_standing_still_is_watched_first(chain_of: MakeChain, node: Node):
    latest = int(node.rpc.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    clock = FakeClock(latest + 3600, runs=True)
    chain = await chain_of(node.http, clock=clock, block_time_ms=BLOCK_S * 1000)
    await chain.head()
    assert isinstance(chain.liveness, Live)
    found = await watched(chain, clock, 120)
    assert kinds(found) == [Live, Halted]
    assert isinstance(found[-1], Halted)
    assert found[-1].since_s == latest


async def test_a_chain_without_empty_blocks_is_given_the_time_it_is_configured_with(node: Node, chain_of: MakeChain):
    clock = FakeClock(runs=True)
    chain = await chain_of(node.http, clock=clock, block_time_ms=BLOCK_S * 1000, halted_after_ms=600_000)
    await chain.head()
    assert kinds(await watched(chain, clock, 590)) == [Live]
    assert kinds(await watched(chain, clock, 30))[-1] is Halted


async def test_before_anybody_is_asked_nothing_is_known(node: Node, chain_of: MakeChain):
    chain = await chain_of(node.http, clock=FakeClock(runs=True))
    assert isinstance(chain.liveness, Unreachable)
