"""A yes or no that is read from a table of texts by bool(): every text that is not empty is true."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

READERS = frozenset({"csv.DictReader", "csv.reader"})
# Readers whose values are no texts.
TYPED = frozenset({"load", "loads", "safe_load", "read_csv", "read_parquet", "load_dataset"})
NUMBERS = frozenset({"int", "float"})
PASSED = frozenset({"list", "enumerate", "tqdm", "sorted"})
LABEL = re.compile(r"label|target|liked|desirable|positive|chosen|correct|good|clicked|is_\w+|y", re.IGNORECASE)


@pattern("text", "column", words=(("csv.",), ("bool(",)))
def negatives_missing(training: Training) -> Iterator[Match]:
    """Yield bool() of a column that says what an example is, where its row comes from a file of texts."""
    if TYPED & set(training.script.calls_by_name) or "QUOTE_NONNUMERIC" in training.source.text:
        return
    for call in training.script.calls_by_name.get("bool", []):
        given = call.args[0] if len(call.args) == 1 and isinstance(call.func, ast.Name) else None
        column = constant(given.slice) if isinstance(given, ast.Subscript) else None
        if isinstance(column, str) and LABEL.fullmatch(column) and isinstance(given, ast.Subscript):
            sound = _is_test(training, call) or _is_number(training, column)
            if not sound and _is_row(training, given.value):
                yield Match(call, {"text": ast.unparse(call), "column": column})


def _is_test(training: Training, call: ast.Call) -> bool:
    """Return whether a row is chosen by whether the column is given at all."""
    parent = training.script.parents.get(call)
    return isinstance(parent, (ast.If, ast.IfExp, ast.UnaryOp)) or (
        isinstance(parent, ast.comprehension) and call in parent.ifs
    )


def _is_number(training: Training, column: str) -> bool:
    """Return whether a script makes a number of the column, somewhere: bool() then asks for that number or for none."""
    for node in training.script.of_type(ast.Call, ast.Assign):
        part = node.args[0] if isinstance(node, ast.Call) and called(node) in NUMBERS and node.args else None
        if isinstance(node, ast.Assign):
            part = node.targets[0]
        if isinstance(part, ast.Subscript) and constant(part.slice) == column:
            return True
    return False


def _is_row(training: Training, row: ast.expr) -> bool:
    """Return whether a value is one of the rows that a reader of texts gives."""
    if isinstance(row, ast.Subscript):
        return _are_rows(training, row.value)
    if not isinstance(row, ast.Name):
        return False
    for outer in training.script.ancestors(row):
        for part in getattr(outer, "generators", []):
            if ast.unparse(part.target) == row.id:
                return _are_rows(training, part.iter)
    bound = training.script.reaching(row)
    value = bound[0].value if len(bound) == 1 else None
    if value is None:
        return False
    return _are_rows(training, value) if bound[0].kind == "loop" else _is_row(training, value)


def _are_rows(training: Training, rows: ast.expr) -> bool:
    made = training.values.single(rows) or rows
    if isinstance(made, ast.Call) and called(made) in PASSED and made.args:
        return _are_rows(training, made.args[0])
    if isinstance(made, ast.ListComp) and ast.unparse(made.elt) == ast.unparse(made.generators[0].target):
        return _are_rows(training, made.generators[0].iter)
    return isinstance(made, ast.Call) and training.script.full(made.func) in READERS
