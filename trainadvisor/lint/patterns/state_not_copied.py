"""Arrays that an object hands out and changes in place afterwards, kept as they are: all that is kept is one array."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

Method = ast.FunctionDef | ast.AsyncFunctionDef
IN_PLACE = frozenset({"fill", "sort", "put", "add_", "sub_", "mul_", "div_", "copy_", "zero_", "fill_", "clamp_"})
# What is counted before something is kept for later: put into a list, or given to an object that keeps it.
KEPT = frozenset({"append", "appendleft"})


@pattern("attribute", "method", "kept", "owner", words=(("self.",), ("append",), ("numpy", "torch.")))
def state_not_copied(training: Training) -> Iterator[Match]:
    """Yield where a method returns an array of its object that another call changes, and the script keeps it raw."""
    for owner in training.script.classes.values():
        methods = [node for node in owner.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        for name in sorted(_changed(training, owner, methods)):
            handed = [(m, place, node) for m in methods for place, node in _returned(training, m, name)]
            kept = [k for m, place, _ in handed if m.name != "__init__" for k in _kept(training, owner, m.name, place)]
            if kept:
                node = next(n for m, _, n in handed if m.name != "__init__")
                values = {"attribute": f"self.{name}", "kept": ast.unparse(kept[0]), "owner": owner.name}
                values["method"] = f"{owner.name}.{next(m.name for m, _, n in handed if n is node)}"
                yield Match(node, values, kept[0], _copied(training, owner, name, [n for _, _, n in handed]))


def _changed(training: Training, owner: ast.ClassDef, methods: list[Method]) -> set[str]:
    """Return the attributes that hold arrays and are changed in place by a method that does not renew them first."""
    found = set()
    for method in methods:
        if method.name == "__init__":
            continue
        for node in ast.walk(method):
            name = _changes(node)
            if name and not _renewed(methods, method, name, node) and _is_array(training, owner, name):
                found.add(name)
    return found


def _changes(node: ast.AST) -> str:
    """Return the attribute of self that a node changes in place, "" where it changes none."""
    changed: ast.expr | None = None
    if isinstance(node, ast.AugAssign):
        changed = node.target.value if isinstance(node.target, ast.Subscript) else node.target
    elif isinstance(node, ast.Assign):
        changed = next((t.value for t in node.targets if isinstance(t, ast.Subscript)), None)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IN_PLACE:
        changed = node.func.value
    while isinstance(changed, ast.Subscript):
        changed = changed.value
    return changed.attr if isinstance(changed, ast.Attribute) and is_self(changed.value) else ""


def _renewed(methods: list[Method], method: Method, name: str, node: ast.AST) -> bool:
    """Return whether the attribute is bound anew before a change, in the method or in one that calls it."""
    line = getattr(node, "lineno", 0)
    if any(_binds(n, name) and getattr(n, "lineno", 0) < line for n in ast.walk(method)):
        return True
    callers = [m for m in methods for n in ast.walk(m) if isinstance(n, ast.Call) and _is_own(n, method.name)]
    return any(_binds(n, name) for caller in callers if caller.name != "__init__" for n in ast.walk(caller))


def _binds(node: ast.AST, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    flat = [t for target in targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return any(isinstance(t, ast.Attribute) and is_self(t.value) and t.attr == name for t in flat)


def _is_own(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Attribute) and is_self(call.func.value) and call.func.attr == name


def _is_array(training: Training, owner: ast.ClassDef, name: str) -> bool:
    """Return whether each value bound to an attribute, as far as it is followed, comes from numpy or torch."""
    values = [value for value in training.script.attribute_values(owner, name) if value is not None]
    return any(
        isinstance(value, ast.Call) and training.script.full(value.func).startswith(("numpy.", "torch."))
        for value in (_innermost(value) for value in values)
    )


def _innermost(value: ast.expr) -> ast.expr:
    """Return the call at the root of a chain of methods: np.zeros(3) of np.zeros(3).astype(float)."""
    while (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Call)
    ):
        value = value.func.value
    return value


def _returned(training: Training, method: Method, name: str, depth: int = 0) -> Iterator[tuple[int, ast.expr]]:
    """Yield the places of a method's result at which it hands out the attribute itself; -1 is the whole result."""
    for node in training.script.inside(method):
        value = node.value if isinstance(node, ast.Return) else None
        parts = list(enumerate(value.elts)) if isinstance(value, ast.Tuple) else [(-1, value)] if value else []
        for place, part in parts:
            if isinstance(part, ast.Attribute) and is_self(part.value) and part.attr == name:
                yield place, part
            elif isinstance(part, ast.Call) and not part.args and depth == 0 and isinstance(part.func, ast.Attribute):
                inner = training.script.method(training.script.class_of(method), part.func.attr)
                if inner is not None and is_self(part.func.value):
                    yield from ((place, n) for p, n in _returned(training, inner, name, 1) if p == -1)


def _kept(training: Training, owner: ast.ClassDef, method: str, place: int) -> Iterator[ast.expr]:
    """Yield the names outside the class that hold what a method returned and are put away as they are."""
    for call in training.script.calls:
        if training.script.class_of(call) is owner or not isinstance(call.func, ast.Attribute):
            continue
        given = _put_away(training, call)
        for part in given:
            if isinstance(part, ast.Name) and _comes_from(training, part, owner, method, place):
                yield part


def _put_away(training: Training, call: ast.Call) -> list[ast.expr]:
    """Return the values that a call puts away raw: in a list, or by a method of the script that does so."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if owner is None or any(isinstance(a, ast.Starred) for a in call.args):
        return []
    if called(call) in KEPT and len(call.args) == 1:
        return _parts(call.args[0]) if _is_list(training, owner) else []
    made = training.made(owner)
    function = training.script.method(training.script.classes.get(called(made)), called(call)) if made else None
    if function is None:
        return []
    names = [a.arg for a in function.args.args][1:]
    stored = {n.id for part in _stored(training, function) for n in _parts(part) if isinstance(n, ast.Name)}
    spread = function.args.vararg
    return [
        value
        for number, value in enumerate(call.args)
        if (names[number] if number < len(names) else spread.arg if spread else "") in stored
    ]


def _stored(training: Training, function: ast.FunctionDef) -> Iterator[ast.expr]:
    """Yield what a method appends to a list of its object."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and called(node) in KEPT and len(node.args) == 1:
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            if owner is not None and _is_list(training, owner):
                yield node.args[0]


def _parts(value: ast.expr) -> list[ast.expr]:
    """Return the values of a tuple, list or record of plain names, or the value itself."""
    if isinstance(value, (ast.Tuple, ast.List)):
        return value.elts
    if isinstance(value, ast.Dict):
        return value.values
    if isinstance(value, ast.Call) and called(value)[:1].isupper():
        return [a.value if isinstance(a, ast.Starred) else a for a in value.args] + [k.value for k in value.keywords]
    return [value]


def _is_list(training: Training, owner: ast.expr) -> bool:
    """Return whether an expression is a list or deque made in this script."""
    made = training.values.single(owner)
    return isinstance(made, ast.List) or (isinstance(made, ast.Call) and called(made) in ("deque", "list"))


def _comes_from(training: Training, name: ast.Name, owner: ast.ClassDef, method: str, place: int) -> bool:
    """Return whether a name may hold what a method of a class returned, at a place."""
    for origin in training.values.origins(name):
        call = origin.expr if origin and not origin.loop else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == method:
            path = origin.path[0] if origin and len(origin.path) == 1 else -1
            made = training.made(call.func.value)
            if path == place and made is not None and called(made) == owner.name:
                return True
    return False


def _copied(training: Training, owner: ast.ClassDef, name: str, nodes: list[ast.expr]) -> Fix:
    values = [_innermost(v) for v in training.script.attribute_values(owner, name) if v is not None]
    torch = any(isinstance(v, ast.Call) and training.script.full(v.func).startswith("torch.") for v in values)
    text = f"self.{name}.{'clone' if torch else 'copy'}()"
    return tuple(replaced(training.source, node, text) for node in dict.fromkeys(nodes))
