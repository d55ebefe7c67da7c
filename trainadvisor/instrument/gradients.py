"""Reads the gradient of a parameter without a word of torch's."""

import torch


def gradient_of(parameter: torch.Tensor) -> torch.Tensor | None:
    """Return the gradient; torch warns of one that is asked of a tensor which was computed.

    Such a tensor stands in for a parameter where a script calls a model with weights of its own
    (`torch.func.functional_call`), or where an optimizer is differentiated.
    """
    return parameter.grad if parameter.is_leaf or parameter.retains_grad else None
