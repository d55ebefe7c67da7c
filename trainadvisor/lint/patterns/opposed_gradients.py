"""Two losses that pull the same output opposite ways, whose gradients are added up before their optimizers step."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.order import statements_between
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import parts
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PLAYERS = 2
HIGH = re.compile(r"\bones|(^|_)(ones?|valid|true)(_|$)|full\(.*, 1(\.0)?\)")
LOW = re.compile(r"\bzeros|(^|_)zeros?(_|$)|full\(.*, 0(\.0)?\)")


@pattern("first", "second", words=((".step(",), ("backward(",), ("retain_graph", "detach(", "no_grad")))
def opposed_gradients(training: Training) -> Iterator[Match]:
    """Yield the second of two backward passes where nothing clears the gradients of the first, and both clash."""
    for second in training.backwards:
        statement = training.script.statement(second)
        block = training.block(statement) or []
        for first in training.backwards:
            earlier = training.script.statement(first)
            if earlier not in block or statement is earlier or statement is None or earlier is None:
                continue
            if block.index(earlier) > block.index(statement) or not _plays(training, block):
                continue
            between = statements_between(block, earlier, statement)
            if _cleared(training, between) or not _alone(first) or not _alone(second):
                continue
            stepped = any(called(c) == "step" for s in between for c in ast.walk(s) if isinstance(c, ast.Call))
            if _clash(training, _loss(first), _loss(second), stepped=stepped):
                yield Match(second, {"first": ast.unparse(first), "second": ast.unparse(second)}, first)
                break


def _plays(training: Training, block: list[ast.stmt]) -> bool:
    """Return whether two optimizers step in a block, and no net is held still in it."""
    steps = {ast.unparse(c.func) for s in block for c in ast.walk(s) if isinstance(c, ast.Call) and c in training.steps}
    held = any("requires_grad" in ast.unparse(s) for s in block)
    return len(steps) >= PLAYERS and not held


def _cleared(training: Training, between: list[ast.stmt]) -> bool:
    return any(node in training.clear_set for s in between for node in ast.walk(s))


def _alone(backward: ast.Call) -> bool:
    """Return whether a backward pass reaches everything: it names no inputs."""
    return not any(k.arg in ("inputs", "gradient") for k in backward.keywords)


def _loss(backward: ast.Call) -> ast.expr:
    """Return what a backward pass begins at."""
    return backward.func.value if isinstance(backward.func, ast.Attribute) else backward.func


def _clash(training: Training, first: ast.expr, second: ast.expr, *, stepped: bool) -> bool:
    """Return whether a score is to fall in one loss and to rise in the other, and one player feels both."""
    for score, side, whole in _scores(training, first):
        for other, own, _ in _scores(training, second):
            if score == other and side * own < 0 and (whole or not stepped):
                return True
    return False


def _scores(training: Training, loss: ast.expr) -> Iterator[tuple[str, int, bool]]:
    """Yield the scores in a loss, 1 where they are to rise and -1 where to fall, and whether their graph is whole."""
    for part in parts(training, loss):
        node, side = part.node, -part.sign
        if isinstance(node, ast.Call) and _is_binary(training, node):
            node, target, *_ = node.args
            side = part.sign * _wanted(training, target)
        made = training.values.single(node) if isinstance(node, ast.Name) else node
        if side and isinstance(made, ast.Call) and made.args:
            text = ast.unparse(made)
            yield text.replace(".detach()", ""), side, ".detach()" not in text and not _cut(training, made)


def _is_binary(training: Training, call: ast.Call) -> bool:
    """Return whether a call is a binary loss of a score and a target."""
    made = training.made(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else None
    name = called(made) if made is not None else called(call)
    named = "bce" in f"{name} {called(call)}".lower() or "binary_cross_entropy" in name
    return named and len(call.args) > 1


def _wanted(training: Training, target: ast.expr) -> int:
    """Return 1 for targets that are all 1, -1 for those that are all 0, 0 for others."""
    made = training.values.single(target)
    texts = [ast.unparse(node) for node in (target, made) if isinstance(node, ast.expr)]
    high, low = (any(word.search(text) for text in texts) for word in (HIGH, LOW))
    return 0 if high == low else 1 if high else -1


def _cut(training: Training, call: ast.Call) -> bool:
    """Return whether what a net is asked about was made without a graph."""
    made = training.values.single(call.args[0]) if isinstance(call.args[0], ast.Name) else None
    around = training.script.ancestors(made) if made is not None else ()
    withs = [item.context_expr for node in around if isinstance(node, ast.With) for item in node.items]
    return any("no_grad" in ast.unparse(item) for item in withs) or (
        made is not None and ".detach()" in ast.unparse(made)
    )
