"""The developer's door says what it can do, and what is missing in one line."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.architecture.tree import ROOT


def dev(*arguments: str, place: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["./dev", *arguments],
        cwd=place,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_without_a_verb_it_lists_its_verbs():
    said = dev()
    assert said.returncode == 0
    assert all(f"\n  {verb} " in said.stdout for verb in ("demo", "test", "lint", "bench", "lock", "shell"))


def test_an_unknown_verb_is_a_usage_error():
    said = dev("tset")
    assert said.returncode == 2
    assert "no verb 'tset'" in said.stderr


def test_a_broken_interpreter_is_named_in_one_line(tmp_path: Path):
    shutil.copy2(ROOT / "dev", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    said = dev("lint", place=tmp_path, HFM_PYTHON="/bin/false")
    assert said.returncode == 2
    assert said.stderr == "dev: HFM_PYTHON=/bin/false is no working Python 3.11 to 3.14\n"


def test_the_gate_of_every_change_is_the_developers_own_door():
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith('exec ./dev test "$@"')
