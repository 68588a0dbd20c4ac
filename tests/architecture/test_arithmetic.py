"""Money is integers: the rooms that compute it hold no float."""

import ast
from collections.abc import Iterator

from tests.architecture.tree import Module, modules

EXACT = {"units", "domain", "query", "abi", "adapter", "ledger", "pricing", "health", "rules", "protocols"}
MONEY_PASSES = {"store", "cycle", "outbox"}


def path_joins(tree: ast.Module) -> set[ast.AST]:
    """Return the divisions that join paths: a piece of text is joined somewhere along them."""
    joins: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.Div(), right=ast.Constant(value=str()) | ast.JoinedStr()):
                while isinstance(node, ast.BinOp):
                    joins.add(node)
                    node = node.left  # noqa: PLW2901  # down the spine of the join
    return joins


def inexact(module: Module) -> Iterator[str]:
    joins = path_joins(module.tree)
    has_math = any(isinstance(n, ast.Import) and n.names[0].name == "math" for n in ast.walk(module.tree))
    for node in ast.walk(module.tree):
        match node:
            case ast.Constant(value=float() | complex()):
                yield f"{module.at(node)} float literal"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()) if node not in joins:
                yield f"{module.at(node)} true division"
            case ast.Name(id="float"):
                yield f"{module.at(node)} float"
            case ast.Attribute(value=ast.Name(id="math"), attr=name) if has_math and name not in {"isqrt", "gcd"}:
                yield f"{module.at(node)} math.{name}"
            case ast.Import(names=names) if {n.name for n in names} & {"statistics", "cmath", "fractions"}:
                yield f"{module.at(node)} inexact module"
            case ast.ImportFrom(module="math" | "statistics" | "cmath"):
                yield f"{module.at(node)} inexact module"


def floats_made(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id="float")):
                yield f"{module.at(node)} float()"
            case ast.Name(id="Float" | "REAL" | "Double") | ast.Attribute(attr="Float" | "REAL" | "Double"):
                yield f"{module.at(node)} float column"


def test_the_rooms_that_compute_money_are_free_of_floats():
    exact = [m for m in modules() if m.room in EXACT and not (m.room == "protocols" and m.path.endswith("/screen.py"))]
    assert [where for m in exact for where in inexact(m)] == []


def test_the_rooms_that_pass_money_on_make_no_floats_of_it():
    assert [where for m in modules() if m.room in MONEY_PASSES for where in floats_made(m)] == []
