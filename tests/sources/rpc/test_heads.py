"""Which endpoints follow the chain and which block they agree on, from nothing but what they show."""

from monitor.domain.ids import ChainId
from monitor.domain.moment import BlockRef
from monitor.sources.rpc.heads import FORGET_SLACK_MS, Heads
from monitor.sources.rpc.spec import EndpointState
from tests.fakes.clock import FakeClock

GENESIS_S = 1_750_000_000


def block(number: int, branch: str = "a", parent: str | None = None) -> BlockRef:
    """Return a block of a branch; by default its parent is of the same branch."""
    return BlockRef(ChainId("eip155:1"), number, _hash(number, branch), _hash(number - 1, parent or branch), GENESIS_S)


def _hash(number: int, branch: str) -> str:
    return "0x" + f"{branch}{number:08}".rjust(64, "0")


def heads(clock: FakeClock | None = None, lag: int = 3, block_time_ms: int = 1000) -> Heads[str]:
    return Heads(clock or FakeClock(), block_time_ms, lag)


def test_of_three_the_one_that_runs_ahead_alone_does_not_make_the_others_lag():
    h = heads()
    for name, number in (("runaway", 1_000_000), ("one", 100), ("two", 99)):
        h.saw(name, block(number))
    assert [h.state(name) for name in ("runaway", "one", "two")] == [EndpointState.OK] * 3
    assert h.tip(["runaway", "one", "two"]) == 99


def test_of_two_the_one_far_behind_is_the_one_that_lags():
    h = heads()
    h.saw("ahead", block(110))
    h.saw("behind", block(100))
    assert h.state("behind") is EndpointState.LAGGING
    assert h.lag_blocks("behind") == 10
    assert h.following(["ahead", "behind"]) == ["ahead"]


def test_the_lag_limit_is_capped_at_ten_seconds_of_blocks():
    fast, slow = heads(lag=50, block_time_ms=750), heads(lag=50, block_time_ms=12_000)
    for h, far in ((fast, 13), (slow, 1)):
        h.saw("ahead", block(1000))
        h.saw("near", block(1000 - far))
        h.saw("far", block(1000 - far - 1))
        assert h.state("near") is EndpointState.OK
    two = heads(lag=50, block_time_ms=12_000)
    two.saw("ahead", block(1000))
    two.saw("far", block(998))
    assert two.state("far") is EndpointState.LAGGING


async def test_an_endpoint_that_has_not_been_seen_for_long_is_not_followed():
    clock = FakeClock()
    h = heads(clock)
    h.saw("one", block(100))
    await clock.advance(16)
    assert h.state("one") is EndpointState.NEW
    assert h.state("never") is EndpointState.NEW


def test_at_a_height_where_two_contradict_each_other_the_common_parent_is_the_tip():
    h = heads()
    for number in (98, 99):
        h.saw("one", block(number))
        h.saw("two", block(number))
    h.saw("one", block(100, "a"))
    h.saw("two", block(100, "b", parent="a"))
    assert h.tip(["one", "two"]) == 99
    known = h.known(["one", "two"], 99)
    assert known == block(99)


def test_of_three_two_decide_between_contradicting_blocks():
    h = heads()
    h.saw("odd", block(100, "b"))
    h.saw("one", block(100))
    h.saw("two", block(100))
    assert h.tip(["odd", "one", "two"]) == 100
    assert h.known(["odd", "one", "two"], 100) == block(100)


async def test_a_head_that_steps_back_to_the_same_chain_teaches_how_many_blocks_not_to_rely_on():
    clock = FakeClock()
    h = heads(clock)
    h.saw("mixed", block(100))
    h.saw("mixed", block(97))
    assert h.in_question("mixed") == 100
    h.learned("mixed", block(100))
    assert h.in_question("mixed") is None
    assert h.tip(["mixed"]) == 97
    h.saw("mixed", block(103))
    assert h.tip(["mixed"]) == 100
    await clock.advance(FORGET_SLACK_MS / 1000)
    h.saw("mixed", block(110))
    assert h.tip(["mixed"]) == 110


def test_a_head_that_steps_back_to_another_chain_is_a_reorganisation_and_teaches_nothing():
    h = heads()
    h.saw("one", block(100))
    h.saw("one", block(99, "b"))
    h.saw("one", block(101, "b"))
    h.learned("one", block(100, "b"))
    assert h.tip(["one"]) == 101
    assert h.known(["one"], 101) is None or h.known(["one"], 101) == block(101, "b")


def test_only_the_latest_blocks_are_kept():
    h = heads()
    for number in range(1000):
        h.saw("one", block(number))
    seen = h.sighting("one")
    assert seen is not None
    assert len(seen.recent) == 64
