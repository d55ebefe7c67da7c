"""Logits that the metrics of a Trainer compare with a threshold for probabilities."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.threshold_mismatch import compared
from trainadvisor.source.syntax import assignments, called, constant, keyword, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What makes probabilities, or answers, of logits.
TURNS = re.compile(r"sigm|expit|softmax|prob|exp$|argmax|argsort|topk|activat", re.IGNORECASE)
Function = ast.FunctionDef | ast.AsyncFunctionDef
DEEPEST = 2


@pattern(
    "test",
    "given",
    "wanted",
    words=(("compute_metrics",), ("multi_label_classification", "WithLogits", "with_logits"), (">", "<", "round(")),
)
def threshold_mismatch(training: Training) -> Iterator[Match]:
    """Yield thresholds between 0 and 1 for predictions that a Trainer hands to its metrics as the model made them."""
    if "preprocess_logits_for_metrics" in training.source.text:
        return
    for call in training.script.calls:
        given = keyword(call, "compute_metrics")
        functions = [f for f in training.script.functions if isinstance(given, ast.Name) and f.name == given.id]
        if len(functions) == 1 and functions[0].args.args:
            for node in _tests(training, functions[0], set(_logits(functions[0])), 0):
                yield Match(node, {"test": ast.unparse(node), "given": "logits", "wanted": "sigmoid(x)"})


def _logits(function: Function) -> Iterator[str]:
    """Yield the texts under which a function of metrics reads what the model put out."""
    pair = function.args.args[0].arg
    yield from (f"{pair}.predictions", f"{pair}[0]")
    for node in ast.walk(function):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(target, ast.Tuple) and isinstance(node, ast.Assign) and ast.unparse(node.value) == pair:
            yield ast.unparse(target.elts[0])


def _tests(training: Training, function: Function, raw: set[str], depth: int) -> Iterator[ast.AST]:
    """Yield comparisons of raw outputs in a function, and in those of the script that it hands them to."""
    for node in ast.walk(function):
        for target, value in assignments(node):
            if value is not None and isinstance(target, ast.Name) and target.id not in raw and _is_raw(value, raw):
                raw.add(target.id)
    for node in ast.walk(function):
        outputs = compared(node) or _by_default(node, function)
        if outputs is not None and _is_raw(outputs, raw):
            yield node
        if not isinstance(node, ast.Call) or depth >= DEEPEST:
            continue
        for inner in training.called_functions(node):
            names = [a.arg for a in inner.args.args]
            handed = {name for name, given in zip(names, node.args, strict=False) if _is_raw(given, raw)}
            if handed:
                yield from _tests(training, inner, handed, depth + 1)


def _by_default(node: ast.AST, function: Function) -> ast.expr | None:
    """Return what is compared with an argument of a function that is between 0 and 1 unless it is given."""
    if not isinstance(node, ast.Compare) or not isinstance(node.comparators[0], ast.Name):
        return None
    names = [a.arg for a in function.args.args]
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    limit = constant(defaults.get(node.comparators[0].id))
    return node.left if isinstance(limit, float) and 0 < limit < 1 else None


def _is_raw(value: ast.expr, raw: set[str]) -> bool:
    """Return whether a value is made of raw outputs alone, by nothing that turns them into probabilities."""
    if any(isinstance(n, (ast.Compare, ast.BinOp)) for n in ast.walk(value)):
        return False
    turned = any(isinstance(n, ast.Call) and TURNS.search(called(n)) for n in ast.walk(value))
    text, names = ast.unparse(value), names_in(value)
    return not turned and any(part in (names if part.isidentifier() else text) for part in raw)
