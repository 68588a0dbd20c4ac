"""The developer's door says what it can do, and what is missing in one line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(("codes", "ends_with"), [([0], 0), ([1, 0], 0), ([1, 1], 1), ([1, 5], 5), ([2], 2)], ids=str)
def test_the_gate_is_the_developers_door_and_what_failed_has_to_pass_by_itself(
    codes: list[int], ends_with: int, tmp_path: Path
):
    (tmp_path / ".ci").mkdir()
    shutil.copy2(ROOT / ".ci" / "run", tmp_path / ".ci")
    (tmp_path / "codes").write_text("".join(f"{code}\n" for code in codes))
    door = '#!/bin/sh\necho "$*" >> asked\ncode=$(head -1 codes)\nsed -i 1d codes\nexit "$code"\n'
    (tmp_path / "dev").write_text(door)
    (tmp_path / "dev").chmod(0o755)
    done = subprocess.run([".ci/run", "-x"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == ends_with
    again = ["test --last-failed --last-failed-no-failures none -x"]
    assert (tmp_path / "asked").read_text().splitlines() == ["test -x"] + again * (len(codes) - 1)
    assert ("once more" in done.stdout) is (len(codes) > 1)
