"""At least nine in ten small changes of the rules and of the clockwork are noticed by their quick tests."""

import ast
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.architecture.tree import ROOT
from tests.mutants.mutator import mutants, mutated
from tests.mutants.score import TESTS, equivalent

SAMPLE, SEED, LEAST_PCT = 10, 20_261_121, 90


def score(*arguments: str) -> tuple[int, list[str]]:
    """How many mutants a run of its own process tried, and which of them live."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutants.score", *arguments],
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=7_200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return told["mutants"], told["living"]


def test_nine_in_ten_of_a_sample_are_noticed():
    tried, living = score("--sample", str(SAMPLE), "--seed", str(SEED))
    assert tried == SAMPLE
    assert (tried - len(living)) * 100 >= LEAST_PCT * tried, living


@pytest.mark.long
def test_nine_in_ten_of_all_are_noticed():
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda part: score("--part", f"{part}/{workers}"), range(workers)))
    tried, living = sum(count for count, _ in parts), [one for _, some in parts for one in some]
    assert tried > 800
    print(f"{tried - len(living)} of {tried} noticed; alive: {living}")
    assert (tried - len(living)) * 100 >= LEAST_PCT * tried, living


def test_every_change_makes_another_program_and_is_made_alone():
    source = "def f(a, b):\n    if not a and b < 1:\n        raise ValueError\n    return max(a + 1, b)\n"
    names = [one.name for one in mutants(source)]
    programs = {text_of(source, one.number) for one in mutants(source)}
    assert len(programs) == len(names) == len(set(names))
    assert source.strip() not in programs
    for expected in ("f: b < 1 -> b <= 1", "f: b < 1 -> b >= 1", "f: not a and b < 1 -> not a or b < 1"):
        assert expected in names
    for expected in ("f: max(a + 1, b) -> min(a + 1, b)", "f: raise ValueError -> nothing", "f: a + 1 -> a - 1"):
        assert expected in names
    assert "f: return max(a + 1, b) -> return None" in names


def text_of(source: str, number: int) -> str:
    return ast.unparse(mutated(source, number))


def test_what_is_called_the_same_program_says_why():
    for row in equivalent():
        assert row["file"] in TESTS
        assert len(row["why"]) > 20
