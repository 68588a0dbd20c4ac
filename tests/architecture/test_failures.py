"""Failure is typed: what is caught has a name, and what reaches the database is a parameter."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.architecture.tree import Module, modules

BROAD = {"Exception", "BaseException"}
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|DROP|ALTER|PRAGMA|ATTACH|COPY|VACUUM)\s")


def _names(kind: ast.expr | None) -> set[str]:
    match kind:
        case None:
            return {"BaseException"}
        case ast.Tuple(elts=kinds):
            return set().union(*map(_names, kinds))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {name}
    return set()


def swallowed(module: Module) -> Iterator[str]:
    """Yield each place that catches everything and does not raise it again."""
    for node in ast.walk(module.tree):
        match node:
            case ast.ExceptHandler(type=kind, body=[*_, ast.Raise(exc=None)]) if BROAD & _names(kind):
                continue
            case ast.ExceptHandler(type=kind) if BROAD & _names(kind):
                yield module.at(node)
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=kinds):
                if any(BROAD & _names(kind) for kind in kinds):
                    yield module.at(node)


def _is_fixed(part: ast.expr) -> bool:
    match part:
        case ast.FormattedValue(value=ast.Name(id=name)):
            return name.isupper()
    return isinstance(part, ast.Constant)


def built_sql(module: Module) -> Iterator[str]:
    """Yield each statement put together at run time; the CONSTANTS of a module may stand in it, nothing else."""
    for node in ast.walk(module.tree):
        match node:
            case ast.JoinedStr(values=[ast.Constant(value=str(head)), *rest]) if SQL.match(head.lstrip()):
                if not all(map(_is_fixed, rest)):
                    yield module.at(node)
            case ast.BinOp(op=ast.Mod() | ast.Add(), left=ast.Constant(value=str(head))) if SQL.match(head.lstrip()):
                yield module.at(node)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(head)), attr="format")):
                if SQL.match(head.lstrip()):
                    yield module.at(node)


def test_only_the_job_boundary_and_the_api_error_handler_catch_everything():
    places = Counter(m.path if m.room == "schedule" else m.room for m in modules() for _ in swallowed(m))
    assert set(places) <= {"monitor/schedule.py", "api"}, [w for m in modules() for w in swallowed(m)]
    assert all(count == 1 for count in places.values()), places


def test_sql_takes_parameters_only():
    assert [where for m in modules() for where in built_sql(m)] == []
