"""The ends of episodes in a script: whether anything is chosen by them, and whether there are any."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, constant
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from trainadvisor.source.training import Training

ENDS = r"dones?|terms?|terminals?|terminated|terminateds|is_terminal|game_over|not_dones?|nonterminals?|finished"
END = re.compile(rf"b?d_?|(\w*_)?({ENDS})(_\w*)?", re.IGNORECASE)
KEPT_ELSEWHERE = re.compile(r"(\w*_)?(r|rew|rewards?|score|total)(_\w*)?", re.IGNORECASE)
CHOICES = frozenset({"where", "masked_fill", "masked_fill_", "logical_not"})
# A state, an action, a reward and the next state; the end comes to them.
FEWEST = 4


def is_handled(training: Training) -> bool:
    """Return whether the script chooses or computes by the end of an episode somewhere, or keeps no state for it."""
    for node in training.script.of_type(ast.BinOp, ast.IfExp, ast.Subscript, ast.UnaryOp, ast.Call, ast.Compare):
        if isinstance(node, ast.Compare):
            each = any(
                isinstance(n, (ast.ListComp, ast.GeneratorExp, ast.Lambda)) for n in training.script.ancestors(node)
            )
            if isinstance(node.ops[0], (ast.Is, ast.IsNot)) and (each or "next" in ast.unparse(node.left)):
                return True
            continue
        part = node.test if isinstance(node, ast.IfExp) else node.slice if isinstance(node, ast.Subscript) else node
        chosen = not isinstance(node, (ast.UnaryOp, ast.Call))
        chosen = chosen or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert))
        chosen = chosen or (isinstance(node, ast.Call) and called(node) in CHOICES)
        if chosen and any(END.fullmatch(n) for n in _last_names(part)) and not _is_reward(training, node):
            return True
    return False


def never_ends(training: Training) -> bool:
    """Return whether the only step() of the script always answers that the episode goes on."""
    steps = [f for f in training.script.functions if f.name == "step"]
    answers = [n.value for f in steps for n in ast.walk(f) if isinstance(n, ast.Return)]
    told = [v.elts[2] for v in answers if isinstance(v, ast.Tuple) and len(v.elts) >= FEWEST]
    return len(steps) == 1 and 0 < len(told) == len(answers) and all(constant(v) is False for v in told)


def is_filtered(training: Training) -> bool:
    """Return whether rows are kept by their end: `[t for t in rows if not t[4]]`, by a name or in filter()."""
    for node in training.script.of_type(ast.comprehension, ast.Call):
        tests = node.ifs if isinstance(node, ast.comprehension) else []
        if isinstance(node, ast.Call) and called(node) == "filter" and node.args:
            tests = [node.args[0].body] if isinstance(node.args[0], ast.Lambda) else []
        for test in (n for outer in tests for n in ast.walk(outer)):
            place = constant(test.slice) if isinstance(test, ast.Subscript) else None
            if isinstance(place, int) and (place >= FEWEST - 1 or place < 0):
                return True
            named = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else place
            if isinstance(named, str) and END.fullmatch(named):
                return True
    return False


def _last_names(node: ast.AST) -> set[str]:
    """Return the names and the attributes in a node."""
    return names_in(node) | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def _is_reward(training: Training, node: ast.AST) -> bool:
    """Return whether only the reward of a step, or a figure to print, is chosen by its end."""
    statement = training.script.statement(node)
    if isinstance(statement, (ast.Assign, ast.AugAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return all(isinstance(t, ast.Name) and KEPT_ELSEWHERE.fullmatch(t.id) for t in targets)
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and called(statement.value) == "print"
    )
