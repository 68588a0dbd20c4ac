"""`python -m tests.demo [--once]`: the main job, end to end, on real contracts."""

import argparse
import asyncio
import shutil
import time
from pathlib import Path

import aiohttp
from rich.console import Console

from monitor.app.readers import Readers, configured
from monitor.cycle.step import Sight, look
from monitor.settings import addresses_in
from tests.demo.stage import LENDING, Stage, ready, service, stage
from tests.demo.story import Story

FOLDER = Path(__file__).parents[2] / ".cache" / "demo"


async def play(accounts: int, folder: Path, console: Console, *, once: bool) -> int:
    """Run the whole demo and return its exit code."""
    console.print(f"Deploying the real Aave v3.0.2 and curie on a local chain, with {accounts} accounts …")
    async with stage(folder, accounts) as built, service(built) as process:
        await ready(built, process)
        console.print(f"hfm run watches {built.market.deployed.pool}; its pages and API are at {built.api}")
        story = Story(built, console)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as http:
            await story.slide(http)
            await story.keeper_asks(http)
        await story.compare(await story.snapshot())
        await story.watch()
        story.tally.reads_per_s = await _reads_per_s(built)
        console.print(story.summary())
        if not once:
            console.print("Everything keeps running; look at the API, or stop with Ctrl-C.")
            await process.wait()
    return 0 if story.tally.equal == story.tally.compared else 1


async def _reads_per_s(built: Stage) -> float:
    owners = addresses_in(built.accounts)
    async with (
        configured(built.config) as settings,
        Readers.open(settings, deployment=LENDING, owners=owners) as readers,
    ):
        ((chain, target),) = readers.targets
        at = await chain.head()
        started, read = time.perf_counter(), 0
        async for sight in look(chain, target, readers.outlooks, at, readers.listings[target.deployment.name]):
            assert isinstance(sight, Sight), sight.why
            read += len(sight.accounts)
        return read / (time.perf_counter() - started)


def main() -> int:
    """Read the arguments and play."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end by itself")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where configuration, log and snapshot are kept")
    parser.add_argument("--accounts", type=int, default=500, help="how many random borrowers")
    arguments = parser.parse_args()
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    shutil.rmtree(arguments.folder, ignore_errors=True)
    arguments.folder.mkdir(parents=True)
    try:
        return asyncio.run(play(arguments.accounts, arguments.folder, console, once=arguments.once))
    except KeyboardInterrupt:
        console.print("stopped")
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
