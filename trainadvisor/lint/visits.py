"""A piece of code that is passed once with training data and once with held-out data: a function, or a loop."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import is_open

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trainadvisor.source.training import Training

TRAINED = re.compile(r"train|(^|[^a-z])(x|y)?_?tr(?![a-z])", re.IGNORECASE)
HELD_OUT = re.compile(
    r"(^|[^a-z])(x|y)?_?(test|val|valid|validation|dev|te|va|holdout|held_?out|eval)(?![a-z])"
    r"|(^|[^a-z])(test|val|valid|dev)(set|data|df|ds)",
    re.IGNORECASE,
)
# Returned where a condition depends on more than what a call is given.
UNKNOWN = None
LEAST = 2


@dataclass(frozen=True, eq=False)
class Visit:
    """One time that the code is passed: the node that does so, and what its arguments are given."""

    node: ast.expr
    given: Mapping[str, ast.expr]

    @property
    def text(self) -> str:
        """Return the arguments as text."""
        return " ".join(ast.unparse(value) for value in self.given.values())


@dataclass(frozen=True, eq=False)
class Passage:
    """Code with its name, the first time it is passed with training data, and the first with held-out data."""

    name: str
    code: ast.AST
    trained: Visit
    held: Visit

    @property
    def differing(self) -> set[str]:
        """Return the arguments that are given different values."""
        one, other = self.trained.given, self.held.given
        return {n for n in one.keys() & other.keys() if ast.unparse(one[n]) != ast.unparse(other[n])}


def passages(training: Training, place: ast.AST) -> Iterator[Passage]:
    """Yield the functions and loops around a node that are passed with training data and with held-out data."""
    for outer in training.script.ancestors(place):
        visits = []
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
            visits = _of_function(training, outer)
        elif isinstance(outer, ast.For):
            visits = [Visit(item, given) for item, given in _each(outer.target, outer.iter)]
        name = getattr(outer, "name", "")
        owner = training.script.class_of(outer)
        name = owner.name if name == "__init__" and owner is not None else name
        yield from _paired(training, f"{name}(...)" if name else "pass of the loop", outer, visits)


def _paired(training: Training, name: str, code: ast.AST, visits: list[Visit]) -> Iterator[Passage]:
    """Yield the code with two visits that are alike but for the data."""
    told = [(_kind(training, visit), visit) for visit in visits]
    for _, held in (entry for entry in told if entry[0] == "held"):
        for _, trained in (entry for entry in told if entry[0] == "trained"):
            if without_sets(trained.text) == without_sets(held.text) or len(visits) == LEAST:
                yield Passage(name, code, trained, held)
                return


def _kind(training: Training, visit: Visit) -> str:
    """Return which data a visit is given, by the names of its arguments or of what it is bound to."""
    statement = training.script.statement(visit.node)
    targets = " ".join(map(ast.unparse, statement.targets)) if isinstance(statement, ast.Assign) else ""
    for text in (visit.text, targets):
        trained, held = TRAINED.search(text) is not None, HELD_OUT.search(text) is not None
        if trained != held:
            return "trained" if trained else "held"
    return ""


def without_sets(text: str) -> str:
    """Return a text without the words that tell training data from held-out data."""
    return HELD_OUT.sub("", re.sub(r"train(ing)?", "test", text, flags=re.IGNORECASE)).replace("_", "")


def _of_function(training: Training, function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[Visit]:
    """Return the calls of a function, a method, or of the class whose constructor it is."""
    owner = training.script.parents.get(function)
    is_method = isinstance(owner, ast.ClassDef)
    name = owner.name if isinstance(owner, ast.ClassDef) and function.name == "__init__" else function.name
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)][int(is_method) :]
    visits = []
    for call in training.script.calls_by_name.get(name, []):
        if is_open(call):
            continue
        given = {**defaults_of(function), **dict(zip(names, call.args, strict=False))}
        given |= {k.arg: k.value for k in call.keywords if k.arg is not None}
        visits += [Visit(call, filled) for filled in _each_of_loop(training, call, given)]
    return visits


def defaults_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    """Return the defaults of a function's arguments by name."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    last = arguments[len(arguments) - len(function.args.defaults) :]
    found = {a.arg: default for a, default in zip(last, function.args.defaults, strict=True)}
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return found | {a.arg: default for a, default in pairs if default is not None}


def _each_of_loop(training: Training, call: ast.Call, given: dict[str, ast.expr]) -> Iterator[dict[str, ast.expr]]:
    """Yield what a call is given: once, or for each of the values that a loop around it names."""
    for outer in training.script.ancestors(call):
        loop = outer.generators[0] if isinstance(outer, (ast.ListComp, ast.GeneratorExp)) else outer
        if isinstance(loop, (ast.For, ast.comprehension)):
            for _, values in _each(loop.target, loop.iter):
                yield {n: values.get(ast.unparse(value), value) for n, value in given.items()}
            if any(True for _ in _each(loop.target, loop.iter)):
                return
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            break
    yield given


def _each(target: ast.expr, values: ast.expr) -> Iterator[tuple[ast.expr, dict[str, ast.expr]]]:
    """Yield the values of a loop over a tuple or list that is written out, with the names they are bound to."""
    for item in values.elts if isinstance(values, (ast.Tuple, ast.List)) else ():
        if isinstance(target, ast.Tuple) and isinstance(item, ast.Tuple) and len(target.elts) == len(item.elts):
            yield item, {ast.unparse(t): v for t, v in zip(target.elts, item.elts, strict=True)}
        elif isinstance(target, ast.Name):
            yield item, {target.id: item}


def depends(code: ast.AST, expr: ast.AST, wanted: set[str]) -> bool:
    """Return whether a value is made of one of some names of the code, through what the code binds."""
    known = _words(expr)
    bound = [n for n in ast.walk(code) if isinstance(n, (ast.Assign, ast.AnnAssign, ast.For, ast.comprehension))]
    for _ in range(4):
        for node in bound:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = node.iter if isinstance(node, (ast.For, ast.comprehension)) else node.value
            if value is not None and any(_words(t) & known for t in targets):
                known = known | _words(value)
    return bool(known & wanted)


def _words(node: ast.AST) -> set[str]:
    """Return the names and the attributes of self that stand in a node."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return found - {"self"} | {ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.Attribute) and _of_self(n)}


def _of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def is_reached(training: Training, node: ast.AST, passage: Passage, visit: Visit) -> bool:
    """Return whether a visit surely comes to a node of the code: each condition before it can be told."""
    child = node
    for outer in training.script.ancestors(node):
        if isinstance(outer, (ast.If, ast.IfExp)) and child is not outer.test:
            inside = child is outer.body or (isinstance(outer.body, list) and child in outer.body)
            if truth(outer.test, visit.given) is not inside:
                return False
        if isinstance(outer, (ast.Try, ast.While, ast.Lambda)):
            return False
        block = training.block(child) if isinstance(child, ast.stmt) else None
        for earlier in block[: block.index(child)] if block is not None else ():  # type: ignore[arg-type]
            if _leaves(earlier) and (not isinstance(earlier, ast.If) or truth(earlier.test, visit.given) is not False):
                return False
        if outer is passage.code:
            return True
        child = outer
    return False


def _leaves(statement: ast.stmt) -> bool:
    """Return whether a statement may end the function or the round of a loop."""
    return any(isinstance(n, (ast.Return, ast.Continue, ast.Break)) for n in ast.walk(statement))


def truth(test: ast.expr, given: Mapping[str, ast.expr]) -> bool | None:
    """Return whether a condition holds for the arguments of a call, None where that is not known."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = truth(test.operand, given)
        return UNKNOWN if inner is UNKNOWN else not inner
    if isinstance(test, (ast.Name, ast.Attribute)) and ast.unparse(test) in given:
        value = given[ast.unparse(test)]
        return bool(value.value) if isinstance(value, ast.Constant) else UNKNOWN
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return UNKNOWN
    left, right = given.get(ast.unparse(test.left)), test.comparators[0]
    if left is None or not isinstance(right, ast.Constant):
        return UNKNOWN
    return _compared(test.ops[0], left, right)


def _compared(operator: ast.cmpop, left: ast.expr, right: ast.Constant) -> bool | None:
    turned = isinstance(operator, (ast.NotEq, ast.IsNot))
    if not turned and not isinstance(operator, (ast.Eq, ast.Is)):
        return UNKNOWN
    if isinstance(left, ast.Constant):
        return (left.value == right.value) is not turned
    # What is named is hardly None.
    return turned if right.value is None else UNKNOWN
