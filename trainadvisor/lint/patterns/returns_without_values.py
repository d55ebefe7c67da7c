"""Targets of a critic that are the advantages, to which its values were never added."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RETURNS = re.compile(r"^(b_|mb_|batch_)?(returns?|rets?|value_targets?|v_targets?|target_values?)$", re.IGNORECASE)
ADVANTAGES = re.compile(r"^(b_|mb_|batch_)?(adv|advs|advantages?|gaes?)$", re.IGNORECASE)
SAME = frozenset({"clone", "detach", "copy", "to", "float", "tensor", "as_tensor", "stack", "asarray"})


@pattern(
    "returns", "advantages", words=(("adv", "gae"), ("value", "critic"), ("ret", "target"), ("lam", "gae", "delta"))
)
def explained_variance_low(training: Training) -> Iterator[Match]:
    """Yield names of returns that hold the advantages and nothing else."""
    for node in training.script.of_type(ast.Assign):
        target = node.targets[0]
        if len(node.targets) != 1 or not isinstance(target, ast.Name) or not RETURNS.search(target.id):
            continue
        source = _plain(node.value)
        held = training.script.bindings(training.script.scope(node)).get(target.id, [])
        if len(held) == 1 and source is not None and ADVANTAGES.search(last_name(source)):
            yield Match(node, {"returns": target.id, "advantages": ast.unparse(source)})


def _plain(value: ast.expr) -> ast.expr | None:
    """Return the name behind calls that leave the values as they are."""
    while isinstance(value, ast.Call) and called(value) in SAME:
        module = isinstance(value.func, ast.Attribute) and last_name(value.func.value) in ("torch", "np", "numpy")
        inner = value.args[0] if module and value.args else getattr(value.func, "value", None)
        if inner is None:
            return None
        value = inner
    return value if isinstance(value, (ast.Name, ast.Attribute)) else None
