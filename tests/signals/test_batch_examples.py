"""Spreads of batches that are too small to have one, and first steps that are large by construction."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, log_of, make_loss, make_model, make_optimizer, signals_of

from trainadvisor.signals.batch_examples import examples_of_batch

MODEL = make_model(("fc", "Linear", 8, 1))
ROWS = [{"name": name, "kind": kind, "layer": "fc"} for name, kind in (("fc", "linear"), ("fc.output", "output"))]
TABLE = event("table", {"id": 0, "model": 0, "rows": ROWS})
LAYERS = [{"table": 0, "act_spread": [0.0, 0.0], "update": [0.5, 0.5], "weight": [1.0, 1.0]}] * 20


def signals(folder: Path, batch: int, prediction: dict[str, Any], optimizer: dict[str, Any] | None = None) -> Any:
    """Return the signals of a run with one batch size."""
    return signals_of(
        folder,
        columns={"loss": np.linspace(1, 0.5, 60), "batch": batch, "loss_id": 0},
        models=[MODEL],
        optimizers=[optimizer or make_optimizer()],
        layers=LAYERS,
        events=[TABLE],
        losses=[make_loss("mse_loss", prediction=prediction)],
    )


def test_one_example_has_no_spread(tmp_path: Path) -> None:
    """Zero within a batch of one says nothing; across the batches the single output differs."""
    alone = signals(tmp_path, 1, {"shape": [1, 1], "batch_spread": 0.0, "std": 0.7, "batches": 90})
    assert (alone["first_layer_spread"], alone["prediction_spread"], alone["output_spread"]) == (None, 0.7, 0.7)
    several = signals(tmp_path, 1, {"shape": [1, 10], "batch_spread": 0.0, "std": 0.7, "batches": 90})
    assert (several["prediction_spread"], several["output_spread"]) == (None, None)


def test_four_examples_have_one(tmp_path: Path) -> None:
    """From four examples on a spread of zero is one."""
    four = signals(tmp_path, 4, {"shape": [4, 1], "batch_spread": 0.0, "std": 0.7, "batches": 90})
    assert (four["first_layer_spread"], four["prediction_spread"], four["output_spread"]) == (0.0, 0.0, 0.0)


def test_examples_count_by_micro_batch(tmp_path: Path) -> None:
    """Eight micro-batches of two are batches of two."""
    assert examples_of_batch(log_of(tmp_path, columns={"batch": [16] * 30, "micro": 8})) == 2.0
    assert examples_of_batch(log_of(tmp_path, columns={"batch": [16] * 30})) == 16.0


@pytest.mark.parametrize(("kind", "ratio"), [("RMSprop", 0.05), ("SGD", 0.5), ("Adam", 0.5)])
def test_the_first_step_of_rmsprop_is_large_by_construction(tmp_path: Path, kind: str, ratio: float) -> None:
    """With alpha 0.99 it is ten times the learning rate; other optimizers start with steps of their usual size."""
    found = signals(tmp_path, 32, {"shape": [32, 1]}, make_optimizer(kind, alpha=0.99))
    assert found["update_ratio_first"] == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("loss", "target", "signed"),
    [
        ([0.5, -0.1, 0.4, 0.2], {}, True),
        ([0.5, 0.1, 0.4, 0.2], {}, False),
        ([0.5, -0.1, 0.4, 0.2], {"variance": 1.0}, False),
    ],
)
def test_a_loss_of_either_sign(tmp_path: Path, loss: list[float], target: dict[str, float], *, signed: bool) -> None:
    """Only where no yardstick is known does a negative value take the meaning from a rise."""
    kind = "mse_loss" if target else "custom"
    found = signals_of(tmp_path, columns={"loss": loss * 10, "loss_id": 0}, losses=[make_loss(kind, target=target)])
    assert found["loss_signed"] is signed


def test_a_model_without_sampled_updates_has_no_fastest_matrix(tmp_path: Path) -> None:
    """Samples of a model without weight matrices are no error."""
    found = signals_of(tmp_path, columns={"loss": [1.0] * 30}, models=[make_model(("e", "Embedding"))],
                       layers=[{"update": []}] * 9)  # fmt: skip
    assert found["update_ratio_fastest"] is None
    assert found.notes == []
