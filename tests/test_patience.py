"""A test that hangs fails, says what it waited for, and does not hold up those after it."""

import subprocess
import sys
from pathlib import Path

import pytest

HANGS = {
    "in its body": """
async def test_hangs():
    await one_that_never_comes()
""",
    "as it cleans up": """
@pytest.fixture
async def taken():
    yield
    await one_that_never_comes()

async def test_hangs(taken):
    pass
""",
    "without a loop": """
def test_hangs():
    lock = Lock()
    while True:
        lock.acquire()
""",
    "deaf": """
@pytest.fixture
def deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})

def test_hangs(deaf):
    Lock().acquire() and Event().wait()
""",
}
AROUND = """
import asyncio
import signal
from threading import Event, Lock

import pytest

async def one_that_never_comes():
    await asyncio.Event().wait()
{hangs}
def test_after_it():
    pass
"""


@pytest.mark.parametrize("where", HANGS)
def test_who_hangs_fails_with_what_it_waits_for_and_the_next_runs(where: str, tmp_path: Path):
    (tmp_path / "test_it.py").write_text(AROUND.format(hangs=HANGS[where]))
    options = "-n 1 -p tests.patience -o patience_s=1 -o asyncio_mode=auto -p no:cacheprovider"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), f"--rootdir={tmp_path}", tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = run.stdout + run.stderr
    assert run.returncode == 1, told
    assert ("1 error" if where == "as it cleans up" else "1 failed") in run.stdout, told
    assert "PASSED" in run.stdout or "passed" in run.stdout, told
    if where in {"in its body", "as it cleans up"}:
        assert "in one_that_never_comes" in told, told
