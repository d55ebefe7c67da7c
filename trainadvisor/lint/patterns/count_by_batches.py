"""Counts of right answers divided by the number of batches, and shares of batches divided by that of examples."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.last_batch_metric import AT_ONCE, behind, is_of_batches
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What a number goes through and stays what it is.
SAME = frozenset({"item", "float", "double", "int", "cpu", "numpy", "detach", "tolist"})
EXAMPLES = re.compile(r"^len\([\w.]*(dataset|_set|_ds|set|_data|data)(\[[\w'\"]+\])?\)$", re.IGNORECASE)


@pattern("metric", "figure", words=(("sum(", "mean("), ("==", "eq("), ("/",), ("len(", "+= 1"), (" in ",)))
def metric_averaged_over_batches(training: Training) -> Iterator[Match]:
    """Yield sums over batches of counts or of shares, where they are divided by the number of the other."""
    if AT_ONCE.search(words_of(training.script.tree)):
        return
    for loop in training.script.of_type(ast.For):
        if not is_of_batches(loop) or _is_of_ones(training, loop):
            continue
        for added in (n for n in ast.walk(loop) if isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Add)):
            kind = _agreement(added.value)
            figure = next((n for n in behind(training, loop) if _divides(training, n, added, loop, kind)), None)
            if kind and figure is not None:
                yield Match(added, {"metric": words_of(added.value), "figure": words_of(figure)}, figure)


def _is_of_ones(training: Training, loop: ast.For) -> bool:
    """Return whether the batches are of one example each, as far as the script shows it."""
    made = training.made(_batches(loop))
    loaders = [made] if made is not None else training.script.calls_by_name.get("DataLoader", [])
    return any(
        called(loader) == "DataLoader"
        and keyword(loader, "batch_sampler", 4) is None
        and constant(keyword(loader, "batch_size", 1) or ast.Constant(1)) == 1
        for loader in loaders
    )


def _batches(loop: ast.For) -> ast.expr:
    """Return what a loop goes through, out of the counting or the bar of progress around it."""
    through = loop.iter
    while isinstance(through, ast.Call) and through.args and called(through) in ("enumerate", "tqdm"):
        through = through.args[0]
    return through


def _agreement(value: ast.expr) -> str:
    """Return whether a value is a "sum" or a "mean" of where predictions agree with labels, "" where it is neither."""
    inner: ast.expr | None = value
    while isinstance(inner, ast.Call) and called(inner) in SAME:
        inner = inner.func.value if isinstance(inner.func, ast.Attribute) else next(iter(inner.args), None)
    name = called(inner) if isinstance(inner, ast.Call) else ""
    if not isinstance(inner, ast.Call) or name not in ("sum", "mean") or inner.keywords:
        return ""
    of = [*inner.args, *([inner.func.value] if isinstance(inner.func, ast.Attribute) else [])]
    whole = len(inner.args) == (words_of(inner.func) in ("torch.sum", "torch.mean", "np.sum", "np.mean", "sum"))
    agrees = any(isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Eq) for o in of for n in ast.walk(o))
    asked = any(isinstance(n, ast.Call) and called(n) == "eq" for o in of for n in ast.walk(o))
    return name if whole and (agrees or asked) else ""


def _divides(training: Training, node: ast.AST, added: ast.AugAssign, loop: ast.For, kind: str) -> bool:
    """Return whether a node divides a sum of counts by the number of batches, or one of shares by that of examples."""
    total = words_of(added.target)
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div) and words_of(node.target) == total:
        size: ast.expr = node.value
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and total in _factors(node.left):
        size = node.right
    else:
        return False
    held = training.values.single(size) if isinstance(size, ast.Name) else None
    size = held if isinstance(held, ast.Call) and called(held) == "len" else size
    batches = words_of(size) == f"len({words_of(_batches(loop))})" or _counts_rounds(loop, size)
    return batches if kind == "sum" else not batches and EXAMPLES.match(words_of(size)) is not None


def _factors(value: ast.expr) -> Iterator[str]:
    """Yield what a product is made of: 100 * correct.double()."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        yield from (*_factors(value.left), *_factors(value.right))
    elif isinstance(value, ast.Call) and called(value) in SAME:
        yield from _factors(value.func.value if isinstance(value.func, ast.Attribute) else value.args[0])
    else:
        yield words_of(value)


def _counts_rounds(loop: ast.For, size: ast.expr) -> bool:
    """Return whether a name is what each round of a loop adds 1 to."""
    return isinstance(size, ast.Name) and any(
        isinstance(n, ast.AugAssign) and words_of(n.target) == size.id and constant(n.value) == 1 for n in loop.body
    )
