"""The parts of a training in a script: its losses, optimizers, schedules, and the calls that a loop makes of them."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from trainadvisor.source import torch_names
from trainadvisor.source.operations import Operations
from trainadvisor.source.script import Script
from trainadvisor.source.syntax import called, is_self, keyword
from trainadvisor.source.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.reading import Source

OPTIMIZER_NAME = re.compile(r"(^|_)(opt|optim|optimi[sz]er)([_A-Z0-9]|s?$)", re.IGNORECASE)
UNNAMED = re.compile(r"criterion|criteria|loss_?(fn|func|function)", re.IGNORECASE)
SCHEDULE_NAME = re.compile(r"sched", re.IGNORECASE)
SCALER_NAME = re.compile(r"scaler", re.IGNORECASE)
Loop = ast.For | ast.AsyncFor | ast.While


@dataclass(frozen=True, eq=False)
class LossCall:
    """A call of a loss: its function's name, input and target, and the call that made it where it is a module."""

    call: ast.Call
    name: str
    input: ast.expr
    target: ast.expr | None
    made: ast.Call | None = None


class Training:
    """A script with what is known of the training in it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.script = Script(source)
        self.values = Values(self.script)
        self.operations = Operations(self.script, self.values)

    @cached_property
    def losses(self) -> list[LossCall]:
        """Return the calls of losses."""
        text = self.source.text
        made = any(name in text for name in torch_names.LOSSES) or UNNAMED.search(text) is not None
        return list(filter(None, map(self._loss, self.script.calls))) if made else []

    def _loss(self, call: ast.Call) -> LossCall | None:
        full = self.script.full(call.func)
        name, made = torch_names.loss(full), None
        if name and torch_names.last(full)[0].isupper():
            return None
        if not name and isinstance(call.func, (ast.Name, ast.Attribute, ast.Call)):
            origin = self.made(call.func)
            name = torch_names.loss(self.script.full(origin.func)) if origin is not None else ""
            made = origin if name else None
            if made is call or (made is not None and called(made)[0].islower()):
                return None
        if not name and UNNAMED.fullmatch(called(call)) and len(call.args) > 1 and self._unknown(call.func):
            name = "loss"
        given = keyword(call, "input", 0)
        if not name or given is None or isinstance(given, ast.Starred):
            return None
        return LossCall(call, name, given, keyword(call, "target", 1), made)

    def _unknown(self, func: ast.expr) -> bool:
        """Return whether nothing in the script says what is called."""
        return isinstance(func, ast.Name) and self.values.origins(func) == [None]

    def made(self, expr: ast.expr) -> ast.Call | None:
        """Return the only call that made an object, if there is one."""
        if isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and expr.func.id in self.script.classes:
            return expr
        origin = self.values.single(expr)
        return origin if isinstance(origin, ast.Call) else None

    def is_optimizer(self, expr: ast.expr) -> bool | None:
        """Return whether an expression means an optimizer of torch; None where only its name says so."""
        origins = self.values.origins(expr)
        made = [o.expr for o in origins if o and isinstance(o.expr, ast.Call) and not o.loop]
        names = {called(call) for call in made}
        if made and names <= torch_names.OPTIMIZERS:
            return True
        if made:
            return False
        named = expr.attr if isinstance(expr, ast.Attribute) else expr.id if isinstance(expr, ast.Name) else ""
        return None if OPTIMIZER_NAME.search(named) else False

    def is_schedule(self, expr: ast.expr) -> bool:
        """Return whether an expression means a schedule of the learning rate."""
        made = self.made(expr)
        if made is not None:
            return called(made) in torch_names.SCHEDULERS
        return bool(SCHEDULE_NAME.search(words_of(expr)))

    @cached_property
    def optimizers(self) -> list[ast.Call]:
        """Return the calls that make optimizers of torch."""
        return [call for call in self.script.calls if self.makes_optimizer(call)]

    def makes_optimizer(self, call: ast.Call) -> bool:
        """Return whether a call makes an optimizer."""
        full = self.script.full(call.func)
        name = torch_names.last(full)
        known = name in torch_names.OPTIMIZERS and bool(call.args or call.keywords)
        return known and (full.startswith("torch.optim") or full == name or "optim" in full.lower())

    @cached_property
    def steps(self) -> list[ast.Call]:
        """Return the calls of an optimizer's step."""
        return [call for call in self.methods("step") if self.is_optimizer(call.func.value) is not False]  # type: ignore[attr-defined]

    @cached_property
    def scaled_steps(self) -> list[ast.Call]:
        """Return the calls of a gradient scaler's step."""
        found = self.methods("step")
        return [call for call in found if SCALER_NAME.search(words_of(call.func)) and call.args]

    @cached_property
    def backwards(self) -> list[ast.Call]:
        """Return the calls of backward, those of accelerators and of Lightning included."""
        return [call for call in self.script.calls if called(call) in ("backward", "manual_backward")]

    @cached_property
    def clears(self) -> list[ast.AST]:
        """Return the places where gradients are cleared, in whatever way."""
        return [node for node in self.script.of_type(ast.Call, ast.Assign, ast.keyword) if _clears(node)]

    @cached_property
    def backward_set(self) -> set[ast.AST]:
        """Return the calls of backward, for looking up."""
        return set(self.backwards)

    @cached_property
    def clear_set(self) -> set[ast.AST]:
        """Return the places where gradients are cleared, for looking up."""
        return set(self.clears)

    def block(self, statement: ast.stmt | None) -> list[ast.stmt] | None:
        """Return the list of statements that a statement is one of."""
        parent = self.script.parents.get(statement) if statement is not None else None
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return None

    def is_given(self, expr: ast.expr) -> bool:
        """Return whether an expression is an attribute or argument whose maker is not in this script."""
        return isinstance(expr, ast.Attribute) or any(b.kind == "argument" for b in self.script.reaching(expr))  # type: ignore[arg-type]

    def methods(self, name: str) -> list[ast.Call]:
        """Return the calls of a method of that name."""
        return [c for c in self.script.calls if isinstance(c.func, ast.Attribute) and c.func.attr == name]

    @cached_property
    def module_classes(self) -> list[ast.ClassDef]:
        """Return the classes that are modules: with a forward, and a base that looks like one."""
        return [node for node in self.script.classes.values() if self.is_module_class(node)]

    def is_module_class(self, node: ast.ClassDef) -> bool:
        """Return whether a class is a module of torch."""
        bases = [self.script.full(base) for base in node.bases]
        return any(base.endswith("Module") or base.startswith("torch.nn.") for base in bases) or any(
            self.is_module_class(self.script.classes[base])
            for base in bases
            if base in self.script.classes and self.script.classes[base] is not node
        )

    def forward_of(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """Return the forward method around a node, if it is in one."""
        function = self.script.function_of(node)
        return function if function is not None and function.name == "forward" else None

    def reached(self, scope: ast.AST, depth: int = 0) -> Iterator[ast.AST]:
        """Yield the nodes of a loop or function, and those of functions of this script that it calls."""
        for node in ast.walk(scope):
            yield node
            if isinstance(node, ast.Call) and depth < 3:  # noqa: PLR2004 - calls in calls
                for function in self.called_functions(node):
                    yield from self.reached(function, depth + 1)

    def called_functions(self, call: ast.Call) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Return the functions of this script that a call may mean, by name."""
        if isinstance(call.func, ast.Name):
            return self._by_name.get(call.func.id, [])
        if isinstance(call.func, ast.Attribute) and is_self(call.func.value):
            return self._by_name.get(call.func.attr, [])
        return []

    @cached_property
    def _by_name(self) -> dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]:
        found: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
        for function in self.script.functions:
            found.setdefault(function.name, []).append(function)
        return found

    def loop_values(self, expr: ast.expr) -> list[Binding]:
        """Return the bindings by loops that an expression's name may come from."""
        return [b for b in self.script.reaching(expr) if b.kind == "loop"] if isinstance(expr, ast.Name) else []


def words_of(node: ast.AST) -> str:
    """Return an expression as text."""
    return ast.unparse(node)


def _clears(node: ast.AST) -> bool:
    """Return whether a node clears gradients: zero_grad(), .grad = None, .grad.zero_(), or a step that does so."""
    if isinstance(node, ast.Call):
        named = called(node)
        if "zero_grad" in named or named in ("zero_gradients", "clear_grad", "clear_gradients", "clear_grads"):
            return True
        return named in ("zero_", "fill_", "detach_") and "grad" in words_of(node.func)
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Attribute) and t.attr == "grad" for t in node.targets)
    if isinstance(node, ast.keyword):
        return node.arg in ("zero_grad", "set_to_none")
    return False
