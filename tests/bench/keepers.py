"""`python -m tests.bench.keepers`: fifty keepers ask for the list twice a second while a market is followed."""

import argparse
import asyncio
import io
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import aiohttp

from monitor import log
from monitor.api.app import Inside, create_app
from monitor.api.listen import listening
from monitor.api.metrics import Metrics
from monitor.clock import SystemClock
from monitor.cycle.board import Board
from monitor.store import Store
from tests.bench.head import followed_from_memory
from tests.crash.large import Large

KEEPERS, PER_S, SECONDS, BLOCK_S = 50, 2, 20, 1
ASKED = "/v1/at-risk?health_below=1.05"
BUDGET_MS = 200
"""For the slowest request in a hundred."""


async def measured(count: int, seconds: int = SECONDS) -> tuple[list[float], int]:
    """Return how long each request took, ms, and how many answers lacked an age."""
    large, clock, taken, ageless = Large(count), SystemClock(), list[float](), 0
    with tempfile.TemporaryDirectory() as folder:
        async with Store.open(f"sqlite:///{Path(folder) / 'hfm.db'}", clock) as store:
            loop, chain, whole = followed_from_memory(large, store, clock, seconds)
            await loop.once()
            app = create_app(store.views, clock, Metrics(lambda: ()), inside=Inside(Board((whole,), store, clock)))
            async with listening(app) as (host, port), aiohttp.ClientSession(f"http://{host}:{port}") as session:

                async def keeper(number: int) -> None:
                    nonlocal ageless
                    await asyncio.sleep(number / KEEPERS / PER_S)
                    for _ in range(seconds * PER_S):
                        start = perf_counter()
                        async with session.get(ASKED) as answer:
                            body = await answer.read()
                            assert answer.status == 200, body[:200]
                        taken.append(1e3 * (perf_counter() - start))
                        ageless += body.count(b'"id":') != body.count(b'"age_s":')
                        await asyncio.sleep(max(0.0, 1 / PER_S - (perf_counter() - start)))

                async def blocks() -> None:
                    for tip in range(1, seconds + 1):
                        start = perf_counter()
                        chain.tip = tip
                        await loop.once()
                        await asyncio.sleep(max(0.0, BLOCK_S - (perf_counter() - start)))

                async with asyncio.TaskGroup() as group:
                    group.create_task(blocks())
                    for number in range(KEEPERS):
                        group.create_task(keeper(number))
    return taken, ageless


def main() -> None:
    """Print how long the requests took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    log.configure(io.StringIO(), as_json=False, secrets=())
    taken, ageless = asyncio.run(measured(parser.parse_args().accounts))
    hundredths = statistics.quantiles(taken, n=100)
    print(
        f"{len(taken)} requests: median {hundredths[49]:.0f} ms, p99 {hundredths[98]:.0f} ms, worst {max(taken):.0f} ms"
    )
    print(f"{ageless} answers without an age; budget {BUDGET_MS} ms for p99")


if __name__ == "__main__":
    main()
