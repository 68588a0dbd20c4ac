"""`python -m tests.bench.keepers`: keepers ask for the list and listen while a market is followed.

Three works: a page of 100 at 100 requests a second while a price ticks each second; 50 keepers at 2 requests a second
while a price falls by a thousandth and 4,500 accounts are touched each second, 22,558 in one of them; alerts seen by 50
listeners. The clients run in a process of their own.
"""

import argparse
import asyncio
import io
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, time
from typing import Any

from monitor import log
from monitor.api.app import FEED, Inside, create_app
from monitor.api.limits import Limits
from monitor.api.listen import listening
from monitor.api.metrics import Metrics
from monitor.app.whole.resident import Resident
from monitor.clock import SystemClock
from monitor.cycle.audit import audit
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.domain.alerts import Alert, AlertKind, Level, Notice
from monitor.store import Commit, Store
from monitor.units import PPM
from tests.bench.fall import Busy, Lag, Totals, fall, followed, resident
from tests.bench.head import Drifting, followed_from_memory
from tests.crash.large import EARLIER_BLOCKS, Large
from tests.crash.replayed import Replayed
from tests.fakes.evaluations import position
from tests.protocols.aave_v3.made import node_of, repriced

PAGE, CROWD = "/v1/at-risk?health_below=1.05&limit=100", "/v1/at-risk?health_below=1.05"
BUDGETS_MS = {"page": 20, "crash": 200, "stream": 100}
"""For the slowest in a hundred."""


BOTTOM_PPM = 700_000
"""Of the price before, at the lowest: a fall of so long as the bench may run would leave nothing of it."""


class Ticking(Drifting):
    """The made-up market, of which a price falls by so much at each block, and at its bottom goes up and down."""

    step_ppm: int = 500

    def market(self, deployment, key):
        market = yield from super().market(deployment, key)
        run = market.at.number - EARLIER_BLOCKS
        moved_ppm = max(PPM - run * self.step_ppm, BOTTOM_PPM + run % 2 * self.step_ppm)
        now = market.graph.values[node_of(0)]
        return repriced(market, 0, now * moved_ppm // PPM)


@dataclass(frozen=True)
class Seen:
    """What a process of clients saw, and how long blocks took meanwhile."""

    ms: tuple[float, ...]
    failed: int
    bare: int
    rows: int
    blocks_ms: tuple[float, ...]
    first_ms: float | None = None
    lag: Lag | None = None

    def __str__(self) -> str:
        hundredths, part = statistics.quantiles(self.ms, n=100), max(len(self.ms) // 10, 2)
        tenths = [statistics.quantiles(self.ms[n : n + part], n=100)[98] for n in range(0, part * 10, part)]
        blocks = f"; a block took {statistics.median(self.blocks_ms):.0f} ms" if self.blocks_ms else ""
        lag = f"; {self.lag}" if self.lag else ""
        first = f"; nobody having asked before, {self.first_ms:.0f} ms" if self.first_ms else ""
        return (
            f"{len(self.ms)}: median {hundredths[49]:.1f} ms, p99 {hundredths[98]:.1f} ms, "
            f"worst {max(self.ms):.0f} ms, p99 of each tenth of the time "
            f"{', '.join(f'{one:.0f}' for one in tenths)}; {self.failed} failed, {self.rows} rows, "
            f"{self.bare} answers without moment or age{blocks}{first}{lag}"
        )


@dataclass(frozen=True)
class Service:
    """A market followed from memory, and the API over it."""

    loop: HeadLoop
    chain: Replayed
    store: Store
    base: str
    wake: Callable[[], None]

    async def clients(self, keepers: int, per_s: float, seconds: float, query: str) -> dict[str, Any]:
        """Run the load."""
        arguments = [self.base, str(keepers), str(per_s), str(seconds), query]
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.asking", *arguments, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await running.communicate()
        assert running.returncode == 0
        found: dict[str, Any] = json.loads(said)
        return found

    async def during(self, seconds: float, each_s: float, act: Callable[[int], Awaitable[None]]) -> list[float]:
        """Act at an even pace; return how long each took, milliseconds."""
        taken = list[float]()
        for turn in range(int(seconds / each_s)):
            start = perf_counter()
            await act(turn)
            taken.append(1e3 * (perf_counter() - start))
            await asyncio.sleep(max(0.0, each_s - (perf_counter() - start)))
        return taken

    async def compared(self, late: tuple[float, ...]) -> Lag:
        """Compare the whole ledger; raises AssertionError when an account is not what the chain has."""
        whole = next(iter(self.loop.wholes.values()))
        (book,) = whole.books.values()
        found = await audit(self.chain, book, 0, len(book.journal.ledger))
        assert found.sampled == len(book.journal.ledger)
        assert not found.differing, f"{len(found.differing)} accounts are not what the chain has"
        seen = (self.chain.recording.blocks[hash_] for hash_ in self.chain.recording.heads[: self.chain.tip + 1])
        events = sum(one.acts.count for one in seen if isinstance(one, Busy))
        return Lag(late, events, resident())

    async def next_block(self, turn: int) -> None:
        """Follow the next block; the first was followed at the start."""
        self.chain.tip = turn + 1
        await self.loop.once()


@asynccontextmanager
async def serving(count: int, blocks: int, *, is_crash: bool) -> AsyncIterator[Service]:
    """Follow a market; in a crash one account in a hundred is touched at each block, else only a price moves."""
    large, clock = Large(count), SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        async with Store.open(f"sqlite:///{Path(folder) / 'hfm.db'}", clock) as store:
            loop, chain, whole = followed_from_memory(large, store, clock, blocks)
            made: Any = whole.adapter
            ticking: Any = Ticking(Totals(large) if is_crash else made.totals_at)
            whole.adapter = ticking
            whole.target = replace(whole.target, adapter=ticking)
            whole.__post_init__()
            if not is_crash:
                for hash_ in large.recording.heads:
                    large.recording.blocks[hash_] = replace(large.recording.blocks[hash_], logs=())
            else:
                ticking.step_ppm = 1_000
                fall(large, blocks)
            loop = replace(loop, targets=(whole.target,))
            await loop.once()
            large.recording.earlier = ()
            await Resident((whole,)).once()
            inside = Inside(Board((whole,), store, clock))
            app = create_app(store.views, clock, Metrics(), limits=Limits(connections=300), inside=inside)
            async with listening(app) as (host, port):
                yield Service(loop, chain, store, f"http://{host}:{port}", app[FEED].wake)


async def asked(count: int, load: tuple[int, float, float, str], *, is_crash: bool) -> Seen:
    """Have so many keepers ask while a block comes each second; after a crash the whole ledger is compared."""
    _, _, seconds, query = load
    async with serving(count, int(seconds) + 4, is_crash=is_crash) as service:
        first = await service.clients(1, 1, 1, query)
        blocks, late = list[float](), tuple[float, ...]()
        async with asyncio.TaskGroup() as group:
            clients = group.create_task(service.clients(*load))
            if is_crash:
                late = await followed(service.loop, service.chain, seconds + 2)
            else:
                blocks = await service.during(seconds + 2, 1, service.next_block)
            found = await clients
        lag = await service.compared(late) if is_crash else None
    return Seen(
        *(tuple(found["taken_ms"]), found["failed"], found["bare"], found["rows"], tuple(blocks)),
        first_ms=first["taken_ms"][0],
        lag=lag,
    )


async def fanned_out(listeners: int, seconds: float, each_s: float = 0.1) -> Seen:
    """Have alerts committed while so many listen; return how late each was seen by each."""
    async with serving(1_000, 2, is_crash=False) as service:

        async def say(turn: int) -> None:
            facts = {"committed": "0"}
            alert = Alert(position(), AlertKind.WORSENED, "bench", turn, Level.WARN, Level.OK, 1, 1, facts)
            # What is told carries the time just before its commit, so that the commit itself is counted too.
            alert = replace(alert, facts={"committed": f"{time():.6f}"})
            await service.store.commit(Commit(None, notices=[Notice(alert)]))
            service.wake()

        async with asyncio.TaskGroup() as group:
            clients = group.create_task(service.clients(listeners, 1, seconds + 4, "stream"))
            await asyncio.sleep(3)
            told = await service.during(seconds, each_s, say)
            found = await clients
    missed = len(told) * listeners - len(found["late_ms"])
    return Seen(tuple(found["late_ms"]), missed, 0, len(told), ())


def main() -> None:
    """Print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", choices=tuple(BUDGETS_MS))
    arguments = parser.parse_args()
    log.configure(io.StringIO(), as_json=False, secrets=())
    count, seconds = arguments.accounts, arguments.seconds
    works: dict[str, Callable[[], Any]] = {
        "page": lambda: asked(count, (10, 10, seconds, PAGE), is_crash=False),
        "crash": lambda: asked(count, (50, 2, seconds, CROWD), is_crash=True),
        "stream": lambda: fanned_out(50, seconds),
    }
    for name, work in works.items():
        if arguments.only in (None, name):
            print(f"{name}: {asyncio.run(work())}; p99 is to be within {BUDGETS_MS[name]} ms", flush=True)


if __name__ == "__main__":
    main()
