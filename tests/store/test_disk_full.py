"""A disk that is full loses nothing that was stored, and the store goes on by itself when there is room again."""

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

import pytest

from monitor.store.failure import typed
from tests.architecture.tree import ROOT


async def test_a_full_disk_loses_nothing_and_work_goes_on_when_there_is_room(tmp_path: Path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.full_disk", str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    found = json.loads(out.decode().strip().splitlines()[-1])
    assert process.returncode == 0
    assert found["done"] >= 20
    assert "no space left for the database" in found["refused"]
    assert found["refused_again"] == 5
    assert found["known"] == found["owed_while_full"] == found["done"]
    assert found["sent_while_full"] == found["done"]
    assert found["resumed_s"] < 10
    assert found["sent"] == found["different"] == found["done"] + 1
    with sqlite3.connect(tmp_path / "hfm.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_an_error_of_the_program_itself_is_not_taken_for_the_databases():
    with pytest.raises(ZeroDivisionError), typed():
        _ = 1 // 0
