"""What counts as a node's answer about logs, and how questions share one request."""

import random
from typing import Any

import pytest

from monitor.errors import AskedTooMuch, BlockMoved, EndpointError
from monitor.query import LogFilter
from monitor.sources.logs.bloom import bloom_from, bloom_of, may_hold
from monitor.sources.logs.entries import from_node, matching, merged
from tests.sources.logs.provider import OTHER, POOL, TOPIC, WANTED, entry

PLACES = [(5, 0), (5, 2), (7, 1), (9, 0)]


def _read(entries: Any) -> list[tuple[int, int]]:
    return [(log.block_number, log.index) for log in from_node(entries, 5, 9, "node")]


def test_logs_come_in_order_and_each_once_however_a_node_lists_them():
    listed = [entry(*place) for place in PLACES] * 2
    random.Random(3).shuffle(listed)
    assert _read(listed) == PLACES


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (None, EndpointError),
        ({"logs": []}, EndpointError),
        ([None], EndpointError),
        ([entry(4, 0)], EndpointError),
        ([entry(10, 0)], EndpointError),
        ([entry(5, 0) | {"logIndex": None}], EndpointError),
        ([entry(5, 0) | {"transactionHash": None}], EndpointError),
        ([entry(5, 0), entry(5, 0, OTHER)], EndpointError),
        ([entry(5, 0) | {"removed": True}], BlockMoved),
        ([entry(5, 0), entry(5, 1) | {"blockHash": "0x" + "ee" * 32}], BlockMoved),
        (AskedTooMuch("no"), AskedTooMuch),
    ],
)
def test_what_cannot_be_the_logs_of_these_blocks_is_refused(outcome: Any, error: type[Exception]):
    with pytest.raises(error):
        from_node(outcome, 5, 9, "node")


def test_a_block_s_filter_never_rules_out_a_log_that_it_has():
    logs = from_node([entry(5, i, f"0x{i:040x}", f"0x{i:064x}") for i in range(40)], 5, 5, "node")
    bloom = bloom_from(logs)
    assert all(may_hold(bloom, LogFilter((log.address,), ((log.topics[0],),))) for log in logs)
    others = [LogFilter((f"0x{i:040x}",), ()) for i in range(1000, 2000)]  # type: ignore[arg-type]
    assert sum(may_hold(bloom, other) for other in others) < 30


def test_the_filter_of_a_known_mainnet_log_sets_the_bits_of_the_yellow_paper():
    # keccak of 20 zero bytes is 5380c7b7ae81…: bits 0x380, 0x7b7 and 0x681 of 2048.
    (log,) = from_node([entry(5, 0, "0x" + "00" * 20) | {"topics": []}], 5, 5, "node")
    assert bloom_from([log]) == 1 << 0x380 | 1 << 0x7B7 | 1 << 0x681


@pytest.mark.parametrize(
    "header", [None, {}, {"logsBloom": "0x"}, {"logsBloom": "0x" + "zz" * 256}, {"logsBloom": "0x" + "00" * 256}]
)
def test_a_header_that_states_no_filter_proves_nothing(header: Any):
    assert bloom_of(header) is None


def test_an_empty_block_s_empty_filter_is_one():
    assert bloom_of({"logsBloom": "0x" + "00" * 256, "gasUsed": "0x0"}) == 0


def test_plain_filters_share_one_request_and_each_gets_its_own_back():
    other = LogFilter((OTHER,), (("0x" + "88" * 32,),))
    odd = LogFilter((), ((TOPIC,), (TOPIC,)))
    shares = list(merged([(0, WANTED), (1, other), (2, odd)]))
    assert [[i for i, _ in share] for _, share in shares] == [[2], [0, 1]]
    both = shares[1][0]
    assert set(both.addresses) == {POOL, OTHER}
    logs = from_node([entry(5, 0), entry(5, 1, OTHER), entry(5, 2, OTHER, "0x" + "88" * 32)], 5, 5, "node")
    assert matching(logs, both) == logs
    assert [log.index for log in matching(logs, WANTED)] == [0]
    assert [log.index for log in matching(logs, other)] == [2]
