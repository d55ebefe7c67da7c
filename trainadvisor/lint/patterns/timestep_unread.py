"""A denoiser whose forward takes the time step of its input and never reads it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.timestep_twice import TIME, calls_of, given_to, is_drawn
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

NOISE = frozenset({"randn", "randn_like", "normal", "normal_"})


@pattern("first", "second", words=(("randn", "normal"), ("def forward(",), ("backward(",)))
def timestep_not_given(training: Training) -> Iterator[Match]:
    """Yield forward methods that leave unread the drawn time step that they are given where noise is mixed in."""
    for owner in training.module_classes:
        forward = training.script.method(owner, "forward")
        names = [a.arg for a in forward.args.args[1:]] if forward is not None else []
        unread = [n for n in names[1:] if TIME.fullmatch(n) and not reads(forward or owner, n)]
        if forward is None or not unread or "locals" in ast.unparse(forward):
            continue
        for call in calls_of(training, owner):
            given = given_to(call, names.index(unread[0]), unread[0])
            drawn = training.values.single(given) if given is not None else None
            if drawn is not None and is_drawn(training, drawn) and _mixes(training, call):
                second = f"def forward({', '.join(['self', *names])})"
                yield Match(forward, {"first": ast.unparse(drawn), "second": second}, drawn)
                break


def _mixes(training: Training, call: ast.Call) -> bool:
    """Return whether normal noise is drawn in the scope of a call."""
    inside = training.script.inside(training.script.scope(call))
    return any(isinstance(n, ast.Call) and getattr(n.func, "attr", getattr(n.func, "id", "")) in NOISE for n in inside)
