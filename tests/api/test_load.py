"""Many keepers at once: nobody is turned away, no row lacks its moment or its age, and no event is lost meanwhile.

Times are only printed.
"""

import pytest

from tests.bench.keepers import CROWD, asked, fanned_out

SHORT = (1_000, (8, 2.0, 3.0, CROWD))
FULL = (100_000, (50, 2.0, 120.0, CROWD))


@pytest.mark.parametrize("work", [SHORT, pytest.param(FULL, marks=pytest.mark.long)], ids=["short", "full"])
async def test_keepers_are_answered_while_a_market_falls(work):
    count, load = work
    seen = await asked(count, load, is_crash=True)
    print(seen)
    assert (seen.failed, seen.bare) == (0, 0)
    assert len(seen.ms) == load[0] * int(load[1] * load[2])
    assert seen.rows > len(seen.ms)
    assert seen.lag is not None
    assert seen.lag.events > count // 1000 * load[2]


async def test_every_listener_hears_every_alert():
    seen = await fanned_out(10, 1)
    print(seen)
    assert seen.failed == 0
    assert len(seen.ms) == 10 * seen.rows
