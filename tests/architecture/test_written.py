"""What is written down for others: no secret, no address of a package index, no path of the writer's machine."""

import re
import tomllib

import pytest

from tests.architecture.tree import ROOT, files

HOSTS = [r"pypi\." + "org", "python" + "hosted", r"npm" + r"js\.", r"deb\." + "debian", "registry" + "-1"]
PLACES = ["/wo" + "rk/", "/o" + "pt/", "/ro" + "ot/", "/tmp/" + "[a-z]", "/home/" + "[a-z]"]
SECRETS = [
    "BEGIN [A-Z ]*PRIVATE " + "KEY",
    r"\b\d{8,10}:AA[\w-]{32,}",
    r"\bAKIA[0-9A-Z]{16}\b",
    r"/v[23]/[0-9a-f]{32}\b",
    r"/v2/[\w-]{32}\b",
    r"(?i)\b(secret|password|token|api_key)\s*=\s*['\"](?!0x)[\w+/-]{24,}['\"]",
]
ALLOWED = {"Dockerfile": {"/o" + "pt/"}}


def _texts() -> list[tuple[str, str]]:
    found = []
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content[:1024]:
            found.append((str(path.relative_to(ROOT)), content.decode()))
    return found


@pytest.mark.parametrize("pattern", HOSTS + PLACES + SECRETS)
def test_no_file_names_an_index_a_machine_or_a_secret(pattern: str):
    hits = [
        f"{name}:{text.count(chr(10), 0, m.start()) + 1} {m[0]}"
        for name, text in _texts()
        for m in re.finditer(pattern, text)
        if m[0] not in ALLOWED.get(name, ())
    ]
    assert not hits, "\n".join(hits[:20])


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt", "build.txt"])
def test_a_lock_pins_every_package_by_hash_and_knows_no_address(lock: str):
    text = (ROOT / "requirements" / lock).read_text()
    entries = [e for e in re.split(r"\n(?=[A-Za-z0-9])", text) if not e.startswith("#")]
    assert len(entries) > 1
    assert all(re.match(r"[\w.-]+==[\w.]+[^\n]*\\\n", e) and "--hash=sha256:" in e for e in entries)
    assert "://" not in text
    assert "--" not in re.sub(r"--hash=sha256:[0-9a-f]{64}", "", text)


def test_the_developer_lock_holds_the_runtime_lock():
    pins = {
        lock: set(re.findall(r"(?m)^[\w.-]+==\S+", (ROOT / "requirements" / lock).read_text()))
        for lock in ("runtime.txt", "dev.txt")
    }
    assert pins["runtime.txt"] <= pins["dev.txt"]


def test_the_runtime_lock_holds_every_declared_dependency():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pinned = set(re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements" / "runtime.txt").read_text()))
    assert {re.split(r"[\[<>=]", d)[0] for d in declared} <= pinned


def test_fakes_stand_in_for_the_world_not_mocks():
    mocks = re.compile("unittest" + r"\.mock|from unittest import " + "mock|pytest_" + "mock")
    assert [name for name, text in _texts() if name.endswith(".py") and mocks.search(text)] == []
