"""What was last done to a value: the activation, layer or function that its numbers come out of."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.source import torch_names
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.source.script import Script
    from trainadvisor.source.values import Origin, Values

UNKNOWN = "unknown"
DEEPEST = 14


@dataclass(frozen=True, eq=False)
class Operation:
    """The last thing done to a value: its kind, where it is written, and the layer that does it."""

    kind: str
    node: ast.AST
    layer: ast.Call | None = None
    # The value that it is applied to, where that is one expression.
    before: ast.expr | None = None


class Operations:
    """Finds the last operations on values of a script."""

    def __init__(self, script: Script, values: Values) -> None:
        self.script, self.values = script, values
        self._open: set[tuple[ast.AST, int | None]] = set()

    def kinds(self, expr: ast.expr) -> set[str]:
        """Return the kinds of what was last done to a value."""
        return {operation.kind for operation in self.ends(expr)}

    def ends(self, expr: ast.expr, part: int | None = None, depth: int = 0) -> list[Operation]:
        """Return what may have been done last to a value, or to a part of a tuple."""
        if depth > DEEPEST or (expr, part) in self._open:
            return [Operation(UNKNOWN, expr)]
        self._open.add((expr, part))
        found = [end for origin in self.values.origins(expr) for end in self._of(origin, expr, part, depth)]
        self._open.discard((expr, part))
        return found

    def _of(self, origin: Origin | None, at: ast.expr, part: int | None, depth: int) -> Iterator[Operation]:
        if origin is None or origin.loop or len(origin.path) > 1 or (origin.path and part is not None):
            yield Operation(UNKNOWN, at)
            return
        expr, place = origin.expr, origin.path[0] if origin.path else part
        if isinstance(expr, ast.Call):
            yield from self._call(expr, place, depth)
        elif isinstance(expr, ast.Tuple) and place is not None and place < len(expr.elts):
            yield from self.ends(expr.elts[place], None, depth + 1)
        elif place is not None:
            yield Operation(UNKNOWN, expr)
        elif isinstance(expr, ast.Subscript):
            yield from self._subscript(expr, depth)
        else:
            yield Operation(UNKNOWN, expr)

    def _subscript(self, expr: ast.Subscript, depth: int) -> Iterator[Operation]:
        number = constant(expr.slice)
        if isinstance(number, int) and self._is_tuple(expr.value):
            yield from self.ends(expr.value, number, depth + 1)
        elif isinstance(expr.slice, (ast.Tuple, ast.Slice)):
            yield from self.ends(expr.value, None, depth + 1)
        else:
            yield Operation(UNKNOWN, expr)

    def _is_tuple(self, expr: ast.expr) -> bool:
        origin = self.values.single(expr)
        module = self.modules(origin.func) if isinstance(origin, ast.Call) else []
        return any(isinstance(r, ast.Tuple) for m in module for r in self.returns(m))

    def _call(self, call: ast.Call, part: int | None, depth: int) -> Iterator[Operation]:
        full, name = self.script.full(call.func), called(call)
        if part == 1 and (full in ("torch.max", "torch.min") or (name in ("max", "min") and call.args)):
            yield Operation("argmax", call)
            return
        area = full.rpartition(".")[0]
        if area in ("torch", "torch.nn.functional", "torch.special") and part is None:
            yield from self._function(call, name, call.args[:1], depth)
        elif isinstance(call.func, ast.Attribute) and self._is_tensor_method(call.func):
            yield from (
                self._function(call, name, [call.func.value], depth) if part is None else [Operation(UNKNOWN, call)]
            )
        else:
            modules = self.modules(call.func)
            if not modules:
                yield Operation(UNKNOWN, call)
            for module in modules:
                yield from self.module_ends(module, call, part, depth)

    def _is_tensor_method(self, func: ast.Attribute) -> bool:
        name = func.attr
        if name not in torch_names.SHAPES and name not in torch_names.FUNCTIONS:
            return False
        return not (isinstance(func.value, ast.Name) and func.value.id == "self")

    def _function(self, call: ast.Call, name: str, value: Sequence[ast.expr], depth: int) -> Iterator[Operation]:
        passed = name in torch_names.SHAPES or name in torch_names.SHAPE_FUNCTIONS or name == "dropout"
        if passed and value:
            yield from self.ends(value[0], None, depth + 1)
        else:
            kind = torch_names.FUNCTIONS.get(name, UNKNOWN)
            yield Operation(kind, call, None, value[0] if value else None)

    def modules(self, func: ast.expr) -> list[ast.Call | None]:
        """Return the calls that made the module which an expression means; None for what is not followed."""
        if isinstance(func, ast.Call) and called(func) != "getattr":
            made: list[Origin | None] = self.values.origins(func)
        elif isinstance(func, ast.Attribute) and func.attr == "forward":
            return self.modules(func.value)
        elif isinstance(func, (ast.Name, ast.Attribute)):
            made = self.values.origins(func)
        else:
            return []
        calls = [o.expr if o and not o.path and not o.loop and isinstance(o.expr, ast.Call) else None for o in made]
        return [c if c is not None and self.is_module(c) else None for c in calls]

    def is_module(self, call: ast.Call) -> bool:
        """Return whether a call makes a module: a layer of torch, or a class of the script with a forward."""
        return bool(torch_names.layer(self.script.full(call.func))) or self.user_class(call) is not None

    def user_class(self, call: ast.Call) -> ast.ClassDef | None:
        """Return the class of the script, with a forward method, that a call makes an object of."""
        owner = self.script.classes.get(call.func.id) if isinstance(call.func, ast.Name) else None
        return owner if owner is not None and self.script.method(owner, "forward") else None

    def returns(self, module: ast.Call | None) -> list[ast.expr | None]:
        """Return what the forward method of a module of the script returns."""
        owner = self.user_class(module) if module is not None else None
        forward = self.script.method(owner, "forward") if owner else None
        nodes = self.script.inside(forward) if forward else ()
        return [node.value for node in nodes if isinstance(node, ast.Return)]

    def module_ends(
        self, module: ast.Call | None, call: ast.Call | None, part: int | None, depth: int
    ) -> Iterator[Operation]:
        """Yield what a module does last, where it is called with a value."""
        if module is None:
            yield Operation(UNKNOWN, call or ast.Pass())
            return
        name = torch_names.layer(self.script.full(module.func))
        before = call.args[0] if call and call.args else None
        if name == "Sequential":
            yield from self._sequential(module, before, depth)
        elif name and part is not None:
            yield Operation(UNKNOWN, module)
        elif name in torch_names.PLAIN_LAYERS and before is not None:
            yield from self.ends(before, None, depth + 1)
        elif name:
            kind = torch_names.ACTIVATIONS.get(name) or ("linear" if name in torch_names.LINEAR else UNKNOWN)
            yield Operation(kind, call or module, module, before)
        else:
            returned = self.returns(module)
            if not returned:
                yield Operation(UNKNOWN, module)
            for value in returned:
                yield from self.ends(value, part, depth + 1) if value is not None else [Operation(UNKNOWN, module)]

    def _sequential(self, module: ast.Call, before: ast.expr | None, depth: int) -> Iterator[Operation]:
        layers = self.layers(module)
        if layers is None:
            yield Operation(UNKNOWN, module)
            return
        for entry in reversed(layers):
            made = self.modules(entry)
            if len(made) != 1 or made[0] is None:
                yield Operation(UNKNOWN, entry)
                return
            name = torch_names.layer(self.script.full(made[0].func))
            if name not in torch_names.PLAIN_LAYERS:
                yield from (
                    Operation(end.kind, entry if end.node is made[0] else end.node, end.layer, end.before)
                    for end in self.module_ends(made[0], None, None, depth + 1)
                )
                return
        if before is not None:
            yield from self.ends(before, None, depth + 1)
        else:
            yield Operation(UNKNOWN, module)

    def layers(self, module: ast.Call) -> list[ast.expr] | None:
        """Return the layers of a Sequential in order; None where they cannot be listed."""
        entries: list[ast.expr] = []
        for argument in module.args:
            if isinstance(argument, ast.Starred):
                listed = self.values.single(argument.value)
                name = argument.value.id if isinstance(argument.value, ast.Name) else ""
                if not isinstance(listed, (ast.List, ast.Tuple)) or self._grows(name, argument):
                    return None
                entries += listed.elts
            elif isinstance(argument, ast.Call) and called(argument) == "OrderedDict":
                pairs = argument.args[0] if argument.args else None
                if not isinstance(pairs, (ast.List, ast.Tuple)):
                    return None
                entries += [pair.elts[1] for pair in pairs.elts if isinstance(pair, ast.Tuple) and len(pair.elts) == 2]  # noqa: PLR2004 - a name and its module
            else:
                entries.append(argument)
        return entries or None

    def _grows(self, name: str, at: ast.AST) -> bool:
        """Return whether a list is appended to or extended in its scope."""
        nodes = self.script.inside(self.script.scope(at))
        return any(
            (isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == name)
            or (isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name) and n.target.id == name)
            for n in nodes
        )
