"""Labels that leave out the very places that were masked: what is asked for stands in the input."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

TOKEN = re.compile(r"mask|msk", re.IGNORECASE)
PADDING = re.compile(r"pad|atten", re.IGNORECASE)
DRAWN = re.compile(r"\b(rand|bernoulli|rand_like|random|uniform|randperm)\b")
IGNORED = -100


@pattern("window", "target", words=(("mask", "MASK"), ("-100",), ("rand", "bernoulli")))
def target_leak(training: Training) -> Iterator[Match]:
    """Yield where one condition puts the mask token into the input and takes the label away."""
    chosen = [(node, *found) for node in training.script.of_type(ast.Assign) if (found := _chosen(node)) is not None]
    for label, place, value in chosen:
        if constant(value) != IGNORED or PADDING.search(place) or not _is_drawn(training, label, place):
            continue
        scope = training.script.scope(label)
        hidden = [n for n, where, v in chosen if where == place and training.script.scope(n) is scope and _is_token(v)]
        if hidden:
            yield Match(label, {"window": _name(hidden[0]), "target": _name(label)}, hidden[0])


def _chosen(node: ast.Assign) -> tuple[str, ast.expr] | None:
    """Return the places that get one value, as text, and the value: x[m] = 1, x.masked_fill(m, 1), where(m, 1, x)."""
    target, made = node.targets[0], node.value
    if isinstance(target, ast.Subscript):
        return ast.unparse(target.slice), made
    if not isinstance(made, ast.Call):
        return None
    if called(made) == "masked_fill" and len(made.args) == 2:  # noqa: PLR2004 - the mask and the value
        return ast.unparse(made.args[0]), made.args[1]
    if called(made) != "where" or len(made.args) != 3:  # noqa: PLR2004 - the mask and both values
        return None
    place, one, other = made.args
    told = constant(one) == IGNORED or constant(_plain(one)) == IGNORED or _is_token(one)
    return (ast.unparse(place), _plain(one)) if told else (f"not {ast.unparse(place)}", _plain(other))


def _plain(value: ast.expr) -> ast.expr:
    """Return the number of a tensor that is made of one."""
    return value.args[0] if isinstance(value, ast.Call) and called(value) == "tensor" and value.args else value


def _is_token(value: ast.expr) -> bool:
    return TOKEN.search(ast.unparse(value)) is not None


def _is_drawn(training: Training, node: ast.AST, place: str) -> bool:
    """Return whether places are drawn at random, under a name that is bound once."""
    name = place.removeprefix("not ")
    made = [binding.value for binding in training.script.bindings(training.script.scope(node)).get(name, [])]
    return len(made) == 1 and made[0] is not None and DRAWN.search(ast.unparse(made[0])) is not None


def _name(node: ast.Assign) -> str:
    target = node.targets[0]
    return ast.unparse(target.value if isinstance(target, ast.Subscript) else target)
