"""Each deliberate bug of `bugs.toml` is put into a copy of the tree and must be caught by the check it names."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TypedDict

import pytest

from tests.architecture.tree import ROOT, files

CACHES = ("mypy", "ruff", "import-linter")
TOOLS = Path(sys.executable).parent


class Bug(TypedDict, total=False):
    """One row: in `file`, `old` (found once; absent: append, or make the file) becomes `new`; `check` must fail."""

    bug: str
    file: str
    old: str
    new: str
    check: str
    says: str
    long: bool


BUGS: list[Bug] = tomllib.loads((Path(__file__).parent / "bugs.toml").read_text())["mutant"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree that shares the big downloads and starts from warm caches."""
    place = tmp_path_factory.mktemp("mutants") / "tree"
    for path in files():
        target = place / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    (place / ".cache").mkdir()
    for name in CACHES:
        if (ROOT / ".cache" / name).is_dir():
            shutil.copytree(ROOT / ".cache" / name, place / ".cache" / name)
    (place / ".cache" / "devnet").symlink_to(ROOT / ".cache" / "devnet")
    return place


def command(check: str, file: str) -> list[str]:
    """Return how to run a check: `types`, `lint`, `imports`, or a pytest node id."""
    match check:
        case "types":
            return [sys.executable, "-m", "mypy"]
        case "lint":
            return [str(TOOLS / "ruff"), "check", file]
        case "imports":
            return [str(TOOLS / "lint-imports"), "--no-logo", "--cache-dir", ".cache/import-linter"]
        case node_id:
            quick = ["-q", "-x", "-p", "no:schemathesis", "-p", "no:xdist", "-p", "no:anyio"]
            return [sys.executable, "-m", "pytest", *quick, *node_id.split()]


def run(check: str, file: str, tree: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tree)}
    return subprocess.run(
        command(check, file), cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def mutated(bug: Bug, text: str | None) -> str:
    """Return the file's text with the bug in it."""
    if "old" not in bug:
        return (text or "") + bug["new"]
    assert text is not None, f"{bug['file']} is gone: give the bug a new home"
    assert text.count(bug["old"]) == 1, (
        f"expected once in {bug['file']}, found {text.count(bug['old'])}: {bug['old']!r}"
    )
    return text.replace(bug["old"], bug["new"])


@pytest.mark.parametrize("bug", BUGS, ids=[bug["bug"] for bug in BUGS])
def test_every_deliberate_bug_has_its_place(bug: Bug):
    target = ROOT / bug["file"]
    assert mutated(bug, target.read_text() if target.exists() else None)


@pytest.mark.parametrize(
    "bug", [pytest.param(b, id=b["bug"], marks=[pytest.mark.long] if b.get("long") else []) for b in BUGS]
)
def test_every_deliberate_bug_is_caught(bug: Bug, copy: Path):
    target = copy / bug["file"]
    before = target.read_text() if target.exists() else None
    target.write_text(mutated(bug, before))
    try:
        done = run(bug["check"], bug["file"], copy)
    finally:
        if before is None:
            target.unlink()
        else:
            target.write_text(before)
    said = done.stdout + done.stderr
    assert done.returncode == 1, f"the bug lives: {bug['check']} ended with {done.returncode}\n{said[-3000:]}"
    assert bug.get("says", "failed") in said, said[-3000:]


@pytest.mark.long
def test_the_unharmed_copy_passes_what_the_bugs_must_fail(copy: Path):
    checks = {b["check"] for b in BUGS}
    commands = {"types", "lint", "imports"}
    for check in [*sorted(checks & commands), " ".join(sorted(checks - commands))]:
        done = run(check, "monitor", copy)
        assert done.returncode == 0, done.stdout + done.stderr
