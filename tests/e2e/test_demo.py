"""The main job, as `./dev demo --once` runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.devnet


def test_the_demo_shows_every_stage_and_equals_the_contract(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", "--once", "--accounts", "60", "--folder", str(tmp_path / "demo")],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for stage in (
        "hfm run watches",
        "treasury 0x4e4e…4e4e",
        "🔴 CRITICAL (was",
        "🚨 LIQUIDATABLE (was",
        "GET /v1/at-risk",
        "hfm snapshot wrote",
        "to the last unit",
        "levels of the loan WATCH → WARN → DANGER → CRITICAL → LIQUIDATABLE",
        "→ CRITICAL → LIQUIDATABLE alerts delivered",
        "local-perps",
        "0x4e4e…4e4e in all: 2 positions; equity $",
    ):
        assert stage in " ".join(done.stdout.replace("│", "").split()), stage
