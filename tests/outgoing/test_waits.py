"""What servers say of time: understood where it is plain, unknown where it is not, never a crash."""

import random

import pytest

from monitor.outgoing.waits import MAX_RETRY_AFTER_MS, date_ms, retry_after_ms

NOON = "Sun, 15 Jun 2025 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7000),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "٧"}, None),
        ({"Retry-After": "9" * 400}, MAX_RETRY_AFTER_MS),
        ({"Retry-After": "Sun, 15 Jun 2025 12:01:30 GMT", "Date": NOON}, 90_000),
        ({"Retry-After": "Sun, 15 Jun 2025 14:01:30 +0200", "Date": NOON}, 90_000),
        ({"Retry-After": "Sun, 15 Jun 2025 11:00:00 GMT", "Date": NOON}, 0),
        ({"Retry-After": "Sun, 15 Jun 2225 12:00:00 GMT", "Date": NOON}, MAX_RETRY_AFTER_MS),
        ({"Retry-After": "Sun, 15 Jun 2025 12:01:30 GMT"}, None),
        ({"Retry-After": "soon", "Date": NOON}, None),
    ],
)
def test_a_wait_is_read_in_seconds_or_as_a_date_beside_the_servers_own(headers: dict[str, str], wait_ms: int | None):
    assert retry_after_ms(headers) == wait_ms


def test_no_date_that_a_server_can_write_is_more_than_unknown():
    chance, unknown = random.Random(3), 0
    for _ in range(20_000):
        text = list(NOON)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(text))
            text[at : at + 1] = chance.choice(["", "9" * chance.randint(1, 25), "-", ":", ",", " ", "a", "²"])
        unknown += date_ms({"Date": "".join(text)}) is None
    assert 0 < unknown < 20_000
