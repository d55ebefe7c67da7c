"""The ratio of a clipped policy loss turned round: old by new, which rises where the action becomes less likely."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

OLD = re.compile(r"(^|[^a-z])(old|prev|behaviou?r|rollout|stored|sampled)(?![a-z])|ref", re.IGNORECASE)
NEW = re.compile(r"(^|[^a-z])(new|cur|current|curr)(?![a-z])", re.IGNORECASE)
NEGATIVE = re.compile(r"neg|nll|loss", re.IGNORECASE)
# Wider bounds keep weights and estimates finite.
LOWEST, HIGHEST = 0.6, 1.5
ASKED = frozenset({"log_prob", "log_probs", "gather", "log_softmax", "evaluate", "evaluate_actions", "get_log_prob",
                   "cross_entropy"})  # fmt: skip


@pattern("term", "score", words=(("exp(",), ("clamp", "clip"), ("min(", "minimum(", "max(", "maximum(")))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield exp(old - new) that is clipped around 1, as the ratio of a policy loss is."""
    for call in training.script.calls:
        difference = _exponent(training, call)
        if difference is None or NEGATIVE.search(ast.unparse(difference)) or not _is_clipped(training, call):
            continue
        if _is_old(training, difference.left, difference.right) and not _is_old(
            training, difference.right, difference.left
        ):
            said = {"term": ast.unparse(call), "score": ast.unparse(difference.right)}
            yield Match(call, said)


def _exponent(training: Training, call: ast.Call) -> ast.BinOp | None:
    """Return the difference that an exponential is taken of: torch.exp(a - b), (a - b).exp(), or a name for it."""
    if called(call) != "exp":
        return None
    inner = call.args[0] if call.args else call.func.value if isinstance(call.func, ast.Attribute) else None
    inner = training.values.single(inner) if isinstance(inner, ast.Name) else inner
    return inner if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub) else None


def _is_clipped(training: Training, call: ast.Call) -> bool:
    """Return whether a value, or the name it is given, is clipped between 1 - e and 1 + e."""
    statement = training.script.statement(call)
    uses: list[ast.AST] = [call]
    if isinstance(statement, ast.Assign) and statement.value is call and isinstance(statement.targets[0], ast.Name):
        uses += reads(training.script.scope(statement), statement.targets[0].id)
    for use in uses:
        for node in list(training.script.ancestors(use))[:2]:
            if isinstance(node, ast.Call) and called(node) in ("clamp", "clip"):
                low = next((a for a in (*node.args, keyword(node, "min")) if isinstance(a, ast.BinOp)), None)
                if low is not None and isinstance(low.op, ast.Sub) and constant(low.left) in (1, 1.0):
                    return True
                if _around_one([constant(argument) for argument in node.args[-2:]]):
                    return True
    return False


def _around_one(bounds: list[Any]) -> bool:
    """Return whether two numbers are 1 - e and 1 + e, with the e of a policy loss."""
    known = [bound for bound in bounds if isinstance(bound, float)]
    return len(known) == 2 and LOWEST <= known[0] < 1 < known[1] <= HIGHEST  # noqa: PLR2004 - both bounds


def _is_old(training: Training, one: ast.expr, other: ast.expr) -> bool:
    """Return whether the first of two probabilities is the earlier one: by the names, or by where each is asked for."""
    if OLD.search(ast.unparse(one)) or NEW.search(ast.unparse(other)):
        return not (NEW.search(ast.unparse(one)) or OLD.search(ast.unparse(other)))
    return _is_fresh(training, other) and _is_kept(one)


def _is_fresh(training: Training, value: ast.expr) -> bool:
    """Return whether the model is asked for a value in the very loop that the ratio is in."""
    made = training.values.single(value)
    if not isinstance(made, ast.Call) or called(made) not in ASKED:
        return False
    loops, around = training.script.loops(value), training.script.loops(made)
    return bool(loops) and loops[:1] == around[:1] and training.script.scope(value) is training.script.scope(made)


def _is_kept(value: ast.expr) -> bool:
    """Return whether a value is a part of what was kept before the loop: kept[batch]."""
    if not isinstance(value, ast.Subscript) or not isinstance(value.value, (ast.Name, ast.Attribute)):
        return False
    return isinstance(value.slice, ast.Name)
