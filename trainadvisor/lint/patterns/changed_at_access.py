"""Stored examples that are changed in place where they are read: each epoch changes them once more."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, is_self
from trainadvisor.source.uses import names_in, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

Function = ast.FunctionDef | ast.AsyncFunctionDef
IN_PLACE = frozenset({"sub_", "div_", "mul_", "add_", "pow_", "log_", "log1p_", "sqrt_"})
CHANGES = (ast.Sub, ast.Div, ast.Mult, ast.Pow, ast.Add, ast.FloorDiv)
# What only arrays have: numbers and text of a list are never changed in place.
ARRAY = frozenset({"from_numpy", "permute", "transpose", "ascontiguousarray", "unsqueeze", "roll", "flip", "rot90",
                   "interpolate", "flatten", "moveaxis", "as_tensor", "pad", "reshape", "float", "clamp_", "astype",
                   "clip"})  # fmt: skip
# Files and data sets that make an example anew each time.
ANEW = re.compile(
    r"h5py|zarr|reader|dataset|^d?sets?$|^ds$|folder|^base$|^source$|^file|^h5|lmdb|\bmemmap|mmap_mode", re.IGNORECASE
)
# A second multiplication with a mask changes nothing.
MASK = re.compile(r"mask|keep|valid|brain|roi", re.IGNORECASE)


@pattern("example", "stored", words=(("__getitem__", "__iter__"), ("-=", "/=", "*=", "+=", "sub_(", "div_(", "mul_(")))
def data_changed_in_place(training: Training) -> Iterator[Match]:
    """Yield changes in place of what a data set reads out of an array of its own."""
    for owner in training.script.classes.values():
        for name in ("__getitem__", "__iter__"):
            method = training.script.method(owner, name)
            if method is None or training.script.class_of(method) is not owner:
                continue
            for read, node, example in _stored(method):
                change = _change(training, owner, method, example, node)
                if change is not None and _stays(training, owner, read) and not _is_guarded(training, change):
                    fix = _copied(training, read, method, example)
                    yield Match(change, {"example": example, "stored": ast.unparse(read)}, read, fix)


def _stored(method: Function) -> Iterator[tuple[ast.Subscript, ast.Assign, str]]:
    """Yield what is read out of an attribute by one index, where, and the name that it gets."""
    for node in ast.walk(method):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple):
            # what a wrapped data set gives is a tuple, too, and made anew: only parts of several reads are looked at
            pairs = list(zip(target.elts, value.elts, strict=False)) if isinstance(value, ast.Tuple) else []
        for name, part in pairs:
            if isinstance(name, ast.Name) and isinstance(part, ast.Subscript) and _is_own(part):
                yield part, node, name.id


def _stays(training: Training, owner: ast.ClassDef, read: ast.Subscript) -> bool:
    """Return whether what is read may be a part of an array in memory: no file or data set that makes it anew."""
    name = read.value.attr if isinstance(read.value, ast.Attribute) else ""
    values = [v for v in training.script.attribute_values(owner, name) if v is not None]
    reader, stored = training.script.function_of(read), ast.unparse(read.value)
    for node in ast.walk(reader) if reader is not None else ():
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Subscript) and ast.unparse(t.value) == stored for t in targets):
            return False  # it is put there just before
    return not (ANEW.search(name) or any(ANEW.search(ast.unparse(value)) for value in values))


def _is_guarded(training: Training, change: ast.AST) -> bool:
    """Return whether a change is made under a condition of the object's, as once for each example."""
    conditions = [n.test for n in training.script.ancestors(change) if isinstance(n, ast.If)]
    return any("self" in names_in(test) for test in conditions)


def _is_own(part: ast.Subscript) -> bool:
    """Return whether a subscript is a view of an attribute: by a name or a number, not by a list of indices."""
    indexed = part.slice.elts[0] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
    plain = isinstance(indexed, (ast.Name, ast.BinOp, ast.Slice, ast.Constant))
    text = isinstance(indexed, ast.Constant) and isinstance(indexed.value, str)
    return plain and not text and isinstance(part.value, ast.Attribute) and is_self(part.value.value)


def _change(training: Training, owner: ast.ClassDef, function: Function, name: str, start: ast.AST) -> ast.AST | None:
    """Return the first change in place of a name behind a line, there or in a method that it is given to."""
    line, depth = getattr(start, "lineno", 0), int(start is not function)
    nodes = sorted((n for n in ast.walk(function) if getattr(n, "lineno", 0) > line), key=lambda n: n.lineno)  # type: ignore[attr-defined]
    for node in nodes:
        if isinstance(node, ast.Assign) and any(name in names_in(t) and _is_name(t, name) for t in node.targets):
            return _given(training, owner, node.value, name) if depth else None
        if _changes(node, name):
            return node if _is_array(function, name, line) else None
        if depth and isinstance(node, (ast.Return, ast.Expr)) and node.value is not None:
            inner = _given(training, owner, node.value, name)
            if inner is not None:
                return inner
    return None


def _is_name(target: ast.expr, name: str) -> bool:
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return any(isinstance(part, ast.Name) and part.id == name for part in parts)


def _changes(node: ast.AST, name: str) -> bool:
    """Return whether a node changes the array behind a name, and a second time would change it again."""
    if isinstance(node, ast.AugAssign):
        target = node.target.value if isinstance(node.target, ast.Subscript) else node.target
        own = isinstance(target, ast.Name) and target.id == name and isinstance(node.op, CHANGES)
        return own and name not in names_in(node.value) and not MASK.search(ast.unparse(node.value))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IN_PLACE:
        chain = node.func.value
        while isinstance(chain, ast.Call) and isinstance(chain.func, ast.Attribute) and chain.func.attr in IN_PLACE:
            chain = chain.func.value
        given = {n for argument in node.args for n in names_in(argument)}
        return isinstance(chain, ast.Name) and chain.id == name and name not in given
    return False


def _is_array(function: Function, name: str, line: int) -> bool:
    """Return whether a name is used as only an array can be: by a function of arrays, or in several axes."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            own = node.func.value if isinstance(node.func, ast.Attribute) else None
            plain = [n.id for n in (*node.args, own) if isinstance(n, ast.Name)]
            if called(node) in ARRAY | IN_PLACE and name in plain and node.lineno > line:
                return True
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == name:
            axes = isinstance(node.slice, ast.Tuple) or ast.unparse(node.slice) in ("None", "...")
            if axes:
                return True
    return False


def _given(training: Training, owner: ast.ClassDef, value: ast.expr, name: str) -> ast.AST | None:
    """Return the change in a function of the script or a method that is given the example as it is."""
    for call in (n for n in ast.walk(value) if isinstance(n, ast.Call)):
        place = next((k for k, a in enumerate(call.args) if isinstance(a, ast.Name) and a.id == name), None)
        functions = training.called_functions(call)
        if place is None or len(functions) != 1:
            continue
        names = [a.arg for a in functions[0].args.args if a.arg != "self"]
        if place < len(names):
            return _change(training, owner, functions[0], names[place], functions[0])
    return None


def _copied(training: Training, read: ast.Subscript, method: Function, name: str) -> Fix | None:
    """Return the change that copies what is read, where the script says whether it is of numpy or of torch."""
    calls = [n for n in ast.walk(method) if isinstance(n, ast.Call)]
    torch = any(called(c) in IN_PLACE for c in calls)
    numpy = any(called(c) in ("from_numpy", "ascontiguousarray") for c in calls) and bool(reads(method, name))
    if torch == numpy:
        return None
    text = training.source.segment(read)
    return (replaced(training.source, read, f"{text}.{'clone' if torch else 'copy'}()"),)
