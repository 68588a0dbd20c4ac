"""`hfm snapshot`: every wanted position at one moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import Progress

from monitor.cli.printing.progress import progress
from monitor.domain.row import Cell, Row

_ROWS_PER_STEP = 50


def snapshot(
    *,
    config: Path | None = None,
    chain: str | None = None,
    deployment: str | None = None,
    accounts: Path | None = None,
    block: str | None = None,
    output: Path | None = None,
    format: Literal["table", "json"] = "table",  # noqa: A002  # the word a user types
) -> int:
    """Read every position at one moment, exactly, and write it as rows.

    Args:
        config: settings on top of the packaged chains and deployments
        chain: only deployments on this chain
        deployment: only this deployment
        accounts: a file of addresses, one per line; without it, those the settings watch
        block: a block number or hash; without it, the newest verified block
        output: a file ending in .csv, .jsonl or .parquet; without it, the rows are printed
        format: how rows are printed
    """
    return asyncio.run(_snapshot(config, chain, deployment, accounts, block, output, format))


async def _snapshot(
    config: Path | None,
    chain: str | None,
    deployment: str | None,
    accounts: Path | None,
    block: str | None,
    output: Path | None,
    shown: str,
) -> int:
    from monitor.app.readers import Readers, configured
    from monitor.cli import OK, UNREAD
    from monitor.cli.printing.tables import print_rows
    from monitor.export.writer import writer_for
    from monitor.settings import addresses_in

    owners = addresses_in(accounts) if accounts else None
    errors = Console(stderr=True)
    async with configured(config) as settings, Readers.open(settings, chain, deployment, owners) as readers:
        with progress(errors) as bar:
            rows = _counted(readers.rows(block), bar, readers.wanted)
            kept, statuses = [], Counter[Cell]()
            with nullcontext() if output is None else writer_for(output) as writer:
                async for row in rows:
                    statuses[row["status"]] += 1
                    if writer is None:
                        kept.append(row)
                    else:
                        writer.write([row])
    if output is None:
        print_rows(kept, shown, title="Positions")
    unread = statuses["unmeasurable"]
    errors.print(
        f"{statuses.total()} positions" + (f" to {output}" if output else "") + (f", {unread} unread" if unread else "")
    )
    return UNREAD if unread else OK


async def _counted(rows: AsyncIterator[Row], bar: Progress, wanted: int) -> AsyncIterator[Row]:
    task = bar.add_task("reading", total=wanted)
    told = 0
    async for row in rows:
        told += 1
        if told % _ROWS_PER_STEP == 0:
            bar.update(task, completed=told)
        yield row
