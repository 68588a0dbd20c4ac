"""A log goes to the filters it fits and to no other, however many there are."""

import random
from collections.abc import Sequence
from typing import TypeVar

from monitor.cycle.markets.naming import Sorting
from monitor.domain.ids import Address, MarketKey
from monitor.query import MOST_TOPICS, Log, LogFilter, any_of

ADDRESSES = [Address(f"0x{n:040x}") for n in range(4)]
T = TypeVar("T")
TOPICS = [f"0x{n:064x}" for n in range(5)]


def some(dice: random.Random, of: Sequence[T], most: int) -> tuple[T, ...]:
    return tuple(dice.sample(of, dice.randint(1, most)))


def any_filter(dice: random.Random) -> LogFilter:
    topics = tuple(None if dice.random() < 0.3 else some(dice, TOPICS, 3) for _ in range(dice.randint(0, 3)))
    return LogFilter(() if dice.random() < 0.2 else some(dice, ADDRESSES, 2), topics)


def test_every_log_goes_to_the_filters_that_fit_it_whatever_they_ask_for():
    dice, sorted_ = random.Random(3), 0
    for _ in range(300):
        filters = {MarketKey(str(n)): any_filter(dice) for n in range(dice.randint(0, 6))}
        logs = [
            Log(dice.choice(ADDRESSES), some(dice, TOPICS, 4)[: dice.randint(0, 4)], b"", 1, "0x1", index)
            for index in range(20)
        ]
        expected = {key: [log for log in logs if one.fits(log)] for key, one in filters.items()}
        found = Sorting(filters).of(logs)
        assert found == {key: own for key, own in expected.items() if own}
        sorted_ += sum(map(len, found.values()))
        if filters:
            assert all(any_of(list(filters.values())).fits(log) for own in found.values() for log in own)
    assert sorted_ > 1_000


def test_a_filter_for_more_topics_than_nodes_take_asks_for_any():
    one = ADDRESSES[:1]
    few = any_of([LogFilter(tuple(one), ((TOPICS[0],), (f"0x{n:064x}",))) for n in range(MOST_TOPICS)])
    many = any_of([LogFilter(tuple(one), ((TOPICS[0],), (f"0x{n:064x}",))) for n in range(MOST_TOPICS + 1)])
    assert few.topics[1] is not None
    assert len(few.topics[1]) == MOST_TOPICS
    assert many == LogFilter(tuple(one), ((TOPICS[0],), None))
