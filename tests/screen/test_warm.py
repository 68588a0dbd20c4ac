"""The service screens wherever it runs: without a cache, without threads that can be shared, without a compiler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import caching

from monitor.screen import compiled, plain
from monitor.screen.kernel import Kernel

REPORT = "from monitor.screen.warm import warm; kernel = warm(); print(kernel.name); print(kernel.reason)"


def warmed(environment: dict[str, str], first: str = "") -> list[str]:
    """What a fresh process says of its kernel."""
    done = subprocess.run(
        [sys.executable, "-c", f"{first}\n{REPORT}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_where_nothing_can_be_cached_the_loops_are_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    found = compiled.compiled()
    assert isinstance(found, Kernel)
    assert found.name.startswith("numba")
    assert "cannot cache" in found.reason


def test_without_a_compiler_numpy_does_the_work() -> None:
    assert warmed({"NUMBA_DISABLE_JIT": "1"}) == ["numpy", "NUMBA_DISABLE_JIT is set"]
    name, reason = warmed({}, "import sys; sys.modules['numba'] = None")
    assert name == "numpy"
    assert "numba cannot be loaded" in reason


def test_a_loop_that_says_other_than_its_twin_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "ratios", lambda sums, _slack: (sums[0], sums[1]))
    found = compiled.compiled()
    assert isinstance(found, str)
    assert "screen_all differs" in found


def test_threads_that_end_the_process_when_shared_are_not_used_even_from_a_cache(tmp_path: Path) -> None:
    assert warmed({"NUMBA_CACHE_DIR": str(tmp_path)})[0].startswith("numba")
    cached = {path.name.split("-")[0] for path in tmp_path.rglob("*.nbi")}
    assert {"loops.screen_all_serial", "loops.sum_wide_serial"} <= cached
    name, reason = warmed({"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_THREADING_LAYER": "workqueue"})
    assert name == "numba, 1 thread"
    assert "workqueue" in reason
    assert "loops.total_all_serial" in {path.name.split("-")[0] for path in tmp_path.rglob("*.nbi")}
