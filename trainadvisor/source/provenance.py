"""Where a person sets a value that arrives in a call: a literal, a constant, an option of the command line, a file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from trainadvisor.source.training import Training

Kind = Literal["literal", "option", "file", "lost"]
PARSERS = frozenset({"parse_args", "parse_known_args"})
LOADERS = frozenset({"load", "loads", "safe_load", "full_load"})
FURTHEST = 6


@dataclass(frozen=True)
class Provenance:
    """Where a value is set: the literal to edit, or the words that say which option, file and key."""

    kind: Kind
    node: ast.expr | None = None
    words: str = ""


def provenance(training: Training, expr: ast.expr, depth: int = 0) -> Provenance:
    """Return where a value is set; "lost" with the expression where that cannot be followed."""
    if isinstance(constant(expr), (int, float, str, bool)) or _is_literal(expr):
        return Provenance("literal", expr)
    if depth > FURTHEST:
        return Provenance("lost", None, ast.unparse(expr))
    keys = _keys(expr)
    if keys:
        return _held(training, expr, keys, depth)
    option = _click_option(training, expr)
    if option:
        return Provenance("option", None, option)
    origins = training.values.origins(expr) if isinstance(expr, (ast.Name, ast.Attribute)) else []
    known = [o.expr for o in origins if o is not None and not o.path and not o.loop]
    if len(known) == len(origins) == 1 and known[0] is not expr:
        return provenance(training, known[0], depth + 1)
    return Provenance("lost", None, ast.unparse(expr))


def _is_literal(expr: ast.expr) -> bool:
    """Return whether an expression is made of constants alone, such as (0.9, 0.999) or 3 * 1e-4."""
    inner = [n for n in ast.walk(expr) if isinstance(n, ast.expr)]
    return all(isinstance(n, (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp)) for n in inner)


def _keys(expr: ast.expr) -> list[str]:
    """Return the names by which a value is read from an object: cfg["optim"]["lr"] and args.lr."""
    keys: list[str] = []
    while isinstance(expr, (ast.Attribute, ast.Subscript)) or _is_get(expr):
        if isinstance(expr, ast.Attribute):
            keys.append(expr.attr)
            expr = expr.value
        elif isinstance(expr, ast.Subscript):
            key = constant(expr.slice)
            if not isinstance(key, str):
                return []
            keys.append(key)
            expr = expr.value
        elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
            keys.append(str(constant(expr.args[0])))
            expr = expr.func.value
    return keys[::-1]


def _is_get(expr: ast.expr) -> bool:
    return (
        isinstance(expr, ast.Call)
        and called(expr) == "get"
        and bool(expr.args)
        and isinstance(expr.args[0], ast.Constant)
    )


def _root(expr: ast.expr) -> ast.expr:
    """Return the object that a value is read from."""
    while True:
        if isinstance(expr, (ast.Attribute, ast.Subscript)):
            expr = expr.value
        elif _is_get(expr) and isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
            expr = expr.func.value
        else:
            return expr


def _held(training: Training, expr: ast.expr, keys: list[str], depth: int) -> Provenance:
    """Return where a value is set that is read from arguments, a loaded file, a dictionary or an object."""
    root = _root(expr)
    if isinstance(root, ast.Name) and root.id == "self":
        made = training.values.single(expr)
        return (
            provenance(training, made, depth + 1)
            if made is not None and made is not expr
            else Provenance("lost", None, ast.unparse(expr))
        )
    made = training.values.single(root)
    if isinstance(made, ast.Call) and called(made) == "vars" and made.args:
        made = training.values.single(made.args[0])
    if isinstance(made, ast.Call) and called(made) in PARSERS:
        return _argument(training, keys[-1], ast.unparse(expr))
    if isinstance(made, ast.Call) and called(made) in LOADERS:
        return Provenance("file", None, f"{_file(training, made)}: {'.'.join(keys)}")
    if isinstance(made, ast.Dict):
        return _entry(training, made, keys, expr, depth)
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id in training.script.classes:
        return _field(training, made, keys[-1], expr, depth)
    return Provenance("lost", None, ast.unparse(expr))


def _argument(training: Training, name: str, shown: str) -> Provenance:
    """Return the option of argparse whose value a name holds."""
    for call in training.script.calls_by_name.get("add_argument", []):
        flags = [str(constant(a)) for a in call.args if isinstance(constant(a), str)]
        dest = constant(keyword(call, "dest")) or next((f for f in flags if f.startswith("--")), "").lstrip(
            "-"
        ).replace("-", "_")
        if name == dest or (flags and flags[0] == name):
            return Provenance(
                "option", keyword(call, "default"), next((f for f in flags if f.startswith("--")), flags[0])
            )
    return Provenance("lost", None, shown)


def _click_option(training: Training, expr: ast.expr) -> str:
    """Return the option of click or typer that an argument of a function comes from."""
    function = training.script.function_of(expr) if isinstance(expr, ast.Name) else None
    for decorator in getattr(function, "decorator_list", []):
        if isinstance(decorator, ast.Call) and called(decorator) == "option":
            flags = [str(constant(a)) for a in decorator.args]
            if any(f.lstrip("-").replace("-", "_") == ast.unparse(expr) for f in flags):
                return next(f for f in flags if f.startswith("-"))
    return ""


def _file(training: Training, made: ast.Call) -> str:
    """Return the name of the file that a loader reads, as the script writes it."""
    for node in (*made.args, *(n for a in made.args if isinstance(a, ast.Name) for n in _opened(training, a))):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and "." in inner.value:
                return inner.value
    return ast.unparse(made)


def _opened(training: Training, name: ast.Name) -> list[ast.expr]:
    return [o.expr for o in training.values.origins(name) if o is not None]


def _entry(training: Training, made: ast.Dict, keys: list[str], expr: ast.expr, depth: int) -> Provenance:
    held: ast.expr | None = made
    for key in keys:
        pairs = zip(held.keys, held.values, strict=True) if isinstance(held, ast.Dict) else ()
        held = next((value for k, value in pairs if constant(k) == key), None)
    return provenance(training, held, depth + 1) if held is not None else Provenance("lost", None, ast.unparse(expr))


def _field(training: Training, made: ast.Call, name: str, expr: ast.expr, depth: int) -> Provenance:
    """Return where a field of an object is set: where it is made, or by default in its class."""
    given = keyword(made, name)
    if given is not None:
        return provenance(training, given, depth + 1)
    owner = training.script.classes[called(made)]
    for node in owner.body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == name
            and node.value
        ):
            return provenance(training, node.value, depth + 1)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return provenance(training, node.value, depth + 1)
    return Provenance("lost", None, ast.unparse(expr))
