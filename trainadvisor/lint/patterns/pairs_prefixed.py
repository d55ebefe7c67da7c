"""Tokens that got a special one in front while their tags did not: each tag belongs to the token before its own."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import of_a_pair
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Labels of which each token has one.
TAGS = re.compile(r"(^|_)(tags?|ner|bio|iob|slots?|entit(y|ies)|pos_?(tags?|labels?))(_|s?$|ids?$)", re.IGNORECASE)


@pattern("first", "second", words=(("] + ", "*"), ("tag", "ner", "bio", "iob", "slot", "entit", "pos"), ("len(",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield tokens that begin with a special one beside tags that begin with their own, padded to one length."""
    for function in training.script.functions:
        nodes = list(training.script.inside(function))
        bound = [n for n in nodes if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)]
        lengths = dict(pair for node in nodes for pair in _padded(node))
        for tokens in (n for n in bound if _begins(n.value)):
            for tags in (n for n in bound if _are_tags(n) and not _begins(n.value)):
                one, other = ast.unparse(tokens.targets[0]), ast.unparse(tags.targets[0])
                same = one in lengths and lengths[one] == lengths.get(other)
                if same and (of_a_pair(one, other) or TAGS.search(other)) and not _shifted(nodes, tags, other):
                    yield Match(tags, {"first": ast.unparse(tokens), "second": ast.unparse(tags)}, tokens)


def _begins(value: ast.expr) -> bool:
    """Return whether a list has something written in front of what it holds: [CLS] + ids, [CLS, *ids]."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        if isinstance(value.left, ast.List):
            return len(value.left.elts) > 0
        value = value.left
    return isinstance(value, ast.List) and len(value.elts) > 1 and isinstance(value.elts[1], ast.Starred)


def _are_tags(node: ast.Assign) -> bool:
    """Return whether a statement binds the tags of tokens, one for each, as they are or converted."""
    value = node.value
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        value = value.left
    plain = isinstance(value, (ast.Name, ast.ListComp, ast.Subscript)) or (
        isinstance(value, ast.Call) and called(value) in ("list", "copy")
    )
    return plain and any(TAGS.search(name) for name in names_in(node))


def _padded(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield a name that is padded at its end, with the length that it is padded to."""
    target: ast.expr
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        target, value = node.target, node.value
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.Add):
        target, value = node.targets[0], node.value.right
        if ast.unparse(node.value.left) != ast.unparse(target):
            return
    else:
        return
    name = ast.unparse(target)
    for part in ast.walk(value):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub) and ast.unparse(part.right) == f"len({name})":
            yield name, ast.unparse(part.left)


def _shifted(nodes: list[ast.AST], tags: ast.Assign, name: str) -> bool:
    """Return whether tags get something in front elsewhere: insert(0, ...), [-100] + tags, a slice."""
    for node in nodes:
        if isinstance(node, ast.Call) and called(node) in ("insert", "appendleft", "extend") and name in names_in(node):
            return True
        bound = isinstance(node, ast.Assign) and node is not tags and ast.unparse(node.targets[0]) == name
        if bound and not list(_padded(node)):
            return True
    return False
