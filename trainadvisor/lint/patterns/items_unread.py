"""A loss of a Trainer's own that does not divide by the items of all micro-batches, which the Trainer leaves to it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword, last_name, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ITEMS = "num_items_in_batch"
# What a script writes that takes the division into its own hands.
OWN = ("loss_is_scaled_for_ga", "model_accepts_loss_kwargs", "accepts_loss_kwargs")


@pattern("place", "told", words=((ITEMS,), ("gradient_accumulation_steps",), ("def compute_loss",), ("Trainer",)))
def grad_accumulation_scaling(training: Training) -> Iterator[Match]:
    """Yield losses of a Trainer that are told the items of a whole step and read them nowhere."""
    given = [constant(keyword(call, "gradient_accumulation_steps")) for call in training.script.calls]
    accumulates = any(isinstance(number, int) and number > 1 for number in given)
    if not accumulates or any(word in training.source.text for word in OWN) or not _is_library_model(training):
        return
    for owner in training.script.classes.values():
        loss = training.script.method(owner, "compute_loss")
        if loss is None or not any(last_name(base).endswith("Trainer") for base in owner.bases):
            continue
        told = {a.arg for a in (*loss.args.args, *loss.args.kwonlyargs)}
        read = {name for statement in loss.body for name in names_in(statement)}
        divided = any("accumulation" in name for name in _attributes(loss))
        if ITEMS in told and ITEMS not in read and not divided:
            place = _loss_of(loss) or loss
            yield Match(place, {"place": loss.name, "told": ITEMS}, None if place is loss else loss)


def _is_library_model(training: Training) -> bool:
    """Return whether a model of transformers is trained, which takes arguments of the loss, as a Trainer asks."""
    calls = training.script.calls
    names = [ast.unparse(call.func) if called(call) == "from_pretrained" else called(call) for call in calls]
    return any("For" in name or "LMHead" in name for name in names)


def _attributes(function: ast.FunctionDef) -> Iterator[str]:
    return (node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute))


def _loss_of(function: ast.FunctionDef) -> ast.stmt | None:
    """Return the last statement that binds `loss`."""
    bound = [n for n in ast.walk(function) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "loss"]
    return max(bound, key=lambda node: node.lineno, default=None)
