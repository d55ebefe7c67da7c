"""Signals of what comes out of the model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import event, make_loss, make_model, signals_of

ROWS = [{"name": "a", "kind": "linear", "layer": "a"}, {"name": "attn", "kind": "attention_logits", "layer": "attn"},
        {"name": "output", "kind": "output", "layer": ""}]  # fmt: skip
MODEL = {"id": 0, "name": "model", "layers": [], "parameters": []}


def outputs(folder: Path, samples: list[dict[str, list[float]]], more: Sequence[Any] = (), **parts: Any) -> Any:
    """Return the signals of 100 steps with these samples of a linear layer, attention logits and the output."""
    layers = [{"step": i * 100 // len(samples), "table": 0, **sample} for i, sample in enumerate(samples)]
    events = [event("table", {"id": 0, "rows": ROWS}), *more]
    return signals_of(folder, steps=100, layers=layers, events=events, **{"models": [MODEL], **parts})


def test_spread_is_that_of_the_last_evaluations(tmp_path: Path) -> None:
    """Three evaluations count before any training sample."""
    evals = [{"step": 10 * i, "output_spread": s} for i, s in enumerate([9.0, 9.0, 1.0, 2.0, 3.0], 1)]
    assert outputs(tmp_path, [{"act_spread": [1, 1, 7]}] * 5, evals=evals)["output_spread"] == 2.0


def test_spread_falls_back_on_training_outputs_and_then_on_the_loss(tmp_path: Path) -> None:
    """Without evaluations the late samples, without samples what the loss was given."""
    loss = make_loss(prediction={"batch_spread": 0.5})
    assert outputs(tmp_path, [{"act_spread": [1, 1, 9]}] * 6 + [{"act_spread": [1, 1, 7]}] * 4)["output_spread"] == 7.0
    assert signals_of(tmp_path, steps=9, losses=[loss])["output_spread"] == 0.5
    assert signals_of(tmp_path, steps=9)["output_spread"] is None


def test_spread_share_is_relative_to_the_targets_of_a_regression(tmp_path: Path) -> None:
    """A spread of 1 against targets of 4; for classification in logits; unknown for other losses."""
    evals = [{"step": 50, "output_spread": 1.0}]
    losses = [make_loss("mse_loss", target={"std": 4.0}), make_loss(target={"std": 4.0}), make_loss("custom")]
    seen = [signals_of(tmp_path, steps=99, losses=[loss], evals=evals)["output_spread_share"] for loss in losses]
    assert seen == [pytest.approx(0.25), 1.0, None]


@pytest.mark.parametrize(
    ("features", "mean", "share"), [(64, 0.31, 0.02), (32, 0.31, None), (64, 0.5, None), (64, 0.05, None)]
)
def test_what_has_the_width_and_the_mean_of_the_inputs_is_measured_by_their_spread(
    tmp_path: Path, features: int, mean: float, share: float | None
) -> None:
    """A reconstruction under a loss written by hand: 0.005 over a batch whose inputs spread by 0.25.

    Another width, outputs of another mean, and inputs around 0, which changes of the inputs may be told by as well.
    """
    inputs = {"model": 0, "phase": "train", "floating": True, "features": features, "feature_std_median": 0.25}
    model = make_model(("enc", "Linear", 64, 8), ("dec", "Linear", 8, 64))
    seen = outputs(
        tmp_path, [{"act_mean": [0, 0, 0.3 if mean > 0.1 else mean]}] * 10, losses=[make_loss("custom")],
        evals=[{"step": 50, "output_spread": 0.005}], models=[model],
        more=[event("inputs", {**inputs, "mean": mean, "std": 0.37}, "train")],
    )  # fmt: skip
    assert seen["output_spread_share"] == (share and pytest.approx(share))


def test_majority_excess_takes_off_the_most_frequent_label(tmp_path: Path) -> None:
    """Always one class where that class is 30 % of the labels: 0.7 too often."""
    evals = [{"step": 50 + i, "majority_share": 1.0} for i in range(3)]
    seen = signals_of(tmp_path, steps=99, losses=[make_loss(target={"histogram": [30, 25, 30, 15]})], evals=evals)
    assert seen["majority_excess"] == pytest.approx(0.7)


def test_size_and_growth_of_outputs_and_attention_logits(tmp_path: Path) -> None:
    """From 2 to 60 and from 5 to 100 between the first tenth and the last quarter."""
    samples = [{"act_max": [1, 5, 2]}] * 10 + [{"act_max": [1, 100, 60]}] * 10
    seen = outputs(tmp_path, samples)
    assert [seen["output_max"], seen["output_growth"]] == [60.0, pytest.approx(30.0)]
    assert [seen["attention_logit_max"], seen["attention_logit_growth"]] == [100.0, pytest.approx(20.0)]


@pytest.mark.parametrize(
    ("spread", "ops", "trivial"),
    [(1.0, ["PowBackward0"], 3.0), (1.0, ["AbsBackward0"], 4.0), (1.8, ["PowBackward0"], None), (3.1, ["Abs"], None)],
)
def test_the_scatter_of_outputs_is_no_scatter_of_targets(
    tmp_path: Path, spread: float, ops: list[str], trivial: float | None
) -> None:
    """Of a difference with variance 4 the first outputs' own is taken off; mostly theirs, it says nothing."""
    loss = make_loss("custom", trivial_estimate=4.0, graph={"ops": ops, "parameters": []})
    columns = {"loss": [4.0] * 100, "loss_id": 0}
    seen = outputs(tmp_path, [{"act_spread": [9, 9, spread]}] * 5, losses=[loss], columns=columns)
    assert seen["trivial_loss"] == trivial


@pytest.mark.parametrize(("compared", "trivial"), [(16, 3.0), (1, 4.0)])
def test_the_scatter_of_embeddings_is_not_that_of_a_cosine_between_them(
    tmp_path: Path, compared: int, trivial: float
) -> None:
    """One number an example was compared, and the model gives sixteen."""
    loss = make_loss("custom", trivial_estimate=4.0, compared=compared, graph={"ops": ["Pow"], "parameters": []})
    rows = [{**row, "units": 16} for row in ROWS]
    layers = [{"step": 20 * n, "table": 0, "act_spread": [9, 9, 1.0]} for n in range(5)]
    columns, told = {"loss": [4.0] * 100, "loss_id": 0}, [event("table", {"id": 0, "rows": rows})]
    seen = signals_of(tmp_path, models=[MODEL], layers=layers, events=told, losses=[loss], columns=columns)
    assert seen["trivial_loss"] == trivial
