"""A net that is to take out what was added to its input by chance, and is asked for the input as it is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import is_draw, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

REGRESSES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
                       "binary_cross_entropy_with_logits"})  # fmt: skip
# Draws of a width of their own; a uniform draw below one step of the numbers makes whole numbers continuous.
NORMAL = frozenset({"randn", "randn_like", "normal", "normal_", "standard_normal", "bernoulli", "dropout"})


@pattern("window", "target", words=(("rand", "normal", "bernoulli", "dropout"), ("backward(",), ("oss", "entropy")))
def target_leak(training: Training) -> Iterator[Match]:
    """Yield losses that compare what a net makes of a noisy input with that input, where a clean one is at hand."""
    for item in training.losses:
        target = item.target
        if item.name not in REGRESSES or not isinstance(target, ast.Name):
            continue
        clean = _clean(training, target)
        if clean and _is_asked(training, item.input, target.id) and not _is_target(training, clean, item.call):
            noisy = training.script.reaching(target)[-1]
            held = ast.unparse(noisy.value) if noisy.value is not None else target.id
            yield Match(item.call, {"window": target.id, "target": held}, noisy.statement)


def _clean(training: Training, noisy: ast.Name) -> str:
    """Return the name of the tensor to which a draw is added, or that is masked by one, under another name."""
    bound = training.script.reaching(noisy)
    if not bound or any(b.kind != "value" or b.path or b.value is None for b in bound):
        return ""
    values = [b.value for b in bound if b.value is not None]
    drawn = [n for n in ast.walk(values[-1]) if isinstance(n, ast.Call) and called(n) in NORMAL]
    named = [n for n in ast.walk(values[-1]) if isinstance(n, ast.Name) and _holds_draw(training, n)]
    inner = {name for call in drawn for name in names_in(call)} | {n.id for n in named}
    own = names_in(values[-1]) - {noisy.id} - {n.id for n in named} - training.script.imports.keys()
    batch = [name for name in own if _is_batch(training, values[-1], name)]
    mixed = isinstance(values[-1], (ast.BinOp, ast.Call)) and (drawn or named) and noisy.id not in inner
    return batch[0] if mixed and len(batch) == 1 and noisy.id not in names_in(values[-1]) else ""


def _holds_draw(training: Training, name: ast.Name) -> bool:
    origin = training.values.single(name)
    calls = [n for n in ast.walk(origin) if isinstance(n, ast.Call)] if origin is not None else []
    return any(called(n) in NORMAL and (is_draw(training, n) or called(n) == "dropout") for n in calls)


def _is_batch(training: Training, value: ast.expr, name: str) -> bool:
    """Return whether a name in an expression is a batch of a loop."""
    return any(
        training.loop_values(n) and not is_draw(training, n)
        for n in ast.walk(value)
        if isinstance(n, ast.Name) and n.id == name
    )


def _is_asked(training: Training, answer: ast.expr, noisy: str) -> bool:
    """Return whether an answer is what a call makes of the noisy input alone."""
    origin = training.values.single(answer) if isinstance(answer, ast.Name) else answer
    if not isinstance(origin, ast.Call):
        return False
    given = [*origin.args, *(k.value for k in origin.keywords)]
    return len(given) == 1 and isinstance(given[0], ast.Name) and given[0].id == noisy


def _is_target(training: Training, clean: str, call: ast.Call) -> bool:
    """Return whether the clean input is the target of another loss beside a call, or goes into the net itself."""
    loop = next(iter(training.script.loops(call)), None)
    others = [item for item in training.losses if item.call is not call and loop is not None]
    inside = set(ast.walk(loop)) if loop is not None else set[ast.AST]()
    return any(item.call in inside and clean in names_in(item.call) for item in others)
