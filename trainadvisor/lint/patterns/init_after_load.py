"""Weights that are read from a file and drawn anew right after: apply(init) goes through what was loaded as well."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef
DRAWS = re.compile(r"\binit\.\w+_\(|\.(normal_|uniform_|fill_|zero_|trunc_normal_)\(|reset_parameters\(|\binit\.\w+\(")


@pattern("load", "init", words=(("load_state_dict(",), ("apply(", "init")))
def checkpoint_not_loaded(training: Training) -> Iterator[Match]:
    """Yield loads of weights behind which the same function draws the weights of the same layers anew."""
    for load in training.methods("load_state_dict"):
        owner = load.func.value  # type: ignore[attr-defined]
        function = training.script.function_of(load)
        scope = function or training.script.tree
        for call in training.script.inside(scope):
            if not isinstance(call, ast.Call) or call.lineno <= load.lineno or not _follows(training, load, call):
                continue
            drawn = _drawn(training, call, owner)
            if drawn is not None and not _is_used(training, load, call) and _reaches(training, owner, drawn):
                yield Match(load, {"load": ast.unparse(load.func), "init": ast.unparse(call)}, call)
                break


def _follows(training: Training, load: ast.Call, call: ast.Call) -> bool:
    """Return whether a call stands in the block of a load behind it, or in one around that."""
    statement = training.script.statement(call)
    around = [training.script.statement(load), *training.script.ancestors(load)]
    blocks = [training.block(n) for n in around if isinstance(n, ast.stmt) and not isinstance(n, Function)]
    loops = training.script.loops(load)
    return loops == training.script.loops(call) and any(block and statement in block for block in blocks)


def _is_used(training: Training, load: ast.Call, init: ast.Call) -> bool:
    """Return whether a call between both has to do with what was loaded: it served before it was drawn anew."""
    owner = ast.unparse(load.func.value)  # type: ignore[attr-defined]
    between = (c for c in training.script.calls if load.lineno < c.lineno < init.lineno)
    return any(owner in map(ast.unparse, ast.walk(c)) for c in between)


def _drawn(training: Training, call: ast.Call, owner: ast.expr) -> Function | None:
    """Return the function that draws the weights of what was loaded, or of what holds it: x.apply(f), self.init()."""
    if not isinstance(call.func, ast.Attribute):
        return None
    holder, loaded = ast.unparse(call.func.value), ast.unparse(owner)
    if loaded != holder and not loaded.startswith(f"{holder}."):
        return None
    if called(call) == "apply" and len(call.args) == 1:
        name = call.args[0].attr if isinstance(call.args[0], ast.Attribute) else ast.unparse(call.args[0])
        found = [f for f in training.script.functions if f.name == name]
    elif is_self(call.func.value):
        found = [f for f in training.called_functions(call) if "self.modules()" in ast.unparse(f)]
    else:
        return None
    return found[0] if len(found) == 1 and DRAWS.search(ast.unparse(found[0])) else None


def _reaches(training: Training, owner: ast.expr, drawn: Function) -> bool:
    """Return whether a layer of what was loaded is of a kind whose weights the function draws, whatever its name."""
    text = ast.unparse(drawn)
    if "named_modules" in text or len(drawn.args.args) > len(("self", "m")):
        return False
    kinds = {
        name.rsplit(".", 1)[-1]
        for n in ast.walk(drawn) if isinstance(n, ast.Call) and called(n) == "isinstance"
        for name in (ast.unparse(e) for e in (n.args[1].elts if isinstance(n.args[1], ast.Tuple) else [n.args[1]]))
    }  # fmt: skip
    made = training.made(owner)
    user = training.operations.user_class(made) if made is not None else None
    held = user if user is not None else made if made is not None and called(made) == "Sequential" else None
    layers = {called(n) for n in ast.walk(held) if isinstance(n, ast.Call)} if held is not None else set()
    return bool(layers & kinds)
