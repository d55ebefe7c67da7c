"""Changes of data and targets that a fault asks for: a normalization that does nothing, targets that never follow."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.mending.fault_edits import mends, mends_by
from trainadvisor.mending.loop_edits import accumulated
from trainadvisor.source.edits import after, before, replaced, with_argument
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from trainadvisor.judge.result import Finding
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

# How far a target follows the trained model in each step.
FOLLOWED = "0.005"


@mends
def unnormalized_inputs(training: Training, finding: Finding) -> Fix | None:
    """Give a normalization by 0 and 1 the mean and the deviation of what it is applied to."""
    del finding
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, ast.Div) or not isinstance(node.left, ast.BinOp):
            continue
        data, mean, deviation = node.left.left, _number(training, node.left.right, 0), _number(training, node.right, 1)
        if not isinstance(node.left.op, ast.Sub) or not isinstance(data, ast.Name) or not mean or not deviation:
            continue
        if _is_known_at(training, data, min(mean.lineno, deviation.lineno)):
            return (
                replaced(training.source, mean, f"{data.id}.mean()"),
                replaced(training.source, deviation, f"{data.id}.std()"),
            )
    return None


def _number(training: Training, expr: ast.expr, number: int) -> ast.expr | None:
    """Return the expression that an operand is set to, where that is a number, in a tensor or not."""
    made = training.values.single(expr)
    inner = made.args[0] if isinstance(made, ast.Call) and called(made) == "tensor" and len(made.args) == 1 else made
    value = constant(inner)
    return made if isinstance(value, (int, float)) and not isinstance(value, bool) and value == number else None


def _is_known_at(training: Training, name: ast.Name, line: int) -> bool:
    """Return whether a name is bound before a line."""
    return any(binding.line[0] < line for binding in training.script.reaching(name))


@mends_by(1)
def target_network_stale(training: Training, finding: Finding) -> Fix | None:
    """Let the target follow the trained model slowly, behind each step of the optimizer."""
    del finding
    pairs = {_pair(call) for call in training.methods("load_state_dict")} - {None}
    steps = [c for c in training.steps if isinstance(training.script.parents.get(c), ast.Expr)]
    statement = training.script.statement(steps[0]) if len(steps) == 1 else None
    if len(pairs) != 1 or statement is None:
        return None
    target, model = next(iter(pairs)) or ("", "")
    return after(
        training.source,
        statement,
        "with torch.no_grad():",
        f"    for old, new in zip({target}.parameters(), {model}.parameters()):",
        f"        old.lerp_(new, {FOLLOWED})",
    )


def _pair(call: ast.Call) -> tuple[str, str] | None:
    """Return the names of two models, the first of which is given the weights of the second."""
    given = keyword(call, "state_dict", 0)
    if not isinstance(given, ast.Call) or called(given) != "state_dict" or not isinstance(given.func, ast.Attribute):
        return None
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    return (ast.unparse(target), ast.unparse(given.func.value)) if target is not None else None


@mends_by(2)
def constant_output(training: Training, finding: Finding) -> Fix | None:
    """Sum the reconstruction of a variational autoencoder over its numbers, as its KL term is summed over the code."""
    del finding
    sums = [n for n in training.script.of_type(ast.BinOp) if isinstance(n.op, ast.Add) and _sums_kl(training, n)]
    losses = [loss for loss in training.losses if any(loss.call in (n.left, n.right) for n in sums)]
    if len(losses) != 1 or losses[0].target is None or losses[0].made is not None:
        return None
    call, size = losses[0].call, training.source.segment(losses[0].target)
    if keyword(call, "reduction") is not None or not isinstance(losses[0].target, ast.Name):
        return None
    text = training.source.segment(call)
    return (replaced(training.source, call, f'{text[:-1]}, reduction="sum") / len({size})'),)


def _sums_kl(training: Training, node: ast.BinOp) -> bool:
    """Return whether one side of a sum is a sum over latent numbers, with a logarithm of a variance."""
    parts = [training.values.single(n) for side in (node.left, node.right) for n in ast.walk(side)
             if isinstance(n, ast.Name)]  # fmt: skip
    made = [inner for part in parts if part is not None for inner in ast.walk(part)]
    texts = [ast.unparse(inner) for inner in made if isinstance(inner, ast.Call) and called(inner) == "sum"]
    return any("log" in text and "exp" in text for text in texts)


@mends
def class_imbalance(training: Training, finding: Finding) -> Fix | None:
    """Weigh the classes of the only cross-entropy by the root of their counts in the labels of the first dataset."""
    del finding
    made = [loss.made or loss.call for loss in training.losses if loss.name == "cross_entropy"]
    labels = [call.args[1] for call in training.script.calls_by_name.get("TensorDataset", []) if len(call.args) > 1]
    calls = list(dict.fromkeys(made))
    statement = training.script.statement(calls[0]) if len(calls) == 1 else None
    if not labels or statement is None or training.script.loops(calls[0]) or keyword(calls[0], "weight", 0) is not None:
        return None
    if "counts" in training.script.bindings(training.script.tree):
        return None
    root = next((n for n in ast.walk(labels[0]) if isinstance(n, ast.Name) and training.script.reaching(n)), None)
    is_known = root is not None and _is_known_at(training, root, statement.lineno)
    here = training.script.scope(labels[0]) is training.script.scope(statement)
    put = before(
        training.source,
        statement,
        f"counts = torch.bincount({training.source.segment(labels[0])}).float().clamp(min=1)",
    )
    weight = "counts.rsqrt() / counts.rsqrt().mean()"
    span = with_argument(training.source, calls[0], "weight", weight)
    return (*put, span) if put and span and is_known and here else None


@mends
def grad_accumulation_scaling(training: Training, finding: Finding) -> Fix | None:
    """Divide the loss of each micro-batch by their number, as the script calls it."""
    del finding
    counts = {training.source.segment(count) for count in accumulated(training)}
    calls = [call for call in training.backwards if isinstance(call.func, ast.Attribute) and called(call) == "backward"]
    if len(counts) != 1 or len(calls) != 1 or not isinstance(calls[0].func, ast.Attribute):
        return None
    loss = calls[0].func.value
    text = training.source.segment(loss)
    wrapped = text if isinstance(loss, (ast.Name, ast.Attribute, ast.Call)) else f"({text})"
    return (replaced(training.source, loss, f"({wrapped} / {next(iter(counts))})"),)
