"""A ranking loss that scores the worse of two above the better one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import ASKED, Part, is_misled, minimized, parts
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

BETTER = re.compile(
    r"(^|[^a-z])(pos(itives?)?|chosen|winner|preferred|better|liked|clicked|won|win)(?![a-z])", re.IGNORECASE
)
WORSE = re.compile(r"(^|[^a-z])(neg(atives?)?|rejected|loser|dispreferred|worse|lost|lose)(?![a-z])", re.IGNORECASE)
# Of these less is better; and what a reference says enters with the other sign.
COSTS = re.compile(
    r"dist|norm|energy|loss|err|mse|pow|square|nll|entropy|perplex|cost|\*\* 2|rank\b|(^|[^a-z])d_?(pos|neg|p|n)\b|abs|"
    r"(^|[^a-z])ref|old|margin_",
    re.IGNORECASE,
)


@pattern("term", "score", words=(("logsigmoid", "LogSigmoid", "softplus", "margin_ranking_loss", "MarginRankingLoss",
                                   "relu", "clamp", "log1p", "exp(", "sigmoid(",
                                   "with_logits", "WithLogits"), ASKED))  # fmt: skip
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield terms of losses that fall where a score named as the worse one rises and the better one falls.

    Beside terms the other way round they are a smoothing of labels.
    """
    found = [(part, *_direction(training, part)) for part in minimized(training)]
    if all(direction >= 0 for _, direction, _ in found):
        for part, direction, score in found:
            if direction:
                yield Match(part.node, {"term": ast.unparse(part.node), "score": score})


def _direction(training: Training, part: Part) -> tuple[int, str]:
    """Return 1 where a term ranks the worse above the better, -1 for the right way, 0 for neither; and the worse."""
    score, sign = _ranked(training, part.node)
    named = [(p, _side(p)) for p in parts(training, score, sign * part.sign)] if score is not None else []
    worse = next((p for p, side in named if side < 0), None)
    ways = {side * p.sign for p, side in named if side}
    if (
        score is None
        or is_misled(training, score)
        or worse is None
        or len(ways) > 1
        or not any(side > 0 for _, side in named)
    ):
        return 0, ""
    return ways.pop(), worse.names[0] if worse.names else ast.unparse(worse.node)


def _side(part: Part) -> int:
    """Return 1 for a score of the better of two, -1 for one of the worse, 0 where its nearest name does not say."""
    if COSTS.search(part.words):
        return 0
    for text in (ast.unparse(part.node), *reversed(part.names)):
        better, worse = BETTER.search(text) is not None, WORSE.search(text) is not None
        if better != worse:
            return 1 if better else -1
    return 0


def _ranked(training: Training, node: ast.expr) -> tuple[ast.expr | None, int]:
    """Return the difference that a term is a rising (1) or falling (-1) function of."""
    if not isinstance(node, ast.Call) or not node.args:
        return None, 0
    made = node.func if isinstance(node.func, ast.Call) else training.made(node.func)
    name = called(made) if made is not None and not _is_function(node) else called(node)
    if name in ("logsigmoid", "LogSigmoid", "softplus", "Softplus", "relu", "ReLU"):
        return node.args[0], 1
    if name in ("log1p", "log"):
        return _logged(node.args[0], plain=name == "log1p"), 1
    if name in ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss") and len(node.args) > 1:
        return node.args[0], _of_wanted(node.args[1])
    if name == "clamp" and constant(keyword(node, "min", 1)) in (0, 0.0) and keyword(node, "max") is None:
        return node.args[0], 1
    ranks = name in ("margin_ranking_loss", "MarginRankingLoss") and len(node.args) > 2  # noqa: PLR2004
    return (_difference(node), _of_labels(node.args[2])) if ranks else (None, 0)


def _logged(node: ast.expr, *, plain: bool) -> ast.expr | None:
    """Return what the logarithm of a sigmoid, or of 1 + exp, rises with."""
    if not plain and isinstance(node, ast.Call) and called(node) == "sigmoid" and node.args:
        return node.args[0]
    return _exponent(node, plain=plain)


def _exponent(node: ast.expr, *, plain: bool) -> ast.expr | None:
    """Return x of exp(x), where it is plain, or else of 1 + exp(x)."""
    if not plain:
        sides = (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else ()
        others = [side for side in sides if constant(side) not in (1, 1.0)]
        return _exponent(others[0], plain=True) if len(others) == 1 else None
    if not isinstance(node, ast.Call) or called(node) != "exp":
        return None
    return node.args[0] if node.args else node.func.value if isinstance(node.func, ast.Attribute) else None


def _of_wanted(node: ast.expr) -> int:
    """Return the sign with which a binary loss of logits grows, for targets that are all 0 or all 1; 0 for others."""
    name = called(node) if isinstance(node, ast.Call) else ""
    return {"zeros": 1, "zeros_like": 1, "ones": -1, "ones_like": -1}.get(name, 0)


def _is_function(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "F"


def _difference(call: ast.Call) -> ast.expr:
    """Return second - first, of which the ranking loss is a rising function for labels of 1."""
    return ast.BinOp(left=call.args[1], op=ast.Sub(), right=call.args[0])


def _of_labels(node: ast.expr) -> int:
    """Return the sign of labels that are all alike, 0 for others."""
    text = ast.unparse(node)
    return 0 if "ones" not in text else -1 if text.startswith("-") or "* -1" in text else 1
