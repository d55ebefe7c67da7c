"""What is drawn of a log: few points that keep every spike, layers in groups, marks, and facts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from builders import event, log_of, make_loss, make_model, make_optimizer

from trainadvisor.log.curves import curves
from trainadvisor.log.curves.decimate import kept, line
from trainadvisor.log.curves.heat import grouped
from trainadvisor.log.curves.layer_rows import suspicion
from trainadvisor.log.training_views import trainings

if TYPE_CHECKING:
    from pathlib import Path


def test_a_short_series_keeps_every_point() -> None:
    """Nothing is left out that fits."""
    assert line(np.arange(3), np.array([1.0, np.nan, 3.0]), 1000) == {"x": [0, 1, 2], "y": [1.0, None, 3.0]}


def test_a_long_series_keeps_its_spikes_and_ends() -> None:
    """The lowest and highest of each stretch, at most the allowed number of points."""
    values = np.ones(1_000_000)
    values[777_777], values[222_222] = 9.0, -9.0
    places = kept(values, 1000)
    assert {0, 777_777, 222_222, 999_999} <= set(places.tolist())
    assert len(places) <= 1000


def test_means_stand_beside_extremes() -> None:
    """The mean of a stretch is of all its points, not of those that are drawn."""
    values = np.where(np.arange(10_000) % 10 == 0, 10.0, 0.0)
    drawn = line(np.arange(10_000), values, 100)
    assert drawn is not None
    assert set(drawn["y"]) == {0.0, 10.0}
    assert set(drawn["mean"]["y"]) == {1.0}


def test_numbers_have_four_digits() -> None:
    """More would be read by nobody."""
    drawn = line(np.arange(1), np.array([0.123456789]), 10)
    assert drawn is not None
    assert drawn["y"] == [0.1235]


def test_a_sparse_column_is_one_curve() -> None:
    """Memory is recorded every tenth step, which makes no gaps."""
    values = np.full(20, np.nan)
    values[::10] = 5.0
    assert line(np.arange(20), values, 10) == {"x": [0, 10], "y": [5.0, 5.0]}


def test_few_layers_stay_single_and_many_are_grouped() -> None:
    """By the front parts of their names where that gives blocks, else evenly."""
    assert list(grouped(["a", "b", "a"])) == ["a", "b", "a #2"]
    blocks = grouped([f"model.{n // 8}.{n % 8}" for n in range(400)])
    assert (len(blocks), blocks["model.3"]) == (50, list(range(24, 32)))
    assert len(grouped([f"layer{n}" for n in range(2000)])) == 60


def test_every_part_is_plain_data(tmp_path: Path) -> None:
    """The page embeds it as JSON without NaN."""
    model = make_model(("one", "Linear", 4, 4), ("two", "Linear", 4, 2))
    loss = ["nan" if step in (50, 51) else 1.0 / (1 + step) for step in range(100)]
    log = log_of(
        tmp_path,
        columns={"loss": loss, "lr": 0.1, "grad_norm": ["inf"] * 100, "seconds": 0.5},
        layers=[{"grad": [1.0, None, "nan", 0.0], "update": [0.1, 0.1, 0.1, 0.1]}, {"grad": [2.0, None, 4.0, 0.0]}],
        evals=[{"step": 100, "epoch": 0, "loss": "nan", "losses": {}, "metrics": {"accuracy": 0.5}}],
        models=[model],
        optimizers=[make_optimizer(parameters=[0, 1, 2, 3])],
        losses=[make_loss(target={"histogram": [3, 1]})],
        events=[
            event(
                "exception", {"type": "ValueError", "message": "no", "site": {"file": "train.py", "line": 3}}, step=99
            )
        ],
    )
    found = json.loads(json.dumps(curves(log), allow_nan=False))
    assert found["span"]["last"] == 100
    assert found["marks"]["nonfinite"] == [[50, 51]]
    assert found["heat"]["grad"]["names"] == ["one Linear", "two Linear"]
    assert found["heat"]["grad"]["rows"] == [[0.224, 0.447], ["inf", 1.26]]
    assert found["crash"] == {"type": "ValueError", "message": "no", "place": "train.py:3", "step": 99}
    assert found["classes"]["counts"] == [3, 1]
    assert found["layers"]["rows"][0][0] == "two"
    assert "grad_norm" not in found["series"]


def test_activations_that_are_not_finite_are_marked(tmp_path: Path) -> None:
    """Their standard deviation is nan, which would look as if nothing had been recorded."""
    table = event("table", {"id": 1, "model": 0, "rows": [{"name": "one", "kind": "relu", "layer": "one", "units": 4}]})
    layers = [
        {"table": 1, "act_std": [value], "act_nonfinite": [count]} for value, count in ((1.0, 0), ("nan", 7), (None, 0))
    ]
    log = log_of(tmp_path, steps=3, layers=layers, events=[table], models=[make_model(("one", "Linear", 4, 4))])
    assert curves(log)["heat"]["activation"]["rows"] == [[1.0, "inf", None]]


def test_a_gap_of_an_imported_log_is_no_nan(tmp_path: Path) -> None:
    """Its columns are sparse; only what nothing follows counts."""
    loss = [1.0 if step % 2 == 0 else None for step in range(100)]
    assert curves(log_of(tmp_path, columns={"loss": loss}, source="import:csv"))["marks"]["nonfinite"] == []
    lasting = [*([1.0] * 50), *(["nan"] * 50)]
    assert curves(log_of(tmp_path, columns={"loss": lasting}, source="import:csv"))["marks"]["nonfinite"] == [[50, 99]]


def test_a_later_training_counts_its_own_epochs(tmp_path: Path) -> None:
    """Whose loader is that of the one before; the first one goes on from where it was resumed."""
    steps = [{"opt": [n // 60], "epoch": 5 + n // 20, "loss": 1.0} for n in range(120)]
    optimizers = [make_optimizer(id=number, parameters=[number]) for number in range(2)]
    first, later = trainings(log_of(tmp_path, steps=steps, optimizers=optimizers))
    assert curves(first)["marks"]["epochs"] == [[0, 5], [20, 6], [40, 7]]
    assert curves(later)["marks"]["epochs"] == [[60, 0], [80, 1], [100, 2]]


def test_spikes_changes_of_rate_and_epochs_are_marked(tmp_path: Path) -> None:
    """The timeline shows them."""
    loss = [1.0] * 200
    loss[150] = 5.0
    columns = {"loss": loss, "lr": [0.1] * 100 + [0.01] * 100, "epoch": [step // 100 for step in range(200)]}
    marks = curves(log_of(tmp_path, columns=columns))["marks"]
    assert (marks["spikes"], marks["lr"], marks["epochs"]) == ([150], [100], [[0, 0], [100, 1]])


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ({"bad_step": 3}, {"grad": 0.0}),
        ({"grad": 0.0}, {"dead": 0.9}),
        ({"dead": 0.5}, {"update": 1e-5}),
        ({"update": 1e-7}, {"update": 1e-3}),
        ({"update": 1.0}, {"update": 1e-2}),
    ],
)
def test_the_most_suspicious_layer_comes_first(worse: dict[str, float], better: dict[str, float]) -> None:
    """Not finite, without gradient, dead, then updates far outside the usual range."""
    assert suspicion(worse) > suspicion(better)
