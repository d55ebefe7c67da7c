"""A weight of the loss that is set among the settings and that nothing reads: the loss goes on without it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

WEIGHT = re.compile(r"(\w+_)?(weight|coeff?|lambda|lamb)|(weight|coeff?|lambda|w)_\w+", re.IGNORECASE)
# Weights of other things than terms of a loss.
OTHER = re.compile(r"decay|class|init|norm|sample|dir|path|file|std|tie|tying|quant|load|save|dtype", re.IGNORECASE)
# Ways to read all settings at once, or by names that are not written out.
ALL = frozenset({"asdict", "astuple", "vars", "fields", "getattr", "replace", "to_dict"})


@pattern("setting", words=(("dataclass",), ("weight", "coef", "lambda", "lamb"), ("backward(",)))
def loss_weight_unread(training: Training) -> Iterator[Match]:
    """Yield fields of a dataclass of settings called like a weight of a loss, whose name is read nowhere."""
    script = training.script
    read = {n.attr for n in script.of_type(ast.Attribute) if isinstance(n.ctx, ast.Load)}
    if any(called(call) in ALL or _is_handed_out(training, call) for call in script.calls):
        return
    texts = {constant(node) for node in script.of_type(ast.Constant)}
    for owner in script.classes.values():
        if not any("dataclass" in ast.unparse(d) for d in owner.decorator_list) or owner.bases:
            continue
        fields = [n for n in owner.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        names = {n.target.id: n for n in fields if isinstance(n.target, ast.Name)}
        for name, field in names.items():
            is_weight = WEIGHT.fullmatch(name) and not OTHER.search(name) and _is_number(field.value)
            if is_weight and name not in read and name not in texts and read & names.keys():
                yield Match(field, {"setting": name})


def _is_number(value: ast.expr | None) -> bool:
    """Return whether a weight is a number that changes a loss: neither 0 nor 1."""
    number = constant(value)
    return isinstance(number, (int, float)) and not isinstance(number, bool) and number not in (0, 1)


def _is_handed_out(training: Training, call: ast.Call) -> bool:
    """Return whether settings are given to what is no function or class of the script, and may be read there."""
    known = {f.name for f in training.script.functions} | training.script.classes.keys() | {"print", "repr", "str"}
    if called(call) in known:
        return False
    made = [training.values.single(a) for a in (*call.args, *(k.value for k in call.keywords))]
    owners = (training.script.classes.get(called(m)) for m in made if isinstance(m, ast.Call))
    return any(o is not None and any("dataclass" in ast.unparse(d) for d in o.decorator_list) for o in owners)
