"""An upgrade killed at any statement leaves the older form or the newer one, and is made whole the next time."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import pytest

from monitor.store.migrations import MIGRATIONS
from tests.architecture.tree import ROOT

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@pytest.mark.parametrize("reach", ["first release", pytest.param("long", marks=pytest.mark.long)])
async def test_an_upgrade_killed_at_every_statement_is_made_whole_and_keeps_what_was_stored(reach: str):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.store.migration_child", folder, reach),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 900)
    assert process.returncode == 0
    found = json.loads(out.decode().strip().splitlines()[-1])
    print({name: found[name] for name in ("forms", "kills", "least")})
    assert found["forms"] == (2 * len(MIGRATIONS) - 1 if reach == "long" else 1)
    assert found["least"] >= 3
    assert found["kills"] >= 3 * found["forms"]
    assert found["same"], "an upgraded database differs from a new one"
    assert [len(rows) for rows in found["held"]] == [1, 1, 1, 1, 1]
