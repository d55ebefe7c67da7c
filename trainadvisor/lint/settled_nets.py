"""Nets that a script shows to answer an input always alike: layers of torch, nothing random, nothing that is set."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import constant, is_self

if TYPE_CHECKING:
    from trainadvisor.source.training import Training

# What can make two passes of one input differ inside of a model.
CHANCE = re.compile(
    r"dropout|from_pretrained|drop_path|noise|stochastic|Transformer|RReLU|rrelu|Fractional|gumbel|sample|shuffle|"
    r"bernoulli|multinomial|distributions|spectral_norm|parametri[sz]|register_\w*hook|hub\.load",
    re.IGNORECASE,
)
# Packages whose calls in a net draw nothing.
SETTLED = ("torch.", "math.", "einops.", "typing.", "__future__")
SIZES = frozenset({"int", "len", "max", "min"})
BUILTINS = frozenset({"super", "print", "isinstance", "range", "zip", "enumerate", "tuple", "list", "sum", *SIZES})


def is_settled(training: Training, func: ast.expr) -> bool:
    """Return whether what is called is known from the script to be a net without chance and without a state."""
    if CHANCE.search(training.source.text):
        return False
    made = _made(training, func)
    return bool(made) and all(_is_settled(training, call, set()) for call in made)


def _made(training: Training, func: ast.expr) -> list[ast.expr | None]:
    """Return what may have made a net: of an argument, what each caller in the script gives."""
    function = training.script.function_of(func)
    arguments = {a.arg for a in function.args.args} if function is not None else set()
    if function is not None and isinstance(func, ast.Name) and func.id in arguments:
        return [training.made(given) for given in training.script.given(function, func.id)]
    return [training.made(func)]


def _is_settled(training: Training, made: ast.expr | None, seen: set[str]) -> bool:
    """Return whether what makes a net is a class of the script that is settled, or layers of torch."""
    if not isinstance(made, ast.Call):
        return False
    if isinstance(made.func, ast.Attribute) and made.func.attr in ("to", "cuda") and not is_self(made.func.value):
        return _is_settled(training, made.func.value, seen)
    if any(not _is_plain(training, value, seen) for value in (*made.args, *(k.value for k in made.keywords))):
        return False
    name = made.func.id if isinstance(made.func, ast.Name) else ""
    owner = training.script.classes.get(name)
    if owner is None:
        return training.script.full(made.func).startswith("torch.nn.")
    return name in seen or _is_settled_class(training, owner, seen | {name})


def _is_plain(training: Training, value: ast.expr, seen: set[str]) -> bool:
    """Return whether a net is made from a number, a text, or layers that are settled."""
    if isinstance(value, ast.Call):
        sized = isinstance(value.func, ast.Name) and value.func.id in SIZES
        return sized or _is_settled(training, value, seen)
    if isinstance(value, (ast.List, ast.Tuple)):
        return all(_is_plain(training, part, seen) for part in value.elts)
    if isinstance(value, ast.BinOp):
        return _is_plain(training, value.left, seen) and _is_plain(training, value.right, seen)
    single = training.values.single(value) if isinstance(value, ast.Name) else value
    return isinstance(single, ast.Constant) or constant(value) is not None


def _is_settled_class(training: Training, owner: ast.ClassDef, seen: set[str]) -> bool:
    """Return whether the methods of a module call only what is known, and set nothing."""
    if not training.is_module_class(owner):
        return False
    for base in owner.bases:
        name = training.script.full(base)
        parent = training.script.classes.get(name)
        if name != "torch.nn.Module" and (parent is None or not _is_settled_class(training, parent, seen)):
            return False
    return all(_is_settled_node(training, owner, node, seen) for node in ast.walk(owner))


def _is_settled_node(training: Training, owner: ast.ClassDef, node: ast.AST, seen: set[str]) -> bool:
    """Return whether a part of a class neither calls what is unknown nor sets anything after it was made."""
    function = training.script.function_of(node)
    making = function is not None and function.name == "__init__"
    if isinstance(node, (ast.Global, ast.Nonlocal, ast.Delete, ast.Lambda)):
        return False
    if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
        return making and isinstance(node, ast.Attribute)
    if isinstance(node, ast.Call):
        return _is_known_call(training, owner, node, making=making, seen=seen)
    return True


def _is_known_call(training: Training, owner: ast.ClassDef, call: ast.Call, *, making: bool, seen: set[str]) -> bool:
    """Return whether a call in a class of a net draws nothing and changes nothing, as far as the script shows it."""
    func, full = call.func, training.script.full(call.func)
    name = full.rpartition(".")[2] or (func.attr if isinstance(func, ast.Attribute) else "")
    in_place = name.endswith("_") and not name.startswith("__") and not making
    if "rand" in name or name == "normal" or in_place:
        return False
    if full.startswith(SETTLED):
        return True
    if isinstance(func, ast.Name):
        own = func.id in training.script.classes
        return _is_settled(training, call, seen) if own else func.id in BUILTINS
    if isinstance(func, ast.Attribute) and is_self(func.value):
        values = training.script.attribute_values(owner, func.attr)
        layers = bool(values) and all(_is_layer(training, value, seen) for value in values)
        return layers or training.script.method(owner, func.attr) is not None
    return _is_of_value(training, func)


def _is_of_value(training: Training, func: ast.expr) -> bool:
    """Return whether a method is one of a value or of super(), not of a package that the script imports."""
    root = func
    while isinstance(root, (ast.Attribute, ast.Call, ast.Subscript)):
        root = root.func if isinstance(root, ast.Call) else root.value
    return isinstance(func, ast.Attribute) and isinstance(root, ast.Name) and root.id not in training.script.imports


def _is_layer(training: Training, value: ast.expr | None, seen: set[str]) -> bool:
    """Return whether an attribute of a net holds a layer of torch whose parts are known, or a settled module."""
    if not isinstance(value, ast.Call):
        return False
    parts = [n for n in ast.walk(value) if isinstance(n, ast.Call)]
    if any(isinstance(n, ast.Starred) for n in ast.walk(value)):
        return False
    name = value.func.id if isinstance(value.func, ast.Name) else ""
    if name in training.script.classes:
        return _is_settled(training, value, seen)
    holds = training.script.full(value.func) in ("torch.nn.Sequential", "torch.nn.ModuleList")
    whole = all(isinstance(part, ast.Call) for part in value.args) if holds else True
    return whole and all(
        training.script.full(n.func).startswith("torch.nn.")
        or (isinstance(n.func, ast.Name) and n.func.id in {*SIZES, *training.script.classes})
        for n in parts
    )
