"""A loop in forward() that gives the layers one example at a time, or sums up a linear state step by step."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, is_self
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

EXAMPLES, STEPS = 0, 1


@pattern("loop", "inner", words=(("def forward",), ("range(",), ("size(", "shape")))
def loop_in_forward(training: Training) -> Iterator[Match]:
    """Yield loops over the examples or the time steps of a tensor that whole tensors could be computed without."""
    for loop in training.script.of_type(ast.For):
        if training.forward_of(loop) is None or not isinstance(loop.target, ast.Name):
            continue
        axis = _axis(training, loop.iter)
        inner: ast.AST | None = None
        if axis == EXAMPLES and _walks_a_batch(training, loop):
            inner = _layer_call(loop, loop.target.id)
        elif axis == STEPS:
            inner = _linear_state(loop, loop.target.id)
        if inner is not None:
            head = f"for {ast.unparse(loop.target)} in {ast.unparse(loop.iter)}"
            yield Match(loop, {"loop": head, "inner": ast.unparse(inner)}, inner)


def _axis(training: Training, walked: ast.expr) -> int | None:
    """Return which axis of a tensor is walked over from end to end: range(x.size(0)), or a name for that."""
    if not isinstance(walked, ast.Call) or called(walked) != "range" or len(walked.args) != 1:
        return None
    size = walked.args[0]
    if isinstance(size, ast.Name):
        bound = training.script.reaching(size)
        if len(bound) != 1 or bound[0].kind != "value" or bound[0].value is None:
            return None
        if bound[0].path and _is_shape(bound[0].value):
            return bound[0].path[0]
        size = bound[0].value
    if isinstance(size, ast.Call) and called(size) == "size" and len(size.args) == 1:
        return _number(size.args[0])
    if isinstance(size, ast.Subscript) and _is_shape(size.value):
        return _number(size.slice)
    return None


def _is_shape(node: ast.expr) -> bool:
    whole = isinstance(node, ast.Call) and called(node) == "size" and not node.args
    return whole or (isinstance(node, ast.Attribute) and node.attr == "shape")


def _number(node: ast.expr) -> int | None:
    value = constant(node)
    return value if isinstance(value, int) else None


def _walks_a_batch(training: Training, loop: ast.For) -> bool:
    """Return whether the size that is walked over is that of something forward() is given."""
    size = loop.iter.args[0]  # type: ignore[attr-defined]
    bound = training.script.reaching(size) if isinstance(size, ast.Name) else []
    value = bound[0].value if bound else size
    forward = training.forward_of(loop)
    given = {a.arg for a in forward.args.args[1:]} if forward is not None else set()
    return value is not None and bool(names_in(value) & given)


def _layer_call(loop: ast.For, index: str) -> ast.Call | None:
    """Return the call of a layer that is given one example, directly or by a name."""
    taken = {
        name
        for node in ast.walk(loop)
        if isinstance(node, ast.Assign) and any(_takes(n, index) for n in ast.walk(node.value))
        for target in node.targets
        for name in names_in(target)
    }
    for node in ast.walk(loop):
        is_layer = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_self(node.func.value)
        for given in node.args if is_layer and isinstance(node, ast.Call) else []:
            if names_in(given) & taken or any(_takes(n, index) for n in ast.walk(given)):
                return None if _goes_on(loop, node) else node  # type: ignore[return-value]
    return None


def _goes_on(loop: ast.For, call: ast.AST) -> bool:
    """Return whether a layer is given what came of its answer in the round before: state = self.cell(x[t], state)."""
    nodes = list(ast.walk(loop))
    pairs = [(names_in(n.value), set().union(*map(names_in, n.targets))) for n in nodes if isinstance(n, ast.Assign)]
    kept = [n for n in nodes if isinstance(n, ast.Call) and called(n) == "append"]
    pairs += [(names_in(argument), names_in(n.func)) for n in kept for argument in n.args]
    given = _closure({name for name in names_in(call) if name != "self"}, [(to, by) for by, to in pairs])
    around = [n for n in nodes if isinstance(n, (ast.Assign, ast.Expr)) and call in set(ast.walk(n))]
    targets = [t for n in around for t in (n.targets if isinstance(n, ast.Assign) else [n.value])]
    if {ast.unparse(t) for t in targets if isinstance(t, ast.Attribute)} & {ast.unparse(a) for a in call.args}:  # type: ignore[attr-defined]
        return True
    made = [names_in(t.func if isinstance(t, ast.Call) else t) for t in targets]
    return any(_is_carried(nodes, name) for name in given & _closure(set().union(*made), pairs))


def _closure(names: set[str], pairs: list[tuple[set[str], set[str]]]) -> set[str]:
    """Return names with all that pairs lead to from them."""
    found = set(names)
    while more := set().union(*(to for by, to in pairs if by & found)) - found:
        found |= more
    return found


def _is_carried(nodes: list[ast.AST], name: str) -> bool:
    """Return whether a round reads what the one before has left under a name."""
    uses = [n for n in nodes if isinstance(n, ast.Name) and n.id == name]
    read = min((n.lineno for n in uses if isinstance(n.ctx, ast.Load)), default=0)
    return bool(read) and all(n.lineno >= read for n in uses if isinstance(n.ctx, ast.Store))


def _takes(node: ast.AST, index: str) -> bool:
    """Return whether a node is one example of a tensor: x[i], or x[i, :n]."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
        return False
    first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    return isinstance(first, ast.Name) and first.id == index


def _linear_state(loop: ast.For, index: str) -> ast.Assign | None:
    """Return the assignment of a state that is a sum of itself, scaled, and of what the step gives."""
    for node in loop.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        terms = list(_terms(node.value))
        own = [term for term in terms if node.targets[0].id in names_in(term)]
        rest = [term for term in terms if term not in own]
        by_step = any(index in names_in(term) for term in rest)
        if len(own) == 1 and by_step and _is_scaled(own[0], node.targets[0].id) and _kept(loop, node.targets[0].id):
            return node
    return None


def _kept(loop: ast.For, name: str) -> bool:
    """Return whether nothing else in the loop is computed from the state than what is kept of each step."""
    assigned = [n for n in ast.walk(loop) if isinstance(n, ast.Assign)]
    changed = [n for n in assigned if name in names_in(n.targets[0])]
    made = _closure({name}, [(names_in(n.value), names_in(n.targets[0])) for n in assigned]) - {name}
    return len(changed) == 1 and not made & names_in(changed[0].value)


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield from _terms(node.left)
        yield from _terms(node.right)
    else:
        yield node


def _is_scaled(term: ast.expr, name: str) -> bool:
    """Return whether a term is a product of which one factor is the name, and no other holds it."""
    if not isinstance(term, ast.BinOp) or not isinstance(term.op, ast.Mult):
        return False
    sides = (term.left, term.right)
    plain = [side for side in sides if isinstance(side, ast.Name) and side.id == name]
    return len(plain) == 1 and all(name not in names_in(side) for side in sides if side is not plain[0])
