"""Every library has a home, and the pure rooms know no library that touches the world."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.architecture.tree import ROOT, Module, modules, rooms

ANYWHERE_IMPURE = {
    "api", "app", "bot", "channels", "cli", "client", "cycle", "dashboard", "export", "history", "log", "outbox",
    "outgoing", "schedule", "settings", "sources", "store",
}  # fmt: skip
HOMES = {
    "aiohttp": {"sources", "channels", "api", "bot", "dashboard", "client"},
    "aiosmtplib": {"channels"},
    "aiosqlite": {"store"},
    "apprise": {"channels"},
    "apscheduler": {"schedule"},
    "asyncpg": {"store"},
    "cyclopts": {"cli", "__main__"},
    "duckdb": {"history", "export"},
    "eth_abi": {"abi", "decode_guard", "sources", "protocols"},
    "eth_utils": {"abi", "domain", "sources", "protocols"},
    "multicall": {"sources/peers.py"},
    "numba": {"screen", "protocols/*/screen.py"},
    "numpy": {
        "adapter",
        "cli/benching/*.py",
        "export",
        "history",
        "ledger",
        "lens",
        "protocols",
        "risk",
        "screen",
        "store",
    },
    "orjson": ANYWHERE_IMPURE,
    "pandas": {"app/library.py"},
    "plotly": {"dashboard"},
    "polars": {"app/library.py"},
    "prometheus_client": {"api"},
    "pydantic": {"settings", "api", "client", "protocols/*/wire.py", "pricing/wire.py"},
    "pydantic_settings": {"settings"},
    "rich": {"cli"},
    "sqlalchemy": {"store"},
    "structlog": {"log"},
    "tzdata": {"rules"},
    "web3": {"sources"},
    "yarl": {"outgoing", "sources", "channels", "api", "client"},
}
PURE = {
    "domain",
    "query",
    "abi",
    "lens",
    "decode_guard",
    "pricing",
    "health",
    "screen",
    "risk",
    "rules",
    "ledger",
    "adapter",
    "protocols",
    "units",
}
WORLDLY = {
    "asyncio", "http", "logging", "multiprocessing", "random", "secrets", "selectors", "smtplib", "socket", "sqlite3",
    "ssl", "subprocess", "threading", "time", "urllib", "web3", "aiohttp", "sqlalchemy", "monitor.log", "monitor.clock",
    "monitor.outgoing",
}  # fmt: skip


def imported(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield every dotted name a module imports."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                yield from ((node, n.name) for n in names)
            case ast.ImportFrom(module=str(source), names=names):
                yield from ((node, f"{source}.{n.name}") for n in names)


def lives_in(module: Module, home: str) -> bool:
    if "/" not in home:
        return module.room == home
    return re.fullmatch("monitor/" + home.replace("*", "[^/]+"), module.path) is not None


def test_every_library_is_imported_only_at_its_home():
    astray = []
    for m in modules():
        for node, name in imported(m):
            top = name.split(".")[0]
            if top == "monitor" or top in sys.stdlib_module_names:
                continue
            if not any(lives_in(m, home) for home in HOMES.get(top, ())):
                astray.append(f"{m.at(node)} {top} (lives in {sorted(HOMES.get(top, ['no room']))})")
    assert not astray, "\n".join(astray)


def test_pure_rooms_do_not_touch_the_world():
    found = [
        f"{m.at(node)} {name}"
        for m in modules()
        if m.room in PURE
        for node, name in imported(m)
        if any(name == w or name.startswith(w + ".") for w in WORLDLY)
    ]
    assert not found, "\n".join(found)


def test_the_edges_carry_and_do_not_judge():
    found = [
        f"{m.at(node)} {name}"
        for m in modules()
        if m.room in {"sources", "channels"}
        for node, name in imported(m)
        if re.match(r"monitor\.(rules|risk|screen|health|ledger|protocols)\b", name)
    ]
    assert not found, "\n".join(found)


def _declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [r for group in project.get("optional-dependencies", {}).values() for r in group]
    return [re.split(r"[\[<>=!~ ]", r)[0].replace("-", "_") for r in [*project["dependencies"], *extras]]


def test_there_are_at_most_25_direct_dependencies_and_each_has_a_home():
    declared = _declared()
    assert len(declared) <= 25
    assert set(declared) <= set(HOMES)


@pytest.mark.parametrize("library", _declared())
def test_a_declared_dependency_is_used_once_its_homes_are_built(library):
    homes = {home.split("/")[0] for home in HOMES[library]}
    users = [m.path for m in modules() if re.search(rf"\b{library}\b", m.text)]
    assert users or not homes <= rooms(), f"nothing in {sorted(homes)} uses {library}: remove it from pyproject.toml"
