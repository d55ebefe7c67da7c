"""Loops over the training data in what evaluates, beside a loader for validation that it does not read."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import TRAINED
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import is_self, last_name
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

EVALUATES = re.compile(r"(^|_)(eval|evaluate|evaluation|val|valid|validate|validation|test|tests|dev)(_|$)")
DATA = re.compile(r"loader|(^|_)(dl|iter|data|dataset|batches)(_|$)", re.IGNORECASE)
HELD = re.compile(
    r"(^|_)(val|valid|validation|test|dev|eval)_?(loader|dl|data|set|iter|dataloader|batches)", re.IGNORECASE
)


@pattern("loader", "data", words=(("rain",), ("def ",), ("backward(",)))
def validation_leak(training: Training) -> Iterator[Match]:
    """Yield loops of evaluating functions over the training loader, where another one is given and not read."""
    for loop in training.script.of_type(ast.For):
        function = training.script.function_of(loop)
        data = _data(loop.iter)
        if function is None or data is None or not EVALUATES.search(function.name) or TRAINED.search(function.name):
            continue
        if not TRAINED.search(last_name(data)) or HELD.search(last_name(data)):
            continue
        meant = _argument(function, data) or _attribute(training, function, data)
        if meant:
            fix = (replaced(training.source, data, meant),)
            yield Match(data, {"loader": meant, "data": ast.unparse(data)}, fix=fix)


def _data(walked: ast.expr) -> ast.expr | None:
    """Return what a loop goes over: loader, enumerate(loader), tqdm(loader)."""
    while isinstance(walked, ast.Call) and walked.args and last_name(walked.func) in ("enumerate", "tqdm", "iter"):
        walked = walked.args[0]
    return walked if isinstance(walked, (ast.Name, ast.Attribute)) else None


def _argument(function: ast.FunctionDef | ast.AsyncFunctionDef, data: ast.expr) -> str:
    """Return the only argument for data of a function, where nothing reads it and the data are not one of its own."""
    arguments = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    own = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if not isinstance(data, ast.Name) or data.id in arguments or data.id in own:
        return ""
    unread = [name for name in arguments if DATA.search(name) and not reads(function, name)]
    return unread[0] if len(unread) == 1 else ""


def _attribute(training: Training, function: ast.AST, data: ast.expr) -> str:
    """Return the only attribute for held-out data of an object that no line of the script reads."""
    if not isinstance(data, ast.Attribute) or not is_self(data.value):
        return ""
    owner = training.script.class_of(function)
    found = training.script.of_type(ast.Attribute)
    read = {node.attr for node in found if isinstance(node.ctx, ast.Load)}
    kept = {n.attr for n in found if isinstance(n.ctx, ast.Store) and training.script.class_of(n) is owner}
    unread = sorted(name for name in kept - read if HELD.search(name))
    return f"self.{unread[0]}" if len(unread) == 1 else ""
