"""`hfm bench`: how fast this machine is at what the product promises, beside its peers, in one run."""

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from rich.table import Table

from monitor.cli.tables import screen
from monitor.errors import UsageError
from monitor.query import Answer, Ask, LensAnswer, LensCall

if TYPE_CHECKING:
    from monitor.app.readers import Readers

_RUNS = 15
_PEER_ACCOUNTS = 100
_FULL_ACCOUNTS = 200
_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement; `budget` is the promise or None, a floor where `is_rate`, else a ceiling."""

    work: str
    value: float
    unit: str
    budget: float | None = None
    is_rate: bool = False
    beside: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the promise holds in this run."""
        return self.budget is None or (self.value >= self.budget if self.is_rate else self.value <= self.budget)


def bench(
    *,
    config: Path | None = None,
    deployment: str | None = None,
    accounts: Path | None = None,
    check: bool = False,
) -> int:
    """Measure start-up and, against a deployment, cold reads, exact health and export, beside web3 and multicall.

    Args:
        config: settings on top of the packaged chains and deployments
        deployment: what to read; without it only what needs no chain is measured
        accounts: a file of addresses, one per line
        check: leave with 1 when a budget is missed
    """
    return asyncio.run(_bench(config, deployment, accounts, check=check))


async def _bench(config: Path | None, deployment: str | None, accounts: Path | None, *, check: bool) -> int:
    from monitor.app.readers import Readers, configured
    from monitor.cli import FINDING, OK
    from monitor.settings import addresses_in

    lines = await asyncio.to_thread(_start_up)
    if deployment is not None:
        if accounts is None:
            raise UsageError("expected --accounts FILE with the accounts to read")
        owners = addresses_in(accounts)
        async with configured(config) as settings, Readers.open(settings, None, deployment, owners) as readers:
            lines += await _chain(readers, settings.chain_named(settings.deployment_named(deployment).chain).rpc[0])
    screen().print(_table(lines))
    missed = [line.work for line in lines if not line.is_kept]
    if missed:
        screen().print(f"[yellow]over budget in this run: {', '.join(missed)}[/yellow]")
    return FINDING if check and missed else OK


def _start_up() -> list[Line]:
    def run(*command: str) -> float:
        started = perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=60)  # noqa: S603
        return perf_counter() - started

    bare = _median(lambda: run("-c", "pass"), 5)
    help_s, import_s = (
        _median(lambda: run("-m", "monitor", "--help"), 5),
        _median(lambda: run("-c", "import monitor"), 5),
    )
    beside = f"bare Python {bare * 1000:.0f} ms"
    return [
        Line("hfm --help", help_s * 1000, "ms", 300, beside=beside),
        Line("import monitor", import_s * 1000, "ms", 200, beside=beside),
    ]


async def _chain(readers: "Readers", url: str) -> list[Line]:
    from monitor.domain.row import row
    from monitor.health.evaluate import evaluation

    ((chain, target),) = readers.targets
    adapter, at = target.adapter, await chain.head()
    (key,) = await chain.read(adapter.markets(target.deployment), at)
    market = await chain.read(adapter.market(target.deployment, key), at)
    outlook = await readers.outlooks.of(chain, market, at)
    keys = [k for owner in target.owners for k in await chain.read(adapter.owned(market, owner), at)]
    tally = _Tally()
    stored = list(await chain.read(tally.of(adapter.accounts(market, keys)), at))
    cold_s = await _median_of(lambda: chain.read(adapter.accounts(market, keys), at))
    exact_s = _median(lambda: _timed(lambda: [adapter.health(market, account) for account in stored]))
    near = stored[:_FULL_ACCOUNTS]
    target_wad = 15 * 10**17
    found = [evaluation(adapter, market, account, outlook.repricing, target_wad) for account in near]
    full_s = _median(
        lambda: _timed(lambda: [evaluation(adapter, market, a, outlook.repricing, target_wad) for a in near]), 5
    )
    rows = [row(found[i % len(found)]) for i in range(_ROWS)]
    rate = len(keys) / cold_s
    return [
        Line("cold read", rate, "accounts/s", 40_000, is_rate=True, beside=await _peers(url, market.pool, keys, rate)),
        Line("cold read, on the wire", tally.wire_bytes / len(keys), "bytes/account", 300),
        Line("exact health", exact_s / len(stored) * 1e6, "µs/account", 15),
        Line("full assessment", full_s / len(near) * 1e3, "ms/account", 1),
        Line("rows to Parquet", _parquet(rows) / _ROWS * 1e6, "s per million", 8, beside=f"{_ROWS:,} rows written"),
    ]


async def _peers(url: str, pool: Any, keys: list[Any], rate: float) -> str:
    from monitor.abi import interface
    from monitor.sources.peers import multicall_package, web3_contract_calls

    view = interface("aave_v3", "pool")["getUserAccountData"]
    told = []
    for name, make, users in (
        ("web3 contract call", web3_contract_calls, keys[:_PEER_ACCOUNTS]),
        ("multicall package", multicall_package, keys),
    ):
        try:
            read = make(url, pool, view, users)
        except UsageError as e:
            told.append(f"{name}: {e}")
            continue
        started = perf_counter()
        peer = (await asyncio.to_thread(read)) / (perf_counter() - started)
        told.append(f"{name} {peer:,.0f}/s (×{rate / peer:.0f})")
    return " · ".join(told)


def _parquet(rows: list[Any]) -> float:
    from tempfile import TemporaryDirectory

    from monitor.export.writer import writer_for

    with TemporaryDirectory() as folder:
        started = perf_counter()
        with writer_for(Path(folder) / "rows.parquet") as writer:
            writer.write(rows)
        return perf_counter() - started


class _Tally:
    """Counts what a read sends and receives through lenses, as hex on the wire."""

    def __init__(self) -> None:
        self.wire_bytes = 0

    def of(self, read: Ask[Any]) -> Ask[Any]:
        """Return the same read, counted."""
        answers: tuple[Answer, ...] | None = None
        while True:
            try:
                questions = next(read) if answers is None else read.send(answers)
            except StopIteration as stop:
                return stop.value
            answers = yield questions
            for question, answer in zip(questions, answers, strict=True):
                if isinstance(question, LensCall) and isinstance(answer, LensAnswer):
                    self.wire_bytes += 2 * sum(map(len, question.items))
                    self.wire_bytes += 2 * sum(len(p.output) for p in answer.parts if isinstance(p.output, bytes))


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _median(measure: Callable[[], float], runs: int = _RUNS) -> float:
    return statistics.median(measure() for _ in range(runs))


async def _median_of(work: Callable[[], Awaitable[object]]) -> float:
    took = []
    for _ in range(_RUNS):
        started = perf_counter()
        await work()
        took.append(perf_counter() - started)
    return statistics.median(took)


def _table(lines: list[Line]) -> Table:
    table = Table(header_style="bold")
    for name in ("work", "measured", "budget", "beside it, in the same run"):
        table.add_column(name, justify="right" if name in ("measured", "budget") else "left")
    for line in lines:
        budget = "" if line.budget is None else f"{'≥' if line.is_rate else '≤'} {line.budget:,.0f}"
        style = "green" if line.is_kept else "bold yellow"
        table.add_row(line.work, f"[{style}]{line.value:,.1f} {line.unit}[/{style}]", budget, line.beside)
    return table
