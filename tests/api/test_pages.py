"""Pages of the list: their tag, and what is given while the next one is worked out."""

import asyncio

import pytest

from monitor.api.asked.at_risk import Pages
from monitor.client.wire.asked import AtRiskQuestion
from monitor.store import Page, PositionView, Views
from tests.api.served import Served
from tests.fakes.clock import FakeClock
from tests.fakes.evaluations import evaluation, position


async def test_a_page_is_sent_again_only_when_more_than_its_ages_changed(api: Served):
    await api.commit(*(evaluation(f"1.{n:03}", of=position(n)) for n in range(5)))

    async def asked(tag: str | None) -> tuple[int, str, bytes]:
        headers = {} if tag is None else {"If-None-Match": tag}
        async with api.client.get("/v1/at-risk?limit=3", headers=headers) as response:
            return response.status, response.headers["ETag"], await response.read()

    status, tag, body = await asked(None)
    assert (status, tag[:3], body.count(b'"age_s":0')) == (200, 'W/"', 3)
    assert await asked(tag) == (304, tag, b"")
    assert await asked(f'"other", {tag}') == (304, tag, b"")
    await api.advance(5)
    assert (await asked(tag))[0] == 304
    status, same, later = await asked(None)
    assert (status, same, later) == (200, tag, body.replace(b'"age_s":0', b'"age_s":5'))
    await api.commit(evaluation("1.001", of=position(1), at=2), at=2)
    status, other, _ = await asked(tag)
    assert (status, other != tag) == (200, True)
    assert (await api.get("/v1/at-risk?limit=2", headers={"If-None-Match": other}))[0] == 200


class Slow:
    """A list that takes as long as it is told to, and knows how often it was asked."""

    def __init__(self, views: Views) -> None:
        self.views, self.asked, self.block, self.stamp = views, 0, asyncio.Event(), (1,)
        self.block.set()

    async def at_risk(self, *wanted) -> Page[PositionView]:
        self.asked += 1
        await self.block.wait()
        return await self.views.at_risk(*wanted)


async def test_while_the_next_page_is_worked_out_the_last_one_stands_for_it_and_not_for_long(api: Served):
    await api.commit(evaluation("1.1"))
    clock, slow, query = FakeClock(api.clock.wall_s()), Slow(api.store.views), AtRiskQuestion()
    pages = Pages(slow, clock)
    first = await pages.of(query)
    assert (slow.asked, await pages.of(query)) == (1, first)
    keeping = asyncio.gather(pages.run())
    try:
        await api.commit(evaluation("1.05", at=2), at=2)
        slow.block.clear()
        slow.stamp = (2,)
        await asyncio.sleep(0)
        await clock.advance(0.1)
        assert ((await pages.of(query)).tag, slow.asked) == (first.tag, 2)
        await clock.advance(11)
        waiting = asyncio.gather(pages.of(query), pages.of(query), pages.of(query))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        slow.block.set()
        assert {page.tag for page in await waiting} != {first.tag}
        assert slow.asked == 2
        asked = slow.asked
        slow.stamp = (3,)
        for _ in range(30):
            await clock.advance(1)
            await asyncio.sleep(0)
        slow.stamp = (4,)
        await clock.advance(1)
        assert slow.asked <= asked + 1, "nobody asks for it any more"
    finally:
        keeping.cancel()


async def test_how_long_a_page_was_right_does_not_count_against_it(api: Served):
    await api.commit(evaluation("1.1"))
    clock, slow, query = FakeClock(api.clock.wall_s()), Slow(api.store.views), AtRiskQuestion()
    pages = Pages(slow, clock)
    first = await pages.of(query)
    keeping = asyncio.gather(pages.run())
    try:
        for _ in range(12):
            await clock.advance(5)
            await pages.of(query)
        slow.block.clear()
        slow.stamp = (2,)
        await clock.advance(9)
        assert ((await asyncio.wait_for(pages.of(query), 1)).tag, slow.asked) == (first.tag, 2)
        await clock.advance(2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pages.of(query), 0.05)
    finally:
        keeping.cancel()
