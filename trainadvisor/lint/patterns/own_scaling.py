"""Held-out data that are scaled, or numbered, by their own figures, where the training data have theirs."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.fitted_twice import SCALERS
from trainadvisor.lint.patterns.validation_leak import HELD_OUT, TRAINED
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

# What fits, and what then turns data into numbers.
FITS = {"fit": "transform", "fit_transform": "transform", "fit_on_texts": "texts_to_sequences"}
# What turns the axes, which is also done to look at each set by itself.
TURNING = frozenset({"PCA", "TruncatedSVD"})
# What gives each word or feature the number of a column.
VOCABULARIES = frozenset({"Tokenizer", "CountVectorizer", "TfidfVectorizer", "DictVectorizer"})
SETS = re.compile(r"train(ing)?|test(ing)?|valid(ation)?|val|dev|held_?out", re.IGNORECASE)
PARTS = frozenset({"val", "valid", "validation", "test", "dev"})


@pattern("call", words=(("fit_transform", *sorted(SCALERS | VOCABULARIES)), (".fit",)))
def preprocessing_mismatch(training: Training) -> Iterator[Match]:
    """Yield held-out data that a scaler is fitted to: the one of the training data, or one of its kind made anew."""
    fits = list(_fits(training))
    for fit in fits:
        if not _is_held_out(fit.data):
            continue
        trained = [other for other in fits if other.node.lineno < fit.node.lineno and _is_of_training(other)]
        first = next((other for other in trained if _is_like(training, other, fit)), None)
        if first is not None and (fit.transforms or _is_used(training, first, fit)):
            anew = isinstance(fit.owner, ast.Call) or not isinstance(first.owner, type(fit.owner))
            anew |= ast.unparse(first.owner) != ast.unparse(fit.owner)
            said = f"{'scaler' if anew else ast.unparse(fit.owner)}.{fit.method}({ast.unparse(fit.data)})"
            yield Match(
                fit.node, {"call": said}, first.node, _fix(training, fit.node) if fit.transforms and not anew else None
            )


@dataclass(frozen=True, eq=False)
class _Fit:
    """A place where a scaler is fitted: the call, the scaler, the data, and whether it transforms them at once."""

    node: ast.Call
    owner: ast.expr
    data: ast.expr
    # What turns data into numbers with what was learned.
    method: str
    transforms: bool


def _fits(training: Training) -> Iterator[_Fit]:
    """Yield calls of fit and fit_transform, and tables that apply one to each of their columns."""
    for name, method in FITS.items():
        for call in training.script.calls_by_name.get(name, []):
            if isinstance(call.func, ast.Attribute) and call.args:
                yield _Fit(call, call.func.value, call.args[0], method, name == "fit_transform")
    for call in training.script.calls_by_name.get("apply", []):
        given = call.args[0] if call.args else None
        if isinstance(call.func, ast.Attribute) and isinstance(given, ast.Attribute) and given.attr == "fit_transform":
            yield _Fit(call, given.value, call.func.value, "transform", transforms=True)


def _is_used(training: Training, first: _Fit, second: _Fit) -> bool:
    """Return whether training data became numbers before a second fit, and held-out data do behind it."""
    line = second.node.lineno
    before = any(c.lineno < line and TRAINED.search(ast.unparse(c.args[0])) for c in _uses(training, first))
    return before and any(c.lineno >= line and _is_held_out(c.args[0]) for c in _uses(training, second))


def _uses(training: Training, fit: _Fit) -> list[ast.Call]:
    """Return the calls that turn data into numbers with what was fitted, under its own name or that of the result."""
    statement = training.script.statement(fit.node)
    named = statement.targets if isinstance(statement, ast.Assign) and statement.value is fit.node else []
    owners = {ast.unparse(owner) for owner in (fit.owner, *named)}
    found = [c for c in training.script.calls_by_name.get(fit.method, []) if c.args]
    return [c for c in found if isinstance(c.func, ast.Attribute) and ast.unparse(c.func.value) in owners]


def _is_of_training(fit: _Fit) -> bool:
    return TRAINED.search(ast.unparse(fit.data)) is not None


def _is_like(training: Training, one: _Fit, other: _Fit) -> bool:
    """Return whether two scalers are one, or of a kind that brings columns to one scale, for the same columns."""
    if ast.unparse(one.owner) == ast.unparse(other.owner):
        return True
    made = [f.owner if isinstance(f.owner, ast.Call) else training.made(f.owner) for f in (one, other)]
    alike = len({ast.unparse(m) if m is not None else "" for m in made}) == 1
    return (
        alike
        and made[0] is not None
        and called(made[0]) in (SCALERS - TURNING) | VOCABULARIES
        and len({SETS.sub("", ast.unparse(f.data)) for f in (one, other)}) == 1
    )


def _is_held_out(data: ast.expr) -> bool:
    """Return whether data are named as held out: a whole, a column test["a"], a part of a dictionary splits["test"]."""
    part = constant(data.slice) if isinstance(data, ast.Subscript) else None
    root = data
    while isinstance(root, (ast.Subscript, ast.Attribute)):
        root = root.value
    texts = (ast.unparse(data), ast.unparse(root))
    return (any(map(HELD_OUT.search, texts)) or part in PARTS) and TRAINED.search(texts[0]) is None


def _fix(training: Training, call: ast.Call) -> Fix | None:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    text = training.source.segment(owner) if owner is not None else ""
    return (replaced(training.source, call.func, f"{text}.transform"),) if text else None
