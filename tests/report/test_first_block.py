"""The first block of `trainadvisor run`, line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from builders import make_loss, make_model, make_optimizer

from trainadvisor.i18n.language import Words
from trainadvisor.report.text.introduction import introduction

LOADER = {"id": 0, "role": "train", "batch_size": 32, "workers": 2, "shuffle": True}


def lines(later: dict[str, list[dict[str, Any]]] | None = None, **header: Any) -> list[str]:
    """Return the block without the names of its lines."""
    found = introduction({"script": "train.py", **header}, later or {}, Words("en"), Path("log.json"))
    return [" ".join(line.split()) for line in found]


def test_all_that_was_found_is_told() -> None:
    """The model, the optimizer, the loss with its classes, the loader of the training."""
    told = lines(
        models=[make_model(("a", "Linear", 1000, 2))],
        optimizers=[make_optimizer("SGD", 0.1, momentum=0.9, weight_decay=0.0)],
        losses=[make_loss(target={"classes": 10})],
        loaders=[{**LOADER, "id": 1, "role": "eval", "batch_size": 7}, LOADER],
    )
    assert "train.py" in told[0]
    assert "model, 2 tensors (2 k) | SGD lr 0.1 momentum 0.9 | cross_entropy, 10 classes" in told[1]
    assert told[2] == "DataLoader batch 32, workers 2, shuffle on"
    assert "log.json" in told[4]


def test_what_is_not_there_is_left_out() -> None:
    """No line for a loader, nothing for a loss that only evaluates."""
    told = lines(losses=[make_loss(phase="eval")], models=[make_model(("a", "Linear", 3, 2))])
    assert len(told) == 4
    assert told[1].endswith("model, 2 tensors (8)")


@pytest.mark.parametrize(("shuffle", "word"), [(True, "on"), (False, "off"), (None, "?")])
def test_a_loader_is_told_with_its_order(shuffle: bool | None, word: str) -> None:  # noqa: FBT001 - a fact of a log
    """Where that is known."""
    assert lines(loaders=[{**LOADER, "shuffle": shuffle}])[2] == f"DataLoader batch 32, workers 2, shuffle {word}"


def test_facts_that_come_later_replace_those_of_the_header() -> None:
    """By their numbers; of many the last two are told."""
    optimizers = [make_optimizer("SGD", 0.1, id=n) for n in range(3)]
    told = lines({"optimizer": [make_optimizer("Adam", 0.01, id=1)]}, optimizers=optimizers)
    assert told[1].endswith("Adam lr 0.01 + SGD lr 0.1")


@pytest.mark.parametrize(("size", "shown"), [(999, "999"), (1000, "1 k"), (1_500_000, "1.5 M"), (2_000_000_000, "2 G")])
def test_sizes_are_told_with_their_unit(size: int, shown: str) -> None:
    """From a thousand on."""
    model = make_model(("a", "Linear", 3, 2))
    model["parameters"] = [{**model["parameters"][0], "count": size}]
    assert lines(models=[model])[1].endswith(f"model, 1 tensor ({shown})")


@pytest.mark.parametrize(("every", "gradients"), [(10, 5), (1, 1), (7, 3)])
def test_gradients_are_looked_at_twice_as_often_as_layers(every: int, gradients: int) -> None:
    """At least every step; ten where the log does not say it."""
    words = Words("en")
    told = lines(recorder={"layers_every": every})[2]
    assert told.endswith(words("run.cadence", gradients=gradients, layers=every))
    assert lines()[2].endswith(words("run.cadence", gradients=5, layers=10))
