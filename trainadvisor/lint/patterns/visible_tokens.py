"""Masked tokens that are asked for together with the visible ones: copying the input answers most of the questions."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

TOKEN = re.compile(r"mask|msk", re.IGNORECASE)
# Trainings that ask for every token with reason.
WHOLE = re.compile(r"decoder|seq2seq|electra|discriminator|causal|ignore_index=(?!-100)|denois", re.IGNORECASE)
IGNORED = re.compile(r"(?<!ignore_index=)-100")
FORMS = frozenset({"view", "reshape", "flatten", "to", "long"})
COPIES = frozenset({"clone", "copy", "deepcopy", "detach"})


@pattern("window", "target", words=(("mask", "MASK"), ("clone(", "copy("), ("cross_entropy", "CrossEntropyLoss")))
def target_leak(training: Training) -> Iterator[Match]:
    """Yield labels that are a copy of the tokens, where some of these are masked and nothing tells which."""
    text = ast.unparse(training.script.tree)
    if WHOLE.search(text) or IGNORED.search(text):
        return
    for store in training.script.of_type(ast.Assign):
        hidden = store.targets[0]
        if not (isinstance(hidden, ast.Subscript) and isinstance(hidden.value, ast.Name)):
            continue
        scope = training.script.scope(store)
        tokens = _copied(training, hidden.value)
        if not TOKEN.search(ast.unparse(store.value)) or tokens is None or _is_told(scope, hidden.value.id):
            continue
        asked = _asked(training, scope, tokens)
        if asked is not None:
            yield Match(asked, {"window": hidden.value.id, "target": tokens}, store)
            return
        labels = next(_labels(training, scope, hidden.value.id, tokens), None)
        if labels is not None:
            yield Match(labels, {"window": hidden.value.id, "target": ast.unparse(labels.targets[0])}, store)
            return


def _copied(training: Training, name: ast.Name) -> str | None:
    """Return the name of what a value is a copy of."""
    made = [binding.value for binding in training.script.bindings(training.script.scope(name)).get(name.id, [])]
    return _source(made[0]) if len(made) == 1 else None


def _source(made: ast.expr | None) -> str | None:
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and called(made) in COPIES:
        made = made.func.value
        if isinstance(made, ast.Name):
            return made.id
    return None


def _labels(training: Training, scope: ast.AST, inputs: str, tokens: str) -> Iterator[ast.Assign]:
    """Yield where labels are bound to a copy of the same tokens that nothing changes afterwards."""
    stored = {
        n.targets[0].value.id for n in ast.walk(scope) if isinstance(n, ast.Assign)
        and isinstance(n.targets[0], ast.Subscript) and isinstance(n.targets[0].value, ast.Name)
    }  # fmt: skip
    for name, bindings in training.script.bindings(scope).items():
        bound = bindings[0].statement if len(bindings) == 1 else None
        if name != inputs and name not in stored and isinstance(bound, ast.Assign) and _source(bound.value) == tokens:
            yield bound


def _asked(training: Training, scope: ast.AST, tokens: str) -> ast.expr | None:
    """Return where a cross entropy is asked for the tokens themselves, all of them."""
    for call in (n for n in ast.walk(scope) if isinstance(n, ast.Call) and len(n.args) > 1):
        made = training.made(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else None
        if called(call) == "cross_entropy" or (made is not None and called(made) == "CrossEntropyLoss"):
            whole = any(
                k.arg in ("weight", "reduction", "ignore_index")
                for k in (*call.keywords, *(made.keywords if made else ()))
            )
            target = call.args[1]
            while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute) and called(target) in FORMS:
                target = target.func.value
            if isinstance(target, ast.Name) and target.id == tokens and not whole:
                return call.args[1]
    return None


def _is_told(scope: ast.AST, inputs: str) -> bool:
    """Return whether the places that were masked are used for more than the masking: returned, compared, multiplied."""
    masks: set[str] = set()
    allowed: set[ast.AST] = set()
    for _ in range(3):
        for node in ast.walk(scope):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == inputs:
                masks |= names_in(target.slice)
                allowed |= set(ast.walk(node))
            elif isinstance(target, ast.Name) and target.id in masks and isinstance(node, ast.Assign):
                masks |= {n for n in names_in(node.value) if TOKEN.search(n)}
                allowed |= set(ast.walk(node))
    return not masks or any(use not in allowed for name in masks for use in reads(scope, name))
