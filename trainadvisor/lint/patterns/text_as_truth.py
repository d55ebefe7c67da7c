"""A yes or no that is read from a table of texts by bool(): every text that is not empty is true."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

READERS = frozenset({"csv.DictReader", "csv.reader"})
# Readers whose values are no texts.
TYPED = frozenset({"load", "loads", "safe_load", "read_csv", "read_parquet", "load_dataset"})
LABEL = re.compile(r"label|target|liked|desirable|positive|chosen|correct|good|clicked|is_\w+|y", re.IGNORECASE)


@pattern("text", "column", words=(("csv.",), ("bool(",)))
def negatives_missing(training: Training) -> Iterator[Match]:
    """Yield bool() of a column that says what an example is, where all columns come from a file of texts."""
    if not any(training.script.full(call.func) in READERS for call in training.script.calls):
        return
    if TYPED & set(training.script.calls_by_name):
        return
    for call in training.script.calls_by_name.get("bool", []):
        given = call.args[0] if len(call.args) == 1 and isinstance(call.func, ast.Name) else None
        column = constant(given.slice) if isinstance(given, ast.Subscript) else None
        if isinstance(column, str) and LABEL.fullmatch(column):
            yield Match(call, {"text": ast.unparse(call), "column": column})
