"""Days of wandering prices leave neither memory nor a file that grows."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT


async def lived(folder: Path, days: int, keep_days: int) -> list[dict[str, Any]]:
    """Live that many virtual days in a process of its own and return what each left behind."""
    arguments = ("-m", "tests.soak.days", str(folder), str(days), str(keep_days))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize(("days", "keep_days"), [(6, 1), pytest.param(30, 5, marks=pytest.mark.long)])
async def test_a_soak_leaves_neither_memory_nor_a_file_that_grows(tmp_path: Path, days: int, keep_days: int):
    told = await lived(tmp_path, days, keep_days)
    warm, last = told[keep_days + 1], told[-1]
    between = last["day"] - warm["day"]
    growth = (last["resident"] - warm["resident"]) / warm["resident"] / between
    print(
        f"{days} days: {last['said']} alerts, {last['sent']} sent, memory {growth * 100:+.2f} % a day to "
        f"{last['resident'] >> 20} MiB, file {last['pages']} pages of 4 KiB, log beside it {last['wal'] >> 20} MiB"
    )
    assert last["said"] > 50 * days
    assert last["pending"] <= last["said"] // 100 + 2
    assert growth < 0.01
    assert last["alerts"] < last["said"] // 2
    # Once the first of what is over has gone, only chance moves the highest point.
    assert last["pages"] <= 1.5 * warm["pages"]
    assert last["wal"] <= 8 * 2**20
    assert last["tasks"] <= told[0]["tasks"] + 4
