"""A log of another tool says what its writer was given, to the last digit, whoever wrote it."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from importers.make_fixtures import EVERY, HERE, LR, STEPS, eval_loss, lr, train_loss, truth
from recordedfiles import one, unpacked

from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainadvisor.log.reader import RunLog


def curve(log: RunLog, name: str) -> dict[int, float]:
    """A column of a log by step."""
    values = log.lr if name == "lr" else log.column(name)
    return {int(step): float(value) for step, value in zip(log.steps, values, strict=True) if not np.isnan(value)}


def evaluations(log: RunLog, metric: str | None = None) -> dict[int, float]:
    """The validation losses of a log by step, or one of its metrics."""
    found = {e["step"]: e["metrics"].get(metric) if metric else e.get("loss") for e in log.all_evals}
    return {step: value for step, value in found.items() if value is not None}


def exact(values: dict[int, float]) -> dict[int, float]:
    """What a writer keeps that writes all digits."""
    return values


def single(values: dict[int, float]) -> dict[int, float]:
    """What a writer of 32-bit floats keeps."""
    return {step: float(np.float32(value)) for step, value in values.items()}


def place_of(kind: str, pattern: str, folder: Path) -> Path:
    """Where a recorded log lies; a packed database is unpacked."""
    return unpacked(kind, pattern, folder) if pattern.endswith(".gz") else one(kind, pattern)


@pytest.mark.parametrize(
    ("kind", "pattern", "metric", "kept"),
    [
        ("tensorboard_torch", "events*", "val/accuracy", single),
        ("tensorboard_tensors", "train/events*", "validation/epoch_accuracy", single),
        ("tensorboard_tensors", "validation/events*", "validation/epoch_accuracy", single),
        ("tensorflow_summary", "train/events*", "eval/accuracy", single),
        ("jax_clu", "events*", "eval/accuracy", single),
        ("wandb_offline", "*.wandb", "val.accuracy", exact),
        ("mlflow_folder", "metrics/val_loss", "val_acc", exact),
        ("mlflow_database", "*.db.gz", "val_acc", exact),
        ("trackio_project", "*.db.gz", "val/accuracy", exact),
    ],
)
def test_a_tracker_is_read_back(
    kind: str, pattern: str, metric: str, kept: Callable[[dict[int, float]], dict[int, float]], tmp_path: Path
) -> None:
    """The loss and rate of each step, and each evaluation with its metric."""
    log, given = read_log(place_of(kind, pattern, tmp_path)), truth()
    found = curve(log, "loss")
    assert {step: value for step, value in found.items() if step < STEPS} == kept(given["train"])
    assert curve(log, "lr") == kept(given["lr"])
    assert evaluations(log) == kept(given["eval"])
    assert evaluations(log, metric) == kept(given["accuracy"])


@pytest.mark.parametrize("kind", ["tensorboard_torch", "tensorboard_tensors", "wandb_offline", "mlflow_folder"])
def test_a_folder_is_searched(kind: str) -> None:
    """The folder gives what the file in it gives."""
    assert len(curve(read_log(HERE / kind), "loss")) >= STEPS
    assert len(evaluations(read_log(HERE / kind))) == STEPS // EVERY


@pytest.mark.parametrize(("kind", "pattern"), [("wandb_offline", "*.wandb"), ("mlflow_folder", "metrics/train/loss")])
def test_nan_and_infinity_are_read_as_such(kind: str, pattern: str) -> None:
    """The last two losses of these are NaN and infinite: the loss broke at the first of them."""
    log = read_log(one(kind, pattern))
    assert log.steps.tolist() == list(range(STEPS + 2))
    assert math.isnan(log.column("loss")[STEPS])
    assert log.column("loss")[STEPS + 1] == math.inf
    assert [(e["step"], e["subject"]) for e in log.events if e["kind"] == "nonfinite"] == [(STEPS, "loss")]


def test_keras_csv_is_read_back() -> None:
    """A row an epoch."""
    log = read_log(one("keras_csv", "training.csv"))
    assert curve(log, "loss") == truth()["train"]
    assert curve(log, "lr") == truth()["lr"]
    assert evaluations(log) == {epoch: eval_loss(epoch) for epoch in range(STEPS)}


def test_event_files_of_keras_are_read_back() -> None:
    """A point an epoch, whose number is its step; what is written by iterations of an evaluation is left out."""
    log = read_log(HERE / "keras_tensorboard")
    assert curve(log, "loss") == single(truth()["train"])
    assert evaluations(log) == single(truth()["eval"])
    assert evaluations(log, "validation/epoch_accuracy") == single(truth()["accuracy"])


def test_event_files_of_kohya_are_read_back() -> None:
    """The running mean is the loss, not that of one batch nor that of an epoch at a step that counts epochs."""
    log = read_log(HERE / "kohya_accelerate")
    assert curve(log, "loss") == single(truth()["train"])
    assert curve(log, "lr") == single(truth()["lr"])


def test_lightning_csv_is_read_back() -> None:
    """The loss of each step, not the mean of the epoch beside it, and an evaluation at the end of each epoch."""
    log = read_log(one("lightning_csv", "metrics.csv"))
    assert curve(log, "loss") == single(truth()["train"])
    assert curve(log, "lr") == single(truth()["lr"])
    assert evaluations(log) == single(truth()["eval"])


def test_a_trainer_state_is_read_back() -> None:
    """Means of two steps at the second, the planned steps, and the evaluations; the summing-up row is no point."""
    log = read_log(HERE / "transformers_state")
    means = {
        step: float(np.float32((train_loss(step - 2) + train_loss(step - 1)) / 2)) for step in range(2, STEPS + 1, 2)
    }
    assert curve(log, "loss") == pytest.approx(means, rel=1e-6)
    assert evaluations(log) == pytest.approx(single({step: eval_loss(step - 1) for step in range(6, 25, 6)}), rel=1e-7)
    assert log.header["planned_steps"] == STEPS


def test_a_progress_csv_is_read_back() -> None:
    """Columns that come later, timesteps as steps, the reward as the metric."""
    log = read_log(one("stable_baselines", "progress.csv"))
    assert curve(log, "loss") == {2048 * (step + 1): train_loss(step) for step in range(1, STEPS)}
    assert set(curve(log, "lr").values()) == {LR}
    assert evaluations(log, "rollout/ep_rew_mean") == {
        2048 * (step + 1): 100 - 10 * train_loss(step) for step in range(STEPS)
    }


def test_a_monitor_file_is_read_back() -> None:
    """The reward of each episode."""
    log = read_log(one("stable_baselines", "run.monitor.csv"))
    assert evaluations(log, "episode reward") == {episode: episode + 1.0 for episode in range(STEPS)}


def test_a_skorch_history_is_read_back() -> None:
    """The losses of the epochs, not those of their batches."""
    log = read_log(one("skorch_history", "history.json"))
    assert curve(log, "loss") == {epoch + 1: train_loss(epoch) for epoch in range(STEPS)}
    assert evaluations(log) == {epoch + 1: eval_loss(epoch) for epoch in range(STEPS)}
    assert evaluations(log, "valid_acc") == {epoch + 1: 0.5 + epoch / 100 for epoch in range(STEPS)}
    assert lr(0) == LR


def test_of_several_trainings_below_a_folder_the_newest_is_read(tmp_path: Path) -> None:
    """The folder of logs holds them all; which one was taken is said."""
    data = one("tensorboard_torch", "events*").read_bytes()
    for name, cut in (("first", len(data) // 5), ("second", len(data))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.out.tfevents.1.host").write_bytes(data[:cut])
    os.utime(tmp_path / "first" / "events.out.tfevents.1.host", (1, 1))
    log = read_log(tmp_path)
    assert len(log.steps) == STEPS
    assert f"2 trainings are there; the newest one is judged: {tmp_path / 'second'}" in log.notes


def test_the_steps_of_keras_are_epochs() -> None:
    """Its curves say so by their names."""
    log = read_log(one("tensorboard_tensors", "train/events*"))
    assert log.column("epoch").tolist() == list(range(STEPS))
