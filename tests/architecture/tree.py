"""The repository's files as the architecture tests see them, in a checkout, a copy or an unpacked archive."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCED = {".git", ".venv", ".cache", "__pycache__", "node_modules", "dist", "data"}


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    path: str
    text: str

    @property
    def room(self) -> str:
        """The first name below `monitor`, a folder or a file."""
        return Path(self.path).with_suffix("").parts[1]

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.text)

    def at(self, node: ast.AST) -> str:
        """Return file and line, as editors jump to them."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def files(below: str = ".", suffix: str = "") -> Iterator[Path]:
    """Yield every file a person wrote, never what a tool produced."""
    for folder, names, leaves in os.walk(ROOT / below):
        names[:] = sorted(n for n in names if n not in PRODUCED and not n.endswith(".egg-info"))
        yield from (Path(folder, leaf) for leaf in sorted(leaves) if leaf.endswith(suffix) and leaf != ".env")


@cache
def modules() -> tuple[Module, ...]:
    """Return the package's source files."""
    return tuple(Module(str(p.relative_to(ROOT)), p.read_text()) for p in files("monitor", ".py"))


@cache
def rooms() -> frozenset[str]:
    """Return the rooms that hold code."""
    return frozenset(m.room for m in modules())


def readme() -> str:
    """Return the text of the front page."""
    return (ROOT / "README.md").read_text()
