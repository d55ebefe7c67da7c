"""Clipping that a framework's optimizer does itself is told like torch's."""

import sys
import types

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

X, Y = torch.randn(12, 4), torch.arange(12) % 3
# The part of Keras's module that clips, as functions of a module of that name.
SOURCE = """
import torch

def global_norm(value_list):
    return torch.stack([v.pow(2).sum() for v in value_list]).sum().sqrt()

def clip_by_global_norm(value_list, clip_norm):
    norm = global_norm(value_list)
    return [v * (clip_norm / torch.maximum(norm, torch.tensor(clip_norm))) for v in value_list]

class BaseOptimizer:
    learning_rate = 0.1

    def __init__(self, parameters, clip):
        self.parameters, self.clip = list(parameters), clip
        self._trainable_variables = [type("Variable", (), {"value": p}) for p in self.parameters]

    def apply(self, gradients):
        clipped = clip_by_global_norm(gradients, 0.01) if self.clip else gradients
        with torch.no_grad():
            for parameter, gradient in zip(self.parameters, clipped):
                parameter.sub_(gradient, alpha=0.1)
"""


@pytest.mark.parametrize("clip", [True, False])
def test_the_limit_and_the_norm_before_it_are_told(monkeypatch, clip):
    """At every step, and nothing where the optimizer does not clip."""
    module = types.ModuleType("keras.src.optimizers.base_optimizer")
    exec(SOURCE, module.__dict__)  # noqa: S102 - a module of the name that is looked for
    monkeypatch.setitem(sys.modules, module.__name__, module)
    norms = []

    def train():
        model = nn.Linear(4, 3)
        optimizer = type("SGD", (module.BaseOptimizer,), {})(model.parameters(), clip)
        for _ in range(5):
            model.zero_grad()
            F.cross_entropy(model(X), Y).backward()
            norms.append(nn.utils.get_total_norm([p.grad for p in model.parameters()]).item())
            optimizer.apply([p.grad for p in model.parameters()])

    records = record(train)
    assert records.column("clip_max") == [0.01 if clip else None] * 5
    assert records.column("clip_norm") == (pytest.approx(norms, rel=1e-5) if clip else [None] * 5)
    assert records.tally["clips_after_step"] == 0
