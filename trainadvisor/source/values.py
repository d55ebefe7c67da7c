"""Where a value comes from, a few assignments back: through names, attributes of self, arguments and returns."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.script import Script

DEEPEST = 12
WIDEST = 40
# Steps that one question may take; beyond them the rest is not followed.
FURTHEST = 400
# Steps that all questions about a script may take.
ALL_TOGETHER = 60_000
# Methods that return the object itself, or the same on another device.
SAME = frozenset({"to", "cuda", "cpu", "double", "float", "half", "bfloat16", "train", "eval", "share_memory",
                  "requires_grad_", "type", "apply"})  # fmt: skip
# Calls that return what they are given, wrapped.
WRAPPERS = frozenset({"DataParallel", "DistributedDataParallel", "DDP", "FullyShardedDataParallel", "FSDP", "compile",
                      "prepare", "script", "convert_sync_batchnorm", "tqdm", "trange", "setup"})  # fmt: skip


@dataclass(frozen=True, eq=False)
class Origin:
    """An expression behind a value; `path` is its place in a tuple, `loop` whether it is one of many."""

    expr: ast.expr
    path: tuple[int, ...] = ()
    loop: bool = False


class Values:
    """Follows values of a script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._known: dict[ast.AST, list[Origin | None]] = {}
        self._open: set[ast.AST] = set()
        self._left = FURTHEST
        self._budget = ALL_TOGETHER

    def origins(self, expr: ast.expr, depth: int = 0) -> list[Origin | None]:
        """Return the expressions that a value may come from; None stands for what is not followed."""
        if expr in self._known:
            return self._known[expr]
        self._left = FURTHEST if depth == 0 and not self._open else self._left - 1
        self._budget -= 1
        if depth > DEEPEST or expr in self._open or self._left < 0 or self._budget < 0:
            return [None]
        self._open.add(expr)
        found = list({_key(o): o for o in self._origins(expr, depth)}.values())[:WIDEST]
        self._open.discard(expr)
        if depth == 0:
            self._known[expr] = found
        return found

    def single(self, expr: ast.expr) -> ast.expr | None:
        """Return the only expression that a value can come from, whole; None where there is no such."""
        found = self.origins(expr)
        whole = [o.expr for o in found if o and not o.path and not o.loop]
        return whole[0] if len(found) == len(whole) == 1 else None

    def _origins(self, expr: ast.expr, depth: int) -> Iterator[Origin | None]:
        if isinstance(expr, ast.Name):
            bindings = self.script.reaching(expr)
            if not bindings:
                yield None
            for binding in bindings:
                yield from self._bound(binding, depth)
        elif isinstance(expr, ast.Attribute):
            yield from self._attribute(expr, depth)
        elif isinstance(expr, ast.IfExp):
            yield from self.origins(expr.body, depth + 1)
            yield from self.origins(expr.orelse, depth + 1)
        elif isinstance(expr, ast.NamedExpr):
            yield from self.origins(expr.value, depth + 1)
        elif isinstance(expr, ast.Call):
            yield from self._call(expr, (), depth)
        else:
            yield Origin(expr)

    def _bound(self, binding: Binding, depth: int) -> Iterator[Origin | None]:
        if binding.kind == "argument":
            function = next(iter(self.script.ancestors(binding.statement)), None)
            function = self.script.parents.get(function) if function is not None else None
            given = (
                self.script.given(function, binding.name)
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
                else []
            )
            outer = self._namesake(binding) if not given else []
            for other in outer:
                yield from self._bound(other, depth + 1)
            if not given and not outer:
                yield None
            for value in given:
                yield from self.origins(value, depth + 1)
        elif binding.kind in ("other", "augmented") or binding.value is None:
            yield None
        elif binding.kind == "loop":
            yield Origin(binding.value, binding.path, loop=True)
        elif binding.path:
            yield from self._part(binding.value, binding.path, depth)
        else:
            yield from self.origins(binding.value, depth + 1)

    def _namesake(self, binding: Binding) -> list[Binding]:
        """Return what the script binds to the name of an argument, where no call of the function is shown."""
        found = self.script.bindings(self.script.tree).get(binding.name, [])
        return [other for other in found if other.kind == "value" and not other.path]

    def _part(self, value: ast.expr, path: tuple[int, ...], depth: int) -> Iterator[Origin | None]:
        if isinstance(value, ast.Call):
            yield from self._call(value, path, depth)
        else:
            yield Origin(value, path)

    def _attribute(self, expr: ast.Attribute, depth: int) -> Iterator[Origin | None]:
        owner = None
        if is_self(expr.value):
            owner = self.script.class_of(expr)
        elif isinstance(expr.value, (ast.Name, ast.Attribute)) and not self.script.full(expr).startswith("torch"):
            made = self.single(expr.value) if depth < DEEPEST else None
            owner = self.script.classes.get(called(made)) if isinstance(made, ast.Call) else None
        values = self.script.attribute_values(owner, expr.attr) if owner else []
        if not values:
            yield Origin(expr)
        for value in values:
            if value is None:
                yield None
            elif isinstance(value, ast.Name) and _argument(self.script, value):
                yield from self._given_to(owner, value, depth)
            else:
                yield from self.origins(value, depth + 1)

    def _given_to(self, owner: ast.ClassDef | None, value: ast.Name, depth: int) -> Iterator[Origin | None]:
        """Yield what the makers of an object give for an argument that its constructor keeps."""
        function = self.script.function_of(value)
        if owner is None or function is None or function.name != "__init__":
            yield from self.origins(value, depth + 1)
            return
        names = [a.arg for a in function.args.args][1:]
        found = False
        for call in self.script.calls:
            if isinstance(call.func, ast.Name) and call.func.id == owner.name:
                named = next((k.value for k in call.keywords if k.arg == value.id), None)
                place = names.index(value.id) if value.id in names else -1
                given = named or (call.args[place] if 0 <= place < len(call.args) else None)
                if given is not None:
                    found = True
                    yield from self.origins(given, depth + 1)
        if not found:
            yield None

    def _call(self, call: ast.Call, path: tuple[int, ...], depth: int) -> Iterator[Origin | None]:
        name = called(call)
        method = call.func if isinstance(call.func, ast.Attribute) and name in SAME and not path else None
        if method is not None and not self.script.full(method).startswith("torch."):
            yield from self.origins(method.value, depth + 1)
            return
        if name in WRAPPERS and call.args:
            place = path[0] if path and name in ("prepare", "setup") else 0
            if place < len(call.args) and not isinstance(call.args[place], ast.Starred):
                yield from self.origins(call.args[place], depth + 1)
                return
        returned = self._returned(call)
        if not returned:
            yield Origin(call, path)
        for value in returned:
            yield from self._of_return(value, path, depth)

    def _returned(self, call: ast.Call) -> list[ast.expr | None]:
        """Return what a function of this script returns, or a method of the same object that only one class has."""
        function = self._function(call.func)
        nodes = list(self.script.inside(function)) if function is not None else []
        if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in nodes):
            return []
        return [node.value for node in nodes if isinstance(node, ast.Return)]

    def _function(self, asked: ast.expr) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        name = asked.id if isinstance(asked, ast.Name) else asked.attr if isinstance(asked, ast.Attribute) else ""
        named = self._functions.get(name, [])
        if len(named) != 1:
            return None
        home = self.script.parents.get(named[0])
        if isinstance(asked, ast.Attribute):
            return named[0] if isinstance(home, ast.ClassDef) and is_self(asked.value) and _is_plain(named[0]) else None
        return named[0] if isinstance(home, (ast.Module, ast.If)) else None

    @cached_property
    def _functions(self) -> dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]:
        found: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
        for function in self.script.functions:
            found.setdefault(function.name, []).append(function)
        return found

    def _of_return(self, value: ast.expr | None, path: tuple[int, ...], depth: int) -> Iterator[Origin | None]:
        if value is None:
            yield None
        elif path and isinstance(value, ast.Tuple):
            rest = path[1:]
            if path[0] < len(value.elts):
                yield from (self.origins(value.elts[path[0]], depth + 1) if not rest else [None])
        elif path:
            yield Origin(value, path)
        else:
            yield from self.origins(value, depth + 1)


def _is_plain(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a method is given its object and nothing is put around it."""
    decorators = {ast.unparse(d).rsplit(".", 1)[-1].removesuffix("()") for d in method.decorator_list}
    return decorators <= {"no_grad", "inference_mode", "staticmethod", "classmethod"}


def _key(origin: Origin | None) -> tuple[object, ...] | None:
    return None if origin is None else (origin.expr, origin.path, origin.loop)


def _argument(script: Script, name: ast.Name) -> bool:
    function = script.function_of(name)
    if function is None or function.name != "__init__":
        return False
    return any(b.kind == "argument" for b in script.reaching(name))
