"""Numbers that a value of a script has wherever the script says what it is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import constant, keyword

if TYPE_CHECKING:
    from trainadvisor.source.training import Training


def numbers_of(training: Training, node: ast.expr) -> list[float]:
    """Return the numbers that a value is given in the script, all of them; none where one is not known."""
    found = _of_maker(training, node)
    if found is None:
        origins = training.values.origins(node)
        found = [constant(o.expr) if o is not None and not o.path and not o.loop else None for o in origins]
    numbers = [n for n in found if isinstance(n, (int, float)) and not isinstance(n, bool)]
    return numbers if len(numbers) == len(found) else []


def _of_maker(training: Training, node: ast.expr) -> list[object] | None:
    """Return what the makers of an object give for an argument of its constructor; None for anything else."""
    function, owner = training.script.function_of(node), training.script.class_of(node)
    names = [a.arg for a in function.args.args] if function is not None else []
    if not isinstance(node, ast.Name) or owner is None or function is None or node.id not in names[1:]:
        return None
    if function.name != "__init__":
        return None
    place, spare = names.index(node.id) - 1, len(names) - len(function.args.defaults)
    default = function.args.defaults[place + 1 - spare] if place + 1 >= spare else None
    calls = training.script.calls_by_name.get(owner.name, [])
    return [constant(keyword(call, node.id, place) or default) for call in calls]
