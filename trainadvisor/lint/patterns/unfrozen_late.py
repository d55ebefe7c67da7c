"""Layers that are switched on during the training, behind an optimizer that was given what was on before it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What takes the layers in, or leaves it to the script which parameters the optimizer of the Trainer has.
TAKES_IN = ("add_param_group", "create_optimizer", "optimizers=")
CALLED_BACK = ("TrainerCallback", "Callback", "LightningModule")
# Methods of callbacks that are called behind the optimizer, and so may switch off what it holds.
AT_START = ("on_train_begin", "on_fit_start", "on_train_start")


@pattern("optimizer", "model", "change", words=(("requires_grad",), ("def on_",)))
def optimizer_param_mismatch(training: Training) -> Iterator[Match]:
    """Yield callbacks that switch layers on which were off where the optimizer chose what is on."""
    if any(word in training.source.text for word in TAKES_IN):
        return
    chooser = _chooser(training)
    off = [node for node in _switches(training, on=False) if _method(training, node) not in AT_START]
    for node in _switches(training, on=True) if chooser is not None and off else ():
        method = _method(training, node)
        if method.startswith("on_") and method not in AT_START:
            values = {"optimizer": called(chooser), "model": "model", "change": ast.unparse(node)}  # type: ignore[arg-type]
            yield Match(node, values, off[0])


def _chooser(training: Training) -> ast.Call | None:
    """Return what gives the optimizer the parameters that are on: a Trainer of transformers, or a choice by hand."""
    for call in training.script.calls:
        full = training.script.full(call.func)
        if full.startswith(("transformers.", "trl.")) and full.endswith("Trainer"):
            return call
    return next((call for call in training.optimizers if "requires_grad" in ast.unparse(call)), None)


def _switches(training: Training, *, on: bool) -> Iterator[ast.AST]:
    """Yield where requires_grad is set: as an attribute, by requires_grad_(), or by a function that is told."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Attribute) and target.attr == "requires_grad":
            function = training.script.function_of(node)
            names = [a.arg for a in function.args.args] if function is not None else []
            if constant(node.value) is on:
                yield node
            elif isinstance(node.value, ast.Name) and function is not None and node.value.id in names:
                place = names.index(node.value.id)
                for call in training.script.calls_by_name.get(function.name, []):
                    if constant(keyword(call, node.value.id, place)) is on:
                        yield call
    for call in training.methods("requires_grad_"):
        if constant(keyword(call, "requires_grad", 0) or ast.Constant(value=True)) is on:
            yield call


def _method(training: Training, node: ast.AST) -> str:
    """Return the method of a callback or Lightning module that a node stands in, "" where it is in none."""
    function, owner = training.script.function_of(node), training.script.class_of(node)
    bases = [ast.unparse(base) for base in owner.bases] if owner is not None else []
    return function.name if function is not None and any(base.endswith(CALLED_BACK) for base in bases) else ""
