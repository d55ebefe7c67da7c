"""Held-out data that the script scales by their own figures, word for word as it scales the training data."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import HELD_OUT, TRAINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

FIGURE = re.compile(r"\.(mean|std|min|max|amin|amax)\(|np\.(mean|std|min|max)\(|torch\.(mean|std|amin|amax)\(")


@pattern("call", words=((".mean(", ".max(", "mean("), ("/",)))
def preprocessing_mismatch(training: Training) -> Iterator[Match]:
    """Yield values (test - test.mean()) / test.std() beside (train - train.mean()) / train.std()."""
    scaled = [(node, data) for node in training.script.of_type(ast.BinOp) if (data := _scaled(node)) is not None]
    for node, data in scaled:
        if HELD_OUT.search(data) is None or TRAINED.search(data) is not None:
            continue
        alike = [
            other
            for other, trained in scaled
            if TRAINED.search(trained) and ast.unparse(other) == re.sub(_word(data), trained, ast.unparse(node))
        ]
        if alike:
            trained = _scaled(alike[0])
            figures = re.sub(_word(data), str(trained), ast.unparse(node))
            yield Match(node, {"call": re.sub(_word(str(trained)), data, figures, count=1)}, alike[0])


def _scaled(node: ast.BinOp) -> str | None:
    """Return the data that are divided by a figure of their own, and nothing else; None where it is none such."""
    if not isinstance(node.op, ast.Div) or not FIGURE.search(ast.unparse(node.right)):
        return None
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - {"np", "torch", "numpy"}
    return names.pop() if len(names) == 1 else None


def _word(name: str) -> str:
    return rf"(?<![\w.]){re.escape(name)}\b"
