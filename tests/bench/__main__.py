"""`./dev bench`: the promises measured on this machine, on a pool of 60 reserves that a local chain serves."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from monitor.app.readers import Readers, configured
from monitor.cli.bench import market_lines, start_lines, told
from monitor.cli.benching.disk import disk_lines
from monitor.cli.benching.line import Line
from monitor.settings import addresses_in
from tests.bench import growth, head, screen
from tests.devnet import aave_wide, install_multicall3, running_chain
from tests.e2e.command import DEPLOYMENT, accounts_of, config_of

FOLLOWED = 100_000


async def pool_lines(count: int) -> list[Line]:
    """Deploy the pool, write its accounts, and measure what `hfm bench` does on them."""
    with running_chain() as chain, tempfile.TemporaryDirectory(prefix="hfm-bench-") as name:
        folder, market = Path(name), aave_wide(chain, count)
        install_multicall3(chain)
        config, owners = config_of(market, folder), addresses_in(accounts_of(market.accounts, folder))
        async with configured(config) as settings, Readers.open(settings, None, DEPLOYMENT, owners) as readers:
            return await market_lines(readers, chain.node.http_url)


async def head_lines() -> list[Line]:
    """Follow a market from memory into a store on disk, a hundredth of its accounts touched at each head."""
    found = await head.measured(FOLLOWED)
    beside = f"slowest {found.worst_ms:.0f} ms; first {found.first_ms:.0f} ms; keeper's list {found.list_ms:.1f} ms"
    work = f"head to committed, {found.accounts:,} accounts, {found.touched:,} touched"
    return [Line(work, found.head_ms, "ms", head.BUDGET_MS, beside=beside)]


async def bench(count: int, *, check: bool) -> int:
    """Measure everything and print one table."""
    lines = await asyncio.to_thread(start_lines)
    lines += await disk_lines(Path())
    return told(lines + await pool_lines(count) + await head_lines(), check=check)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--check", action="store_true", help="leave with 1 when a ratio or a size is over its budget")
    parser.add_argument("--growth", action="store_true", help="a thousand to a million accounts, instead")
    parser.add_argument("--snapshot", action="store_true", help="with --growth: also write the million to Parquet")
    arguments = parser.parse_args()
    if arguments.growth:
        growth.show(list(screen.SIZES), snapshot=arguments.snapshot)
        sys.exit()
    sys.exit(asyncio.run(bench(arguments.accounts, check=arguments.check)))
