"""The functions of torch that a sampled forward is watched for, by what they are."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F

_ACTIVATIONS = {
    "relu": "relu", "relu_": "relu", "relu6": "relu", "threshold": "relu", "clamp_min": "relu", "tanh": "tanh",
    "tanh_": "tanh",
    "sigmoid": "sigmoid", "sigmoid_": "sigmoid", "hardsigmoid": "sigmoid", "gelu": "gelu", "silu": "silu",
    "leaky_relu": "leaky_relu",
    "leaky_relu_": "leaky_relu", "elu": "elu", "elu_": "elu", "selu": "selu", "celu": "celu", "mish": "mish",
    "softplus": "softplus",
    "softmax": "softmax", "log_softmax": "log_softmax", "hardtanh": "hardtanh", "prelu": "prelu",
    "softsign": "softsign",
}  # fmt: skip
# Functions that exchange axes or drop values: no activations, but places of faults.
_RESHAPING = ("view", "reshape", "flatten", "permute", "transpose", "squeeze", "dropout")


def _functions(kinds: Mapping[str, str]) -> dict[Any, str]:
    """Return the kinds by function, whichever of torch's names it is called by."""
    owners = (torch, F, torch.Tensor)
    return {getattr(owner, name): kind for owner in owners for name, kind in kinds.items() if hasattr(owner, name)}


ACTIVATIONS = _functions(_ACTIVATIONS)
RESHAPING = _functions({name: name for name in _RESHAPING})
