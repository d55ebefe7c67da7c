"""Encoders and scalers that are fitted anew to held-out data by a function or loop that passes both sets."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.numbered_apart import GROUPS, gives_a_label
from trainadvisor.lint.visits import HELD_OUT, TRAINED, depends, is_reached, passages, without_sets
from trainadvisor.source.syntax import called, constant, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.lint.visits import Passage
    from trainadvisor.source.training import Training

FITS = ("fit_transform", "fit", "fit_on_texts")
ENCODERS = frozenset({"LabelEncoder", "OrdinalEncoder", "OneHotEncoder", "TargetEncoder", "CountVectorizer",
                      "Tokenizer", "TfidfVectorizer", "DictVectorizer", "LabelBinarizer",
                      "MultiLabelBinarizer"})  # fmt: skip
SCALERS = frozenset({"StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "PowerTransformer", "PCA",
                     "QuantileTransformer", "TruncatedSVD", "SimpleImputer", "KBinsDiscretizer"})  # fmt: skip
# Arguments by which an encoder is told its classes, whatever it is fitted to.
TOLD = frozenset({"categories", "vocabulary", "classes"})
SORTING = ("numpy.unique", "torch.unique")
BY_APPEARANCE = frozenset({"set", "unique", "fromkeys", "Counter", "factorize"})


@dataclass(frozen=True, eq=False)
class Fitted:
    """A place where numbers are taken from data: what is fitted or numbered, and the data."""

    node: ast.expr
    data: ast.expr
    what: str


@pattern(
    "owner",
    "mapping",
    "first",
    "second",
    words=((".fit", "factorize(", "category", "Categorical(", "enumerate(", "zip("),),
)
def classes_numbered_apart(training: Training) -> Iterator[Match]:
    """Yield numberings of classes that a function or loop makes of the training data and of held-out data again."""
    for fitted in (*_fits(training, ENCODERS), *_numberings(training)):
        passage = _passed(training, fitted)
        if passage is not None:
            values = {"owner": passage.name, "mapping": fitted.what, **_both(passage)}
            yield Match(fitted.node, values, passage.held.node)
    for first, second in _side_by_side(training):
        name = called(first.node) if isinstance(first.node, ast.Call) else "enumerate"
        values = {
            "owner": f"{name}(...)",
            "mapping": ast.unparse(first.data),
            "first": first.what,
            "second": second.what,
        }
        yield Match(second.node, values, first.node)


@pattern("call", words=((".fit",), tuple(sorted(SCALERS))))
def preprocessing_mismatch(training: Training) -> Iterator[Match]:
    """Yield scalers that a function or loop fits to the training data and to held-out data again."""
    for fitted in _fits(training, SCALERS):
        passage = _passed(training, fitted)
        if passage is not None:
            yield Match(fitted.node, {"call": f"scaler.transform({ast.unparse(fitted.data)})"}, passage.held.node)


def _side_by_side(training: Training) -> Iterator[tuple[Fitted, Fitted]]:
    """Yield numberings in the order of the rows that one piece of code makes of training data and of held-out data."""
    told = [(f, ast.unparse(f.data)) for f in _numberings(training) if not isinstance(f.node, ast.Attribute)]
    trained = [(f, text) for f, text in told if TRAINED.search(text) and not HELD_OUT.search(text)]
    held = [(f, text) for f, text in told if HELD_OUT.search(text) and not TRAINED.search(text)]
    for one, text in trained:
        for other, named in held:
            beside = training.script.scope(one.node) is training.script.scope(other.node)
            if (
                beside
                and without_sets(text) == without_sets(named)
                and not any(GROUPS.search(word) for word in re.split(r"\W", text))
            ):
                yield one, other
                break


def _both(passage: Passage) -> dict[str, str]:
    nodes = [ast.unparse(visit.node) for visit in (passage.trained, passage.held)]
    first, second = nodes if nodes[0] != nodes[1] else (passage.trained.text, passage.held.text)
    return {"first": first, "second": second}


def _passed(training: Training, fitted: Fitted) -> Passage | None:
    """Return the code that surely fits to the training data and to the held-out data."""
    for passage in passages(training, fitted.node):
        reached = all(is_reached(training, fitted.node, passage, v) for v in (passage.trained, passage.held))
        if reached and depends(passage.code, fitted.data, passage.differing):
            return passage
    return None


def _fits(training: Training, classes: frozenset[str]) -> Iterator[Fitted]:
    """Yield what is fitted of some classes, told by the calls that make the object."""
    for name in FITS:
        for call in training.script.calls_by_name.get(name, []):
            if isinstance(call.func, ast.Attribute) and call.args:
                made = _made(training, call.func.value)
                told = any(k.arg in TOLD for m in made for k in m.keywords)
                own = classes is ENCODERS and all(_numbers(training, called(m)) for m in made)
                if made and (own or all(called(m) in classes for m in made)) and not told:
                    yield Fitted(call, call.args[0], ast.unparse(call))


def _numbers(training: Training, name: str) -> bool:
    """Return whether a class of the script numbers what it is fitted to as it comes: table[x] = len(table)."""
    owner = training.script.classes.get(name)
    nodes = list(ast.walk(owner)) if owner is not None else []
    sorts = any(isinstance(n, ast.Call) and called(n) in ("sorted", "sort", "unique") for n in nodes)
    return not sorts and any(
        isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Subscript)
        and ast.unparse(n.value) == f"len({ast.unparse(n.targets[0].value)})"
        for n in nodes
    )  # fmt: skip


def _made(training: Training, owner: ast.expr) -> list[ast.Call]:
    """Return the calls that make an object, or all objects of a dictionary; nothing where one is not known."""
    holder = training.values.single(owner.value) if isinstance(owner, ast.Subscript) else None
    if isinstance(holder, ast.DictComp):
        return [holder.value] if isinstance(holder.value, ast.Call) else []
    if isinstance(holder, ast.Dict) and holder.values:
        return [v for v in holder.values if isinstance(v, ast.Call)]
    found = [o.expr if o is not None and not o.path else None for o in training.values.origins(owner)]
    calls = [expr for expr in found if isinstance(expr, ast.Call)]
    return calls if len(calls) == len(found) else []


def _numberings(training: Training) -> Iterator[Fitted]:
    """Yield numbers that are given to names by their places in the data at hand."""
    for call in training.script.calls_by_name.get("factorize", []):
        is_function = training.script.full(call.func).startswith("pandas.")
        data = (call.args[0] if call.args else None) if is_function else getattr(call.func, "value", None)
        if data is not None:
            yield Fitted(call, data, ast.unparse(call))
    for node in training.script.of_type(ast.Attribute):
        data = _of_codes(node)
        if data is not None and not _has_told(training, node):
            yield Fitted(node, data, ast.unparse(node))
    for mapping in training.script.of_type(ast.DictComp):
        names = mapping.generators[0].iter
        if isinstance(names, ast.Call) and called(names) == "enumerate" and names.args:
            yield from _by_appearance(training, mapping, names.args[0])
    for call in training.script.calls_by_name.get("dict", []):
        inner = call.args[0] if len(call.args) == 1 else None
        if isinstance(inner, ast.Call) and called(inner) in ("zip", "enumerate") and inner.args:
            yield from _by_appearance(training, call, inner.args[0])


def _of_codes(node: ast.Attribute) -> ast.expr | None:
    """Return x of x.astype("category").cat.codes and of Categorical(x).codes."""
    if node.attr != "codes":
        return None
    inner = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr == "cat" else node.value
    if not isinstance(inner, ast.Call):
        return None
    if called(inner) == "Categorical" and keyword(inner, "categories", 1) is None and inner.args:
        return inner.args[0]
    as_category = called(inner) == "astype" and inner.args and constant(inner.args[0]) == "category"
    return inner.func.value if as_category and isinstance(inner.func, ast.Attribute) else None


def _has_told(training: Training, node: ast.AST) -> bool:
    """Return whether the classes of a column are set somewhere in the function."""
    scope = training.script.function_of(node) or training.script.tree
    return any(isinstance(n, ast.Call) and called(n) in ("set_categories", "CategoricalDtype") for n in ast.walk(scope))


def _by_appearance(training: Training, mapping: ast.expr, names: ast.expr) -> Iterator[Fitted]:
    """Yield a mapping whose names come in the order of the data, or of a set."""
    value = training.values.single(names) or names
    calls = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    sorts = any(
        called(c) == "sorted" or training.script.full(c.func) in ("numpy.unique", "torch.unique") for c in calls
    )
    if not sorts and _may_label(training, mapping) and any(called(c) in BY_APPEARANCE for c in calls):
        yield Fitted(mapping, value, ast.unparse(mapping))


def _may_label(training: Training, mapping: ast.expr) -> bool:
    """Return whether the numbers may be labels: not those that a data set keeps to group its rows by."""
    statement, owner = training.script.statement(mapping), training.script.class_of(mapping)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if owner is None or not isinstance(target, ast.Attribute) or not is_self(target.value):
        return True
    is_data = training.script.method(owner, "__getitem__") is not None
    return not is_data or gives_a_label(training, owner, target.attr)
