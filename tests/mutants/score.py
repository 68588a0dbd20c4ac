"""Runs the quick tests of the rules against every mutant, each in a forked child, and tells which of them live.

`python -m tests.mutants.score [--sample N] [--seed S] [--only TEXT] [--part I/N]` prints one JSON object. The parent
imports what the tests share and nothing that is mutated; a child imports the rest with one module changed.
"""

import argparse
import ast
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import signal
import sys
import tomllib
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, configuration, settings

from tests.mutants.mutator import Mutant, mutants, mutated

ROOT = Path(__file__).parents[2]
RULES = "tests/rules"
HISTORY = f"{RULES}/test_any_history.py"
OF_LEVELS = (
    f"{RULES}/test_levels.py",
    f"{RULES}/test_measures.py",
    f"{RULES}/test_judge.py",
    f"{RULES}/test_classes.py",
)
OF_JUDGING = (f"{RULES}/test_judge.py", f"{RULES}/test_unknown.py", f"{RULES}/test_measures.py", HISTORY)
OF_EVENTS = (f"{RULES}/events", "tests/outbox/test_render.py", "tests/rules/causes")
TESTS: dict[str, tuple[str, ...]] = {
    "monitor/rules/levels.py": OF_LEVELS,
    "monitor/rules/reading.py": (f"{RULES}/test_reading.py", *OF_JUDGING, *OF_LEVELS, f"{RULES}/causes"),
    "monitor/rules/hysteresis.py": OF_JUDGING,
    "monitor/rules/cooldown.py": OF_JUDGING,
    "monitor/rules/judge.py": (*OF_JUDGING, f"{RULES}/causes"),
    "monitor/rules/unknown.py": (*OF_JUDGING, f"{RULES}/causes"),
    "monitor/rules/quiet.py": (
        f"{RULES}/test_quiet_edges.py",
        f"{RULES}/test_measures.py",
        f"{RULES}/test_quiet.py",
        f"{RULES}/test_classes.py",
    ),
    "monitor/rules/halt.py": (f"{RULES}/test_halt.py",),
    "monitor/rules/events/liquidations.py": OF_EVENTS,
    "monitor/rules/events/parameters.py": OF_EVENTS,
    "monitor/rules/events/telling.py": OF_EVENTS,
    "monitor/schedule.py": ("tests/test_schedule.py",),
}
"""Which tests a module's mutants have to face, the likeliest first."""

SHARED = (
    *("sqlalchemy", "orjson", "apscheduler.schedulers.asyncio", "hypothesis.stateful", "numpy", "tests.health.pool"),
    *("tests.protocols.morpho_blue.made", "tests.fakes.evaluations", "tests.risk.scene", "tests.domain.hostile"),
)
SLOW = ("ten_thousand", "too_long", "oscillation", "TestPosition", "every_input")
EXAMPLES, STEPS, TIMEOUT_S, MEMORY_BYTES = 120, 12_000, 60, 4 * 2**30
KILLED, LIVES = 0, 7


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant and whether a test failed for it."""

    file: str
    mutant: Mutant
    is_killed: bool


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, and makes it of another tree than its file's."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return (
            importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)


class Quick:
    """Makes every test short: fewer examples, shorter walks, none of those that are long by nature."""

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.addoption("--long", action="store_true")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not any(slow in item.name for slow in SLOW)]
        for item in items:
            function: Any = getattr(item, "obj", None)
            module: Any = getattr(item, "module", None)
            if hasattr(module, "STEPS") and isinstance(module.STEPS, int):
                module.STEPS = STEPS
            test = getattr(function, "__func__", function)
            if hasattr(test, "hypothesis"):
                test._hypothesis_internal_use_settings = settings(
                    test._hypothesis_internal_use_settings,
                    max_examples=EXAMPLES,
                    phases=(Phase.explicit, Phase.generate),
                    derandomize=True,
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                )


def pytest_code(tests: tuple[str, ...]) -> int:
    """Run tests here and return pytest's answer."""
    configuration.set_hypothesis_home_dir(ROOT / ".cache" / "hypothesis")
    quiet = ["-q", "-x", "--noconftest", "--no-header", "--no-summary", "-o", "cache_dir=.cache/pytest-mutants"]
    return int(pytest.main([*quiet, "-p", "pytest_asyncio.plugin", *tests], plugins=[Quick()]))


def fate(tests: tuple[str, ...], file: str = "", number: int = -1) -> int:
    """Return how a child ended that ran the tests, with a module's `number`th change where a file is named."""
    child = os.fork()
    if child == 0:
        code = KILLED
        try:
            signal.alarm(TIMEOUT_S)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            if file:
                path, name = ROOT / file, file.removesuffix(".py").replace("/", ".")
                sys.meta_path.insert(0, Changed(name, path, mutated(path.read_text(encoding="utf-8"), number)))
            code = LIVES if pytest_code(tests) == 0 else KILLED
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def outcomes(chosen: list[tuple[str, Mutant]]) -> list[Outcome]:
    """Return what became of the mutants; a child that a signal ended was killed as well."""
    return [Outcome(file, one, fate(TESTS[file], file, one.number) != LIVES) for file, one in chosen]


def everyone() -> list[tuple[str, Mutant]]:
    """Return every mutant that is not known to be the same program."""
    same = {(row["file"], row["change"]) for row in equivalent()}
    found = [(file, one) for file in TESTS for one in mutants((ROOT / file).read_text(encoding="utf-8"))]
    strangers = same - {(file, one.name) for file, one in found}
    if strangers:
        raise SystemExit(f"no such mutants any more: {sorted(strangers)}")
    return [(file, one) for file, one in found if (file, one.name) not in same]


def equivalent() -> list[dict[str, str]]:
    """Return the changes that make no other program, each with its reason."""
    rows: list[dict[str, str]] = tomllib.loads((Path(__file__).parent / "equivalent.toml").read_text())["equivalent"]
    return rows


def main() -> None:
    """Run the chosen mutants and print what lives."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--part", default="0/1")
    asked = parser.parse_args()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in SHARED:
        importlib.import_module(name)
    mutable = [name for name in sys.modules if name.startswith(("monitor.rules", "monitor.schedule"))]
    if mutable:
        raise SystemExit(f"expected the mutable modules to be imported by children alone, found {mutable}")
    chosen = [one for one in everyone() if asked.only in one[0]]
    if asked.sample is not None:
        chosen = random.Random(asked.seed).sample(chosen, min(asked.sample, len(chosen)))
    part, parts = map(int, asked.part.split("/"))
    chosen = chosen[part::parts]
    asked_of = tuple(dict.fromkeys(test for file, _ in chosen for test in TESTS[file]))
    if fate(asked_of) != LIVES:
        raise SystemExit(f"expected the tests to pass where nothing is changed: {' '.join(asked_of)}")
    done = outcomes(chosen)
    living = [f"{one.file} {one.mutant.name}" for one in done if not one.is_killed]
    print(json.dumps({"mutants": len(done), "living": living}))


if __name__ == "__main__":
    main()
