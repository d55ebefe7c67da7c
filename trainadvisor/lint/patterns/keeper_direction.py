"""An object of the script that keeps the best or stops early, and is given a metric of the other side."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.better import better
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.best_direction import BEST, SIDES, WORDS
from trainadvisor.lint.visits import defaults_of, truth
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import assignments, called, constant, is_open
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainadvisor.source.training import Training

BETTER = re.compile(r"better|improv|is_?best|new_?best", re.IGNORECASE)
OPERATORS = {"lt": -1, "less": -1, "le": -1, "less_equal": -1, "gt": 1, "greater": 1, "ge": 1, "greater_equal": 1}
DEEPEST = 5
MODES = {"min": "max", "max": "min"}
Given = dict[str, ast.expr]


@pattern("test", "metric", "better", words=(("class ",), ("best",)))
def best_direction(training: Training) -> Iterator[Match]:
    """Yield keepers of the best whose side, by the mode that they are made with, is not that of what they are given."""
    for owner in training.script.classes.values():
        if "best" not in words_of(owner):
            continue
        for method in (n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name != "__init__"):
            yield from _of_method(training, owner, method)


def _of_method(training: Training, owner: ast.ClassDef, method: ast.FunctionDef) -> Iterator[Match]:
    """Yield calls of a method of a keeper whose argument is sought the wrong way round."""
    arguments = [a.arg for a in method.args.args[1:]]
    for call in training.script.calls if arguments else ():
        made = _keeper(training, owner, method, call)
        if made is None or is_open(call) or is_open(made):
            continue
        sides = set(_sides(training, method, _given(training, owner, made)))
        if len(sides) != 1:
            continue
        argument, side = sides.pop()
        value = _argument(call, arguments, argument)
        wanted = better(training, value) if value is not None else 0
        if value is not None and wanted and side and side != wanted:
            test = f"{owner.name}({', '.join(map(words_of, [*made.args, *(k.value for k in made.keywords)]))})"
            values = {"test": test, "metric": words_of(value), "better": WORDS[wanted]}
            fix = _turned(training, owner, made, WORDS[wanted])
            yield Match(made if fix else call, values, call if fix else made, fix)
            return


def _keeper(training: Training, owner: ast.ClassDef, method: ast.FunctionDef, call: ast.Call) -> ast.Call | None:
    """Return the call that made the object whose method a call is."""
    if method.name == "__call__" and isinstance(call.func, (ast.Name, ast.Attribute)):
        source = call.func
    elif isinstance(call.func, ast.Attribute) and call.func.attr == method.name:
        source = call.func.value  # type: ignore[assignment]
    else:
        return None
    made = training.made(source)
    return made if made is not None and called(made) == owner.name and made is not call else None


def _argument(call: ast.Call, arguments: list[str], name: str) -> ast.expr | None:
    named = next((k.value for k in call.keywords if k.arg == name), None)
    place = arguments.index(name)
    return named if named is not None else call.args[place] if place < len(call.args) else None


def _given(training: Training, owner: ast.ClassDef, made: ast.Call) -> Given:
    """Return what the arguments of a constructor and the attributes of the object are, where that can be told."""
    maker = training.script.method(owner, "__init__")
    if maker is None:
        return {}
    known: Given = defaults_of(maker)
    known |= dict(zip([a.arg for a in maker.args.args[1:]], made.args, strict=False))
    known |= {k.arg: k.value for k in made.keywords if k.arg is not None}
    for node in ast.walk(maker):
        for target, value in assignments(node):
            if value is not None and words_of(target).startswith("self.") and _is_active(training, node, known):
                known[words_of(target)] = _resolved(value, known)
    others = (n for n in owner.body if n is not maker)
    changed = {words_of(t) for other in others for n in ast.walk(other) for t, _ in assignments(n)}
    return {name: value for name, value in known.items() if name not in changed or "." not in name}


def _resolved(value: ast.expr, known: Given) -> ast.expr:
    """Return what a value is under what is known: one side of a condition, an entry of a dictionary, an argument."""
    if isinstance(value, ast.IfExp) and (holds := truth(value.test, known)) is not None:
        return _resolved(value.body if holds else value.orelse, known)
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Dict):
        key = constant(_resolved(value.slice, known))
        found = [v for k, v in zip(value.value.keys, value.value.values, strict=True) if k and constant(k) == key]
        return found[0] if found and key is not None else value
    return known.get(words_of(value), value)


def _is_active(training: Training, node: ast.AST, known: Mapping[str, ast.expr]) -> bool:
    """Return whether no condition around a node is known to fail."""
    child = node
    for outer in training.script.ancestors(node):
        if isinstance(outer, (ast.If, ast.IfExp)) and child is not outer.test:
            inside = child is outer.body or (isinstance(outer.body, list) and child in outer.body)
            if truth(outer.test, known) is not None and truth(outer.test, known) is not inside:
                return False
        beside = outer.values if isinstance(outer, ast.BoolOp) and isinstance(outer.op, ast.And) else []
        if any(truth(part, known) is False for part in beside if part is not child):
            return False
        if isinstance(outer, ast.FunctionDef):
            break
        child = outer
    return True


def _sides(training: Training, method: ast.FunctionDef, known: Given) -> Iterator[tuple[str, int]]:
    """Yield the argument of a method that is compared with the best, and the side that it takes for better."""
    arguments = {a.arg for a in method.args.args[1:]}
    for node in ast.walk(method):
        found = _compared(node, known)
        if found is None or not _is_active(training, node, known):
            continue
        current, side = found
        sign, name = _signed(training, current, known)
        improves = _improves(training, node, method)
        if name in arguments and sign and improves:
            yield name, side * sign * improves


def _compared(node: ast.AST, known: Given) -> tuple[ast.expr, int] | None:
    """Return what is compared with the best, and 1 where it holds for a larger one."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SIDES:
        left, right, side = node.left, node.comparators[0], SIDES[type(node.ops[0])]
    elif isinstance(node, ast.Call) and len(node.args) == 2 and (side := _of_operator(node, known)):  # noqa: PLR2004
        left, right = node.args
    else:
        return None
    is_best = [BEST.search(words_of(part)) is not None for part in (left, right)]
    if is_best[0] == is_best[1]:
        return None
    return (left, side) if is_best[1] else (right, -side)


def _of_operator(call: ast.Call, known: Given) -> int:
    """Return the side of a comparison that is called: operator.lt, np.less, or a lambda."""
    function = _resolved(call.func, known)
    if isinstance(function, ast.Lambda) and isinstance(function.body, ast.Compare):
        names, body = [a.arg for a in function.args.args], function.body
        order = [words_of(body.left), *map(words_of, body.comparators)]
        side = SIDES.get(type(body.ops[0]), 0)
        return side if order == names else -side if order == names[::-1] else 0
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return OPERATORS.get(name, 0) if function is not call.func or name in OPERATORS else 0


def _signed(training: Training, value: ast.expr, known: Given, depth: int = 0) -> tuple[int, str]:
    """Return the sign with which an argument stands in a value, and its name; 0 where it is not followed."""
    value = _resolved(value, known)
    inner: ast.expr | None = None
    if isinstance(value, ast.Name):
        bound = training.script.reaching(value)
        if len(bound) == 1 and bound[0].kind == "argument":
            return 1, value.id
        inner = bound[0].value if len(bound) == 1 and bound[0].kind == "value" and not bound[0].path else None
    elif isinstance(value, ast.BinOp):
        return _of_operation(training, value, known, depth)
    elif isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        sign, name = _signed(training, value.operand, known, depth + 1)
        return -sign, name
    elif isinstance(value, ast.Call) and called(value) in ("float", "item"):
        inner = value.args[0] if value.args else getattr(value.func, "value", None)
    return _signed(training, inner, known, depth + 1) if inner is not None and depth < DEEPEST else (0, "")


def _of_operation(training: Training, value: ast.BinOp, known: Given, depth: int) -> tuple[int, str]:
    """Return the sign in a product with a number, or in a sum with a tolerance."""
    sides = (value.left, value.right)
    if isinstance(value.op, ast.Mult):
        for one, other in (sides, sides[::-1]):
            factor = constant(_resolved(one, known))
            if isinstance(factor, (int, float)) and factor:
                sign, name = _signed(training, other, known, depth + 1)
                return (sign if factor > 0 else -sign), name
        return 0, ""
    return _signed(training, value.left, known, depth + 1) if isinstance(value.op, (ast.Add, ast.Sub)) else (0, "")


def _improves(training: Training, node: ast.AST, method: ast.FunctionDef) -> int:
    """Return 1 where a comparison that holds makes a new best, -1 where one that fails does, 0 where it is not told."""
    child = node
    for outer in training.script.ancestors(node):
        if isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
            return 0
        if isinstance(outer, ast.If) and child is outer.test:
            renews = [_renews(outer.body), _renews(outer.orelse)]
            return 0 if renews[0] == renews[1] else 1 if renews[0] else -1
        if isinstance(outer, ast.Assign):
            name = words_of(outer.targets[0])
            return 1 if BETTER.search(name) else _of_flag(method, name)
        if isinstance(outer, ast.Return):
            return 1 if BETTER.search(method.name) else 0
        child = outer
    return 0


def _of_flag(method: ast.FunctionDef, name: str) -> int:
    """Return the same of a name that a condition asks for later."""
    for node in ast.walk(method):
        if isinstance(node, ast.If) and words_of(node.test) == name:
            renews = [_renews(node.body), _renews(node.orelse)]
            return 0 if renews[0] == renews[1] else 1 if renews[0] else -1
    return 0


def _renews(block: list[ast.stmt]) -> bool:
    """Return whether a block binds a best anew."""
    nodes = (n for statement in block for n in ast.walk(statement))
    return any(BEST.search(words_of(target)) for node in nodes for target, _ in assignments(node))


def _turned(training: Training, owner: ast.ClassDef, made: ast.Call, wanted: str) -> tuple | None:  # type: ignore[type-arg]
    """Return the change that tells a keeper the other mode, where its constructor has one of min and max."""
    maker = training.script.method(owner, "__init__")
    names = [a.arg for a in maker.args.args[1:]] if maker is not None else []
    given = _given(training, owner, made).get("mode")
    if "mode" not in names or constant(given) not in MODES:
        return None
    span = with_argument(training.source, made, "mode", repr(wanted), names.index("mode"))
    return (span,) if span is not None else None
