"""The divergence of a variational autoencoder, added with the sign of the bound that the paper maximizes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED, Part, minimized, parts
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

SQUARES = frozenset({"pow", "square"})
MODULES = frozenset({"torch", "np", "numpy", "math", "F"})
TWO = 2


@pattern("term", "score", words=(("exp(",), ("** 2", "**2", "pow(", "square("), ASKED))
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield 1 + logvar - mu ** 2 - exp(logvar) with a plus: what is minimized holds it with a minus."""
    seen: set[ast.AST] = set()
    for part in (inner for outer in minimized(training) for inner in _within(training, outer)):
        variance = _variance(part.node)
        block = training.script.statement(part.node)
        if not variance or part.sign > 0 or block is None or block in seen:
            continue
        if _beside(training, variance, part.node):
            seen.add(block)
            values = {"term": ast.unparse(block).partition(" = ")[2] or ast.unparse(block), "score": variance}
            yield Match(block, values, fix=_negated(training, block))


def _negated(training: Training, block: ast.stmt) -> Fix | None:
    """Return the change of the sign, where a statement holds the divergence of two names and nothing else."""
    value = block.value if isinstance(block, ast.Assign) else None
    if value is None or len(names_in(value) - MODULES) != TWO:
        return None
    factor = value.left if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult) else value
    if isinstance(factor, ast.UnaryOp) and isinstance(factor.op, ast.USub):
        return (replaced(training.source, factor, training.source.segment(factor.operand)),)
    text = training.source.segment(factor)
    return (replaced(training.source, factor, f"-{text}" if isinstance(factor, ast.Constant) else f"-({text})"),)


def _within(training: Training, part: Part) -> Iterator[Part]:
    """Yield the parts of what a function of the script returns, or the part itself."""
    functions = training.called_functions(part.node) if isinstance(part.node, ast.Call) else []
    returns = [n.value for f in functions for n in ast.walk(f) if isinstance(n, ast.Return) and n.value is not None]
    if len(functions) != 1 or len(returns) != 1 or isinstance(returns[0], ast.Tuple):
        yield part
        return
    yield from parts(training, returns[0], part.sign, part.names)


def _variance(node: ast.expr) -> str:
    """Return the name whose exponential a part is: logvar of logvar.exp() and torch.exp(logvar)."""
    if not isinstance(node, ast.Call) or called(node) != "exp":
        return ""
    inner = node.args[0] if node.args else getattr(node.func, "value", None)
    return ast.unparse(inner) if isinstance(inner, (ast.Name, ast.Attribute)) else ""


def _beside(training: Training, variance: str, exponential: ast.expr) -> bool:
    """Return whether the sum around an exponential holds a variance, its logarithm and the square of a mean."""
    outer = exponential
    for above in training.script.ancestors(exponential):
        if not isinstance(above, (ast.BinOp, ast.UnaryOp)):
            break
        outer = above
    inside = [n for n in ast.walk(outer) if n is not exponential and n not in set(ast.walk(exponential))]
    bare = any(isinstance(n, ast.expr) and ast.unparse(n) == variance for n in inside)
    return bare and any(_is_square(n) and variance not in names_in(n) for n in inside)


def _is_square(node: ast.AST) -> bool:
    """Return whether a node is the square of something: mu ** 2, mu.pow(2), torch.square(mu), mu * mu."""
    if isinstance(node, ast.BinOp):
        power = isinstance(node.op, ast.Pow) and constant(node.right) == TWO
        return power or (isinstance(node.op, ast.Mult) and ast.unparse(node.left) == ast.unparse(node.right))
    return isinstance(node, ast.Call) and called(node) in SQUARES
