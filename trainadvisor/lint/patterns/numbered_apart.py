"""Names of classes that each data set numbers for itself, in the order in which its own rows show them."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.validation_leak import HELD_OUT, TRAINED
from trainadvisor.source.syntax import called, is_self, keyword
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What keeps the order in which values come.
BY_APPEARANCE = frozenset({"unique", "fromkeys", "Counter", "drop_duplicates", "factorize"})
SORTS = frozenset({"sorted", "sort", "natsorted"})
TWO = 2
# What rows are grouped or found by: no label where it stands beside one.
GROUPS = re.compile(
    r"(?:^|_)(?:speaker|user|group|patient|subject|colou?r|site|domain|session|file|path|position|order|query|qid|id)s?(?:_|2|$)",
    re.IGNORECASE,
)


@pattern(
    "owner", "mapping", "first", "second", words=(("len(self.", "enumerate(", ".index("), ("Dataset", "__getitem__"))
)
def classes_numbered_apart(training: Training) -> Iterator[Match]:
    """Yield numberings by appearance in a data set of the script that is made for training and for validation."""
    for owner in training.script.classes.values():
        maker = training.script.method(owner, "__init__")
        if maker is None or training.script.method(owner, "__getitem__") is None:
            continue
        for node, name in _numberings(maker):
            if not (_is_of_own_rows(training, maker, node) and gives_a_label(training, owner, name)):
                continue
            made = _made(training, owner)
            trained = [m for m in made if TRAINED.search(m[0])]
            held = [m for m in made if HELD_OUT.search(m[0]) and not TRAINED.search(m[0])]
            if trained and held and not _shared(training, name, node, trained[0][1], held[0][1]):
                values = {"owner": owner.name, "mapping": f"self.{name}", "first": trained[0][0], "second": held[0][0]}
                yield Match(node, values, held[0][1])


def _is_of_own_rows(training: Training, maker: ast.FunctionDef, node: ast.stmt) -> bool:
    """Return whether what is numbered comes from an argument, the object or a local name: not from a constant."""
    loops = [n for n in training.script.ancestors(node) if isinstance(n, ast.For)]
    sources: list[ast.expr] = [loops[0].iter] if loops else [getattr(node, "value", ast.Constant(None))]
    own = {a.arg for a in (*maker.args.args, *maker.args.kwonlyargs)}
    own |= {name for n in ast.walk(maker) if isinstance(n, ast.Assign) for t in n.targets for name in names_in(t)}
    return any(names_in(source) & own for source in sources)


def gives_a_label(training: Training, owner: ast.ClassDef, name: str) -> bool:
    """Return whether a method that gives an example gives a number as what may be its label."""
    getter = training.script.method(owner, "__getitem__")
    if getter is None:
        return False
    names = {name, *(_own(n) for n in _filled_from(training, owner, name))} - {""}
    return any(_own(n) in names for n in ast.walk(getter)) and not (
        _is_beside_a_label(getter, names) or _is_of_the_row(getter, name)
    )


def _is_beside_a_label(getter: ast.FunctionDef, names: set[str]) -> bool:
    """Return whether examples are parts, and the numbers are all of them or those by which rows are grouped."""
    given = {
        t.id for n in ast.walk(getter) if isinstance(n, ast.Assign) and _holds(n.value, names, set())
        for t in n.targets if isinstance(t, ast.Name)
    }  # fmt: skip
    parts = [part for n in ast.walk(getter) if isinstance(n, ast.Return) for part in _parts(n.value)]
    numbered = [word for word, value in parts if _holds(value, names, given)]
    alone = len(parts) <= TWO and len(numbered) < len(parts)
    return bool(numbered) and len(parts) >= TWO and not alone and (
        len(numbered) == len(parts) or all(GROUPS.search(word or name) for word in numbered for name in names)
    )  # fmt: skip


def _parts(value: ast.expr | None) -> list[tuple[str, ast.expr]]:
    """Return what an example consists of, each with its key where it has one."""
    if isinstance(value, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else "" for key in value.keys]
        return list(zip(map(str, keys), value.values, strict=True))
    return [("", part) for part in value.elts] if isinstance(value, ast.Tuple) else []


def _holds(value: ast.expr, names: set[str], given: set[str]) -> bool:
    return any(_own(n) in names or (isinstance(n, ast.Name) and n.id in given) for n in ast.walk(value))


def _is_of_the_row(getter: ast.FunctionDef, name: str) -> bool:
    """Return whether the number is that of the thing which the example is read from, as of a file."""
    asked = {
        ast.unparse(n.slice) for n in ast.walk(getter) if isinstance(n, ast.Subscript) and _own(n.value) == name
    }  # fmt: skip
    return any(ast.unparse(a) in asked for n in ast.walk(getter) if isinstance(n, ast.Call) for a in n.args)


def _filled_from(training: Training, owner: ast.ClassDef, name: str) -> Iterator[ast.expr]:
    """Yield the attributes that the constructor fills with what another one holds."""
    maker = training.script.method(owner, "__init__")
    for node in ast.walk(maker) if maker is not None else ():
        if isinstance(node, ast.Assign) and any(_own(n) == name for n in ast.walk(node.value)):
            yield from node.targets


def _numberings(maker: ast.FunctionDef) -> Iterator[tuple[ast.stmt, str]]:
    """Yield where an attribute is filled with numbers in the order of appearance, and the name of the attribute."""
    nodes = list(ast.walk(maker))
    if any(isinstance(n, ast.Call) and called(n) in SORTS for n in nodes):
        return
    bound = {_own(t): v for n in nodes if isinstance(n, ast.Assign) for t, v in _pairs(n.targets[0], n.value)}
    for node in nodes:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(node, (ast.Assign, ast.Expr)):
            filled = _filled(target, node.value)
            if filled and _is_empty(bound.get(filled)):
                yield node, filled
            elif target is not None and _own(target) and _is_numbered(maker, nodes, _own(target), node.value):
                yield node, _own(target)


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Return what is bound to what: one pair, or one for each of the values of a tuple."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _is_numbered(maker: ast.FunctionDef, nodes: list[ast.AST], name: str, value: ast.expr) -> bool:
    """Return whether a value is a mapping from names to their places, or a list whose places are asked for."""
    return _is_enumerated(maker, value) or (_is_listed(value) and _is_asked(nodes, name))


def _own(node: ast.AST) -> str:
    """Return the name of an attribute of self, "" for anything else."""
    return node.attr if isinstance(node, ast.Attribute) and is_self(node.value) else ""


def _filled(target: ast.expr | None, value: ast.expr) -> str:
    """Return the attribute that gets a new entry numbered by its length: m[x] = len(m), m.setdefault(x, len(m))."""
    if isinstance(target, ast.Subscript):
        return _own(target.value) if _is_length(value, target.value) else ""
    if isinstance(value, ast.Call) and called(value) == "setdefault" and len(value.args) == TWO:
        of = value.func.value if isinstance(value.func, ast.Attribute) else None
        return _own(of) if of is not None and _is_length(value.args[1], of) else ""
    return ""


def _is_length(value: ast.expr, of: ast.expr) -> bool:
    """Return whether a value is how many entries a mapping has."""
    return isinstance(value, ast.Call) and called(value) == "len" and ast.unparse(value.args[0]) == ast.unparse(of)


def _is_empty(value: ast.expr | None) -> bool:
    return (isinstance(value, ast.Dict) and not value.keys) or (
        isinstance(value, ast.Call) and called(value) == "dict" and not value.args and not value.keywords
    )


def _is_enumerated(maker: ast.FunctionDef, value: ast.expr) -> bool:
    """Return whether a value is a mapping from the places of values in their order of appearance."""
    if not isinstance(value, ast.DictComp) or not isinstance(value.generators[0].iter, ast.Call):
        return False
    call = value.generators[0].iter
    if called(call) != "enumerate" or not call.args:
        return False
    given = [call.args[0]]
    names = names_in(call.args[0])
    given += [
        n.value for n in ast.walk(maker) if isinstance(n, ast.Assign) and names_in(n.targets[0]) & names - {"self"}
    ]
    found = {called(n) for g in given for n in ast.walk(g) if isinstance(n, ast.Call)}
    return bool(found & BY_APPEARANCE) and not any(ast.unparse(g).startswith("np.unique") for g in given)


def _is_listed(value: ast.expr) -> bool:
    """Return whether a value is a list of names in the order in which they appear: list(dict.fromkeys(...))."""
    call = value.args[0] if isinstance(value, ast.Call) and called(value) == "list" and value.args else value
    numpy = isinstance(call, ast.Call) and ast.unparse(call.func) in ("np.unique", "numpy.unique", "torch.unique")
    return isinstance(call, ast.Call) and called(call) in BY_APPEARANCE and not numpy


def _is_asked(nodes: list[ast.AST], name: str) -> bool:
    """Return whether the place of a name in a list of the object is asked for."""
    return any(isinstance(n, ast.Call) and ast.unparse(n.func) == f"self.{name}.index" for n in nodes)


def _made(training: Training, owner: ast.ClassDef) -> list[tuple[str, ast.Call]]:
    """Return the objects of a class that are bound to names, with the calls that make them."""
    found = []
    for call in training.script.calls_by_name.get(owner.name, []):
        statement = training.script.statement(call)
        if not isinstance(statement, ast.Assign) or not isinstance(call.func, ast.Name):
            continue
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and call in value.elts:
            found.append((ast.unparse(target.elts[value.elts.index(call)]), call))
        elif value is call or _is_loaded(value, call):
            found.append((ast.unparse(target), call))
    return found


def _is_loaded(value: ast.expr, call: ast.Call) -> bool:
    """Return whether a value is a loader of what a call makes: it stands for the data set, which has no name."""
    return isinstance(value, ast.Call) and called(value).endswith("Loader") and keyword(value, "dataset", 0) is call


def _shared(training: Training, name: str, node: ast.stmt, one: ast.Call, other: ast.Call) -> bool:
    """Return whether the numbers may be the same: made from an argument that both are given, or set from outside."""
    for call in (one, other):
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            return True
    outside = [n for n in training.script.of_type(ast.Attribute) if n.attr == name and not is_self(n.value)]
    if any(isinstance(n.ctx, ast.Store) for n in outside):
        return True
    if any(isinstance(n, ast.Attribute) and n.attr == name for c in (one, other) for n in ast.walk(c)):
        return True
    loops = [loop.iter for loop in training.script.loops(node) if isinstance(loop, ast.For)]
    maker = training.script.function_of(node)
    arguments = [a.arg for a in maker.args.args[1:]] if maker is not None else []
    names = {n for source in [*loops, node] for n in names_in(source)} & set(arguments)
    return any(_given(one, arguments, n) == _given(other, arguments, n) for n in names)


def _given(call: ast.Call, arguments: list[str], name: str) -> str:
    named = next((k.value for k in call.keywords if k.arg == name), None)
    place = arguments.index(name)
    value = named if named is not None else call.args[place] if place < len(call.args) else None
    return ast.unparse(value) if value is not None else ""
