"""A graph of which some nodes are held out, and a loss that takes all of them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import TRAINED
from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import LossCall, Training

# What says which nodes are held out.
HELD = re.compile(r"(^|[._])(val|valid|validation|test)_?(mask|idx|index|indices|nodes|ids)\b")


@pattern("loader", "data", words=(("train_mask", "train_idx", "train_ind", "idx_train", "train_nodes"), ("backward(",)))
def validation_leak(training: Training) -> Iterator[Match]:
    """Yield losses that are trained on all labels of a graph, of which the script measures a held-out part."""
    held = [node for node in training.script.of_type(ast.Subscript) if HELD.search(ast.unparse(node.slice))]
    for loss in training.losses:
        target = loss.target
        if not isinstance(loss.input, ast.Name) or not isinstance(target, (ast.Name, ast.Attribute)):
            continue
        parts = [n for n in held if isinstance(n.ctx, ast.Load) and _is_same(training, n.value, target)]
        if parts and _is_whole(training, loss) and _is_trained(training, loss):
            values = {"loader": ast.unparse(parts[0]), "data": ast.unparse(loss.call)}
            yield Match(loss.call, values, parts[0])


def _is_same(training: Training, one: ast.expr, other: ast.expr) -> bool:
    """Return whether two expressions of one text read names that are bound alike."""
    names = [[n for n in ast.walk(part) if isinstance(n, ast.Name)] for part in (one, other)]
    bound = [[training.script.reaching(n) for n in part] for part in names]
    return ast.unparse(one) == ast.unparse(other) and bound[0] == bound[1]


def _is_whole(training: Training, loss: LossCall) -> bool:
    """Return whether neither what a loss is given nor what it returns is cut down to some nodes."""
    if any(keyword(c, k) is not None for c in (loss.call, loss.made) if c for k in ("ignore_index", "reduction")):
        return False
    given = [o.expr if o is not None else None for o in training.values.origins(loss.input)]
    target = ast.unparse(loss.target) if loss.target is not None else ""
    # What is also given to the model is to be rebuilt, and is no label.
    if not given or any(not isinstance(c, ast.Call) or target in map(ast.unparse, c.args) for c in given):
        return False
    changed = (n for n in training.script.of_type(ast.Subscript) if isinstance(n.ctx, ast.Store))
    return not any(ast.unparse(n.value) == target for n in changed)


def _is_trained(training: Training, loss: LossCall) -> bool:
    """Return whether backward() follows a loss in its block, and no mask of the training stands between."""
    statement = training.script.statement(loss.call)
    block = training.block(statement) or []
    for after in block[block.index(statement) if statement in block else len(block) :]:
        if TRAINED.search(ast.unparse(after)) and "mask" in ast.unparse(after):
            return False
        if any(isinstance(n, ast.Call) and called(n) == "backward" for n in ast.walk(after)):
            return True
    return False
