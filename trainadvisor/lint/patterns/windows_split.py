"""Windows of a series that overlap, and are held out one by one at random."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SPLITS = frozenset({"train_test_split", "random_split"})
CUT_AT_ONCE = frozenset({"sliding_window_view"})
# What wraps windows without changing which there are.
AROUND = frozenset({"TensorDataset", "array", "stack", "tensor", "asarray", "from_numpy", "FloatTensor", "Tensor"})
BOTH = 2
DEPTH = 6


@pattern("loader", "data", words=(tuple(sorted(SPLITS)), ("range(", "sliding_window_view", "__getitem__")))
def validation_leak(training: Training) -> Iterator[Match]:
    """Yield splits at random of windows that begin one step apart."""
    for name in SPLITS:
        for split in training.script.calls_by_name.get(name, []):
            if not split.args or constant(keyword(split, "shuffle")) is False:
                continue
            cut = _cut(training, split.args[0])
            held = _held_out(training, split)
            if cut is not None and held:
                yield Match(split, {"loader": held, "data": ast.unparse(cut)}, cut)


def _held_out(training: Training, split: ast.Call) -> str:
    """Return the name of what a split holds out."""
    statement = training.script.statement(split)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    parts = target.elts if isinstance(target, ast.Tuple) else []
    return ast.unparse(parts[1]) if len(parts) >= BOTH else ""


def _cut(training: Training, data: ast.expr | None, depth: int = 0) -> ast.Call | None:
    """Return the call that cuts a series into the windows that an expression holds."""
    if isinstance(data, ast.Name) and depth < DEPTH:
        bound = training.script.reaching(data)
        return _cut(training, bound[0].value, depth + 1) if len(bound) == 1 and bound[0].kind == "value" else None
    if not isinstance(data, ast.Call):
        return None
    if _gives_windows(training, data):
        return data
    return _cut(training, data.args[0], depth + 1) if called(data) in AROUND and data.args else None


def _gives_windows(training: Training, call: ast.Call) -> bool:
    """Return whether a call makes a data set of windows, or a function of the script or of numpy that cuts them."""
    getter = training.script.method(training.script.classes.get(called(call)), "__getitem__")
    functions = training.called_functions(call)
    cut = len(functions) == 1 and any(_cuts(training, n) for n in ast.walk(functions[0]))
    return (getter is not None and _is_cut_at(getter)) or cut or called(call) in CUT_AT_ONCE


def _cuts(training: Training, node: ast.AST) -> bool:
    """Return whether a node takes a window at each step of a count: x[i:i + length] for i in range(n)."""
    if not isinstance(node, ast.Subscript) or not _is_window(node):
        return False
    begin = node.slice.lower.id  # type: ignore[attr-defined]
    for around in training.script.ancestors(node):
        loop = around.generators[0] if isinstance(around, ast.ListComp) else around
        if isinstance(loop, (ast.For, ast.comprehension)) and ast.unparse(loop.target) == begin:
            return _is_count(loop.iter) and (loop is not around or _is_listed(training, node))
    return False


def _is_listed(training: Training, node: ast.AST) -> bool:
    """Return whether a window is kept in a list, at once or by a name."""
    statement = training.script.statement(node)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call) and called(statement.value) == "append"
    return isinstance(statement, ast.Assign)


def _is_count(steps: ast.expr) -> bool:
    """Return whether a range goes on by one."""
    alone = isinstance(steps, ast.Call) and called(steps) == "range"
    return alone and (len(steps.args) <= BOTH or constant(steps.args[BOTH]) == 1)  # type: ignore[attr-defined]


def _is_window(node: ast.Subscript) -> bool:
    """Return whether a slice is as long everywhere: i:i + length, i:i + length + 1."""
    part = node.slice
    if not isinstance(part, ast.Slice) or not isinstance(part.lower, ast.Name) or not isinstance(part.upper, ast.BinOp):
        return False
    end: ast.expr = part.upper
    while isinstance(end, ast.BinOp) and isinstance(end.op, ast.Add):
        end = end.left
    return isinstance(end, ast.Name) and end.id == part.lower.id and not (part.step is not None)


def _is_cut_at(getter: ast.FunctionDef) -> bool:
    """Return whether an example is the window that begins at its index."""
    index = getter.args.args[1].arg if len(getter.args.args) >= BOTH else ""
    windows = [n for n in ast.walk(getter) if isinstance(n, ast.Subscript) and _is_window(n)]
    bound = [n for n in ast.walk(getter) if isinstance(n, ast.Name) and n.id == index and isinstance(n.ctx, ast.Store)]
    return not bound and any(n.slice.lower.id == index for n in windows)  # type: ignore[attr-defined]
