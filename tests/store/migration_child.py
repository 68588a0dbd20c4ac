"""Kills the upgrade of a database at every statement it makes, from every older form; run as its own process.

Forks for each kill, so that hundreds take seconds. Prints what was found as one JSON object.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.clock import SystemClock
from monitor.store import Store
from monitor.store.engine import database_url, engines
from monitor.store.migrations import MIGRATIONS, migrate

RELEASED = Path(__file__).parent / "first_light.sql"
HELD = (
    "SELECT id, status, row FROM positions",
    "SELECT position, level, state FROM states",
    "SELECT key, alert FROM alerts",
    "SELECT dedupe_key, routes, state FROM outbox",
    "SELECT deployment, at FROM cursors",
)
LONGEST_S = 30
NAMES = tuple(migration.name for migration in MIGRATIONS)


def url(file: Path) -> str:
    return f"sqlite:///{file}"


async def upgrade(file: Path, reach: Callable[[str], None] = lambda _: None) -> None:
    async with Store.open(url(file), SystemClock(), reach):
        pass


async def aged(file: Path, until: int, *, is_released: bool) -> None:
    """Make a database as one that had the first `until` changes: begun by the first release, or with nothing."""
    if is_released:
        with sqlite3.connect(file) as connection:
            connection.executescript(RELEASED.read_text())
        connection.close()
    async with engines(database_url(url(file))) as (writer, _):
        await migrate(writer, SystemClock(), lambda _: None, MIGRATIONS[:until])


def form(file: Path) -> dict[str, Any]:
    """Return tables with their columns, and indexes, whatever order they came in; also what they hold of old."""
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        names = connection.execute("SELECT type, name FROM sqlite_master ORDER BY name").fetchall()
        tables = [name for kind, name in names if kind == "table"]
        found = {
            name: sorted(connection.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)))
            for name in tables
        }
        applied = [row for (row,) in connection.execute("SELECT name FROM migrations")] if tables else []
        held = [connection.execute(query).fetchall() for query in HELD] if "outbox" in tables else []
    connection.close()
    return {"tables": found, "indexes": [n for kind, n in names if kind == "index"], "held": held, "applied": applied}


def killed_at(file: Path, nth: int) -> bool:
    """Upgrade in a child that dies at its nth statement; return whether it came that far."""
    pid = os.fork()
    if pid == 0:
        left = nth

        def reach(name: str) -> None:
            nonlocal left
            left -= name == "migration: statement"
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(asyncio.wait_for(upgrade(file, reach), LONGEST_S))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def kills_of(folder: Path, until: int, *, is_released: bool) -> int:
    """Return how often the upgrade from one form was killed; it was whole each time it was tried again."""
    start, file, kills = folder / "start.db", folder / "hfm.db", 0
    asyncio.run(aged(start, until, is_released=is_released))
    before = form(start)
    steps = [before]
    for more in range(until + 1, len(MIGRATIONS) + 1):
        step = folder / f"step{more}.db"
        asyncio.run(aged(step, more, is_released=is_released))
        steps.append(form(step))
    while True:
        for old in folder.glob("hfm.db*"):
            old.unlink()
        shutil.copy(start, file)
        if not killed_at(file, kills + 1):
            break
        kills += 1
        assert form(file) in steps, f"{kills}. statement from {NAMES[:until]}: neither form"
        asyncio.run(upgrade(file))
        assert form(file) == steps[-1], f"{kills}. statement from {NAMES[:until]}: not made whole"
    assert form(file) == steps[-1]
    for left in folder.iterdir():
        left.unlink()
    return kills


def main(folder: Path, *, is_long: bool) -> dict[str, object]:
    """Upgrade from every form, or from the first release alone."""
    plan = [(True, 1)]
    if is_long:
        plan += [(True, n) for n in range(2, len(MIGRATIONS))] + [(False, n) for n in range(len(MIGRATIONS))]
    kills = [kills_of(folder, until, is_released=is_released) for is_released, until in plan]
    ends = []
    for is_released in (True, False):
        end = folder / f"{is_released}.db"
        asyncio.run(aged(end, len(MIGRATIONS), is_released=is_released))
        ends.append(form(end))
    same = [ends[0][what] == ends[1][what] for what in ("tables", "indexes", "applied")]
    return {"forms": len(plan), "kills": sum(kills), "least": min(kills), "same": all(same), "held": ends[0]["held"]}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), is_long=sys.argv[2] == "long")))
