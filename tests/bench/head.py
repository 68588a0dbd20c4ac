"""`python -m tests.bench.head`: from a head to its commit, a share of a market's accounts touched at each."""

import argparse
import asyncio
import io
import resource
import statistics
import tempfile
from collections import ChainMap
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from monitor import log, resources
from monitor.clock import Clock, SystemClock
from monitor.cycle.board import Board
from monitor.cycle.head import HeadLoop
from monitor.cycle.outlook import Outlooks
from monitor.cycle.ruling import Ruling
from monitor.cycle.step import Target
from monitor.cycle.whole import Whole
from monitor.domain.moment import BlockRef
from monitor.pricing.haircuts import NONE
from monitor.query import moment
from monitor.rules.levels import Levels
from monitor.screen.warm import warm
from monitor.settings import table
from monitor.store import AtRisk, Store
from monitor.units import WAD
from tests.crash.large import EARLIER_BLOCKS, MARKET, Large, Made, halved
from tests.crash.recording import Seen
from tests.crash.replayed import Replayed
from tests.fakes.audience import audience

RUNS, TOUCHED_PPM, REREAD_EVERY = 15, 10_000, 20
SIZES = (1_000, 10_000, 100_000)
BUDGET_MS = 250
"""For 100,000 accounts."""
CRITICAL_WAD = 105 * WAD // 100


class Drifting(Made):
    """The made-up market, whose debts grow at every block."""

    def market(self, deployment, key):
        at = yield from moment()
        assert isinstance(at, BlockRef)
        since = at.number - EARLIER_BLOCKS
        reserves = {
            number: replace(one, debt_index_ray=one.debt_index_ray + one.debt_index_ray * since // 10**9)
            for number, one in MARKET.reserves.items()
        }
        return replace(MARKET, at=at, views=[], reserves=reserves)


@dataclass(frozen=True)
class Figures:
    """What a size took: the first head with everything read, the heads after it, and the keeper's list, ms."""

    accounts: int
    touched: int
    first_ms: float
    head_ms: float
    worst_ms: float
    list_ms: float
    judged: int


def heads(large: Large, runs: int) -> None:
    """Give the chain a head for each run, a share of the accounts touched at each; one in so many is to be read."""
    recording, share = large.recording, large.count * TOUCHED_PPM // 10**6
    recording.heads = recording.heads[:1]
    seen = recording.blocks[recording.heads[0]]
    words: MutableMapping[bytes, bytes] = dict(seen.words)
    for run in range(runs + 1):
        some = large.keys[run * share : (run + 1) * share]
        block = large.block(EARLIER_BLOCKS + 1 + run)
        reread = some[::REREAD_EVERY]
        words = ChainMap({key: halved(words[key]) for key in reread}, words)
        names = [("Repay" if place % REREAD_EVERY == 0 else "UserEModeSet", key) for place, key in enumerate(some)]
        logs = tuple(large.log(name, key, block.number, place) for place, (name, key) in enumerate(names))
        recording.blocks[block.hash] = Seen(block, {}, words, logs, {})
        recording.heads.append(block.hash)


def followed_from_memory(large: Large, store: Store, clock: Clock, runs: int) -> tuple[HeadLoop, Replayed, Whole]:
    """Return what follows the made-up market, and its chain with a head for each run."""
    made: Any = large.adapter
    adapter: Any = Drifting({EARLIER_BLOCKS: made.totals_at[EARLIER_BLOCKS]})
    heads(large, runs)
    chain, kernel, deployment, outlooks = (
        Replayed(large.recording),
        warm(),
        large.recording.deployment,
        Outlooks({}, NONE),
    )
    target, levels = Target(deployment, adapter, ()), Levels.parse(table(resources.config() / "levels.toml"))
    whole = Whole(target, adapter, 0, chain, store, outlooks, kernel, levels, 2 * WAD, lambda: 0.5, 7)
    ruling = Ruling(store, levels, audience(), clock)
    loop = HeadLoop(chain, (target,), outlooks, ruling, {deployment.name: whole}, clock, 2 * WAD)
    return loop, chain, whole


async def measured(count: int, runs: int = RUNS) -> Figures:
    """Follow a made-up market of so many accounts from memory into a store on disk, and return what that took."""
    large, clock = Large(count), SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        async with Store.open(f"sqlite:///{Path(folder) / 'hfm.db'}", clock) as store:
            loop, chain, whole = followed_from_memory(large, store, clock, runs)
            board = Board((whole,), store, clock)
            taken, judged, listing = [], [], []
            for tip in range(runs + 2):
                chain.tip = tip
                start = perf_counter()
                await loop.once()
                taken.append(1e3 * (perf_counter() - start))
                (done,) = loop.passes.values()
                assert not done.problem, done.problem
                judged.append(done.positions)
                start = perf_counter()
                await board.at_risk(AtRisk(health_below_wad=CRITICAL_WAD), limit=100)
                listing.append(1e3 * (perf_counter() - start))
    first, _, *rest = taken
    middle = statistics.median
    share = count * TOUCHED_PPM // 10**6
    return Figures(count, share, first, middle(rest), max(rest), middle(listing[2:]), int(middle(judged[2:])))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    log.configure(io.StringIO(), as_json=False, secrets=())
    print(f"{'accounts':>9} {'touched':>8} {'first':>9} {'head':>8} {'worst':>8} {'list':>8}  judged, ms")
    for size in parser.parse_args().sizes:
        found = asyncio.run(measured(size))
        print(
            f"{found.accounts:9} {found.touched:8} {found.first_ms:9.0f} {found.head_ms:8.1f} {found.worst_ms:8.1f} "
            f"{found.list_ms:8.1f}  {found.judged}"
        )
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"budget: {BUDGET_MS} ms at 100000; largest memory {peak_mib} MiB")


if __name__ == "__main__":
    main()
