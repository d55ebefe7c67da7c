"""A router whose weight of the chosen expert is worked out and left: the task gives it no gradient."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PICKS = frozenset({"max", "topk"})
SHARES = frozenset({"softmax", "sigmoid"})
# What a balancing loss asks of the shares of all experts.
BALANCE = frozenset({"mean", "sum", "log", "shape", "size"})
BOTH = 2


@pattern("weight", "chosen", words=(("ModuleList",), (".max(", "topk("), tuple(sorted(SHARES))))
def gate_unused(training: Training) -> Iterator[Match]:
    """Yield where the expert with the largest share is chosen, and neither that share nor another weighs its output."""
    for node in training.script.of_type(ast.Assign):
        forward, target, pick = training.forward_of(node), node.targets[0], node.value
        if forward is None or not isinstance(target, ast.Tuple) or len(target.elts) != BOTH:
            continue
        weight, chosen = target.elts
        shares = _picked_from(pick)
        if not isinstance(weight, ast.Name) or not isinstance(chosen, ast.Name) or shares is None:
            continue
        made = training.values.single(shares)
        even = isinstance(made, ast.Call) and called(made) in SHARES
        left = not reads(forward, weight.id) and _is_left(training, forward, shares)
        if even and left and _chooses_expert(training, forward, chosen.id):
            yield Match(node, {"weight": ast.unparse(weight), "chosen": ast.unparse(chosen)})


def _picked_from(pick: ast.expr) -> ast.Name | None:
    """Return the shares of the experts whose largest ones a call picks."""
    if not isinstance(pick, ast.Call) or called(pick) not in PICKS:
        return None
    owner = pick.func.value if isinstance(pick.func, ast.Attribute) else None
    shares = pick.args[0] if ast.unparse(pick.func).startswith("torch.") and pick.args else owner
    return shares if isinstance(shares, ast.Name) else None


def _is_left(training: Training, forward: ast.AST, shares: ast.Name) -> bool:
    """Return whether the shares are used for nothing but the pick and a balancing loss."""
    uses = [training.script.parents[name] for name in reads(forward, shares.id) if name is not shares]
    return all(isinstance(use, ast.Attribute) and use.attr in BALANCE for use in uses)


def _chooses_expert(training: Training, forward: ast.AST, chosen: str) -> bool:
    """Return whether the places that a name holds are compared with those of modules in a list of self."""
    loops = (n for n in ast.walk(forward) if isinstance(n, ast.For))
    return any(_is_over_modules(training, loop) and _is_compared(loop, chosen) for loop in loops)


def _is_over_modules(training: Training, loop: ast.For) -> bool:
    parts = [n for n in ast.walk(loop.iter) if isinstance(n, ast.Attribute)]
    made = [training.made(part) for part in parts]
    return any(call is not None and called(call) == "ModuleList" for call in made)


def _is_compared(loop: ast.For, chosen: str) -> bool:
    places = names_in(loop.target)
    pairs = (names_in(n) for n in ast.walk(loop) if isinstance(n, ast.Compare))
    return any(chosen in names and names & places for names in pairs)
