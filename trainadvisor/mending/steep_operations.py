"""Operations on the way into a loss whose slope is infinite at a value that nothing keeps them from."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ARCS, LOGS = frozenset({"acos", "asin", "arccos", "arcsin"}), frozenset({"log", "log2", "log10"})
STEEP = ARCS | LOGS | {"sqrt"}
# What is exactly 0 for equal values, and has a slope there. Norms and deviations of torch have none.
ZERO = frozenset({"sum", "mean", "square", "abs", "mse_loss", "l1_loss"})
LIMITS = frozenset({"clamp", "clamp_min", "clip"})
GUARDS = frozenset({"maximum", "where", "softplus", "exp", "sigmoid"})
SMALL = re.compile(r"eps|tiny|small", re.IGNORECASE)
# What is only looked at.
SHOWN = re.compile(r"\.(grad|data|detach|item|numpy)\b")
UNFOLLOWED = re.compile(r"no_grad|inference_mode")


def steep_operations(training: Training) -> list[tuple[ast.expr, ast.expr]]:
    """Return each such operation that the loss may be computed by, with what it is applied to."""
    nodes = [node for node in dict.fromkeys(_on_the_way(training)) if isinstance(node, (ast.Call, ast.BinOp))]
    found = [(node, given) for node in nodes if (given := _given(training, node)) is not None]
    return [(node, given) for node, given in found if not _unfollowed(training, node) and _open(training, node, given)]


def is_arc(node: ast.expr) -> bool:
    """Return whether an operation is steep at 1 and -1."""
    return isinstance(node, ast.Call) and called(node) in ARCS


def is_log(node: ast.expr) -> bool:
    """Return whether an operation is infinite at 0 itself."""
    return isinstance(node, ast.Call) and called(node) in LOGS


def _on_the_way(training: Training) -> Iterator[ast.AST]:
    """Yield what is computed around a backward and in models; of a file without one what its functions compute."""
    scopes: list[ast.AST] = list(training.script.functions)
    if training.backwards:
        loops = [(call, training.script.loops(call)) for call in training.backwards]
        forwards = (training.script.method(owner, "forward") for owner in training.module_classes)
        scopes = [*(around[0] if around else training.script.scope(call) for call, around in loops),
                  *(forward for forward in forwards if forward is not None)]  # fmt: skip
    for scope in scopes:
        yield from training.reached(scope)


def _given(training: Training, node: ast.Call | ast.BinOp) -> ast.expr | None:
    """Return what a steep operation is applied to, None of any other."""
    if isinstance(node, ast.BinOp):
        return node.left if isinstance(node.op, ast.Pow) and _is_root(node.right) else None
    of_torch = training.script.full(node.func).startswith("torch.")
    receiver = node.func.value if isinstance(node.func, ast.Attribute) and not of_torch else None
    if called(node) == "pow" and _is_root(keyword(node, "exponent", 1 if of_torch else 0)):
        return keyword(node, "input", 0) if of_torch else receiver
    if called(node) not in STEEP:
        return None
    return keyword(node, "input", 0) if of_torch else receiver if not node.args else None


def _is_root(exponent: ast.expr | None) -> bool:
    value = constant(exponent)
    return isinstance(value, float) and 0 < value < 1


def _unfollowed(training: Training, node: ast.AST) -> bool:
    """Return whether no gradient is asked for where a node stands."""
    around = list(training.script.ancestors(node))
    heads = [item.context_expr for n in around if isinstance(n, ast.With) for item in n.items]
    heads += [head for n in around if isinstance(n, ast.FunctionDef) for head in n.decorator_list]
    return any(UNFOLLOWED.search(ast.unparse(head)) for head in heads)


def _open(training: Training, node: ast.expr, given: ast.expr) -> bool:
    """Return whether an operation may be given the value at which it is steep."""
    value = training.values.single(given) if isinstance(given, ast.Name) else given
    parts = list(ast.walk(value if value is not None else given))
    if any(map(_is_guard, parts)) or SHOWN.search(ast.unparse(value or given)):
        return False
    # torch.where picks from a result that is not finite, but not from its gradient
    chosen = any(isinstance(n, ast.Call) and called(n) == "where" for n in training.script.ancestors(node))
    return chosen or is_arc(node) or (not is_log(node) and any(map(_is_zero, parts)))


def _is_guard(part: ast.AST) -> bool:
    """Return whether a part of a value keeps it from 0."""
    if isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Add, ast.Sub)):
        return any(isinstance(constant(side), (int, float)) for side in (part.left, part.right))
    if isinstance(part, (ast.Name, ast.Attribute)):
        return SMALL.search(part.id if isinstance(part, ast.Name) else part.attr) is not None
    if not isinstance(part, ast.Call):
        return False
    return called(part) in GUARDS or (called(part) in LIMITS and not _limited_by_zero(part))


def _limited_by_zero(call: ast.Call) -> bool:
    return any(constant(value) == 0 for value in (*call.args, *(word.value for word in call.keywords)))


def _is_zero(part: ast.AST) -> bool:
    """Return whether a part of a value is 0 where two others are equal, or nothing is left."""
    if isinstance(part, ast.Call):
        return called(part) in LIMITS or (called(part) in ZERO and _is_of_tensors(part))
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
        return constant(part.left) is None and constant(part.right) is None
    return False


def _is_of_tensors(call: ast.Call) -> bool:
    """Return whether a call is no sum of Python's own."""
    return isinstance(call.func, ast.Attribute) or called(call).endswith("_loss")
