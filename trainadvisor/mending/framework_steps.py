"""Where a script that trains by a framework says how it steps, schedules and evaluates."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.patterns import split_in_setup
from trainadvisor.mending.framework_holders import holders, settings
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

HOLDERS, _holds = holders()
# Schedules of a framework's own that change the rates of an optimizer handed over.
_SCHEDULES = ("PiecewiseLinear", "LinearCyclicalScheduler", "CosineAnnealingScheduler", "ParamGroupScheduler",
              "LRScheduler", "create_lr_scheduler_with_warmup", "create_scheduler_v2", "create_scheduler",
              "CosineLRScheduler", "StepLRScheduler", "MultiStepLRScheduler", "PolyLRScheduler",
              "TanhLRScheduler")  # fmt: skip
# How many things are handed to `fit` with data to evaluate on.
_WITH_DATA = 3
_SHARES = ("val_dataloaders", "eval_dataset", "validation_data")


@_holds("lr-schedule")
def _schedule(training: Training) -> Iterator[ast.AST]:
    """Yield the framework's own schedule, which the optimizer knows nothing of."""
    yield from (call for call in training.script.calls if called(call) in _SCHEDULES)


@_holds("stale-evaluated-copy")
def _copy(training: Training) -> Iterator[ast.AST]:
    """Yield where the copy is made that is evaluated."""
    for call in training.script.calls:
        if called(call) in ("deepcopy", "AveragedModel") or called(call).startswith("ModelEma"):
            yield call


@_holds("grad-accumulation-scaling")
def _divided(training: Training) -> Iterator[ast.AST]:
    """Yield what is divided on its way into backward()."""
    for call in training.backwards:
        given = [v for arg in call.args for v in (arg, *_values(training, arg))]
        yield from (n for value in given for n in ast.walk(value) if isinstance(n, ast.BinOp) and _divides(n))


def _values(training: Training, expr: ast.expr) -> list[ast.expr]:
    bound = training.script.reaching(expr) if isinstance(expr, ast.Name) else []
    return [b.value for b in bound if b.kind == "value" and not b.path and b.value is not None]


def _divides(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Div)


@_holds("accumulation-cleared")
def _cleared(training: Training) -> Iterator[ast.AST]:
    """Yield what clears the gradients at each batch, where the step waits for several."""
    for node in training.clears:
        function = training.script.function_of(node)
        around = set(training.script.ancestors(node)) - set(training.script.ancestors(function or node))
        waiting = [step for step in training.steps if training.script.function_of(step) is function]
        if waiting and not any(isinstance(n, ast.If) for n in around):
            yield node


@_holds("scheduler-step-count")
def _stepped(training: Training) -> Iterator[ast.AST]:
    """Yield the step of a schedule of Lightning that the script takes by itself."""
    for call in training.methods("step"):
        made = training.made(call.func.value)  # type: ignore[attr-defined]
        if made is not None and called(made) == "lr_schedulers":
            yield call


@_holds("missing-zero-grad")
def _own_steps(training: Training) -> Iterator[ast.AST]:
    """Yield what computes the gradients in a training step of Keras that the script overrides."""
    for call in training.backwards:
        function = training.script.function_of(call)
        if function is not None and function.name == "train_step" and training.script.class_of(call) is not None:
            yield call


@_holds("temperature")
def _temperatures(training: Training) -> Iterator[ast.AST]:
    """Yield where similarities are scaled by a temperature."""
    for node in training.script.of_type(ast.BinOp):
        scales = isinstance(node.op, (ast.Mult, ast.Div))
        if scales and re.search(r"temp|tau\b", ast.unparse(node.right), re.IGNORECASE):
            yield node


@_holds("train-mode-in-eval")
def _without_gradients(training: Training) -> Iterator[ast.AST]:
    """Yield where a loop of the script's own evaluates."""
    for node in training.script.of_type(ast.With):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        yield from (call for call in calls if called(call) in ("no_grad", "inference_mode"))


@_holds("validation-leak")
def _validation(training: Training) -> Iterator[ast.AST]:
    """Yield where the data of the evaluation is split off or taken from, or where it is handed over."""
    yield from (match.node for match in split_in_setup.validation_leak(training))
    given = settings(training, *_SHARES)
    values = [word.value for word in given] or [c.args[2] for c in training.methods("fit") if len(c.args) == _WITH_DATA]
    rows = [value.args[0] if isinstance(value, ast.Call) and value.args else value for value in values]
    bound = [binding for value in rows if isinstance(value, ast.Name) for binding in training.script.reaching(value)]
    yield from (b.statement for b in bound if b.kind == "value")
    yield from given
