"""Noise of a generator that is drawn once before the loop: every round asks it for the same few answers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import is_draw, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.training import Training

FEWEST_OPTIMIZERS = 2


@pattern("noise", "call", "draw", words=(("rand", "normal"), ("detach", "no_grad"), ("backward(",)))
def noise_drawn_once(training: Training) -> Iterator[Match]:
    """Yield calls of a net, in a loop that trains two opponents, with noise that was drawn before the loop."""
    if len(training.optimizers) < FEWEST_OPTIMIZERS:
        return
    for node in training.script.of_type(ast.Assign):
        call, loop = node.value, next(iter(training.script.loops(node)[-1:]), None)
        if not isinstance(call, ast.Call) or len(call.args) != 1 or not isinstance(call.args[0], ast.Name):
            continue
        noise = call.args[0]
        drawn = _drawn_before(training, noise, loop)
        if loop is None or drawn is None or not isinstance(node.targets[0], ast.Name):
            continue
        if _is_judged(loop, node.targets[0].id) and not _is_learned(training, noise):
            values = {"noise": noise.id, "call": ast.unparse(call), "draw": ast.unparse(drawn.value)}  # type: ignore[arg-type]
            yield Match(node, values, drawn.statement)


def _drawn_before(training: Training, noise: ast.Name, loop: ast.AST | None) -> Binding | None:
    """Return the only binding of a name, where it is a draw before a loop."""
    bound = training.script.reaching(noise)
    if loop is None or len(bound) != 1 or bound[0].kind != "value" or bound[0].value is None:
        return None
    value = bound[0].value
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and not is_draw(training, value):
        value = value.func.value  # .to(device)
    inside = bound[0].statement in set(ast.walk(loop))
    return bound[0] if is_draw(training, value) and not inside else None


def _is_judged(loop: ast.AST, made: str) -> bool:
    """Return whether one net is given what another made in a loop, once as it is and once cut off its graph."""
    given = [(ast.unparse(n.func), a) for n in ast.walk(loop) if isinstance(n, ast.Call) for a in n.args]
    whole = {func for func, a in given if isinstance(a, ast.Name) and a.id == made}
    cut = {func for func, a in given if isinstance(a, ast.Call) and called(a) == "detach" and names_in(a) == {made}}
    return bool(whole & cut)


def _is_learned(training: Training, noise: ast.Name) -> bool:
    """Return whether the noise itself is trained or changed in place, or is asked for its gradient."""
    for node in training.script.of_type(ast.Attribute):
        mine = isinstance(node.value, ast.Name) and node.value.id == noise.id
        if mine and (node.attr in ("requires_grad", "grad", "data") or node.attr.endswith("_")):
            return True
    return any(noise.id in names_in(call) for call in training.optimizers)
