"""No event is missed when logs go missing, and nothing is believed above what a node has."""

import random
from typing import Any

import pytest

from monitor.errors import BlockMoved, EndpointError, EndpointsDisagree, NoEndpoint, ReadError
from monitor.query import LogFilter
from monitor.sources.logs.agreed import Agreed
from monitor.sources.logs.scan import Scan, ScanProgress
from tests.sources.logs.provider import OTHER, POOL, TOPIC, WANTED, Provider, Reading, block_of, entry

HEAD = 30_000
LOST_OF_1000 = 10


def history(last: int, every: int = 3) -> list[dict[str, Any]]:
    return [
        e
        for number in range(1, last + 1, every)
        for e in (entry(number, 0), entry(number, 1, OTHER), entry(number, 2), *_more(number))
    ]


def _more(number: int) -> list[dict[str, Any]]:
    return [entry(number, 3)] if number % 2 else []


def one_in_a_hundred(seed: int):
    """Lose a hundredth of the logs, always the same ones."""
    return lambda e: random.Random(f"{seed}/{e['topics'][1]}").randrange(1000) < LOST_OF_1000


def bloomless(provider: Provider) -> Provider:
    """Let its headers state empty filters, as on chains that do not make any."""
    honest = provider._header
    provider._header = lambda number: (honest(number) or {}) | {"logsBloom": "0x" + "00" * 256}  # type: ignore[method-assign]
    return provider


def wanted_of(entries: list[dict[str, Any]]) -> list[str]:
    return [e["topics"][1] for e in entries if e["address"] == POOL]


def agreed(reading: Reading, at: int, **changes: object) -> Agreed:
    return Agreed(reading.failover, block_of(at), reading.limits, reading.doubt, **changes)  # type: ignore[arg-type]


async def test_a_second_endpoint_shows_every_log_that_the_first_has_lost():
    entries = history(HEAD)
    lossy, honest = Provider(entries, HEAD, drops=one_in_a_hundred(1), label="lossy"), Provider(entries, HEAD)
    reading = Reading([lossy, honest])
    scan = Scan(reading.clock, reading.fit, block_of(HEAD), reading.doubt)
    found = [log.topics[1] async for _, logs in scan.ranges(WANTED, 0, HEAD) for log in logs]
    lost = sum(map(lossy.drops, entries))
    assert lost > 200
    assert found == wanted_of(entries)
    assert reading.endpoints[0].meter.disagreements > 0
    assert reading.endpoints[1].meter.disagreements == 0


async def test_two_lossy_endpoints_make_up_for_each_other():
    entries = history(HEAD)
    both = [Provider(entries, HEAD, drops=one_in_a_hundred(seed), label=f"lossy{seed}") for seed in (1, 2)]
    scan = Scan((reading := Reading(both)).clock, reading.fit, block_of(HEAD), reading.doubt)
    found = [log.topics[1] async for _, logs in scan.ranges(WANTED, 0, HEAD) for log in logs]
    in_neither = [e["topics"][1] for e in entries if all(one.drops(e) for one in both)]
    assert set(wanted_of(entries)) - set(found) <= set(in_neither)


async def test_block_by_block_a_single_endpoint_s_receipts_show_every_log_that_it_has_lost():
    entries = history(3_000)
    lossy = Provider(entries, 3_000, drops=one_in_a_hundred(1))
    reading = Reading([lossy])
    found = []
    for number in range(3_001):
        found += [log.topics[1] for log in await agreed(reading, number).of_block(WANTED)]
    assert sum(map(lossy.drops, entries)) > 20
    assert found == wanted_of(entries)


async def test_a_block_whose_header_rules_logs_out_costs_one_request_for_them():
    reading = Reading([first := Provider(history(10), 10), second := Provider(history(10), 10)])
    assert await agreed(reading, 2).of_block(WANTED) == ()
    assert first.methods == ["eth_getBlockByNumber", "eth_getLogs", "eth_getBlockByNumber"]
    assert second.methods == []


async def test_nothing_where_the_header_speaks_of_something_is_looked_into_even_when_two_say_it():
    entries = history(10)
    both = [Provider(entries, 10, drops=lambda _: True, label=f"empty{i}") for i in (1, 2)]
    found = await agreed(Reading(both), 4).of_block(WANTED)
    assert [log.index for log in found] == [0, 2]


async def test_an_empty_answer_from_below_the_block_of_the_read_is_never_taken():
    entries = history(100)
    behind = Provider(entries, 60)
    for call in (agreed(Reading([behind]), 100).of_block(WANTED), agreed(Reading([behind]), 100).of_span(WANTED, 1, 9)):
        with pytest.raises(BlockMoved):
            await call


async def test_nothing_above_the_verified_block_is_asked_for():
    reading = Reading([provider := Provider(history(100), 100)])
    with pytest.raises(ReadError, match="nothing above is verified"):
        await agreed(reading, 50).of_span(WANTED, 40, 51)
    assert provider.methods == []


async def test_a_node_that_lags_is_left_for_one_that_does_not():
    entries = history(100)
    reading = Reading([Provider(entries, 60, label="behind"), Provider(entries, 100)])
    found = await agreed(reading, 100).of_span(WANTED, 0, 100)
    assert [log.topics[1] for log in found] == wanted_of(entries)


async def test_without_receipts_that_decide_two_different_answers_are_no_answer():
    entries = history(100)
    reading = Reading(
        [
            bloomless(Provider(entries, 100, drops=lambda e: e["blockNumber"] == "0x4", receipts=False, label="lossy")),
            bloomless(Provider(entries, 100, receipts=False)),
        ]
    )
    with pytest.raises(EndpointsDisagree, match="block 4"):
        await agreed(reading, 100).of_span(WANTED, 0, 100)


async def test_where_receipts_are_not_served_a_whole_unfiltered_answer_decides():
    entries = history(100)
    reading = Reading(
        [
            Provider(entries, 100, drops=lambda e: e["blockNumber"] == "0x4", receipts=False, label="lossy"),
            Provider(entries, 100, receipts=False),
        ]
    )
    found = await agreed(reading, 100).of_span(WANTED, 0, 100)
    assert [log.topics[1] for log in found] == wanted_of(entries)


async def test_confirmation_takes_two_endpoints_even_for_a_proven_nothing():
    entries = history(10)
    with pytest.raises(NoEndpoint):
        await agreed(Reading([Provider(entries, 10)]), 2, confirm=True).of_block(WANTED)
    two = Reading([Provider(entries, 10), second := Provider(entries, 10, label="second")])
    assert await agreed(two, 2, confirm=True).of_block(WANTED) == ()
    assert "eth_getLogs" in second.methods


def lying(entries: list[dict[str, Any]]) -> Provider:
    """A node whose logs, receipts and headers all have one log more."""
    invented = sorted([*entries, entry(50, 0)], key=lambda e: (int(e["blockNumber"], 16), e["logIndex"]))
    return Provider(invented, 100, label="liar")


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_logs_that_one_of_three_has_made_up_are_not_believed(place: int):
    entries = history(100)
    three = [Provider(entries, 100, label=f"honest{i}") for i in (1, 2)]
    three.insert(place, lying(entries))
    found = await agreed(Reading(three), 100).of_span(WANTED, 0, 100)
    assert [log.topics[1] for log in found] == wanted_of(entries)


async def test_of_two_whose_receipts_differ_neither_is_believed():
    entries = history(100)
    with pytest.raises(EndpointsDisagree, match="no receipts that decide"):
        await agreed(Reading([lying(entries), Provider(entries, 100)]), 100).of_span(WANTED, 0, 100)


async def test_a_history_that_a_single_endpoint_has_pruned_away_is_noticed_by_the_samples():
    entries = history(HEAD, every=1)
    reading = Reading([Provider(entries, HEAD, drops=lambda _: True)])
    scan = Scan(reading.clock, reading.fit, block_of(HEAD), reading.doubt)
    with pytest.raises(EndpointError, match="log index is incomplete"):
        [logs async for _, logs in scan.ranges(WANTED, 0, HEAD)]


async def test_ranges_come_in_order_without_a_gap_and_progress_is_told():
    reading = Reading([Provider(history(HEAD), HEAD)])
    scan, told = Scan(reading.clock, reading.fit, block_of(HEAD), reading.doubt), list[ScanProgress]()
    spans = [span async for span, _ in scan.ranges(WANTED, 5, HEAD, told.append)]
    assert [number for span in spans for number in span] == list(range(5, HEAD + 1))
    assert [p.through for p in told] == [span[-1] for span in spans]
    wanted = len(wanted_of(history(HEAD))) - len(wanted_of(history(4)))
    assert (told[-1].first, told[-1].last, told[-1].logs) == (5, HEAD, wanted)


async def test_an_estimate_is_near_what_the_scan_then_takes():
    entries = history(HEAD)
    provider = Provider(entries, HEAD)
    reading = Reading([provider])
    scan = Scan(reading.clock, reading.fit, block_of(HEAD), reading.doubt)
    estimate = await scan.estimate(LogFilter((POOL,), ((TOPIC,),)), 0, HEAD)
    before = reading.endpoints[0].meter.calls
    async for _ in scan.ranges(WANTED, 0, HEAD):
        pass
    taken = reading.endpoints[0].meter.calls - before
    assert taken / 2 <= estimate.requests <= taken * 2


async def test_a_chain_without_true_blooms_is_read_as_its_index_has_it():
    entries = history(30)
    found = await agreed(Reading([bloomless(Provider(entries, 30))]), 4).of_block(WANTED)
    assert [log.index for log in found] == [0, 2]
