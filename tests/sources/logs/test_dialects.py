"""Every provider's refusal is understood, worked around at once, and remembered."""

import pytest

from monitor.domain.ids import Address
from monitor.query import Log, LogFilter
from monitor.sources.logs.scan import Scan
from tests.sources.logs.dialects import ADDRESSES, BLOCKS, DIALECTS, RESULTS, TOPICS, Dialect
from tests.sources.logs.provider import POOL, TOPIC, Provider, Reading, block_of, entry

HEAD = 120_000
EVERY = 17
HISTORY = [entry(number, index) for number in range(0, HEAD + 1, EVERY) for index in range(number % 3)]
MANY = tuple(Address(f"0x{i:040x}") for i in range(1, 40))
SOME_TOPICS = tuple(f"0x{i:064x}" for i in range(1, 9))


def _optimal(dialect: Dialect, first: int) -> int:
    """How few answers hold the whole history within the limit."""
    if dialect.bound == BLOCKS:
        return -(-(HEAD - first + 1) // dialect.limit)
    if dialect.bound == RESULTS:
        wanted = [e for e in HISTORY if int(e["blockNumber"], 16) >= first]
        return -(-len(wanted) // dialect.limit)
    return 1


async def _read(reading: Reading, wanted: LogFilter, first: int) -> list[Log]:
    scan = Scan(reading.clock, reading.fit, block_of(HEAD), reading.doubt)
    return [log async for _, logs in scan.ranges(wanted, first, HEAD) for log in logs]


@pytest.mark.parametrize("dialect", DIALECTS, ids=[d.speaker for d in DIALECTS])
async def test_a_refusing_provider_is_read_whole_with_few_more_requests_than_it_takes(dialect: Dialect):
    provider = Provider(HISTORY, HEAD, dialect)
    reading = Reading([provider])
    wanted = LogFilter((POOL, *MANY), ((TOPIC, *SOME_TOPICS),))
    first = HEAD - 4_000 if dialect.limit <= 100 and dialect.bound == BLOCKS else 0
    expected = [(int(e["blockNumber"], 16), int(e["logIndex"], 16)) for e in HISTORY]
    expected = [place for place in expected if place[0] >= first]
    assert [(log.block_number, log.index) for log in await _read(reading, wanted, first)] == expected
    assert provider.refused <= 20
    provider.log_calls.clear()
    provider.refused = 0
    assert [(log.block_number, log.index) for log in await _read(reading, wanted, first)] == expected
    parts = {ADDRESSES: 1, TOPICS: 3}.get(dialect.bound, 1)
    assert len(provider.log_calls) <= 2 * parts * max(_optimal(dialect, first), HEAD // 100_000 + 1)
    if dialect.bound != RESULTS:
        assert provider.refused == 0


def test_the_corpus_holds_a_dozen_speakers_and_every_bound():
    assert len({d.speaker.partition(",")[0] for d in DIALECTS}) >= 12
    assert {d.bound for d in DIALECTS} == {"blocks", "results", "addresses", "topics", "no address"}
