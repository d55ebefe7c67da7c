"""Losses of preferences: log sigmoid of beta times a difference of log-probabilities of two answers."""

from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.losses.log_probabilities import source_of
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import kept, region
from trainadvisor.record.losses.signed_terms import signed_terms

_OF_MARGINS = frozenset({"LogSigmoid", "LogSigmoidForward", "Softplus"})
_ANSWERS = 2


@dataclass
class Preference:
    """The margins of a batch, reward of the chosen less that of the rejected answer, and what weighs them."""

    margins: torch.Tensor
    beta: float


def preference_of(root: Any) -> Preference | None:
    """Return the margins in a loss of preferences, None for any other loss."""
    for node in region(root):
        if bare(node) in _OF_MARGINS and node.next_functions[0][0] is not None:
            beta, margins = _beta(node.next_functions[0][0]), kept(node, "self")
            if beta is not None and margins is not None:
                return Preference(margins, beta)
    return None


def _beta(node: Any) -> float | None:
    """Return the size of the weights of log-probabilities of answers; None where none opposes another."""
    terms = list(signed_terms(node, _is_picked))
    if len(terms) < _ANSWERS or any(source_of(term) is None for term, _ in terms):
        return None
    weights = [weight for _, weight in terms]
    opposed = min(weights) < 0 < max(weights) or not any(weights)
    return max(abs(weight) for weight in weights) if opposed else None


def _is_picked(node: Any) -> bool:
    """Return whether a node picks log-probabilities of tokens: what lies below belongs to one answer."""
    return bare(node) in {"Gather", "Index", "Select", "Slice", "NllLoss", "Split", "Unbind"}
