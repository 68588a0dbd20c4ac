"""`python -m tests.bench.growth`: a market of a thousand to a million accounts, each size in a process of its own."""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from monitor.app.evaluating import evaluators
from monitor.cli.benching.line import median_s
from monitor.cycle.book import Book
from monitor.cycle.step import Sight, Target
from monitor.domain.prices import PROTOCOL
from monitor.export import writer_for
from monitor.ledger.accounts import Accounts
from monitor.ledger.journal import Journal
from monitor.ledger.ledger import Ledger
from monitor.pricing.repricing import Outlook, shock
from monitor.protocols import ADAPTERS
from monitor.protocols.aave_v3.market import Market
from monitor.screen.holders import Holders
from monitor.screen.kernel import Intervals
from monitor.screen.select import select
from monitor.screen.warm import warm
from monitor.store import Commit, Cursor, LedgerPart, Store
from monitor.units import WAD
from tests.bench.screen import ASSETS, LINES, SIZES, accounts, pool
from tests.protocols.aave_v3.made import AT, DEPLOYMENT, node_of

PART, RANK, USUAL_WAD = 20_000, 5, 16 * WAD // 10
HAIRCUT_PPM = 950_000


@dataclass
class Size:
    """What a number of accounts takes: seconds to load, milliseconds for the rest, mebibytes."""

    accounts: int
    load_s: float
    both_ms: float
    select_ms: float
    one_price_ms: float
    memory_mib: float
    peak_mib: float
    snapshot: dict[str, float] = field(default_factory=dict)


def crowd(market: Market, count: int) -> Accounts:
    """The accounts of the screen's bench, under keys of their own."""
    made, keys = accounts(market, count), np.random.default_rng(3).bytes(20 * count)
    return Accounts(
        np.frombuffer(keys, np.uint8).reshape(count, 20),
        made.category, made.offsets, made.asset, made.kind, made.high, made.low,
    )  # fmt: skip


async def stored(count: int, folder: Path) -> None:
    """Store a ledger as a service leaves it behind."""
    market, ledger = pool(), Ledger()
    ledger.load(crowd(market, count), np.zeros(count, np.bool_))
    cursor = Cursor(DEPLOYMENT.name, DEPLOYMENT.protocol, DEPLOYMENT.chain, AT)
    async with _store(folder) as store:
        await store.commit(Commit(cursor, ledgers=[LedgerPart(DEPLOYMENT.name, market.key, Journal(ledger, AT))]))


async def measured(count: int, folder: Path, snapshot: Path | None) -> Size:
    """Load the ledger, screen it, let a price move, and write everyone's rows where asked."""
    market, kernel, adapter = pool(), warm(), ADAPTERS[DEPLOYMENT.protocol]
    target = Target(DEPLOYMENT, adapter, ())
    outlook = Outlook(shock(market.graph, {node_of(i): HAIRCUT_PPM for i in range(ASSETS)}), (), ())
    adapter.factors(market, outlook.repricing)
    before_mib, started = _rss_mib(), perf_counter()
    async with _store(folder) as store:
        journal = await store.ledger(DEPLOYMENT.name, market.key)
    assert isinstance(journal, Journal), journal
    book = Book.of(target, adapter, market, journal, kernel, USUAL_WAD)
    book.see(outlook)
    load_s = perf_counter() - started
    holders, room, own = Holders.of(book.slots), Intervals.room(count), adapter.factors(market, PROTOCOL)

    def one_price() -> None:
        kernel.screen_rows(book.slots, own, holders.of_assets([RANK], count), room)

    size = Size(
        accounts=len(book.journal.ledger),
        load_s=load_s,
        both_ms=1e3 * median_s(lambda: book.see(outlook)),
        select_ms=1e3 * median_s(lambda: select(kernel, book.protocol, LINES)),
        one_price_ms=1e3 * median_s(one_price),
        memory_mib=_rss_mib() - before_mib,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    )
    if snapshot is not None:
        size.snapshot = await _snapshot(book, outlook, snapshot)
    return size


async def _snapshot(book: Book, outlook: Outlook, path: Path) -> dict[str, float]:
    ledger, count = book.journal.ledger, 0
    rows = ledger.rows(sorted(ledger.keys(ledger.live())))
    started, cpu = perf_counter(), process_time()
    with evaluators() as several, writer_for(path) as writer:
        for start in range(0, len(rows), PART):
            sight = Sight(book.target, book.market, outlook, ledger.accounts(rows[start : start + PART]), {})
            async for one in several.rows(sight, 3 * WAD // 2):
                writer.write([one])
                count += 1
    assert count == len(rows)
    return {
        "seconds": perf_counter() - started,
        "own_cpu_s": process_time() - cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    }


def _store(folder: Path):
    return Store.open(f"sqlite:///{folder / 'hfm.db'}")


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def grown(count: int, folder: Path, *, snapshot: bool) -> Size:
    """Measure one size in processes that hold nothing else."""
    command = [sys.executable, "-m", "tests.bench.growth", "--within", str(folder), "--sizes", str(count)]
    subprocess.run([*command, "--store"], check=True, timeout=600)
    more = ["--snapshot"] if snapshot else []
    said = subprocess.run([*command, *more], check=True, timeout=7200, stdout=subprocess.PIPE, text=True)
    return Size(**json.loads(said.stdout))


def show(sizes: list[int], *, snapshot: bool) -> None:
    """Print the table, and what a snapshot of the largest size took."""
    print("| accounts | load | both views of all | select | one price moves | memory |")
    print("|---:|---:|---:|---:|---:|---:|")
    for count in sizes:
        with tempfile.TemporaryDirectory(prefix="hfm-growth-") as folder:
            one = grown(count, Path(folder), snapshot=snapshot and count == max(sizes))
        print(
            f"| {one.accounts:,} | {one.load_s:.2f} s | {one.both_ms:.2f} ms | {one.select_ms:.2f} ms "
            f"| {one.one_price_ms:.2f} ms | {one.memory_mib:.0f} MiB |",
            flush=True,
        )
        if one.snapshot:
            print("snapshot to Parquet: " + ", ".join(f"{name} {value:,.1f}" for name, value in one.snapshot.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--snapshot", action="store_true", help="also write the largest size to Parquet")
    parser.add_argument("--within", type=Path, help="measure in this process, the ledger kept in this folder")
    parser.add_argument("--store", action="store_true", help="only store the ledger there")
    asked = parser.parse_args()
    if asked.within is None:
        show(asked.sizes, snapshot=asked.snapshot)
    elif asked.store:
        asyncio.run(stored(asked.sizes[0], asked.within))
    else:
        to = asked.within / "rows.parquet" if asked.snapshot else None
        print(json.dumps(asdict(asyncio.run(measured(asked.sizes[0], asked.within, to)))))
