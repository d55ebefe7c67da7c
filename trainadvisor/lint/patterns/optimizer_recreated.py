"""An optimizer made anew in each round of the training: its moments are thrown away."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import moved
from trainadvisor.source.handing_over import handed_over
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Function
    from trainadvisor.source.training import Loop, Training

Guard = ast.If | ast.IfExp | ast.BoolOp
GUARDS = (ast.If, ast.IfExp, ast.BoolOp)
PLAIN = frozenset({"LBFGS", "Rprop"})
ANEW = frozenset({"load_state_dict", "deepcopy", "apply", "reset_parameters", "requires_grad_", "add_param_group",
                  "vector_to_parameters"})  # fmt: skip


@pattern("optimizer", words=(("optim", "Optim"), (".step(",)))
def optimizer_recreated(training: Training) -> Iterator[Match]:
    """Yield optimizers with a memory that a loop over epochs or batches makes again for the same model."""
    for made in training.optimizers:
        if not _remembers(made):
            continue
        loops = training.script.loops(made)
        function = training.script.function_of(made)
        if loops:
            if _again(training, loops[0], made):
                yield _match(training, made, loops[0])
        elif function is not None and _trains(training, function):
            call = _called_in_a_loop(training, made, function)
            if call is not None:
                fix = handed_over(training, made, function, call)
                yield Match(made, {"optimizer": ast.unparse(made.func)}, call, fix)


def _match(training: Training, made: ast.Call, loop: Loop) -> Match:
    statement = training.script.statement(made)
    block = training.block(statement)
    fix = moved(training.source, statement, block, loop) if statement is not None and block is loop.body else None
    return Match(made, {"optimizer": ast.unparse(made.func)}, loop, fix)


def _remembers(made: ast.Call) -> bool:
    """Return whether an optimizer keeps something from step to step."""
    name = called(made)
    plain = (
        name == "SGD" and constant(keyword(made, "momentum", 2)) in (None, 0) and keyword(made, "momentum", 2) is None
    )
    return name not in PLAIN and not plain


def _again(training: Training, loop: Loop, outer: ast.Call) -> bool:
    """Return whether each round makes the optimizer for the model that it had before."""
    iterated = loop.iter if isinstance(loop, (ast.For, ast.AsyncFor)) else None
    by_number = isinstance(iterated, ast.Call) and called(iterated) in ("range", "trange", "enumerate", "tqdm")
    if not by_number or any(isinstance(n, ast.If) for n in _between(training, outer, loop)):
        return False
    nodes = list(ast.walk(loop))
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given = {
        n.id for a in (*outer.args, *(k.value for k in outer.keywords)) for n in ast.walk(a) if isinstance(n, ast.Name)
    }
    renewed = any(isinstance(n, ast.Call) and called(n) in ANEW for n in nodes)
    renewed = renewed or any(_puts_back(training, n, given) for n in nodes)
    stepped = any(n in training.backward_set for n in training.reached(loop))
    return not bound & given and not renewed and stepped


def _puts_back(training: Training, node: ast.AST, models: set[str]) -> bool:
    """Return whether a node writes over a weight that a loop over those of one of the models names."""
    if isinstance(node, ast.Call) and called(node) == "copy_" and isinstance(node.func, ast.Attribute):
        weight: ast.AST = node.func.value
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Attribute, ast.Subscript)):
        weight = node.targets[0]
    else:
        return False
    while isinstance(weight, ast.Subscript) or (isinstance(weight, ast.Attribute) and weight.attr == "data"):
        weight = weight.value
    bindings = training.script.reaching(weight) if isinstance(weight, ast.Name) else []
    return any(b.kind == "loop" and b.value is not None and _holds(b.value, b.path, models) for b in bindings)


def _holds(value: ast.expr, path: tuple[int, ...], models: set[str]) -> bool:
    """Return whether a part of what a loop goes through is of one of the models: of several side by side, its place."""
    while isinstance(value, ast.Call) and called(value) in ("zip", "enumerate", "list") and value.args:
        place = 0
        if called(value) == "zip" and path:
            place, path = min(path[0], len(value.args) - 1), path[1:]
        elif called(value) == "enumerate":
            path = path[1:]
        value = value.args[place]
    return bool(models & {n.id for n in ast.walk(value) if isinstance(n, ast.Name)})


def _between(training: Training, node: ast.AST, loop: ast.AST) -> Iterator[ast.AST]:
    for parent in training.script.ancestors(node):
        if parent is loop:
            return
        yield parent


def _trains(training: Training, function: Function) -> bool:
    """Return whether a plain function of the script runs one epoch: it steps, and loops once at most."""
    nodes = list(ast.walk(function))
    nested = any(isinstance(n, ast.For) and len(training.script.loops(n)) > 0 for n in nodes)
    return any(n in training.backward_set for n in nodes) and not nested and isinstance(function, ast.FunctionDef)


def _called_in_a_loop(training: Training, made: ast.Call, function: Function) -> ast.Call | None:
    """Return the call that runs a function in each round for the same model, where it is given no optimizer."""
    calls = training.script.callers(function)
    if len(calls) != 1 or any(a.arg == "self" for a in function.args.args) or _makes_model(made, function):
        return None
    loops = training.script.loops(calls[0])
    guard = next((n for n in training.script.ancestors(made) if isinstance(n, GUARDS)), None)
    if not loops or not _again(training, loops[0], calls[0]) or not _absent(training, guard, calls[0], function):
        return None
    return calls[0]


def _makes_model(made: ast.Call, function: Function) -> bool:
    """Return whether a function makes the model of its optimizer itself, anew in each call."""
    given = {n.id for n in ast.walk(made) if isinstance(n, ast.Name)}
    bound = [n for n in ast.walk(function) if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]
    own = [n.value for n in bound if n.targets[0].id in given]  # type: ignore[attr-defined]
    return any(isinstance(n, ast.Call) and called(n)[:1].isupper() for value in own for n in ast.walk(value))


def _absent(training: Training, guard: Guard | None, call: ast.Call, function: Function) -> bool:
    """Return whether the condition that makes the optimizer holds: the argument was left out or is None."""
    if guard is None:
        return True
    test = guard.values[0] if isinstance(guard, ast.BoolOp) else guard.test
    if isinstance(test, ast.Name):
        test = ast.Compare(test, [ast.Is()], [])
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Name) or not isinstance(test.ops[0], ast.Is):
        return False
    names = [a.arg for a in function.args.args]
    given = keyword(call, test.left.id, names.index(test.left.id) if test.left.id in names else None)
    origins = training.values.origins(given) if given is not None else []
    return given is None or all(
        o is not None and isinstance(o.expr, ast.Constant) and o.expr.value is None for o in origins
    )
