"""`hfm backup`: a consistent copy of the store."""

import asyncio
from pathlib import Path


def backup(file: Path, /, *, config: Path | None = None) -> int:
    """Copy the store to FILE while the service goes on; FILE must not exist yet.

    To restore, stop the service, put the copy where `[store] url` points, without the files ending in -wal and -shm
    that lay beside the old one, and start it again.

    Args:
        file: where the copy goes
        config: settings that name the store
    """
    return asyncio.run(_backup(file, config))


async def _backup(file: Path, config: Path | None) -> int:
    from monitor.app.readers import configured
    from monitor.cli import OK
    from monitor.cli.printing.tables import screen
    from monitor.store.engine import database_url
    from monitor.store.upkeep import backup as upkeep

    async with configured(config) as settings:
        copied = await asyncio.to_thread(upkeep.backup, database_url(settings.store.url), file)
    size = f"{copied.size_bytes / 1_000_000:,.1f} MB"
    held = ", ".join(f"{rows:,} {name}" for name, rows in copied.rows.items() if rows)
    screen().print(f"{file}: {sum(copied.rows.values()):,} rows, {size} ({held or 'empty'})", soft_wrap=True)
    return OK
