"""A Lightning data module whose setup() draws its split anew at each stage: the test gets what was trained on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import assignments, called, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What draws a split, and the argument that makes it the same each time.
SPLITS = {"random_split": "generator", "train_test_split": "random_state"}
# The calls of a trainer that run setup() again, and the method that gives them their data.
STAGES = {"test": "test_dataloader", "validate": "val_dataloader", "predict": "predict_dataloader"}


@pattern("loader", "data", words=(("DataModule",), ("def setup(",), tuple(SPLITS), (".fit(",)))
def validation_leak(training: Training) -> Iterator[Match]:
    """Yield splits that setup() draws without a seed, where a stage behind fit() reads a part of them."""
    script = training.script
    for owner in script.classes.values():
        setup = script.method(owner, "setup")
        if setup is None or not any(ast.unparse(base).endswith("DataModule") for base in owner.bases):
            continue
        for node in (n for n in script.inside(setup) if isinstance(n, ast.Assign)):
            call = _drawn(training, setup, node)
            parts = [t.attr for t, _ in assignments(node) if isinstance(t, ast.Attribute) and is_self(t.value)]
            trained = [part for part in parts if _reads(training, owner, "train_dataloader", part)]
            for stage, method in STAGES.items():
                held = [part for part in parts if _reads(training, owner, method, part)]
                if call is not None and held and trained and _is_behind_fit(training, stage):
                    values = {"loader": f"self.{held[0]} [trainer.{stage}()]", "data": f"self.{trained[0]}"}
                    yield Match(node, values, setup)
                    break


def _drawn(training: Training, setup: ast.FunctionDef, node: ast.Assign) -> ast.Call | None:
    """Return the call by which a statement of setup() splits at random, at each stage and without a seed."""
    around = [n for n in training.script.ancestors(node) if isinstance(n, ast.If)]
    seeded = any(isinstance(n, ast.Call) and "seed" in called(n) for n in ast.walk(setup))
    call = node.value
    if around or seeded or not isinstance(call, ast.Call) or called(call) not in SPLITS:
        return None
    return call if keyword(call, SPLITS[called(call)]) is None else None


def _reads(training: Training, owner: ast.ClassDef, name: str, part: str) -> bool:
    method = training.script.method(owner, name)
    return method is not None and any(isinstance(n, ast.Attribute) and n.attr == part for n in ast.walk(method))


def _is_behind_fit(training: Training, stage: str) -> bool:
    """Return whether one trainer fits and then goes on to another stage."""
    fits = {ast.unparse(call.func.value): call.lineno for call in training.methods("fit")}  # type: ignore[attr-defined]
    later = [(ast.unparse(call.func.value), call.lineno) for call in training.methods(stage)]  # type: ignore[attr-defined]
    return any(owner in fits and line > fits[owner] for owner, line in later)
