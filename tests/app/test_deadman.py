"""The sign of life stops when any part of the service does, each alone, and comes again when it goes on."""

import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from monitor import log
from tests.app.living import URL_SECRET, Living, living

LIMIT_S = 90
FAULTS = {
    "evaluator": Living.evaluator_hung,
    "sender": Living.sender_hung,
    "database": Living.database_blocked,
    "network": Living.network_cut_off,
    "every endpoint of the chain": Living.chain_cut_off,
    "the venue": Living.venue_cut_off,
}


@pytest.fixture(autouse=True)
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.configure(stream, as_json=True)
    yield stream
    structlog.reset_defaults()


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_heartbeat_stops_within_ninety_seconds_of_any_one_fault_and_comes_again_after_it(
    fault: str, tmp_path: Path
):
    async with living(tmp_path) as service:
        await service.until_pinged(2, within_s=200)
        await service.go(31)
        began_s = service.now_s
        async with FAULTS[fault](service):
            await service.go(240)
        assert service.pinged.at_s[-1] - began_s <= LIMIT_S
        await service.until_pinged(2, within_s=240)


async def test_the_heartbeat_comes_no_more_often_than_it_is_asked_to(tmp_path: Path):
    async with living(tmp_path) as service:
        await service.until_pinged(4, within_s=400)
        came = service.pinged.at_s
    between = [later - earlier for earlier, later in itertools.pairwise(came)]
    assert min(between) >= 60
    assert max(between) <= 75


async def test_a_heartbeat_that_does_not_arrive_is_counted_and_tried_again_with_a_later_pass(
    tmp_path: Path, lines: io.StringIO
):
    async with living(tmp_path) as service:
        await service.go(100, lambda: service.man.pings == 1)
        service.pinged.status = 503
        await service.go(150, lambda: service.man.failures == 3)
        service.pinged.status = 200
        await service.go(30, lambda: service.man.pings == 2)
        assert (service.man.pings, service.man.failures) == (2, 3)
        came = service.pinged.at_s
        assert min(later - earlier for earlier, later in itertools.pairwise(came[1:])) >= 10
    said = lines.getvalue()
    assert "expected the heartbeat's receiver to answer 200, found 503" in said
    assert URL_SECRET not in said
