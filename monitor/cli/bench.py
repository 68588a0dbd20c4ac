"""`hfm bench`: how fast this machine is at what the product promises, beside its peers, in one run."""

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from monitor.cli.printing.tables import screen
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.app.readers import Readers
    from monitor.cli.benching.line import Line

_START_RUNS = 5


def bench(
    *,
    config: Path | None = None,
    deployment: str | None = None,
    accounts: Path | None = None,
    check: bool = False,
) -> int:
    """Measure start-up and the store on this folder's disk; with a deployment reads, health, export, the screen.

    Args:
        config: settings on top of the packaged chains and deployments
        deployment: what to read; without it only what needs no chain is measured
        accounts: a file of addresses, one per line
        check: leave with 1 when a ratio, a size or a count is over its budget; times alone depend on the machine
    """
    return asyncio.run(_bench(config, deployment, accounts, check=check))


async def _bench(config: Path | None, deployment: str | None, accounts: Path | None, *, check: bool) -> int:
    from monitor.app.readers import Readers, configured
    from monitor.cli.benching.disk import disk_lines
    from monitor.settings import addresses_in

    lines = await asyncio.to_thread(start_lines) + await disk_lines(Path())
    if deployment is not None:
        if accounts is None:
            raise UsageError("expected --accounts FILE with the accounts to read")
        owners = addresses_in(accounts)
        async with configured(config) as settings, Readers.open(settings, None, deployment, owners) as readers:
            lines += await market_lines(
                readers, settings.chain_named(settings.deployment_named(deployment).chain).rpc[0]
            )
    return told(lines, check=check)


def told(lines: Sequence["Line"], *, check: bool) -> int:
    """Print the lines and return the exit code."""
    from monitor.cli import FINDING, OK
    from monitor.cli.benching.line import table_of

    screen().print(table_of(lines))
    missed = [line for line in lines if not line.is_kept]
    if missed:
        screen().print(f"[yellow]over budget in this run: {', '.join(line.work for line in missed)}[/yellow]")
    return FINDING if check and any(line.is_relative for line in missed) else OK


def start_lines() -> list["Line"]:
    """Return what it takes to start the command."""
    from monitor.cli.benching.line import Line

    def run(*command: str) -> float:
        started = perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=60)  # noqa: S603
        return perf_counter() - started

    def median(*command: str) -> float:
        return statistics.median(run(*command) for _ in range(_START_RUNS))

    beside = f"bare Python {median('-c', 'pass') * 1000:.0f} ms"
    return [
        Line("hfm --help", median("-m", "monitor", "--help") * 1000, "ms", 300, beside=beside),
        Line("import monitor", median("-c", "import monitor") * 1000, "ms", 200, beside=beside),
    ]


async def market_lines(readers: "Readers", url: str) -> list["Line"]:
    """Return what is measured on one deployment and the accounts of it that are wanted."""
    from monitor.app import parts
    from monitor.cli.benching import chain as reads
    from monitor.cli.benching import exact, memory

    chain, target = readers.chain_alone
    adapter, at = parts.followed(target.deployment.protocol), await chain.head()
    (key,) = await chain.read(adapter.markets(target.deployment), at)
    market = await chain.read(adapter.market(target.deployment, key), at)
    cautious = (await readers.outlooks.of(chain, market, at)).repricing
    keys = [k for owner in target.owners for k in await chain.read(adapter.owned(market, owner), at)]
    lines, read = await reads.read_lines(chain, adapter, market, keys, at, url)
    lines += exact.exact_lines(adapter, market, read, cautious)
    many = memory.crowd(read, memory.MILLION)
    lines += memory.screen_lines(adapter, market, many, cautious) + memory.ledger_lines(many)
    lines += await exact.shared_lines(adapter, market, many, cautious)
    return lines + exact.parquet_lines(exact.rows_of(adapter, market, read, cautious))
