"""Arguments that a constructor keeps under each other's names."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import is_self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("first", "second", "taken", words=(("self.", "="),))
def arguments_crossed(training: Training) -> Iterator[Match]:
    """Yield two arguments of a constructor that are bound to each other's attributes."""
    for owner in training.script.classes.values():
        maker = next((n for n in owner.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
        kept = _attributes(maker) if maker is not None else []
        names = [name for name, _ in kept]
        for (first, one), (second, other) in combinations(kept, 2):
            alone = first != second and names.count(first) == names.count(second) == 1
            if alone and first == other.id and second == one.id:
                fix = tuple(replaced(training.source, node, name) for node, name in ((one, first), (other, second)))
                values = {"first": f"self.{first}", "second": f"self.{second}", "taken": one.id}
                yield Match(one, values, other, fix)


def _attributes(maker: ast.FunctionDef) -> list[tuple[str, ast.Name]]:
    """Return the attributes that a constructor binds to arguments as they are, in its outermost block."""
    own = {a.arg for a in (*maker.args.posonlyargs, *maker.args.args, *maker.args.kwonlyargs)}
    found = []
    for node in maker.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        value = getattr(node, "value", None)
        if (
            isinstance(target, ast.Attribute)
            and is_self(target.value)
            and isinstance(value, ast.Name)
            and value.id in own
        ):
            found.append((target.attr, value))
    return found
