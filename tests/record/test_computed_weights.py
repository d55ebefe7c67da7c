"""A model that is called with computed weights (`torch.func.functional_call`): torch warns of the gradient of such."""

import warnings

import torch
from recordkit import record
from torch import nn


def adapt(steps: int = 16) -> None:
    """Train through one step of descent on a copy of the weights, as meta-learning does."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        rows = torch.randn(8, 4)
        inner = model(rows).pow(2).mean()
        slopes = torch.autograd.grad(inner, list(model.parameters()), create_graph=True)
        weights = {name: p - 0.1 * slope for (name, p), slope in zip(model.named_parameters(), slopes, strict=True)}
        optimizer.zero_grad()
        torch.func.functional_call(model, weights, (rows,)).pow(2).mean().backward()
        optimizer.step()


def test_computed_weights_are_asked_for_no_gradient() -> None:
    """Torch says nothing, where it would under the script's name but of our lines; the steps are recorded."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        records = record(adapt)
    assert [str(warning.message)[:60] for warning in told] == []
    assert len(records.of("step")) == 16
    assert records.failures == []
