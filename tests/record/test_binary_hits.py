"""How many answers of a loss are right, at the borders between the two."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from trainadvisor.record.losses.loss_calls import hits
from trainadvisor.record.objects.registry import ObjectRegistry

PROBABILITIES, LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"


def _hits(kind: str, prediction: list[Any], target: list[Any]) -> list[float] | None:
    call: Any = SimpleNamespace(
        prediction=torch.tensor(prediction), target=torch.tensor(target), entry=SimpleNamespace(kind=kind)
    )
    found = hits(call)
    return None if found is None else found.tolist()


@pytest.mark.parametrize(
    ("kind", "prediction", "target", "right"),
    [
        (PROBABILITIES, [0.2, 0.8], [0.5, 1.0], [2, 2]),
        (PROBABILITIES, [0.5, 0.5], [0.0, 1.0], [1, 2]),
        (PROBABILITIES, [0.4, 0.6], [1.0, 0.0], [0, 2]),
        (LOGITS, [0.0, 0.0], [0.0, 1.0], [1, 2]),
        (LOGITS, [0.4, -0.1], [1.0, 0.0], [2, 2]),
        (LOGITS, [[0.4], [-0.1]], [[1.0], [1.0]], [1, 2]),
        (LOGITS, [[0.4, 1.0]], [[1.0, 1.0]], None),
        (LOGITS, [0.4], [[1.0]], None),
        ("mse_loss", [0.4], [1.0], None),
    ],
)
def test_an_answer_on_the_border_is_a_no(
    kind: str, prediction: list[Any], target: list[Any], right: list[int] | None
) -> None:
    """Of a soft target too; several answers an example and other losses have no share."""
    assert _hits(kind, prediction, target) == right


def test_a_known_module_is_its_model_again() -> None:
    """Under whatever name; one that was compiled meanwhile stays so."""
    told: list[Any] = []
    objects = ObjectRegistry(lambda kind, fact: told.append((kind, fact)))
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model = objects.add_model(module)
    assert objects.add_model(module, "other") is model
    assert objects.add_model(module[0]) is model
    assert (len(objects.models), len(told), model.name, model.compiled) == (1, 1, "Sequential", False)
    module.compile()
    assert objects.add_model(module) is model
    assert model.compiled is True
    other = nn.Linear(2, 2)
    assert objects.add_model(other) is not model
