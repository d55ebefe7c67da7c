"""Ratios of new to old probabilities in a policy's loss, and the weight that the loss gives the policy's entropy."""

from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.log_probabilities import is_density, source_of
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import kept, unshaped
from trainadvisor.record.losses.signed_terms import signed_terms

_BETWEEN = frozenset({"Clamp", "ClampMin", "ClampMax", "Sum", "Mean", "Neg", "View", "Squeeze", "Unsqueeze", "Expand"})


def ratio_of(term: Any) -> torch.Tensor | None:
    """Return exp(new - old) where a term that an advantage weighs is that, old without gradient; None otherwise."""
    return _ratio(term, with_gradient=1)


def own_ratio_of(term: Any) -> torch.Tensor | None:
    """Return exp(new - old) where old has a gradient as well, which takes away that of new; None otherwise."""
    return _ratio(term, with_gradient=2)


def _ratio(term: Any, *, with_gradient: int) -> torch.Tensor | None:
    """Return the exponential of a difference of two log-probabilities, of which so many have a gradient."""
    node = _through(term, {"Clamp", "ClampMin", "ClampMax"})
    if bare(node) != "Exp":
        return None
    difference = _through(node.next_functions[0][0], _BETWEEN)
    sides = [following for following, _ in difference.next_functions] if bare(difference) == "Sub" else []
    known = [side for side in sides if side is not None]
    if len(sides) != 2 or len(known) != with_gradient:
        return None
    return kept(node, "result") if all(source_of(side) is not None or is_density(side) for side in known) else None


def is_clipped(term: Any) -> bool:
    """Return whether a term is bounded from both sides, as PPO bounds its ratios; off-policy weights are from above."""
    node = unshaped(term)
    return bare(node) == "Clamp" and all(private_torch.saved(node, bound) is not None for bound in ("min", "max"))


def entropy_weight(root: Any) -> float | None:
    """Return the number that a loss multiplies the policy's entropy with: below 0 for a bonus; None without entropy."""
    weights = [-weight for node, weight in signed_terms(root, _is_products) if _is_products(node)]
    return sum(weights) if weights else None


def _is_products(node: Any) -> bool:
    """Return whether a node multiplies probabilities with their logarithms, as an entropy does."""
    if bare(node) != "Mul" or len(node.next_functions) != 2:
        return False
    sides = [following for following, _ in node.next_functions]
    if None in sides:
        return False
    return any(_is_probability(one) and _is_logarithm(other) for one, other in (sides, sides[::-1]))


def _is_probability(node: Any) -> bool:
    node = _through(node, {"Clamp", "ClampMin", "Div"})
    return bare(node) == "Softmax" or (bare(node) == "Exp" and _is_logarithm(node.next_functions[0][0]))


def _is_logarithm(node: Any) -> bool:
    node = _through(node, {"Clamp", "ClampMin"})
    if bare(node) == "Sub":
        return any(following is not None and bare(following) == "Logsumexp" for following, _ in node.next_functions)
    return bare(node) == "LogSoftmax" or (bare(node) == "Log" and _is_probability(node.next_functions[0][0]))


def _through(node: Any, names: frozenset[str] | set[str]) -> Any:
    """Return the node below operations of these names, and below views."""
    node = unshaped(node)
    while bare(node) in names and node.next_functions and node.next_functions[0][0] is not None:
        node = unshaped(node.next_functions[0][0])
    return node
