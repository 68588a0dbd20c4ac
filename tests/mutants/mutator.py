"""One small change of a module's syntax tree at a time: what a slip of the hand would make of it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

Edit = Callable[[], object]
Change = tuple[str, str, Edit]
"""What it was, what it becomes, and how."""

_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_REVERSED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
}
_DELETED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break)
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_SWAPPED |= {"mul_div_up": "mul_div_down", "mul_div_down": "mul_div_up"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, what becomes of what, and the `number`th of its module."""

    name: str
    number: int


def mutants(source: str) -> list[Mutant]:
    """Return every change of a module, named by where it is and what becomes what; equal ones are counted."""
    found, seen = list[Mutant](), dict[str, int]()
    for number, (where, was, now, _) in enumerate(_changes(ast.parse(source))):
        name = f"{where}: {was} -> {now}"
        seen[name] = seen.get(name, 0) + 1
        found.append(Mutant(name if seen[name] == 1 else f"{name} ({seen[name]})", number))
    return found


def mutated(source: str, number: int) -> ast.Module:
    """Return the module with its `number`th change made."""
    tree = ast.parse(source)
    for at, (_, _, _, edit) in enumerate(_changes(tree)):
        if at == number:
            edit()
            return ast.fix_missing_locations(tree)
    raise IndexError(number)


def _changes(tree: ast.Module) -> Iterator[tuple[str, str, str, Edit]]:
    """Yield where, what it was, what it becomes and the edit; what only tells types or texts is left alone."""
    yield from _of(tree, "module")


def _of(node: ast.AST, where: str) -> Iterator[tuple[str, str, str, Edit]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        where = node.name if where == "module" else f"{where}.{node.name}"
    for was, now, edit in _own(node):
        yield where, was, now, edit
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "type_params", "bases", "type_comment"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_text(child):
                yield from _of(child, where)


def _is_text(node: ast.AST) -> bool:
    """Whether a node says something to people or to the type checker alone."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return True
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom)


def _own(node: ast.AST) -> Iterator[Change]:
    """Yield what becomes of a node itself, and of the statements right below it."""
    if isinstance(node, ast.expr):
        yield from _expression(node)
    else:
        yield from _statement(node)
    for name in ("body", "orelse"):
        yield from _deletions(getattr(node, name, None))


def _expression(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[op, *_]):
            others = [table[type(op)]() for table in (_BOUNDARY, _NEGATED) if type(op) in table]
            yield from (_swap(node, "ops", [other, *node.ops[1:]]) for other in others)
        case ast.BoolOp(op=joint):
            yield _swap(node, "op", ast.Or() if isinstance(joint, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _swap(node, "operand", ast.UnaryOp(ast.Not(), operand))
        case ast.BinOp(op=operator) if type(operator) in _REVERSED:
            yield _swap(node, "op", _REVERSED[type(operator)]())
        case ast.Constant(value=value) if isinstance(value, int):
            others_of = (not value,) if isinstance(value, bool) else (value + 1, value - 1)
            yield from (_swap(node, "value", other) for other in others_of)
        case ast.Call(func=ast.Name(id=name)) if name in _SWAPPED:
            yield _swap(node, "func", ast.Name(_SWAPPED[name], ast.Load()))
        case ast.IfExp(test=test):
            yield _negated(node, test)


def _statement(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.If(test=test) | ast.While(test=test):
            yield _negated(node, test)
        case ast.comprehension(ifs=[first, *others]):
            yield f"for if {ast.unparse(first)}", "for", lambda: setattr(node, "ifs", others)
        case ast.Return(value=value) if value is not None and not _is_falsy(value):
            yield ast.unparse(node), "return None", lambda: setattr(node, "value", ast.Constant(None))


def _negated(node: ast.AST, test: ast.expr) -> Change:
    return f"if {ast.unparse(test)}", "if not", lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), test))


def _deletions(body: Any) -> Iterator[Change]:
    for place, statement in enumerate(body if isinstance(body, list) else ()):
        if isinstance(statement, _DELETED) and not _is_text(statement):
            yield ast.unparse(statement), "nothing", partial(body.__setitem__, place, ast.Pass())


def _is_falsy(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _swap(node: ast.AST, field: str, value: Any) -> Change:
    """Return a change of one field, told by what the node says before and after it."""
    was, before = ast.unparse(node), getattr(node, field)
    setattr(node, field, value)
    now = ast.unparse(node)
    setattr(node, field, before)
    return was, now, lambda: setattr(node, field, value)
