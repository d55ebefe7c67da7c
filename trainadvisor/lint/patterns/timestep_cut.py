"""A time between 0 and 1 that a denoiser makes a whole number as it is: 0 always."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.timestep_twice import TIME, calls_of, given_to
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

CUTS = frozenset({"long", "int"})
CASTS = frozenset({"to", "type"})
WHOLE = frozenset({"torch.long", "torch.int64", "torch.int", "torch.int32"})
# Draws between 0 and 1.
EVEN = frozenset({"torch.rand", "torch.rand_like"})


@pattern("first", "second", words=(("torch.rand(", "rand_like("), ("long", "int(", "int64", "int32")))
def timestep_not_given(training: Training) -> Iterator[Match]:
    """Yield where the time step that forward is given, drawn between 0 and 1, is cut to a whole number."""
    for owner in training.module_classes:
        forward = training.script.method(owner, "forward")
        arguments = [a.arg for a in forward.args.args[1:]] if forward is not None else []
        for cut in (n for n in ast.walk(forward or owner) if isinstance(n, ast.Call)):
            time = _cut(training, cut)
            if time is None or time.id not in arguments or not _is_as_given(training, time):
                continue
            for call in calls_of(training, owner):
                given = given_to(call, arguments.index(time.id), time.id)
                drawn = training.values.single(given) if given is not None else None
                if isinstance(drawn, ast.Call) and training.script.full(drawn.func) in EVEN:
                    yield Match(cut, {"first": ast.unparse(drawn), "second": ast.unparse(cut)}, drawn)
                    break


def _cut(training: Training, call: ast.Call) -> ast.Name | None:
    """Return the time that a call makes a whole number."""
    time = call.func.value if isinstance(call.func, ast.Attribute) else None
    whole = called(call) in CUTS and not call.args
    whole = whole or (called(call) in CASTS and any(training.script.full(a) in WHOLE for a in call.args))
    return time if whole and isinstance(time, ast.Name) and TIME.fullmatch(time.id) else None


def _is_as_given(training: Training, name: ast.Name) -> bool:
    """Return whether a name still means the argument."""
    return all(binding.kind == "argument" for binding in training.script.reaching(name))
