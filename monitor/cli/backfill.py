"""`hfm backfill`: finds every position of a deployment, and keeps them in a checkpoint or in the store."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from monitor.cli.tables import screen
from monitor.domain.ids import MarketKey, PositionKey
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.cycle.backfill import Cursor, Found
    from monitor.cycle.step import Target
    from monitor.settings import Settings
    from monitor.sources.rpc.chain import Chain

_KEEP_EVERY_S = 15


def backfill(
    deployment: str,
    *,
    config: Path | None = None,
    accounts: Path | None = None,
    output: Path | None = None,
    store: bool = False,
    plan: bool = False,
) -> int:
    """Search the logs of DEPLOYMENT for every account, read them all, and hold them against the market's totals.

    Leaves with 1 when somebody is missing for the totals, 3 when somebody could not be read.

    Args:
        deployment: whose accounts
        config: settings on top of the packaged chains and deployments
        accounts: where to go on from: a checkpoint, or a list of addresses, one per line
        output: a checkpoint to write, kept up to date while the search goes on
        store: put the ledger into the store of the settings, so that `hfm run` goes on from it
        plan: only say what the search is expected to take
    """
    return asyncio.run(_backfill(deployment, config, accounts, output, store=store, plan=plan))


async def _backfill(
    name: str, config: Path | None, seeds: Path | None, output: Path | None, *, store: bool, plan: bool
) -> int:
    from monitor.app import parts
    from monitor.app.readers import Readers, configured
    from monitor.cycle.backfill import Backfill, first_block

    console = screen()
    async with configured(config) as settings, Readers.open(settings, deployment=name, owners=()) as readers:
        ((chain, target),) = readers.targets
        head = await chain.head()
        start = settings.deployment_named(name).start_block
        if start is None:
            start = await first_block(chain, next(iter(target.deployment.roots.values())), head)
        codes = []
        for key in await chain.read(target.adapter.markets(target.deployment), head):
            cursor = _seeded(seeds, target, key, start)
            search = Backfill(chain, parts.adapter(target.deployment.protocol), target.deployment, key, start)
            expected = await search.plan(cursor)
            console.print(
                f"{name}: blocks {expected.first:,} to {expected.last:,}, about {expected.requests:,} requests and "
                f"{expected.seconds:,} s; {len(cursor.keys):,} accounts known before"
            )
            if plan:
                continue
            found = await _run(console, chain, target, search, cursor, output)
            codes.append(_told(console, found))
            if store:
                await _put(settings, target, found)
                console.print(f"Stored; hfm run goes on from block {found.at.number:,}.")
    return max(codes, default=0)


def _seeded(seeds: Path | None, target: "Target", key: MarketKey, start: int) -> "Cursor":
    from monitor.cycle.backfill import Cursor
    from monitor.settings import addresses_in
    from monitor.store.checkpoint import read_checkpoint

    if seeds is None:
        return Cursor(start)
    if seeds.suffix != ".jsonl":
        return Cursor(start, tuple(PositionKey(owner) for owner in addresses_in(seeds)))
    kept = read_checkpoint(seeds)
    if (kept.origin.deployment, kept.origin.market) != (target.deployment.name, key):
        raise UsageError(
            f"expected a checkpoint of {target.deployment.name} {key}, "
            f"found one of {kept.origin.deployment} {kept.origin.market}"
        )
    return Cursor(kept.origin.at.number + 1, kept.keys)


async def _run(
    console: Console, chain: "Chain", target: "Target", search: Any, cursor: "Cursor", output: Path | None
) -> "Found":
    from dataclasses import replace

    from monitor.clock import SystemClock
    from monitor.store.checkpoint import Origin, known_by_key, write_checkpoint

    clock, keys = SystemClock(), dict.fromkeys(cursor.keys)
    deployment = target.deployment
    kept_ms = clock.monotonic_ms()

    def origin(at: Any) -> Origin:
        return Origin(deployment.chain, deployment.protocol, deployment.name, search.key, at)

    async def keep(next_block: int, new: Sequence[PositionKey]) -> None:
        nonlocal kept_ms
        keys.update(dict.fromkeys(new))
        if output is not None and clock.monotonic_ms() - kept_ms > _KEEP_EVERY_S * 1000:
            kept_ms = clock.monotonic_ms()
            write_checkpoint(output, origin(await chain.block(next_block - 1)), [known_by_key(keys)])

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("searching", total=None)

        def progress(seen: Any) -> None:
            bar.update(task, total=seen.last - seen.first + 1, completed=seen.through - seen.first + 1)

        found: Found = await replace(search, keep=keep, progress=progress).run(cursor)
    if output is not None:
        write_checkpoint(output, origin(found.at), found.accounts)
        console.print(f"Wrote {output}.")
    return found


def _told(console: Console, found: "Found") -> int:
    from monitor.cli import FINDING, OK, UNREAD

    count = sum(len(part) for part in found.accounts)
    console.print(f"{count:,} accounts at block {found.at.number:,} {found.at.hash}", highlight=False)
    for short in found.shortfalls:
        console.print(
            f"[bold red]asset {short.asset}: the accounts found owe {short.found_raw}, "
            f"the market says {short.expected_raw}[/bold red]"
        )
    for key in found.failed:
        console.print(f"[bold magenta]unread: {key}[/bold magenta]")
    if not found.shortfalls:
        console.print("[green]Their debts add up to the market's own totals: nobody who owes is missing.[/green]")
    return UNREAD if found.failed else FINDING if found.shortfalls else OK


async def _put(settings: "Settings", target: "Target", found: "Found") -> None:
    from monitor.ledger.changes import Changes
    from monitor.ledger.journal import Journal
    from monitor.ledger.ledger import Ledger
    from monitor.store import Commit, Cursor, LedgerPart, Store

    deployment, ledger = target.deployment, Ledger()
    for part in found.accounts:
        ledger.apply(Changes(found.at, part))
    reached = Cursor(deployment.name, deployment.protocol, deployment.chain, found.at)
    kept = LedgerPart(deployment.name, found.market.key, Journal(ledger, found.at))
    async with Store.open(settings.store.url) as opened:
        await opened.commit(Commit(reached, ledgers=(kept,)))
