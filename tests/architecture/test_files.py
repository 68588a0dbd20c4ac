"""A file is one noun: small, named for what it is, and opened by a sentence that says what belongs in it."""

import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

from tests.architecture.tree import files, modules

VAGUE = {"util", "utils", "helper", "helpers", "manager", "base", "common", "misc", "core", "tools", "stuff", "shared"}


def test_no_file_is_longer_than_300_lines():
    long = {
        str(p): n for p in [*files("monitor", ".py"), *files("tests", ".py")] if (n := p.read_text().count("\n")) > 300
    }
    assert not long, long


def test_no_package_has_more_than_twelve_files():
    sizes = Counter(str(Path(m.path).parent) for m in modules() if not m.path.endswith("__init__.py"))
    sizes.pop("monitor", None)
    assert all(count <= 12 for count in sizes.values()), sizes


def test_no_file_or_class_has_a_vague_name():
    names = [m.path for m in modules() if VAGUE & set(Path(m.path).with_suffix("").parts)]
    classes = [
        m.at(node)
        for m in modules()
        for node in ast.walk(m.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Helpers", "Util", "Utils"))
    ]
    assert not names + classes


def test_every_module_says_what_belongs_in_it():
    assert [m.path for m in modules() if not ast.get_docstring(m.tree)] == []


def test_at_most_three_lines_in_a_hundred_are_comments():
    comments = sum(
        token.type == tokenize.COMMENT and token.line.strip().startswith("#")
        for m in modules()
        for token in tokenize.generate_tokens(io.StringIO(m.text).readline)
    )
    lines = sum(m.text.count("\n") for m in modules())
    assert comments <= 0.03 * lines, f"{comments} comment lines in {lines}"
