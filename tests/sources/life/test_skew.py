"""When the local clock is called wrong, and when blocks are only late."""

import pytest

from monitor.domain.ids import ChainId
from monitor.domain.moment import BlockRef
from monitor.sources.life.skew import Skew
from tests.fakes.clock import FakeClock

START_S = 1_750_000_000


def block(number: int, timestamp_s: int) -> BlockRef:
    return BlockRef(ChainId("eip155:1"), number, f"0x{number}", f"0x{number - 1}", timestamp_s)


async def after(clock: FakeClock, skew: Skew, blocks: int, *, every_s: int = 12, late_s: int = 2) -> None:
    for number in range(blocks):
        await clock.advance(every_s)
        skew.arrived(block(number, START_S + clock.monotonic_ms() // 1000 - late_s))


async def test_one_arrival_says_nothing_and_two_do():
    clock = FakeClock(START_S + 40)
    skew = Skew(clock)
    await after(clock, skew, 1)
    assert skew.ahead_s is None
    await after(clock, skew, 1)
    assert skew.ahead_s == 42


@pytest.mark.parametrize(("wrong_by_s", "is_wrong"), [(3600, True), (-3600, True), (31, True), (25, False), (0, False)])
async def test_a_clock_more_than_half_a_minute_off_is_wrong_either_way(wrong_by_s: int, is_wrong: bool):
    clock = FakeClock(START_S + wrong_by_s)
    skew = Skew(clock)
    await after(clock, skew, 5, late_s=0)
    assert skew.is_wrong is is_wrong
    assert skew.ahead_s == wrong_by_s


async def test_one_late_block_among_five_is_no_wrong_clock():
    clock = FakeClock(START_S)
    skew = Skew(clock)
    await after(clock, skew, 4)
    await after(clock, skew, 1, late_s=3600)
    assert not skew.is_wrong


async def test_blocks_that_make_up_for_a_halt_are_old_and_say_nothing_of_the_clock():
    clock = FakeClock(START_S)
    skew = Skew(clock)
    await after(clock, skew, 5, every_s=2)
    halted_s = START_S + clock.monotonic_ms() // 1000
    await clock.advance(116 * 60)
    for number in range(1, 3_490):
        await clock.advance(0.2)
        made_s = halted_s + 2 * number
        skew.arrived(block(number, min(made_s, START_S + clock.monotonic_ms() // 1000)))
        assert not skew.is_wrong
    assert skew.ahead_s is not None
    assert abs(skew.ahead_s) <= 2


async def test_a_clock_that_is_set_right_again_is_right_after_a_few_blocks():
    clock = FakeClock(START_S)
    skew = Skew(clock)
    clock.jump_wall(3600)
    await after(clock, skew, 5)
    assert skew.is_wrong
    clock.jump_wall(-3600)
    await after(clock, skew, 5)
    assert not skew.is_wrong
