"""A new check flags and takes nobody out for seven days on each chain, through restarts and wrong clocks."""

import pytest

from monitor.sources.life.probation import SOFT_S, Check, Probation
from monitor.sources.logs.agreed import Agreed
from monitor.sources.rpc.comparison import Doubt
from monitor.sources.rpc.spec import EndpointState
from tests.fakes.clock import FakeClock
from tests.faults.proxy import Faults
from tests.sources.conftest import MakeChain, MakeProxy
from tests.sources.contracts import Node
from tests.sources.logs.provider import WANTED, Provider, Reading, block_of, entry

NOW_S = 1_750_000_000
DAY_S = 86_400
HISTORY = [entry(number, 0) for number in range(1, 50)]


def test_a_check_is_soft_for_seven_days_from_its_first_run():
    probation = Probation()
    found = [probation.is_over(Check.LOGS, NOW_S + day * DAY_S) for day in range(9)]
    assert found == [False] * 7 + [True] * 2
    assert not Probation().is_over(Check.LOGS, NOW_S + SOFT_S)


def test_a_restart_does_not_begin_the_seven_days_anew():
    first = Probation()
    first.begin(NOW_S)
    again = Probation.resumed(first.since_s)
    again.begin(NOW_S + 6 * DAY_S)
    assert again.since_s == {check.value: NOW_S for check in Check}
    assert again.is_over(Check.LOGS, NOW_S + SOFT_S)


def test_what_began_in_the_future_of_a_wrong_clock_begins_anew_and_softly():
    probation = Probation.resumed({Check.LOGS.value: NOW_S + 3600})
    assert not probation.is_over(Check.LOGS, NOW_S)
    assert not probation.is_over(Check.LOGS, NOW_S + SOFT_S - 1)
    assert probation.is_over(Check.LOGS, NOW_S + SOFT_S)


@pytest.mark.parametrize(("ran_s", "is_out"), [(0, False), (SOFT_S - 1, False), (SOFT_S, True)])
async def test_an_endpoint_that_loses_logs_is_taken_out_only_once_the_check_is_proven(ran_s: int, is_out: bool):
    lossy = Provider(HISTORY, 50, drops=lambda e: e["blockNumber"] == "0x7", label="lossy")
    reading = Reading([lossy, Provider(HISTORY, 50)], FakeClock(NOW_S, runs=True))
    doubt = Doubt(reading.clock, Probation.resumed({Check.LOGS.value: NOW_S - ran_s}))
    agreed = Agreed(reading.failover, block_of(50), reading.limits, doubt)
    assert len(await agreed.of_span(WANTED, 0, 50)) == len(HISTORY)
    endpoint = reading.endpoints[0]
    assert endpoint.is_quarantined is is_out
    assert (endpoint.meter.disagreements, endpoint.meter.flags) == (1, int(not is_out))
    assert not reading.endpoints[1].is_quarantined


async def test_the_last_endpoint_is_never_taken_out_by_a_new_check():
    reading = Reading([Provider(HISTORY, 50, drops=lambda _: True)], FakeClock(NOW_S, runs=True))
    doubt = Doubt(reading.clock, Probation.resumed({Check.LOGS.value: NOW_S - SOFT_S}))
    found = await Agreed(reading.failover, block_of(7), reading.limits, doubt).of_block(WANTED)
    assert [log.block_number for log in found] == [7]
    assert not reading.endpoints[0].is_quarantined
    assert reading.endpoints[0].meter.flags == 1


async def test_each_chain_has_its_own_seven_days_from_its_start(node: Node, proxies: MakeProxy, chain_of: MakeChain):
    clock = FakeClock(NOW_S, runs=True)
    first = await chain_of((await proxies()).url, clock=clock)
    await clock.sleep(SOFT_S)
    second = await chain_of((await proxies()).url, clock=clock)
    assert first.probation.is_over(Check.LOGS, clock.wall_s())
    assert not second.probation.is_over(Check.LOGS, clock.wall_s())
    assert [first.probation.since_s, second.probation.since_s] == [
        {check.value: began_s for check in Check} for began_s in (NOW_S, NOW_S + SOFT_S)
    ]


async def test_a_proven_check_is_not_new_and_is_applied_from_the_first_day(proxies: MakeProxy, chain_of: MakeChain):
    good, wrong = await proxies(), await proxies()
    wrong.faults = Faults(chain_id=1)
    chain = await chain_of(good.url, wrong.url, clock=FakeClock(NOW_S, runs=True))
    assert [status.state for status in chain.status()] == [EndpointState.OK, EndpointState.WRONG_CHAIN]
