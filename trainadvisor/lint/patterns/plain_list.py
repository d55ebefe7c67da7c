"""Modules kept in a plain list or dictionary of a module: nobody sees their parameters."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.own_imports import own_name
from trainadvisor.source.syntax import called, is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

REGISTERS = frozenset({"ModuleList", "ModuleDict", "Sequential", "add_module", "register_module", "setattr",
                       "ParameterList", "register_parameter", "extend", "parameters"})  # fmt: skip
LISTS = (ast.List, ast.ListComp, ast.Tuple, ast.Dict, ast.DictComp)


@pattern("attribute", "kind", words=(("Module",), ("self.",)))
def unregistered_modules(training: Training) -> Iterator[Match]:
    """Yield attributes of modules that hold trainable modules in a list, and are registered nowhere in the class."""
    for owner in training.module_classes:
        for node in ast.walk(owner):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Attribute) and is_self(target.value) and isinstance(node, ast.Assign):
                held = _held(training, node.value) if training.script.class_of(node) is owner else None
                if held is not None and not _registered(owner, target.attr, held):
                    yield Match(node, _values(target.attr, held), fix=_wrapped(training, node.value, held))
            elif isinstance(node, ast.Call) and _appends(training, owner, node):
                yield _appended(training, owner, node)


def _values(name: str, held: ast.expr) -> dict[str, str]:
    kind = "ModuleDict" if isinstance(held, (ast.Dict, ast.DictComp)) else "ModuleList"
    return {"attribute": f"self.{name}", "kind": kind}


def _held(training: Training, value: ast.expr) -> ast.expr | None:
    """Return the list or dictionary of trainable modules that a value is."""
    listed = training.values.single(value) if isinstance(value, ast.Name) else value
    if isinstance(listed, (ast.ListComp, ast.DictComp)):
        element = listed.elt if isinstance(listed, ast.ListComp) else listed.value
        return listed if _trains(training, element) else None
    elements = listed.values if isinstance(listed, ast.Dict) else getattr(listed, "elts", [])
    return listed if isinstance(listed, LISTS) and elements and all(_trains(training, e) for e in elements) else None


def _trains(training: Training, element: ast.expr) -> bool:
    """Return whether an expression makes a module with parameters, there and then."""
    if not isinstance(element, ast.Call):
        return False
    name = training.script.full(element.func)
    weighed = ("Linear", "Conv", "RNN", "LSTM", "GRU", "Embedding", "Norm", "Attention", "Transformer", "Bilinear")
    if name.startswith("torch.nn.") and name.count(".") == 2 and not name.startswith("torch.nn.utils"):  # noqa: PLR2004 - torch.nn.NAME
        if called(element) == "Sequential":
            return any(_trains(training, argument) for argument in element.args)
        return any(part in called(element) for part in weighed)
    owner = training.script.classes.get(called(element)) if isinstance(element.func, ast.Name) else None
    return (
        owner is not None
        and training.is_module_class(owner)
        and any(isinstance(n, ast.Call) and _trains_plainly(training, n) for n in ast.walk(owner))
    )


def _trains_plainly(training: Training, call: ast.Call) -> bool:
    name = training.script.full(call.func)
    return name in ("torch.nn.Linear", "torch.nn.Conv2d", "torch.nn.Conv1d", "torch.nn.Parameter", "torch.nn.Embedding")


def _registered(owner: ast.ClassDef, name: str, held: ast.expr) -> bool:
    """Return whether a class hands the list on to something that may register its modules."""
    for node in ast.walk(owner):
        if isinstance(node, ast.Call) and called(node) in REGISTERS:
            mentioned = [n for argument in (*node.args, *(k.value for k in node.keywords)) for n in ast.walk(argument)]
            if any(isinstance(n, ast.Attribute) and n.attr == name for n in mentioned) or called(node) in (
                "add_module",
                "register_module",
                "setattr",
            ):
                return True
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Attribute)
            and node.targets[0].attr == name
            and held not in ast.walk(node)
            and isinstance(node.value, ast.Call)
        ):
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in (
            "parameters",
            "named_parameters",
            "__getattr__",
        ):
            return True
    return False


def _wrapped(training: Training, value: ast.expr, held: ast.expr) -> Fix:
    kind = "ModuleDict" if isinstance(held, (ast.Dict, ast.DictComp)) else "ModuleList"
    text = f"{_area(training, value)}.{kind}({training.source.segment(value)})"
    return (replaced(training.source, value, text),)


def _area(training: Training, node: ast.expr) -> str:
    """Return what the script calls torch.nn."""
    return own_name(training.source.tree, "torch.nn", node.lineno) or "torch.nn"


def _appends(training: Training, owner: ast.ClassDef, call: ast.Call) -> bool:
    """Return whether a call appends a module to an attribute that was made as an empty list."""
    func = call.func
    if called(call) != "append" or not isinstance(func, ast.Attribute) or not isinstance(func.value, ast.Attribute):
        return False
    if not is_self(func.value.value) or len(call.args) != 1 or not _trains(training, call.args[0]):
        return False
    made = training.script.attribute_values(owner, func.value.attr)
    plain = bool(made) and all(isinstance(value, ast.List) and not value.elts for value in made)
    return plain and not _registered(owner, func.value.attr, call)


def _appended(training: Training, owner: ast.ClassDef, call: ast.Call) -> Match:
    """Return the match of an append, with the change that makes a ModuleList of the list."""
    listed = ast.unparse(call.func).removesuffix(".append")
    made = training.script.attribute_values(owner, listed.removeprefix("self."))[0]
    fix = (replaced(training.source, made, f"{_area(training, made)}.ModuleList()"),) if made is not None else None
    return Match(call, {"attribute": listed, "kind": "ModuleList"}, made, fix)
