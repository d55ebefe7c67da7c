"""With which sign parts enter the losses that are minimized, and what stands in a sum with which sign."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, constant
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DEEPEST = 14
# Methods of frameworks that return the loss.
RETURNING = frozenset({"training_step", "compute_loss"})
# Words without one of which a script asks for no gradient.
ASKED = ("backward(", *sorted(RETURNING))
# Ways to go uphill, on which every sign is right the other way round.
ASCENT = re.compile(r"maximize=True|\.grad\w* *(=|\*=|\.mul_\(|\.neg_)|add_\([^)]*grad|ascent")
# Calls that keep the sign of what they are given.
KEEPING = frozenset({"mean", "sum", "nanmean", "float", "squeeze", "view", "reshape", "flatten", "to", "unsqueeze",
                     "scale", "contiguous", "clone"})  # fmt: skip
# Calls that pick one of two values, and those that put together what a list holds.
PICKING = frozenset({"min", "max", "minimum", "maximum", "where"})
JOINING = frozenset({"stack", "cat", "concat", "hstack"})
# Names of weights, which are positive.
WEIGHT = re.compile(r"(^|[._])(beta|lambda|lambd|lam|lmbda|alpha|weight|coeff?|coef\w*|scale|w|gamma|mask\w*|\w+_mask|"
                    r"\w+_(coeff?|weight|lambda|beta|alpha))\d*_?$", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a sum: the expression, its sign, and the names that it came through, the nearest to it last."""

    node: ast.expr
    sign: int
    names: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Return the names and the expression as text."""
        return " ".join((*self.names, ast.unparse(self.node)))


def minimized(training: Training) -> Iterator[Part]:
    """Yield the parts of the losses of a script: what backward() is called on, or what a framework is given."""
    if ASCENT.search(words_of(training.script.tree)):
        return
    for call in training.backwards:
        method = call.func
        over = call.args[0] if call.args else method.value if isinstance(method, ast.Attribute) else None
        if over is not None and not any(keyword.arg == "gradient" for keyword in call.keywords):
            yield from parts(training, over)
    for node in training.script.of_type(ast.Return):
        function = training.script.function_of(node)
        if node.value is not None and function is not None and function.name in RETURNING:
            yield from parts(training, _alone(node.value))


def _alone(value: ast.expr) -> ast.expr:
    """Return the loss of what is returned: with outputs beside it, or on request."""
    if isinstance(value, ast.IfExp):
        return _alone(value.orelse)
    return value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value


def parts(training: Training, node: ast.expr, sign: int = 1, names: tuple[str, ...] = ()) -> Iterator[Part]:
    """Yield the parts of a sum, through names, means and positive factors."""
    if len(names) > DEEPEST:
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        yield from parts(training, node.operand, -sign if isinstance(node.op, ast.USub) else sign, names)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield from parts(training, node.left, sign, names)
        yield from parts(training, node.right, sign if isinstance(node.op, ast.Add) else -sign, names)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        yield from _factors(training, node, sign, names)
    elif isinstance(node, ast.Call) and called(node) in KEEPING:
        inner = _inner(node)
        yield from parts(training, inner, sign, names) if inner is not None else [Part(node, sign, names)]
    elif isinstance(node, ast.Call) and (inside := _inside(training, node)):
        for value in inside:
            yield from parts(training, value, sign, names)
    elif isinstance(node, (ast.Name, ast.Call, ast.Attribute)):
        yield from _behind(training, node, sign, names)
    else:
        yield Part(node, sign, names)


def _inner(call: ast.Call) -> ast.expr | None:
    """Return what a call is made on: x of x.mean(), torch.mean(x) and scaler.scale(x)."""
    method = call.func.value if isinstance(call.func, ast.Attribute) else None
    module = isinstance(method, ast.Name) and method.id in ("torch", "F", "np", "jnp")
    if method is None or module or called(call) == "scale":
        return call.args[0] if call.args and not isinstance(call.args[0], ast.Starred) else None
    return method


def _inside(training: Training, call: ast.Call) -> list[ast.expr]:
    """Return the values one of which a call picks, as torch.min(a, b), or those in a list that it joins."""
    if called(call) in PICKING and len(call.args) > 1:
        return [value for value in call.args[-2:] if constant(value) is None]
    if called(call) not in (*JOINING, "sum") or not call.args:
        return []
    held = call.args[0]
    return held.elts if isinstance(held, (ast.List, ast.Tuple)) else appended(training, held)


def appended(training: Training, held: ast.expr) -> list[ast.expr]:
    """Return what is appended to a list that a name, or an attribute anywhere in the script, holds."""
    scope = training.script.scope(held) if isinstance(held, ast.Name) else training.script.tree
    calls = [n for n in ast.walk(scope) if isinstance(n, ast.Call) and called(n) == "append" and len(n.args) == 1]
    text = ast.unparse(held)
    return [c.args[0] for c in calls if isinstance(c.func, ast.Attribute) and ast.unparse(c.func.value) == text]


def _added(training: Training, name: ast.expr) -> list[tuple[ast.expr, int]]:
    """Return what a name of a function holds after sums in place: what it was given and what was added, with signs."""
    if not isinstance(name, ast.Name):
        return []
    held = training.script.bindings(training.script.scope(name)).get(name.id, [])
    sums = [b.statement for b in held if isinstance(b.statement, ast.AugAssign)]
    if not sums or not all(isinstance(s.op, (ast.Add, ast.Sub)) for s in sums):
        return []
    given = [(b.value, 1) for b in held if b.kind == "value" and not b.path and b.value is not None]
    return given + [(s.value, 1 if isinstance(s.op, ast.Add) else -1) for s in sums]


def _factors(training: Training, node: ast.BinOp, sign: int, names: tuple[str, ...]) -> Iterator[Part]:
    """Yield the parts of the one factor that is no weight, the product itself where there are several."""
    # Beside a factor without gradient the weight is what is learned.
    learned = any("detach()" in ast.unparse(side) for side in (node.left, node.right))
    left, right = (None, None) if learned else (_positive(training, node.left), _positive(training, node.right))
    if isinstance(node.op, ast.Div):
        right = right or 1
    if right is not None:
        yield from parts(training, node.left, sign * right, names)
    elif left is not None:
        yield from parts(training, node.right, sign * left, names)
    else:
        yield Part(node, sign, names)


def _positive(training: Training, node: ast.expr) -> int | None:
    """Return the sign of a weight: a number, or a name of one; None for anything else."""
    made = training.values.single(node) if isinstance(node, (ast.Name, ast.Attribute)) else node
    number = constant(made)
    if isinstance(number, (int, float)):
        return -1 if number < 0 else 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _positive(training, node.operand)
        return None if inner is None else -inner
    text = ast.unparse(node)
    return 1 if isinstance(node, (ast.Name, ast.Attribute)) and WEIGHT.search(text) and "log" not in text else None


def _behind(training: Training, node: ast.expr, sign: int, names: tuple[str, ...]) -> Iterator[Part]:
    """Yield the parts of what a name or a call of a function of the script stands for, itself where that is unknown."""
    named = (*names, called(node) if isinstance(node, ast.Call) else ast.unparse(node))
    returned = _returned(training, node) if isinstance(node, ast.Call) else None
    if returned is not None:
        yield from parts(training, returned, sign, named)
        return
    if added := _added(training, node):
        for value, own in added:
            yield from parts(training, value, sign * own, named)
        return
    found = training.values.origins(node)
    if not found or any(o is None or o.path or o.loop or o.expr is node for o in found):
        yield Part(node, sign, names)
        return
    for origin in found:
        if origin is not None:
            inner = origin.expr
            ends = isinstance(inner, ast.Call) and not _is_open(training, inner)
            again = isinstance(inner, (ast.Name, ast.Attribute)) or ends
            yield from [Part(inner, sign, named)] if again else parts(training, inner, sign, named)


def _is_open(training: Training, call: ast.Call) -> bool:
    """Return whether what a call gives is seen through to its parts."""
    return called(call) in KEEPING or bool(_inside(training, call)) or _returned(training, call) is not None


def _returned(training: Training, call: ast.Call) -> ast.expr | None:
    """Return the only thing that the module behind a call returns from its forward()."""
    made = training.made(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else None
    owner = training.script.classes.get(called(made)) if made is not None else None
    forward = training.script.method(owner, "forward")
    nodes = training.script.inside(forward) if forward is not None else []
    returns = [n.value for n in nodes if isinstance(n, ast.Return) and n.value is not None]
    return returns[0] if len(returns) == 1 and not isinstance(returns[0], ast.Tuple) else None


def is_misled(training: Training, score: ast.expr) -> bool:
    """Return whether a score is of a network that is taught on detached inputs elsewhere, as that of an adversary."""
    names = [n for n in ast.walk(score) if isinstance(n, ast.Name)]
    made = [value for name in names if (value := training.values.single(name)) is not None]
    asked = {ast.unparse(n.func) for part in (score, *made) for n in ast.walk(part) if isinstance(n, ast.Call)}
    others = (call for call in training.script.calls if ast.unparse(call.func) in asked)
    return any("detach()" in ast.unparse(argument) for call in others for argument in call.args)
