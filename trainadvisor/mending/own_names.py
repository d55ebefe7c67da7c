"""Pieces of code that a remedy shows, in the names of the script: what a rule calls model may be called net there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.mending.names import model_name, optimizer_name
from trainadvisor.source import torch_names
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from trainadvisor.source.training import Training

# A name that is called a method of, as sentences write it: model.train().
IN_TEXT = r"(?<![\w.]){name}(?=\.[a-z_]+\()"
# A name in code: no attribute, no argument's name, no part of a quoted word.
IN_CODE = r"(?<![\w.\"']){name}(?![\w\"'])(?!=[^=])"


def names_for(trainings: Sequence[Training]) -> dict[str, str]:
    """Return what the scripts of a run call the things that rules name, of those whose usual name they do not use."""
    used = {name for training in trainings for name in _identifiers(training)}
    found: dict[str, str] = {}
    for training in trainings:
        for usual, own in _roles(training):
            if own is not None and usual not in used:
                found.setdefault(usual, own)
    return found


def _identifiers(training: Training) -> Iterable[str]:
    script = training.script
    yield from (node.id for node in script.of_type(ast.Name))
    yield from (node.arg for node in script.of_type(ast.arg))
    yield from (node.attr for node in script.of_type(ast.Attribute) if isinstance(node.ctx, ast.Store))


def _roles(training: Training) -> Iterable[tuple[str, str | None]]:
    """Yield the usual name of each thing and the name that one script gives it."""
    loader, optimizer, model = _loader(training), optimizer_name(training), model_name(training)
    yield from (("optimizer", optimizer), ("model", model), ("loss", _loss(training)))
    yield from (("train_loader", loader), ("loader", loader))
    made = [c for loss in training.losses if (c := loss.made) is not None]
    yield "criterion", _assigned(training, made)
    yield "scheduler", _assigned(training, [c for c in training.script.calls if called(c) in torch_names.SCHEDULERS])
    yield "epochs", _epochs(training)


def _assigned(training: Training, calls: Sequence[ast.Call]) -> str | None:
    """Return the name that the only one of some calls is given."""
    statements = {training.script.statement(call) for call in calls}
    names = {ast.unparse(s.targets[0]) for s in statements if isinstance(s, ast.Assign) and s.value in calls}
    return next(iter(names)) if len(names) == 1 else None


def _loader(training: Training) -> str | None:
    made = training.script.calls_by_name.get("DataLoader", [])
    names = {name: "train" in name.lower() for call in made if (name := _assigned(training, [call])) is not None}
    chosen = [name for name, is_train in names.items() if is_train] or list(names)
    return chosen[0] if len(chosen) == 1 else None


def _loss(training: Training) -> str | None:
    """Return the name on which backward() is called."""
    calls = [c for c in training.backwards if called(c) == "backward" and isinstance(c.func, ast.Attribute)]
    names = {ast.unparse(c.func.value) for c in calls if isinstance(c.func, ast.Attribute)}
    return next(iter(names)) if len(names) == 1 and next(iter(names)).isidentifier() else None


def _epochs(training: Training) -> str | None:
    """Return the name that the outermost loop around backward() counts to."""
    loops = [training.script.loops(call) for call in training.backwards]
    outer = [found[-1].iter for found in loops if found and isinstance(found[-1], ast.For)]
    counts = {ast.unparse(n.args[0]) for n in outer if isinstance(n, ast.Call) and called(n) == "range" and n.args}
    return next(iter(counts)) if len(counts) == 1 and next(iter(counts)).isidentifier() else None


def renamed(text: str, own: Mapping[str, str], *, code: bool) -> str:
    """Return code, or a sentence with pieces of it, in the names of the script."""
    if not own:
        return text
    form = IN_CODE if code else IN_TEXT
    return re.sub(form.format(name=f"({'|'.join(own)})"), lambda found: own[found[1]], text)
