"""A mask of episode ends the wrong way round: the value of the next state is multiplied by the end itself."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.terminal_not_masked import REWARD, factors_of, sides_of_target
from trainadvisor.source.syntax import constant, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

END = re.compile(r"(\w*_)?(dones?|terminals?|terminated|terminateds|terminations?|game_over)(_\w*)?", re.IGNORECASE)
OPPOSITE = re.compile(r"(^|_)(not|non|un|no|in)_?|mask|alive|cont|weight|discount", re.IGNORECASE)


@pattern("end", "target", words=(("gamma", "GAMMA", "discount", "0.9"), ("done", "termin", "over")))
def terminal_not_masked(training: Training) -> Iterator[Match]:
    """Yield sums of a reward and a discounted value that counts only where the episode has ended."""
    for node in training.script.of_type(ast.BinOp):
        sides = sides_of_target(node)
        if sides is None or not any(REWARD.fullmatch(name) for name in _words(sides[0])):
            continue
        for factor in factors_of(sides[1]):
            name = last_name(factor)
            if END.fullmatch(name) and not OPPOSITE.search(name) and not _is_turned(training, name):
                yield Match(node, {"end": ast.unparse(factor), "target": ast.unparse(node)}, factor)


def _words(node: ast.expr) -> set[str]:
    return {last_name(n) for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))}


def _is_turned(training: Training, name: str) -> bool:
    """Return whether anything of that name, or any other end, is made its opposite: 1 - done, not done, ~done."""
    for node in training.script.of_type(ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Compare, ast.Call):
        if isinstance(node, ast.UnaryOp) and (isinstance(node.op, ast.USub) or _is_test(training, node)):
            continue
        if isinstance(node, ast.BinOp) and not (isinstance(node.op, ast.Sub) and constant(node.left) == 1):
            continue
        if isinstance(node, ast.Call) and "logical_not" not in ast.unparse(node.func):
            continue
        if any(END.fullmatch(word) or word == name for word in _words(node)):
            return True
    return False


def _is_test(training: Training, node: ast.AST) -> bool:
    """Return whether a node is what a loop or a choice of statements asks for."""
    parent = training.script.parents.get(node)
    return isinstance(parent, (ast.While, ast.If)) and parent.test is node
