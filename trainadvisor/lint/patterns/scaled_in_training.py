"""Scaling that stands under the condition that a data set is the one of the training."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import HELD_OUT
from trainadvisor.source.edits import Span, indent_of, stands_alone
from trainadvisor.source.syntax import assignments, called, constant, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

FLAG = re.compile(r"(self\.)?_?(is_?)?(train|training|train_mode|augment|aug)", re.IGNORECASE)
KIND = re.compile(r"(self\.)?_?(split|mode|phase|stage|subset|part|partition|set|kind)", re.IGNORECASE)
SCALES = re.compile(r"_?(normali[sz]e|standardi[sz]e)(_\w+)?|Normalize", re.IGNORECASE)
SCALER = re.compile(r"scaler|normali[sz]er", re.IGNORECASE)
FIGURE = re.compile(r"mean|std|sigma|scale|range|max|dev", re.IGNORECASE)
LABEL = re.compile(r"(self\.)?(y|labels?|targets?|mask)\b", re.IGNORECASE)
PREPARES = re.compile(r"__call__|__getitem__|__iter__|transform|preproc|prepare|collate|load", re.IGNORECASE)
LARGEST = (127.5, 128, 255)


@pattern("call", words=(("if ",), ("rain", "aug"), ("/", "ormal", "tandard", "transform(")))
def preprocessing_mismatch(training: Training) -> Iterator[Match]:
    """Yield scaling of examples that only the data set of the training gets, and no branch for the others has."""
    for node in training.script.of_type(ast.If):
        if node.orelse or not _is_flag(node.test) or not _is_for_both(training, node):
            continue
        scaled = [statement for statement in node.body if _scales(statement)]
        if scaled and not _is_scaled_elsewhere(training, node, scaled):
            words = {"call": ast.unparse(scaled[0])}
            yield Match(scaled[0], words, node.test, _outside(training, node, scaled))


def _is_flag(test: ast.expr) -> bool:
    """Return whether a condition holds for the data of the training alone."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        return constant(test.comparators[0]) in ("train", "training") and bool(KIND.fullmatch(ast.unparse(test.left)))
    return isinstance(test, (ast.Name, ast.Attribute)) and FLAG.fullmatch(ast.unparse(test)) is not None


def _is_for_both(training: Training, node: ast.If) -> bool:
    """Return whether a condition stands in what prepares examples, and the script does not use that once only."""
    function, owner = training.script.function_of(node), training.script.class_of(node)
    if function is None or (owner is not None and training.is_module_class(owner)):
        return False
    of_data = owner is not None and training.script.method(owner, "__getitem__") is not None
    used = training.script.calls_by_name.get(owner.name if owner is not None else function.name, [])
    return (of_data or PREPARES.search(function.name) is not None) and len(used) != 1


def _scales(statement: ast.stmt) -> bool:
    """Return whether a statement brings an example, not its label, to a scale."""
    if isinstance(statement, ast.AugAssign):
        by_figure = isinstance(statement.op, (ast.Div, ast.Sub)) and _is_figure(statement.value)
        return by_figure and not _is_label(statement.target)
    bound = [(target, value) for target, value in assignments(statement) if value is not None]
    return any(_is_scaled(value) and not _is_label(target) for target, value in bound)


def _is_label(target: ast.expr) -> bool:
    return LABEL.match(ast.unparse(target)) is not None


def _is_figure(value: ast.expr) -> bool:
    return constant(value) in LARGEST or FIGURE.search(ast.unparse(value)) is not None


def _is_scaled(value: ast.AST) -> bool:
    """Return whether a value is (x - mean) / std, a share of the largest number, or what a scaler returns."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div):
        shifted = isinstance(value.left, ast.BinOp) and isinstance(value.left.op, ast.Sub)
        return shifted or constant(value.right) in LARGEST
    if not isinstance(value, ast.Call):
        return False
    by_scaler = called(value) == "transform" and SCALER.search(ast.unparse(value.func)) is not None
    return by_scaler or SCALES.fullmatch(called(value)) is not None


def _is_scaled_elsewhere(training: Training, node: ast.If, scaled: Sequence[ast.stmt]) -> bool:
    """Return whether the same function or class scales outside of the condition too, or held-out data are scaled."""
    inside = {part for statement in scaled for part in ast.walk(statement)}
    home = training.script.class_of(node) or training.script.function_of(node) or training.script.tree
    beside = (part for part in ast.walk(home) if part not in inside)
    if any((isinstance(part, ast.stmt) and _scales(part)) or _is_returned(part) for part in beside):
        return True
    return any(_is_scaled(part) and any(map(HELD_OUT.search, names_in(part))) for part in training.script.nodes)


def _is_returned(part: ast.AST) -> bool:
    return isinstance(part, ast.Return) and part.value is not None and any(map(_is_scaled, ast.walk(part.value)))


def _outside(training: Training, node: ast.If, scaled: Sequence[ast.stmt]) -> Fix | None:
    """Return the change that takes scaling out of its condition, where nothing follows it there."""
    source, last = training.source, node.body[-len(scaled) :]
    alone = stands_alone(source, node) and all(stands_alone(source, statement) for statement in last)
    if list(scaled) != last or not alone:
        return None
    indent = indent_of(source, node)
    spans = [Span((s.lineno, 0), (s.lineno, len(indent_of(source, s))), indent) for s in last]
    head = [Span((node.lineno, 0), (node.body[0].lineno, 0), "")] if len(last) == len(node.body) else []
    return (*head, *spans)
