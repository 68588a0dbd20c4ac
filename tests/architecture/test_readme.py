"""The front page names everything a person can use: what the code has and the page lacks fails here."""

import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel

from monitor.cli import VERBS
from monitor.domain import alerts
from tests.architecture.tree import ROOT, Module, modules, readme


def is_named(word: str) -> bool:
    """Return whether the page names the word in code style: in backticks or in a code block."""
    code = re.findall(r"```.*?```|`[^`\n]+`", readme(), re.DOTALL)
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", c) for c in code)


def room(name: str) -> Iterator[Module]:
    return (m for m in modules() if m.room == name)


def verbs() -> list[str]:
    """Return the words of the command line."""
    return sorted(name for name, _, _ in VERBS)


def channels() -> list[str]:
    """Return the channels of `channels/`: the modules whose class delivers."""
    return sorted(
        m.path.split("/")[-1].removesuffix(".py")
        for m in room("channels")
        if re.search(r"async def (send|deliver)\b", m.text)
        and "(Protocol" not in m.text
        and not m.path.endswith("absent.py")  # stands in for a channel without settings
    )


def settings() -> list[str]:
    """Return every field of every settings table."""
    modules_of = [importlib.import_module(".".join(Path(m.path).with_suffix("").parts)) for m in room("settings")]
    tables = {c for m in modules_of for _, c in inspect.getmembers(m, inspect.isclass) if issubclass(c, BaseModel)}
    return sorted({f for c in tables if c.__module__.startswith("monitor.settings") for f in c.model_fields})


def levels() -> list[str]:
    """Return the levels in their order, and what stands apart from it."""
    named = [m.name for _, e in inspect.getmembers(alerts, inspect.isclass) if issubclass(e, Enum) for m in e]
    return [n for n in dict.fromkeys(named) if n in {*alerts.Level.__members__, "UNKNOWN", "LIQUIDATED"}]


@pytest.mark.parametrize("level", levels())
def test_every_level_is_on_the_front_page(level: str):
    assert is_named(level)


@pytest.mark.parametrize("channel", channels())
def test_every_channel_is_on_the_front_page(channel: str):
    assert is_named(channel)


@pytest.mark.parametrize("setting", settings())
def test_every_setting_is_on_the_front_page(setting: str):
    assert is_named(setting)


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_on_the_front_page(verb: str):
    assert re.search(rf"`(?:\$ )?hfm {re.escape(verb)}\b|^\s*(?:\$ )?hfm {re.escape(verb)}\b", readme(), re.MULTILINE)


def test_the_front_page_starts_with_the_two_commands():
    first_screen = readme()[:1500]
    assert 0 < first_screen.index("./dev demo") < first_screen.index("./dev test")


def test_the_changelog_has_a_heading_for_what_is_not_released():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert changelog.index("## Unreleased") < len(changelog.split("\n## ", 1)[0]) + 5
    entries = re.findall(r"(?m)^- (.+)$", changelog)
    assert entries
    assert all(e[0].isupper() and e.endswith(".") for e in entries), "entries are full sentences"
