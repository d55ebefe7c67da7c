"""A net of skorch that is given saved parameters, and then fit(), which begins with new ones."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import constant, is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

LOADS = frozenset({"load_params", "load_state_dict"})


@pattern("load", "init", words=(("skorch",), ("load_params(", "load_state_dict("), (".fit(",)))
def checkpoint_not_loaded(training: Training) -> Iterator[Match]:
    """Yield loads into a net whose next fit() makes the module anew: of a class, without warm_start."""
    for fit in training.methods("fit"):
        made = training.made(fit.func.value)  # type: ignore[attr-defined]
        if made is None or not _begins_anew(training, made):
            continue
        net = ast.unparse(fit.func.value)  # type: ignore[attr-defined]
        loads = [call for call in _calls(training, net) if call.func.attr in LOADS and call.lineno < fit.lineno]  # type: ignore[attr-defined]
        if loads and not _is_read(training, net, loads[-1], fit):
            fix = (replaced(training.source, fit.func, f"{net}.partial_fit"),)
            yield Match(fit, {"load": ast.unparse(loads[-1].func), "init": ast.unparse(fit.func)}, loads[-1], fix)


def _begins_anew(training: Training, made: ast.Call) -> bool:
    """Return whether a call makes a net of skorch whose fit() makes its module: not one that was handed over made."""
    if not training.script.full(made.func).startswith("skorch.") or is_open(made):
        return False
    module = keyword(made, "module", 0)
    given = isinstance(module, ast.Call) or (isinstance(module, ast.Name) and training.made(module) is not None)
    warm = keyword(made, "warm_start")
    return not given and (warm is None or constant(warm) is False)


def _calls(training: Training, net: str) -> list[ast.Call]:
    """Return the calls of methods of a net and of its module."""
    owners = (net, f"{net}.module_")
    calls = (c for c in training.script.calls if isinstance(c.func, ast.Attribute))
    return [c for c in calls if ast.unparse(c.func.value) in owners]  # type: ignore[attr-defined]


def _is_read(training: Training, net: str, load: ast.Call, fit: ast.Call) -> bool:
    """Return whether what was loaded serves between the load and the fit, or the two stand in different functions."""
    between = [c for c in _calls(training, net) if load.lineno < c.lineno < fit.lineno]
    return bool(between) or training.script.function_of(load) is not training.script.function_of(fit)
