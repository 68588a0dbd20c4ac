"""Every requirement is held by tests that exist, or says why it is not yet."""

import ast
import tomllib
from functools import cache

import pytest

from tests.architecture.tree import ROOT

COUNTS = {"ALR": 24, "RPC": 20, "ORC": 12, "NUM": 4, "LOAD": 9, "SEC": 21, "CRS": 13, "S": 20}
KNOWN = [f"{kind}-{n:02}" for kind, count in COUNTS.items() for n in range(1, count + 1)]
TABLE = tomllib.loads((ROOT / "tests" / "requirements.toml").read_text())


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the test functions of a file, those of classes as `Class::test`."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {prefix + m.name for m in members if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(found)


def test_the_table_has_every_known_id_and_no_other():
    assert sorted(TABLE) == sorted(KNOWN)


@pytest.mark.parametrize("requirement", KNOWN)
def test_every_requirement_names_existing_tests_or_says_why_it_waits(requirement: str):
    entry = TABLE[requirement]
    assert set(entry) in ({"what", "tests"}, {"what", "later"}, {"what", "tests", "later"}), entry
    assert entry["what"]
    assert entry.get("tests") or entry.get("later"), "neither a test nor a reason"
    for node_id in entry.get("tests", ()):
        path, _, name = node_id.partition("::")
        assert (ROOT / path).is_file(), f"no file {path}"
        assert name.partition("[")[0] in names_in(path), f"no test {name} in {path}"
