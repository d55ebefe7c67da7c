"""A seed that is set anew within the training: each round draws the same numbers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

SEEDS = frozenset({"torch.manual_seed", "torch.random.manual_seed", "torch.cuda.manual_seed_all"})


@pattern("call", words=(("manual_seed(",), ("backward(",)))
def seed_in_loop(training: Training) -> Iterator[Match]:
    """Yield seeds of a fixed number in a loop whose rounds train one model on and on."""
    for call in training.script.calls:
        if training.script.full(call.func) not in SEEDS or len(call.args) != 1:
            continue
        loops = training.script.loops(call) or _loops_of_draws(training, call)
        if not loops or not _is_fixed(training, call.args[0], loops):
            continue
        trained = [b for b in training.backwards if b in set(ast.walk(loops[0]))]
        made = [o for o in training.optimizers if o in set(ast.walk(loops[0]))]
        if trained and not made and not _goes_back(training, loops[0]):
            yield Match(call, {"call": ast.unparse(call)}, trained[0])


def _loops_of_draws(training: Training, seed: ast.Call) -> list[ast.For | ast.AsyncFor | ast.While]:
    """Return the loops in which the function around a seed is asked for a batch in each round."""
    function = training.script.function_of(seed)
    if function is None or _goes_back(training, function):
        return []
    for call in training.script.callers(function):
        statement, loops = training.script.statement(call), training.script.loops(call)
        if loops and isinstance(statement, ast.Assign) and statement in loops[0].body:
            return loops
    return []


def _is_fixed(training: Training, seed: ast.expr, loops: list[ast.For | ast.AsyncFor | ast.While]) -> bool:
    """Return whether a seed is the same in each round: a number, or a name that no loop around it binds."""
    if isinstance(constant(seed), int):
        return True
    bound = [training.script.reaching(seed)] if isinstance(seed, (ast.Name)) else []
    inside = {node for loop in loops for node in ast.walk(loop)}
    return bool(bound and bound[0]) and all(b.kind == "value" and b.statement not in inside for b in bound[0])


def _goes_back(training: Training, loop: ast.AST) -> bool:
    """Return whether the state of the generator is kept and put back, or a generator of its own is seeded."""
    names = {n.attr for n in ast.walk(loop) if isinstance(n, ast.Attribute)} | set(training.script.imports.values())
    return bool(names & {"set_rng_state", "get_rng_state", "fork_rng", "load_state_dict"})
