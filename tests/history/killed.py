"""A process that keeps history until it is killed, and says after each write which rows are now kept."""

import asyncio
import sys
from pathlib import Path

from monitor.domain.row import row
from monitor.history.keeping import kept
from tests.fakes.clock import FakeClock
from tests.history.made import MIDNIGHT_S, each, seen


async def main(root: Path, first: int) -> None:
    """Write a watched row, now and then a snapshot of three, and tidy up after each."""
    with kept(root, FakeClock(MIDNIGHT_S), 400) as history:
        for n in range(first, first + 100_000):
            history.offer([seen(n, MIDNIGHT_S + n)])
            await history.write()
            print(f"watched {n}", flush=True)
            if n % 4 == 0:
                await history.market(each([row(seen(other, MIDNIGHT_S + n)) for other in (1, 2, 3)]))
                print(f"market {n}", flush=True)
            await history.tidy()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
