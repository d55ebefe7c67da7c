"""A contrastive loss in which each example is its own best match: the diagonal of the similarities is left in."""

from __future__ import annotations

import ast
import itertools
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What takes the diagonal out, or subtracts it.
TAKEN_OUT = re.compile(
    r"mask|eye|diag|fill|inf\b|1e\d|triu|tril|fliplr|nonzero|where|~|!=|exp\(1|index_select|ones|sum\(.*\) - "
)
TURNED = re.compile(r"\.(T|mT)$|\.t\(\)$|\.transpose\((0, 1|1, 0|-1, -2|-2, -1)\)$|\.permute\(1, 0\)$")
JOINED = frozenset({"cat", "concat", "vstack", "concatenate"})
COMPARED = frozenset({"cross_entropy", "CrossEntropyLoss", "logsumexp", "log_softmax"})
SQUARE = re.compile(r"(\w)(\w),(?!\1)(\w)\2->(\1\3|\3\1)")
MATMULS = frozenset({"mm", "matmul"})


@pattern("similarities", "joined", words=(("cat(", "concat", "vstack("), ("cross_entropy", "CrossEntropy", "logsumexp",
                                                                          "log_softmax", "log(")))  # fmt: skip
def self_pair_kept(training: Training) -> Iterator[Match]:
    """Yield products of joined views with themselves in functions that compare whole rows of them."""
    squares = [(node, value) for node in training.script.of_type(ast.BinOp, ast.Call) if (value := _squared(node))]
    for node, value in squares:
        scope = training.script.scope(node)
        joined = _joined(training, value)
        others = {ast.unparse(v) for n, v in squares if training.script.scope(n) is scope} - {ast.unparse(value)}
        if joined is None or others or TAKEN_OUT.search(ast.unparse(scope)) or _is_handed_on(training, node):
            continue
        inside = [*training.script.inside(scope)]
        if any(_compares(training, n) or _is_share(training, n, node) for n in inside):
            yield Match(node, {"similarities": ast.unparse(node), "joined": ast.unparse(joined)}, joined)


def _is_handed_on(training: Training, node: ast.AST) -> bool:
    """Return whether a function of the script gets the similarities, where the diagonal may be taken out."""
    around = itertools.takewhile(lambda n: not isinstance(n, ast.stmt), training.script.ancestors(node))
    return any(isinstance(n, ast.Call) and training.called_functions(n) for n in around)


def _squared(node: ast.AST) -> ast.expr | None:
    """Return what is multiplied with itself turned round: z @ z.T, torch.mm(z, z.t())."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        left, right = node.left, node.right
    elif isinstance(node, ast.Call) and called(node) in ("cosine_similarity", "einsum"):
        return _compared(node)
    elif isinstance(node, ast.Call) and called(node) in MATMULS and node.args:
        method = node.func.value if isinstance(node.func, ast.Attribute) else None
        left, right = (method, node.args[0]) if len(node.args) == 1 and method is not None else (
            node.args[0], node.args[-1])  # fmt: skip
    else:
        return None
    turned = TURNED.sub("", ast.unparse(right))
    return left if turned == ast.unparse(left) and turned != ast.unparse(right) else None


def _compared(call: ast.Call) -> ast.expr | None:
    """Return z of cosine_similarity(z[:, None], z[None]), einsum("id,jd->ij", z, z) and their like."""
    if called(call) == "einsum":
        rule = constant(call.args[0]) if call.args else None
        squares = isinstance(rule, str) and SQUARE.fullmatch(rule.replace(" ", "")) is not None
        sides = call.args[1:] if squares else []
    else:
        sides = [_spread(side) for side in call.args[:2]]
    same = len(sides) == 2 and ast.unparse(sides[0]) == ast.unparse(sides[1])  # noqa: PLR2004 - both sides
    return sides[0] if same else None


def _spread(node: ast.expr) -> ast.expr:
    """Return what gets a new axis."""
    if isinstance(node, ast.Subscript):
        return node.value
    method = node.func if isinstance(node, ast.Call) and called(node) == "unsqueeze" else None
    return method.value if isinstance(method, ast.Attribute) else node


def _joined(training: Training, value: ast.expr) -> ast.expr | None:
    """Return the joining of two views that a value is, before it was normalized."""
    made = training.values.single(value) if not isinstance(value, ast.Call) else value
    for _ in range(3):
        if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Div):
            made = training.values.single(made.left)
        if not isinstance(made, ast.Call):
            return None
        if called(made) in JOINED:
            views = made.args[0] if made.args else None
            return made if isinstance(views, (ast.Tuple, ast.List)) and len(views.elts) == 2 else None  # noqa: PLR2004
        if called(made) != "normalize" or not made.args:
            return None
        inner = made.args[0]
        made = training.values.single(inner) if not isinstance(inner, ast.Call) else inner
    return None


def _is_share(training: Training, node: ast.AST, similarities: ast.AST) -> bool:
    """Return whether a node divides by the row sums of the exponentials of the similarities, as a softmax does."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div) or not isinstance(node.right, ast.Call):
        return False
    summed = node.right.func.value if isinstance(node.right.func, ast.Attribute) else None
    made = training.values.single(summed) if isinstance(summed, ast.Name) else summed
    if not isinstance(made, ast.Call) or called(node.right) != "sum" or called(made) != "exp":
        return False
    return similarities in _made_of(training, made)


def _made_of(training: Training, value: ast.expr) -> set[ast.AST]:
    """Return the nodes of a value, and of what its names stand for."""
    found = set(ast.walk(value))
    names = [n for n in found if isinstance(n, ast.Name)]
    return found.union(*(ast.walk(made) for name in names if (made := training.values.single(name)) is not None))


def _compares(training: Training, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    made = training.made(node.func)
    return called(node) in COMPARED or (made is not None and called(made) in COMPARED)
