"""`python -m tests.bench.screen`: the screen at four sizes, beside the time to copy the same bytes in the same run."""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.domain.prices import PROTOCOL, Repricing
from monitor.pricing.repricing import shock
from monitor.protocols.aave_v3.market import Category, Market
from monitor.protocols.aave_v3.screen import CELLS, factors
from monitor.protocols.aave_v3.versions.totals import COLLATERAL, SCALED_DEBT
from monitor.screen.factors import Factors
from monitor.screen.holders import Holders
from monitor.screen.kernel import Intervals, Kernel, numpy_kernel
from monitor.screen.scenarios import exposure
from monitor.screen.select import select
from monitor.screen.slots import Slots
from monitor.screen.warm import warm
from monitor.units import BPS, RAY, WAD
from tests.protocols.aave_v3.made import VERSIONS, Listed, market_of, node_of
from tests.screen.made import Made

RUNS = 15
SIZES = (1_000, 10_000, 100_000, 1_000_000)
ASSETS, RANKS, SHOCKS = 60, (0, 5, 20, 59), 20
LINES = tuple(line * WAD // 100 for line in (100, 105, 110))
BUDGETS = {"full": 3.0, "both": 5.0, "select": 1.0}
"""Full and both times the copy, selection times the full screen; promised for a million accounts."""
BUDGETED = 1_000_000


@dataclass(frozen=True)
class Timing:
    """Medians and the best of all runs, milliseconds; `cpu_ms` is that of all threads."""

    median_ms: float
    best_ms: float
    cpu_ms: float

    def __str__(self) -> str:
        return f"{self.median_ms:9.3f} {self.best_ms:9.3f} {self.cpu_ms:9.3f}"


def pool(version: str = "3.6") -> Market:
    """Sixty reserves of three kinds of token, and eight e-mode categories."""
    random = np.random.default_rng(1)
    listed = [
        Listed(
            price=int(10 ** random.uniform(7, 12.5)),
            decimals=(6, 8, 18)[number % 3],
            threshold_bps=int(random.integers(6_500, 8_600)),
            supply_index_ray=RAY + int(random.integers(0, 10**17)) * 10**9,
            debt_index_ray=RAY + int(random.integers(0, 10**17)) * 10**9,
        )
        for number in range(ASSETS)
    ]
    members = [int(sum(1 << int(bit) for bit in random.choice(ASSETS, 4, replace=False))) for _ in range(8)]
    return market_of(
        VERSIONS[version], listed, [Category(i + 1, 9_000, 9_300, 10_100, m) for i, m in enumerate(members)]
    )


def accounts(market: Market, count: int, wide: float = 0.0) -> Made:
    """Accounts of three legs, some of ten; assets by a Zipf law, health from 0.95 up with a median of about 2.2."""
    random = np.random.default_rng(2)
    held = np.where(random.random(count) < wide, 7, random.choice((1, 2), count))
    total = np.where(held == 7, 10, 3)
    owner = np.repeat(np.arange(count), total)
    place = np.arange(total.sum()) - np.repeat(np.cumsum(total) - total, total)
    is_debt = place >= held[owner]
    odds = 1 / np.arange(1, ASSETS + 1)
    asset = random.choice(ASSETS, len(owner), p=odds / odds.sum())
    reserves = [market.reserves[i] for i in range(ASSETS)]
    prices = np.array([float(market.graph.values[node_of(i)]) for i in range(ASSETS)])  # type: ignore[arg-type]
    units = np.array([float(r.unit) for r in reserves])
    weight = np.array([r.configuration.threshold_bps / BPS for r in reserves])
    worth = random.lognormal(np.log(3e11), 2.5, count)[owner] * random.uniform(0.2, 1.0, len(owner))
    limit = np.bincount(owner, np.where(is_debt, 0.0, worth * weight[asset]), count)
    owed = np.bincount(owner, np.where(is_debt, worth, 0.0), count)
    health = 0.95 + random.lognormal(0.2, 0.8, count)
    worth = np.where(is_debt, worth * (limit / health / owed)[owner], worth)
    raw = np.floor(worth * units[asset] / prices[asset]) + 1
    return Made(
        category=np.where(random.random(count) < 0.85, 0, random.integers(1, 9, count)).astype(np.uint16),
        offsets=np.concatenate(([0], np.cumsum(total))).astype(np.int64),
        asset=asset.astype(np.uint16),
        kind=np.where(is_debt, SCALED_DEBT, COLLATERAL).astype(np.uint8),
        high=np.floor(raw / 2.0**64).astype(np.uint64),
        low=(raw % 2.0**64).astype(np.uint64),
    )


def together(works: Sequence[Callable[[], object]], runs: int = RUNS) -> list[Timing]:
    """Time several works in turns, so that what else the machine does falls on all alike."""
    taken: list[list[tuple[float, float]]] = [[] for _ in works]
    for run in range(runs + 1):
        for work, times in zip(works, taken, strict=True):
            wall, cpu = perf_counter(), process_time()
            work()
            if run:
                times.append((1e3 * (perf_counter() - wall), 1e3 * (process_time() - cpu)))
    return [
        Timing(
            statistics.median(wall for wall, _ in times),
            min(wall for wall, _ in times),
            statistics.median(cpu for _, cpu in times),
        )
        for times in taken
    ]


def measure(kernel: Kernel, market: Market, count: int, numpy_runs: int, wide: float) -> list[tuple[str, Timing, str]]:
    """Return what each work took at one size, and how that compares."""
    slots = Slots.of(CELLS, accounts(market, count, wide))
    own, cautious = factors(market), factors(market, shock(market.graph, {node_of(i): 950_000 for i in range(ASSETS)}))
    rooms, plain_room = (Intervals.room(count), Intervals.room(count)), Intervals.room(count)
    columns: tuple[NDArray[Any], ...] = slots.columns
    copies = [np.empty_like(column) for column in columns]
    intervals = kernel.screen(slots, own)
    hits = select(kernel, intervals, LINES)

    def copy() -> None:
        for source, target in zip(columns, copies, strict=True):
            np.copyto(target, source)

    def both() -> None:
        kernel.screen(slots, own, rooms[0])
        kernel.screen(slots, cautious, rooms[1])

    copied, full, twice, chosen = together(
        (copy, lambda: kernel.screen(slots, own, rooms[0]), both, lambda: select(kernel, intervals, LINES))
    )
    (plain,) = together((lambda: numpy_kernel().screen(slots, own, plain_room),), numpy_runs)
    rows = [
        (f"copy {sum(c.nbytes for c in slots.columns) / 1e6:.1f} MB", copied, ""),
        ("full screen", full, _ratio(full, copied, "copy", "full", count)),
        ("both repricings", twice, _ratio(twice, copied, "copy", "both", count)),
        (
            f"select and sort {len(hits.rows)}, {len(hits.straddling)} straddle",
            chosen,
            _ratio(chosen, full, "full", "select", count),
        ),
        ("full screen, numpy", plain, _ratio(plain, full, "full")),
    ]
    return rows + _moves(kernel, market, slots, full)


def _moves(kernel: Kernel, market: Market, slots: Slots, full: Timing) -> list[tuple[str, Timing, str]]:
    """Return what the holders of one asset take, and many shocks at once."""
    holders, own, room = Holders.of(slots), factors(market), Intervals.room(len(slots))
    rows = []
    for rank in RANKS:
        (timing,) = together((partial(_tick, kernel, slots, holders, own, room, rank),))
        rows.append((f"rank {rank}: {holders.legs_of([rank])} legs", timing, _ratio(timing, full, "full")))
    shocks = [factors(market, _shocked(market, step)) for step in range(SHOCKS)]
    (many,) = together((lambda: exposure(kernel, slots, shocks),), 5)
    per = 1e6 * many.best_ms / len(slots) / SHOCKS
    rows.append((f"{SHOCKS} shocks", many, f"{per:.2f} ns per account and shock"))
    return rows


def _tick(kernel: Kernel, slots: Slots, holders: Holders, own: Factors, room: Intervals, rank: int) -> None:
    kernel.screen_rows(slots, own, holders.of_assets([rank], len(slots)), room)


def _shocked(market: Market, step: int) -> Repricing:
    return (
        shock(market.graph, {node_of(i): 1_000_000 - 20_000 * step for i in range(0, ASSETS, 2)}) if step else PROTOCOL
    )


def _ratio(one: Timing, other: Timing, name: str, budget: str = "", count: int = 0) -> str:
    ratio = one.median_ms / other.median_ms
    said = f"{ratio:.2f} × {name} (best {one.best_ms / other.best_ms:.2f}, cpu {one.cpu_ms / other.cpu_ms:.2f})"
    if not budget or count < BUDGETED:
        return said
    return f"{said}, budget {BUDGETS[budget]:.0f}: {'kept' if ratio <= BUDGETS[budget] else 'MISSED'}"


def main(sizes: Sequence[int], wide: float) -> None:
    """Print one table."""
    started = perf_counter()
    kernel = warm()
    print(f"{kernel.name}; warm in {perf_counter() - started:.1f} s {kernel.reason}")
    market = pool()
    (made,) = together((lambda: factors(replace(market, views=[])),))
    print(f"factors of {ASSETS} reserves, {len(market.categories)} categories: {made.median_ms:.2f} ms")
    print(f"{'accounts':>10}  {'work':42} {'median ms':>9} {'best':>9} {'cpu':>9}")
    for count in sizes:
        started = perf_counter()
        columns = accounts(market, count, wide)
        made_s, started = perf_counter() - started, perf_counter()
        slots = Slots.of(CELLS, columns)
        built_ms = 1e3 * (perf_counter() - started)
        holders = Holders.of(slots)
        memory = f"{slots.nbytes / count:.1f} + {holders.nbytes / count:.1f} bytes per account"
        print(f"{count:10}  slots made in {built_ms:.1f} ms; {memory} (slots, holders); {made_s:.1f} s to invent")
        for work, timing, beside in measure(kernel, market, count, 3 if count > 100_000 else RUNS, wide):
            print(f"{count:10}  {work:42} {timing}  {beside}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.screen", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--wide", type=float, default=0.0, help="share of accounts with ten legs")
    arguments = parser.parse_args()
    main(arguments.sizes, arguments.wide)
