"""Metrics of each batch that are averaged although the metric of all is no average of theirs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.last_batch_metric import AT_ONCE, behind, is_of_batches
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What counts pairs, ranks or a spread: no mean over examples.
OF_A_WHOLE = frozenset({"f1_score", "fbeta_score", "precision_score", "recall_score", "roc_auc_score", "r2_score",
                        "average_precision_score", "matthews_corrcoef", "cohen_kappa_score", "balanced_accuracy_score",
                        "jaccard_score"})  # fmt: skip
MEANS = frozenset({"mean", "average", "fmean", "nanmean"})
# What makes a row of all pixels: a picture is a unit of its own.
ROWS = frozenset({"flatten", "ravel", "view", "reshape"})


@pattern("metric", "figure", words=(tuple(sorted(OF_A_WHOLE)), ("+=", ".append("), (" in ",)))
def metric_averaged_over_batches(training: Training) -> Iterator[Match]:
    """Yield metrics of single batches that a loop adds up or lists, where a mean is taken of them behind it."""
    if AT_ONCE.search(words_of(training.script.tree)):
        return
    for name in OF_A_WHOLE:
        for call in training.script.calls_by_name.get(name, []):
            loops = training.script.loops(call)
            loop = loops[0] if loops else None
            if not isinstance(loop, ast.For) or not _measures(loop) or not _is_of_one_batch(loop, call):
                continue
            kept = _kept_in(training, loop, call)
            figure = next((n for n in behind(training, loop) if _is_mean_of(n, kept)), None) if kept else None
            if figure is not None:
                yield Match(call, {"metric": name, "figure": words_of(figure)}, figure)


def _measures(loop: ast.For) -> bool:
    """Return whether a loop goes through batches and trains on none: the figures of a training are rough anyway."""
    return is_of_batches(loop) and not any(isinstance(n, ast.Call) and called(n) == "backward" for n in ast.walk(loop))


def _is_of_one_batch(loop: ast.For, call: ast.Call) -> bool:
    """Return whether a metric is given what its round binds alone: nothing that grows, and no row of pixels."""
    rows = any(isinstance(n, ast.Call) and called(n) in ROWS for a in call.args for n in ast.walk(a))
    # The share of the right answers by another name.
    if rows or constant(keyword(call, "average")) == "micro":
        return False
    grown = {
        name for n in ast.walk(loop) for part in _grows(n) for name in names_in(part)
    }  # fmt: skip
    bound = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given = set().union(*(names_in(a) for a in (*call.args, *(k.value for k in call.keywords)))) if call.args else set()
    return bool(given & bound) and not given & grown


def _grows(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.AugAssign):
        yield node.target
    elif isinstance(node, ast.Call) and called(node) in ("append", "extend") and isinstance(node.func, ast.Attribute):
        yield node.func.value
    elif isinstance(node, ast.Assign) and names_in(node.targets[0]) & names_in(node.value):
        yield node.targets[0]


def _kept_in(training: Training, loop: ast.For, call: ast.Call) -> str:
    """Return the name that a metric is added to or listed under, at once or by way of a name of its own."""
    statement = training.script.statement(call)
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        own = statement.targets[0].id
        later = [training.script.statement(n) for n in reads(loop, own)]
        return next((kept for s in later if (kept := _added_to(s))), "")
    return _added_to(statement)


def _added_to(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
        return words_of(statement.target)
    value = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(value, ast.Call) and called(value) == "append" and isinstance(value.func, ast.Attribute):
        return words_of(value.func.value)
    return ""


def _is_mean_of(node: ast.AST, kept: str) -> bool:
    """Return whether a node averages what was kept: kept / n, kept /= n, np.mean(kept)."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Div) and words_of(node.target) == kept
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return words_of(node.left) == kept or f"sum({kept})" in words_of(node.left)
    return isinstance(node, ast.Call) and called(node) in MEANS and any(words_of(a) == kept for a in node.args)
