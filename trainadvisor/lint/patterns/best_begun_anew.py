"""A best that begins at nothing although a training is taken up again: its first round overwrites the best weights."""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import assignments, called, constant, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SAVES = re.compile(r"save|dump|deepcopy|copy", re.IGNORECASE)
LIMITS = re.compile(r"(math|np|numpy|torch)\.inf|float\('-?inf(inity)?'\)|sys\.maxsize|sys\.float_info\.max")
FAR = 1e3
OPTIMIZER = re.compile(r"opt", re.IGNORECASE)
TAKES_UP = re.compile(r"load|resum|restor", re.IGNORECASE)


@pattern("best", "start", words=(("load_state_dict",), ("best", "max_", "min_", "top"), ("save", "copy"), ("step(",)))
def best_not_resumed(training: Training) -> Iterator[Match]:
    """Yield where a best is begun at nothing, and never set to the old one, though an optimizer's state is loaded."""
    resumed = [c for c in training.methods("load_state_dict") if _is_of_optimizer(c) and _is_from_file(training, c)]
    for choice in training.script.of_type(ast.If) if resumed else ():
        best = _new_best(choice)
        if best is None or not training.script.loops(choice) or not any(_saves(s) for s in choice.body):
            continue
        name = ast.unparse(best)
        begun = [(target, value) for target, value in bound_to(training, name) if target is not best]
        if not begun or is_argument(training, name) or not all(is_nothing(value) for _, value in begun):
            continue
        first = begun[0][0]
        scopes = {training.script.scope(c) for c in resumed}
        if (
            training.script.scope(first) in scopes
            or is_self(getattr(best, "value", best))
            or _beside(training, resumed, first)
        ):
            yield Match(first, {"best": name, "start": ast.unparse(begun[0][1])}, choice)  # type: ignore[arg-type]


def _is_of_optimizer(call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return owner is not None and OPTIMIZER.search(ast.unparse(owner)) is not None


def _is_from_file(training: Training, call: ast.Call) -> bool:
    """Return whether a state is a part of something larger, as of a checkpoint, or what a file held."""
    given = call.args[0] if call.args else None
    if isinstance(given, ast.Name):
        given = training.values.single(given)
    if isinstance(given, ast.Call):
        return called(given) in ("get", "pop") or "load" in called(given)
    return isinstance(given, ast.Subscript)


def _new_best(choice: ast.If) -> ast.expr | None:
    """Return what a branch binds to the other side of the comparison that leads to it: if acc > best: best = acc."""
    test = choice.test
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)):
        return None
    sides = [ast.unparse(test.left), ast.unparse(test.comparators[0])]
    for statement in choice.body:
        for target, value in assignments(statement):
            if value is not None and sorted([ast.unparse(target), ast.unparse(value)]) == sorted(sides):
                return target
    return None


def _saves(statement: ast.stmt) -> bool:
    return any(isinstance(n, ast.Call) and SAVES.search(called(n)) for n in ast.walk(statement))


def bound_to(training: Training, name: str) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield the targets that are written like a name, anywhere in the script, and what each is given."""
    for node in training.script.nodes:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from ((t, v) for t, v in assignments(node) if ast.unparse(t) == name)
        elif isinstance(node, (ast.AugAssign, ast.For, ast.NamedExpr)):
            yield from ((node.target, None) for n in ast.walk(node.target) if ast.unparse(n) == name)
        elif isinstance(node, ast.Call) and (called(node) == "setattr" or "__dict__" in ast.unparse(node.func)):
            yield node, None


def is_argument(training: Training, name: str) -> bool:
    """Return whether some function is given a value of that name."""
    functions = training.script.functions
    return any(a.arg == name for f in functions for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs))


def is_nothing(value: ast.expr | None) -> bool:
    """Return whether a value is one that anything is better than: 0, an infinity, a large number."""
    number = constant(value)
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        return number in (0, -1) or abs(number) >= FAR or math.isinf(number)
    return value is not None and LIMITS.fullmatch(ast.unparse(value).lstrip("-")) is not None


def _beside(training: Training, resumed: list[ast.Call], first: ast.expr) -> bool:
    """Return whether a function that takes up a training is called where a best is begun, and gives it nothing."""
    scope = training.script.scope(first)
    functions = {training.script.function_of(c) for c in resumed}
    names = {f.name for f in functions if f is not None and TAKES_UP.search(f.name)}
    return any(called(c) in names and training.script.scope(c) is scope for c in training.script.calls)
