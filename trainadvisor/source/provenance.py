"""Where a person sets a value that arrives in a call: a literal, a constant, an option of the command line, a file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.source.training import Training

Kind = Literal["literal", "option", "file", "lost"]
PARSERS = frozenset({"parse_args", "parse_known_args"})
LOADERS = frozenset({"load", "loads", "safe_load", "full_load"})
FURTHEST = 6


@dataclass(frozen=True)
class Provenance:
    """Where a value is set: the literal to edit and its script, or the words that say which option, file and key."""

    kind: Kind
    node: ast.expr | None = None
    words: str = ""
    training: Training | None = None
    # The names by which it is read from a file.
    keys: tuple[str, ...] = ()


def provenance(
    training: Training, expr: ast.expr, depth: int = 0, inner: tuple[str, ...] = (), others: Sequence[Training] = ()
) -> Provenance:
    """Return where a value is set; "lost" with the expression where that cannot be followed.

    `inner` are the names by which it is read from what the expression means; `others` the other files of a project.
    """
    return _Search(training, others).found(expr, inner, depth)


@dataclass(frozen=True)
class _Search:
    """Follows a value through a script, and from there into the other files of its project."""

    training: Training
    others: Sequence[Training] = ()

    def found(self, expr: ast.expr, inner: tuple[str, ...] = (), depth: int = 0) -> Provenance:
        """Return where a value is set."""
        if not inner and (isinstance(constant(expr), (int, float, str, bool)) or _is_literal(expr)):
            return Provenance("literal", expr, "", self.training)
        if depth > FURTHEST:
            return self._lost(expr, inner)
        keys = (*_keys(expr), *inner)
        known = self._held(expr, keys, depth) if keys else self._named(expr, depth)
        if known.kind == "lost":
            known = next((p for p in self._elsewhere(expr, keys, depth) if p.kind != "lost"), known)
        return known

    def _lost(self, expr: ast.expr, inner: tuple[str, ...] = ()) -> Provenance:
        shown = ast.unparse(expr) + "".join(f'["{key}"]' for key in inner)
        return Provenance("lost", None, shown, self.training, (*_keys(expr), *inner))

    def _named(self, expr: ast.expr, depth: int) -> Provenance:
        """Return where the value of a name is set."""
        option = _click_option(self.training, expr)
        if option:
            return Provenance("option", None, option, self.training)
        origins = self.training.values.origins(expr) if isinstance(expr, (ast.Name, ast.Attribute)) else []
        known = [o.expr for o in origins if o is not None and not o.path and not o.loop]
        if len(known) == len(origins) == 1 and known[0] is not expr:
            return self.found(known[0], (), depth + 1)
        return self._lost(expr)

    def _held(self, expr: ast.expr, keys: tuple[str, ...], depth: int) -> Provenance:
        """Return where a value is set that is read from arguments, a loaded file, a dictionary or an object."""
        root, inner = _root(expr), keys[len(_keys(expr)) :]
        if isinstance(root, ast.Name) and root.id == "self":
            made = self.training.values.single(expr)
            return self.found(made, inner, depth + 1) if made is not None and made is not expr else self._lost(expr)
        made = self.training.values.single(root)
        if isinstance(made, ast.Call) and called(made) == "vars" and made.args:
            made = self.training.values.single(made.args[0])
        is_made = made is not root or isinstance(made, (ast.Call, ast.Dict))
        return self._read(made, expr, keys, depth) if is_made else self._lost(expr, inner)

    def _read(self, made: ast.expr | None, expr: ast.expr, keys: tuple[str, ...], depth: int) -> Provenance:
        """Return where a value is set that is read by some names from what a call or a display made."""
        if isinstance(made, ast.Call) and called(made) in PARSERS:
            return _argument(self.training, keys[-1], ast.unparse(expr))
        if isinstance(made, ast.Call) and called(made) in LOADERS:
            words = f"{_file(self.training, made)}: {'.'.join(keys)}"
            return Provenance("file", None, words, self.training, keys)
        if isinstance(made, ast.Dict):
            return self._entry(made, keys, expr, depth)
        if isinstance(made, ast.Call) and called(made) in self.training.script.classes:
            return self._field(made, keys[-1], expr, depth)
        follows = made is not None and not isinstance(made, ast.Call)
        return self.found(made, keys, depth + 1) if follows and made else self._lost(expr, keys[len(_keys(expr)) :])

    def _entry(self, made: ast.Dict, keys: tuple[str, ...], expr: ast.expr, depth: int) -> Provenance:
        """Return where an entry of a dictionary is set."""
        held: ast.expr | None = made
        for place, key in enumerate(keys):
            if not isinstance(held, ast.Dict):
                return self.found(held, keys[place:], depth + 1) if held is not None else self._lost(expr)
            pairs = zip(held.keys, held.values, strict=True)
            held = next((value for k, value in pairs if constant(k) == key), None)
        return self.found(held, (), depth + 1) if held is not None else self._lost(expr)

    def _field(self, made: ast.Call, name: str, expr: ast.expr, depth: int) -> Provenance:
        """Return where a field of an object is set: where it is made, or by default in its class."""
        given = keyword(made, name)
        if given is not None:
            return self.found(given, (), depth + 1)
        value = _of_class(self.training.script.classes[called(made)], name)
        return self.found(value, (), depth + 1) if value is not None else self._lost(expr)

    def _elsewhere(self, expr: ast.expr, keys: tuple[str, ...], depth: int) -> Iterator[Provenance]:
        """Yield where a value may be set in other files: by the callers of its function, or in an imported module."""
        root = _root(expr)
        if not isinstance(root, ast.Name) or depth > FURTHEST:
            return
        for other, given, more in self._callers(root):
            yield _Search(other, self._around(other)).found(given, (*more, *keys), depth + 1)
        full = self.training.script.imports.get(root.id, "")
        if full:
            yield from self._imported(f"{full}.{'.'.join(keys)}" if keys else full, depth)

    def _around(self, other: Training) -> list[Training]:
        return [t for t in (self.training, *self.others) if t is not other]

    def _callers(self, name: ast.Name) -> Iterator[tuple[Training, ast.expr, tuple[str, ...]]]:
        """Yield what other calls of a project give for an argument, with the names by which they spread it."""
        script = self.training.script
        function = script.function_of(name)
        if function is None or not any(b.kind == "argument" for b in script.reaching(name)):
            return
        owner = script.parents.get(function)
        is_maker = isinstance(owner, ast.ClassDef) and function.name == "__init__"
        wanted = owner.name if isinstance(owner, ast.ClassDef) and is_maker else function.name
        names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        place = names.index(name.id) - (names[:1] == ["self"]) if name.id in names else None
        for other in (self.training, *self.others):
            for call in other.script.calls_by_name.get(wanted, []):
                given = keyword(call, name.id, place)
                spread = next((k.value for k in call.keywords if k.arg is None), None)
                if given is not None:
                    yield other, given, ()
                elif spread is not None:
                    yield other, spread, (name.id,)

    def _imported(self, full: str, depth: int) -> Iterator[Provenance]:
        """Yield where a dotted name of another file is set at its top level."""
        parts = full.lstrip(".").split(".")
        for other in self.others:
            module = _module_name(other)
            for place in range(1, len(parts)):
                if module != parts[:place] and module[-place:] != parts[:place]:
                    continue
                name, keys = parts[place], tuple(parts[place + 1 :])
                bound = other.script.bindings(other.script.tree).get(name, [])
                values = [b.value for b in bound if b.kind == "value" and not b.path and b.value is not None]
                owner = other.script.classes.get(name)
                if owner is not None and len(keys) == 1 and (value := _of_class(owner, keys[0])) is not None:
                    yield _Search(other, self._around(other)).found(value, (), depth + 1)
                elif len(values) == 1 == len(bound):
                    yield _Search(other, self._around(other)).found(values[0], keys, depth + 1)


def _module_name(training: Training) -> list[str]:
    """Return the parts of the dotted name of a file."""
    return training.source.name.removesuffix(".py").replace("\\", "/").split("/")


def _of_class(owner: ast.ClassDef, name: str) -> ast.expr | None:
    """Return what a class sets for a name of its own."""
    for node in owner.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return node.value
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node.value
    return None


def _is_literal(expr: ast.expr) -> bool:
    """Return whether an expression is made of constants alone, such as (0.9, 0.999) or 3 * 1e-4."""
    inner = [n for n in ast.walk(expr) if isinstance(n, ast.expr)]
    return all(isinstance(n, (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp)) for n in inner)


def _keys(expr: ast.expr) -> list[str]:
    """Return the names by which a value is read from an object: cfg["optim"]["lr"] and args.lr."""
    keys: list[str] = []
    while isinstance(expr, (ast.Attribute, ast.Subscript)) or _is_get(expr):
        if isinstance(expr, ast.Attribute):
            keys.append(expr.attr)
            expr = expr.value
        elif isinstance(expr, ast.Subscript):
            key = constant(expr.slice)
            if not isinstance(key, str):
                return []
            keys.append(key)
            expr = expr.value
        elif isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
            keys.append(str(constant(expr.args[0])))
            expr = expr.func.value
    return keys[::-1]


def _is_get(expr: ast.expr) -> bool:
    return (
        isinstance(expr, ast.Call)
        and called(expr) == "get"
        and bool(expr.args)
        and isinstance(expr.args[0], ast.Constant)
    )


def _root(expr: ast.expr) -> ast.expr:
    """Return the object that a value is read from."""
    while True:
        if isinstance(expr, (ast.Attribute, ast.Subscript)):
            expr = expr.value
        elif _is_get(expr) and isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
            expr = expr.func.value
        else:
            return expr


def _argument(training: Training, name: str, shown: str) -> Provenance:
    """Return the option of argparse whose value a name holds."""
    for call in training.script.calls_by_name.get("add_argument", []):
        flags = [str(constant(a)) for a in call.args if isinstance(constant(a), str)]
        dest = constant(keyword(call, "dest")) or next((f for f in flags if f.startswith("--")), "").lstrip(
            "-"
        ).replace("-", "_")
        if name == dest or (flags and flags[0] == name):
            shown = next((f for f in flags if f.startswith("--")), flags[0])
            return Provenance("option", keyword(call, "default"), shown, training)
    return Provenance("lost", None, shown, training)


def _click_option(training: Training, expr: ast.expr) -> str:
    """Return the option of click or typer that an argument of a function comes from."""
    function = training.script.function_of(expr) if isinstance(expr, ast.Name) else None
    for decorator in getattr(function, "decorator_list", []):
        if isinstance(decorator, ast.Call) and called(decorator) == "option":
            flags = [str(constant(a)) for a in decorator.args]
            if any(f.lstrip("-").replace("-", "_") == ast.unparse(expr) for f in flags):
                return next(f for f in flags if f.startswith("-"))
    return ""


def _file(training: Training, made: ast.Call) -> str:
    """Return the name of the file that a loader reads, as the script writes it."""
    for node in (*made.args, *(n for a in made.args if isinstance(a, ast.Name) for n in _opened(training, a))):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and "." in inner.value:
                return inner.value
    return ast.unparse(made)


def _opened(training: Training, name: ast.Name) -> list[ast.expr]:
    return [o.expr for o in training.values.origins(name) if o is not None]
