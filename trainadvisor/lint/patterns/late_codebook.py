"""A codebook loss on what the straight-through sum returned: its gradient goes to the encoder, none to the codebook."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ERRORS = frozenset({"mse_loss", "smooth_l1_loss", "l1_loss", "MSELoss", "pow", "square"})


@pattern("sum", "quantized", "loss", words=((".detach()",), ("codebook", "embedding", "Embedding"), ("+",)))
def codebook_loss_late(training: Training) -> Iterator[Match]:
    """Yield errors against z.detach() of the very name that was bound to z + (q - z).detach() in front of them."""
    for function in training.script.functions:
        nodes = list(training.script.inside(function))
        for node in nodes:
            value, quantized = _straight(node)
            if not quantized:
                continue
            errors = [n for n in nodes if isinstance(n, ast.expr) and _compares(n, quantized, value)]
            errors = [n for n in errors if not _is_figure(training, n)]
            late = [n for n in errors if _reaches(training, n, quantized, node)]
            if late and len(late) == len(errors) and not any(_judged(n, quantized, value, node) for n in nodes):
                text = ast.unparse(node.value)  # type: ignore[attr-defined]
                yield Match(late[0], {"sum": text, "quantized": quantized, "loss": ast.unparse(late[0])}, node)


def _straight(node: ast.AST) -> tuple[str, str]:
    """Return z and q of q = z + (q - z).detach(); "" where a statement is none such."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return "", ""
    added = node.value if isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add) else None
    cut = added.right if added is not None else None
    inner = cut.func.value if isinstance(cut, ast.Call) and isinstance(cut.func, ast.Attribute) else None
    if added is None or not isinstance(cut, ast.Call) or called(cut) != "detach" or not isinstance(inner, ast.BinOp):
        return "", ""
    name, value = node.targets[0].id, ast.unparse(added.left)
    undone = isinstance(inner.op, ast.Sub) and ast.unparse(inner.left) == name and ast.unparse(inner.right) == value
    return (value, name) if undone else ("", "")


def _compares(node: ast.expr, quantized: str, value: str) -> bool:
    """Return whether an expression compares q as it is with z.detach()."""
    if isinstance(node, ast.Call) and called(node) in ERRORS:
        sides = {ast.unparse(a) for a in (*node.args, *(k.value for k in node.keywords))}
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        sides = {ast.unparse(node.left), ast.unparse(node.right)}
    else:
        return False
    return {quantized, f"{value}.detach()"} <= sides


def _is_figure(training: Training, error: ast.expr) -> bool:
    """Return whether an error is only shown: under no_grad(), or as a number."""
    for outer in training.script.ancestors(error):
        if isinstance(outer, ast.Call) and called(outer) in ("item", "float"):
            return True
        if isinstance(outer, ast.With) and any("no_grad" in ast.unparse(item.context_expr) for item in outer.items):
            return True
    return False


def _judged(node: ast.AST, quantized: str, value: str, sum_: ast.AST) -> bool:
    """Return whether a function is given q and z in front of the sum: it may compute the loss of the codebook."""
    if not isinstance(node, ast.Call) or node.lineno >= sum_.lineno:  # type: ignore[attr-defined]
        return False
    given = {ast.unparse(a) for a in (*node.args, *(k.value for k in node.keywords))}
    return {quantized, value} <= given


def _reaches(training: Training, error: ast.expr, quantized: str, node: ast.AST) -> bool:
    """Return whether q is, in an error, only what a statement bound it to."""
    names = [n for n in ast.walk(error) if isinstance(n, ast.Name) and n.id == quantized]
    bound = [training.script.reaching(name) for name in names]
    return bool(bound) and all(len(found) == 1 and found[0].statement is node for found in bound)
