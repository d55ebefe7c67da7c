"""Advantages that are carried from one episode into the one before it: the end is asked for in the error alone."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.episode_ends import END
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.terminal_not_masked import factors_of
from trainadvisor.source.syntax import last_name
from trainadvisor.source.uses import is_backward, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RATE = re.compile(r"gamma|lam(bda)?_?|tau|gae_lambda|discount|gae_decay", re.IGNORECASE)
GOES_ON = re.compile(r"mask|non_?term|not_?done|alive|contin|nonend", re.IGNORECASE)


@pattern("end", "target", words=(("done", "termin", "finished", "mask", "over"), ("gae", "adv", "lam"), ("gamma",)))
def terminal_not_masked(training: Training) -> Iterator[Match]:
    """Yield discounted sums of errors in a loop from the end that go on where the errors themselves stop."""
    for loop in training.script.of_type(ast.For):
        ends = {name for node in ast.walk(loop) for name in _names(node) if _is_end(name)}
        if not is_backward(_order(loop)) or not ends or _resets(loop):
            continue
        made = _made(loop)
        products = [n for n in ast.walk(loop) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)]
        whole = [p for p in products if not _is_factor(training, p)]
        carried = [p for p in whole if _is_carried(training, p)]
        masked = [p for p in whole if _closure(made, p) & ends]
        open_ = [p for p in carried if not _closure(made, p, without=_carried_name(training, p)) & ends]
        if open_ and len(open_) == len(carried) and any(p not in carried for p in masked):
            end = next(iter(sorted(_closure(made, masked[0]) & ends)))
            yield Match(open_[0], {"end": end, "target": ast.unparse(open_[0])}, masked[0])


def _order(loop: ast.For) -> ast.expr:
    """Return what a loop goes through, its counter left out."""
    through = loop.iter
    while isinstance(through, ast.Call) and last_name(through.func) in ("enumerate", "tqdm", "list") and through.args:
        through = through.args[0]
    return through


def _names(node: ast.AST) -> set[str]:
    return {node.id} if isinstance(node, ast.Name) else {node.attr} if isinstance(node, ast.Attribute) else set()


def _is_end(name: str) -> bool:
    return END.fullmatch(name) is not None or GOES_ON.search(name) is not None


def _resets(loop: ast.For) -> bool:
    """Return whether the loop chooses by an end what it carries on."""
    chosen = (n.test for n in ast.walk(loop) if isinstance(n, (ast.If, ast.IfExp)))
    return any(_is_end(name) for test in chosen for node in ast.walk(test) for name in _names(node))


def _made(loop: ast.For) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
    return found


def _is_factor(training: Training, product: ast.BinOp) -> bool:
    above = training.script.parents.get(product)
    return isinstance(above, ast.BinOp) and isinstance(above.op, ast.Mult)


def _carried_name(training: Training, product: ast.AST) -> str:
    """Return the name that a statement gives a new value, where a product of its old one is a part of that."""
    statement = training.script.statement(product)
    if isinstance(statement, ast.AugAssign):
        return statement.target.id if isinstance(statement.target, ast.Name) else ""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = {t.id for t in targets if isinstance(t, ast.Name)}
    return next((f.id for f in factors_of(product) if isinstance(f, ast.Name) and f.id in names), "")  # type: ignore[arg-type]


def _is_carried(training: Training, product: ast.BinOp) -> bool:
    """Return whether a product is what a sum is carried on by: gamma * lam * gae, given to gae."""
    factors = list(factors_of(product))
    rates = [f for f in factors if RATE.fullmatch(last_name(f))]
    name = _carried_name(training, product)
    return len(rates) > 1 and bool(name) and any(isinstance(f, ast.Name) and f.id == name for f in factors)


def _closure(made: dict[str, list[ast.expr]], node: ast.AST, without: str = "") -> set[str]:
    """Return the names and attributes that a value is made of within the loop."""
    found, waiting = set[str](), [node]
    while waiting:
        for part in ast.walk(waiting.pop()):
            for name in _names(part) - found:
                found.add(name)
                waiting += made.get(name, []) if name != without else []
    return found | names_in(node)
