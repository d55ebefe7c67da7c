"""The terms of a total loss: what each is scaled with, and which tensors its gradient reaches."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.losses.loss_calls import MARK
from trainadvisor.record.losses.loss_graph import bare, metadata_of
from trainadvisor.record.losses.loss_region import scaling, shape_of

_MOST_NODES = 20_000
_MOST_TERMS = 12
_SUMMING = frozenset({"Add", "Sub"})
_PASSING = frozenset({"Neg", "ToCopy", "View", "Squeeze", "Unsqueeze", "Alias", "Clone", "ReshapeAlias"})
# Steps in value whose derivative is zero: nothing behind them gets a gradient.
_STEPS = frozenset({"Round", "Floor", "Ceil", "Trunc", "Sign", "Sgn", "Heaviside"})


@dataclass
class Term:
    """One summand of a loss: its node, and the numbers that it is multiplied with."""

    node: Any
    factors: list[torch.Tensor | float] = field(default_factory=list)

    @property
    def serial(self) -> int | None:
        """Return the number of the call of a loss function that made this term, None where none did."""
        return metadata_of(self.node).get(MARK) if hasattr(self.node, "metadata") else None

    def scaled(self, value: torch.Tensor) -> torch.Tensor:
        """Return the value of the term as it counts in the total."""
        for factor in self.factors:
            value = value * factor
        return value


@dataclass
class Total:
    """A loss taken apart: its terms, and whether something without gradient was added to them."""

    terms: list[Term] = field(default_factory=list)
    constant: bool = False


def take_apart(root: Any) -> Total:
    """Return the terms that a scalar loss is the weighted sum of."""
    total, queue = Total(), deque([Term(root)])
    while queue:
        term = queue.popleft()
        if len(total.terms) + len(queue) >= _MOST_TERMS:
            total.terms.append(term)
        else:
            queue.extend(_inside(term, total))
    return total


def _inside(term: Term, total: Total) -> list[Term]:
    """Return the terms that one is made of; one that is not a sum is itself put into the total."""
    node, name = term.node, bare(term.node)
    if shape_of(node) != [] or term.serial is not None:
        total.terms.append(term)
        return []
    inner = [following for following, _ in node.next_functions]
    if name in _SUMMING:
        total.constant |= None in inner
        signs: list[float] = [1.0, -1.0 if name == "Sub" else 1.0]
        return [Term(n, [*term.factors, s]) for n, s in zip(inner, signs, strict=False) if n is not None]
    if name in _PASSING and len(inner) == 1 and inner[0] is not None:
        return [Term(inner[0], [*term.factors, -1.0] if name == "Neg" else term.factors)]
    scaled = scaling(node)
    if scaled is not None:
        factor = 1.0 / scaled[1] if name == "Div" else scaled[1]
        return [Term(scaled[0], [*term.factors, factor])]
    total.terms.append(term)
    return []


@dataclass
class Reach:
    """The leaves that the gradient of a term gets to, and whether one cannot tell of all."""

    tensors: dict[int, torch.Tensor] = field(default_factory=dict)
    opaque: bool = False


def reach(node: Any) -> Reach:
    """Return what gets a gradient from a term; what lies behind a step in value does not."""
    found, seen, queue = Reach(), {node}, deque([node])
    while queue:
        node = queue.popleft()
        if hasattr(node, "variable"):
            found.tensors[id(node.variable)] = node.variable
        elif "Checkpoint" in node.name() or "CompiledFunction" in node.name() or len(seen) > _MOST_NODES:
            found.opaque = True
        if bare(node) in _STEPS:
            continue
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)
    return found
