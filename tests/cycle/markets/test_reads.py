"""Reads of many markets share their requests, and what fails of one is its own."""

import pytest

from monitor.cycle.markets.reads import MARKETS_PER_READ, each, shares
from monitor.domain.ids import PositionKey
from monitor.errors import NoEndpoint, ReadError
from monitor.query import Moment, drive, moment
from tests.cycle.parts import block


class Counting:
    """A source that says how many questions came together; it can refuse them all."""

    def __init__(self, *, down=False):
        self.batches, self.down = [], down

    async def read(self, ask, at):
        async def answer(questions):
            if self.down:
                raise NoEndpoint("every endpoint failed")
            assert all(isinstance(question, Moment) for question in questions)
            self.batches.append(len(questions))
            return (at,) * len(questions)

        return await drive(ask, answer)


def broken(why):
    yield (Moment(),)
    raise ReadError(why)


async def test_what_fails_of_one_stands_in_its_place():
    found = await each(Counting(), [moment(), broken("no oracle"), moment()], block(7))
    assert (found[0], found[2]) == (block(7), block(7))
    assert isinstance(found[1], ReadError)
    assert str(found[1]) == "no oracle"


async def test_many_are_read_together_and_no_more_than_fit():
    source = Counting()
    await each(source, [moment() for _ in range(2 * MARKETS_PER_READ + 1)], block(7))
    assert source.batches == [MARKETS_PER_READ, MARKETS_PER_READ, 1]


async def test_a_source_that_does_not_answer_is_no_fault_of_one_market():
    with pytest.raises(NoEndpoint):
        await each(Counting(down=True), [moment()], block(7))


def test_shares_hold_every_key_once_in_order_and_no_more_than_fit():
    counts = {"a": 7, "b": 0, "c": 5, "d": 23}
    wanted = [(name, [PositionKey(f"{name}{n}") for n in range(count)]) for name, count in counts.items()]
    found = list(shares(wanted, 10))
    assert all(sum(len(keys) for _, keys in share) <= 10 for share in found)
    assert [key for share in found for _, keys in share for key in keys] == [key for _, keys in wanted for key in keys]
    assert {name for share in found for name, _ in share} == set("abcd")
    assert len(found) == 4
