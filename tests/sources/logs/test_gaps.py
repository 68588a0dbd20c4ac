"""Every thousand blocks are read again, and what was missed the first time comes to light."""

from typing import Any

import pytest

from monitor.domain.ids import Address
from monitor.domain.moment import BlockRef
from monitor.errors import BlockMoved
from monitor.query import Log, LogFilter
from monitor.sources.logs.agreed import Agreed
from monitor.sources.logs.gaps import Gap, Gaps
from monitor.sources.logs.scan import Progress, Scan
from tests.sources.logs.provider import OTHER, POOL, TOPIC, WANTED, Provider, Reading, block_of, entry
from tests.sources.logs.test_agreed import bloomless, one_in_a_hundred

BLOCKS = 3_500
HISTORY = [entry(number, index) for number in range(1, BLOCKS + 1) for index in range(number % 4)]


class Reader:
    """A chain over providers, read as the cycle does: block by block, and in ranges."""

    def __init__(self, *providers: Provider) -> None:
        self.reading = Reading(providers)

    async def at(self, number: int, wanted: LogFilter = WANTED) -> tuple[Log, ...]:
        reading = self.reading
        return await Agreed(reading.failover, block_of(number), reading.limits, reading.doubt).of_block(wanted)

    def logs(self, wanted: LogFilter, first: int, last: int, at: BlockRef, progress: Progress = lambda _: None) -> Any:
        scan = Scan(self.reading.clock, self.reading.fit, at, self.reading.doubt)
        return scan.ranges(wanted, first, last, progress)


async def followed(reader: Reader, gaps: Gaps, last: int, first: int = 1) -> tuple[list[Log], list[Gap]]:
    """Take every block in turn, audit whenever it is due, and return the logs taken and the audits."""
    taken, audits = list[Log](), list[Gap]()
    for number in range(first, last + 1):
        logs = await reader.at(number)
        taken += logs
        gaps.took(WANTED, number, number, logs)
        if gaps.is_due:
            audits.append(await gaps.audit(reader, block_of(number)))
    return taken, audits


async def test_a_node_that_indexes_late_is_found_out_and_every_log_is_had_in_the_end():
    late = bloomless(Provider(HISTORY, BLOCKS))
    late.drops = lambda e: one_in_a_hundred(9)(e) and int(e["blockNumber"], 16) > reached[0] - 5
    reached, reader, gaps = [0], Reader(late), Gaps()
    taken, audits = list[Log](), list[Gap]()
    for number in range(1, 3_001):
        reached[0] = number
        logs = await reader.at(number)
        taken += logs
        gaps.took(WANTED, number, number, logs)
        if gaps.is_due:
            reached[0] = number + 5
            audits.append(await gaps.audit(reader, block_of(number)))
    lost = len([e for e in HISTORY if int(e["blockNumber"], 16) <= 3_000]) - len(taken)
    assert lost > 20
    assert [(gap.first, gap.last) for gap in audits] == [(1, 1_000), (1_001, 2_000), (2_001, 3_000)]
    assert sum(len(gap.missing) for gap in audits) == lost
    complete = {*taken, *(log for gap in audits for log in gap.missing)}
    assert len(complete) == len([e for e in HISTORY if int(e["blockNumber"], 16) <= 3_000])


async def test_where_nothing_was_missed_an_audit_finds_nothing():
    _, audits = await followed(Reader(Provider(HISTORY, BLOCKS)), Gaps(), BLOCKS)
    assert [(gap.missing, gap.too_many) for gap in audits] == [((), 0)] * 3


async def test_a_block_that_was_never_taken_is_a_gap_of_its_own_window():
    reader, gaps = Reader(Provider(HISTORY, BLOCKS)), Gaps(100)
    gaps.took(WANTED, 1, 50, await reader.at(3))
    gaps.took(WANTED, 51, 100, [])
    gap = await gaps.audit(reader, block_of(100))
    assert len(gap.missing) == len([e for e in HISTORY if int(e["blockNumber"], 16) <= 100]) - 3


async def test_what_a_reorg_replaced_is_not_missed():
    reader, gaps = Reader(Provider(HISTORY, BLOCKS)), Gaps(100)
    await followed(reader, gaps, 60)
    gaps.took(WANTED, 61, 70, [log for number in range(61, 71) for log in await reader.at(number + 200)])
    gaps.undone(60)
    _, audits = await followed(reader, gaps, 110, first=61)
    assert audits == [Gap(1, 100, (), 0)]


async def test_a_reorg_below_the_last_audit_begins_a_new_window():
    reader, gaps = Reader(Provider(HISTORY, BLOCKS)), Gaps(100)
    await followed(reader, gaps, 105)
    gaps.undone(90)
    _, audits = await followed(reader, gaps, 190, first=91)
    assert audits == [Gap(91, 190, (), 0)]


async def test_a_log_that_was_taken_and_is_not_there_is_counted():
    reader, gaps = Reader(Provider(HISTORY, BLOCKS)), Gaps(50)
    gaps.took(WANTED, 1, 50, [log for n in range(1, 51) for log in (*await reader.at(n), *await reader.at(n + 99))])
    gap = await gaps.audit(reader, block_of(50))
    assert gap.missing == ()
    assert gap.too_many == len([e for e in HISTORY if 100 <= int(e["blockNumber"], 16) < 150])


async def test_a_filter_that_grows_opens_no_gap():
    entries = sorted([*HISTORY, *(entry(n, 9, OTHER) for n in range(1, 200))], key=lambda e: int(e["blockNumber"], 16))
    reader, gaps = Reader(Provider(entries, BLOCKS)), Gaps(100)
    wider = LogFilter((POOL, Address(OTHER)), ((TOPIC,),))
    for number in range(1, 201):
        wanted = WANTED if number < 50 else wider
        gaps.took(wanted, number, number, await reader.at(number, wanted))
        if gaps.is_due:
            gap = await gaps.audit(reader, block_of(number))
            assert (gap.missing, gap.too_many) == ((), 0)


async def test_an_audit_that_cannot_read_stays_due():
    reader, gaps = Reader(provider := Provider(HISTORY, BLOCKS)), Gaps(100)
    for number in range(1, 101):
        gaps.took(WANTED, number, number, await reader.at(number))
    provider.head = 50
    with pytest.raises(BlockMoved):
        await gaps.audit(reader, block_of(100))
    assert gaps.is_due
    provider.head = BLOCKS
    assert await gaps.audit(reader, block_of(100)) == Gap(1, 100, (), 0)


@pytest.mark.long
async def test_of_a_million_logs_none_is_missed_beside_an_endpoint_that_loses_a_hundredth():
    per_block, blocks = 40, 25_000
    lossy = Endless(per_block, blocks, drops=lambda e: int(e["topics"][1], 16) * 7_919 % 10_007 < 100, label="lossy")
    reader = Reader(lossy, Endless(per_block, blocks))
    found, before = 0, (0, -1)
    async for _, logs in reader.logs(WANTED, 1, blocks, block_of(blocks)):
        for log in logs:
            assert before < (log.block_number, log.index)
            before = (log.block_number, log.index)
        found += len(logs)
    assert found == per_block * blocks == 1_000_000
    assert lossy.lost > 5_000


class Endless(Provider):
    """A history too long to hold: so many logs in every block, made when they are asked for."""

    def __init__(self, per_block: int, head: int, **more: Any) -> None:
        super().__init__((), head, **more)
        self.per_block = per_block
        self.lost = 0
        self._drops, self.drops = self.drops, self._counted

    def of(self, first: int, last: int) -> list[dict[str, Any]]:
        return [entry(n, i) for n in range(max(first, 1), last + 1) for i in range(self.per_block)]

    def _counted(self, e: dict[str, Any]) -> bool:
        is_lost = self._drops(e)
        self.lost += is_lost
        return is_lost
