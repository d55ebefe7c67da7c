"""What counts as success: each measure with its bound, by logs and signals written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import log_of, make_loss

from trainadvisor.judge.success import evaluation_skill, fallen, successes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trainadvisor.log.reader import RunLog


def told(log: RunLog, **signals: Any) -> list[str]:
    """Return the measures by which a run has learned something."""
    return [remark.kind for remark in successes(log, signals)]


def evaluated(folder: Path, metrics: dict[str, Any], made: Sequence[dict[str, Any]] = (), **record: Any) -> RunLog:
    """Return the log of a run with one evaluation."""
    return log_of(folder, steps=5, evals=[{"step": 5, "loss_id": 0, "metrics": metrics, **record}], losses=made)


@pytest.mark.parametrize(
    ("signals", "codes"),
    [
        ({"skill": 0.1}, ["skill"]),
        ({"skill": 0.099}, []),
        ({"val_skill_final": 0.1}, ["val-skill"]),
        ({"val_skill_final": 0.099, "skill": 0.2}, ["skill"]),
        ({"val_skill_final": 0.2, "skill": 0.2}, ["val-skill", "skill"]),
        ({}, []),
    ],
)
def test_a_tenth_of_what_can_be_learned_is_a_success(
    tmp_path: Path, signals: dict[str, float], codes: list[str]
) -> None:
    """Of held-out data first."""
    assert told(log_of(tmp_path, steps=5), **signals) == codes


@pytest.mark.parametrize(
    ("histogram", "examples", "accuracy", "success"),
    [
        # four standard errors of a half over 100 examples are 0.2; of 10,000 they are less than a tenth of the way
        ([50, 50], 100, 0.71, True),
        ([50, 50], 100, 0.69, False),
        ([50, 50], 10_000, 0.56, True),
        ([50, 50], 10_000, 0.54, False),
        ([90, 10], 10_000, 0.915, True),
        ([90, 10], 10_000, 0.905, False),
        ([100, 0], 100, 1.0, False),
        ([0, 0], 100, 1.0, False),
        ([50, 50], None, 1.0, False),
        (None, 100, 1.0, False),
    ],
)
def test_an_accuracy_has_to_exceed_the_most_frequent_label(
    tmp_path: Path, histogram: list[int] | None, examples: int | None, accuracy: float, *, success: bool
) -> None:
    """By its error, and by a tenth of what is left; one of no known chance says nothing."""
    losses = [make_loss(target={"histogram": histogram} if histogram else {})]
    log = evaluated(tmp_path, {"accuracy": accuracy}, losses, examples=examples)
    assert told(log) == ["accuracy"][: int(success)]


@pytest.mark.parametrize(("value", "success"), [(0.1, True), (0.099, False), ("nan", False)])
def test_a_tenth_of_the_variance_explained_is_a_success(tmp_path: Path, value: float, *, success: bool) -> None:
    """By the metric that the evaluation told."""
    assert told(evaluated(tmp_path, {"r2": value})) == ["metric"][: int(success)]


@pytest.mark.parametrize(
    ("name", "values", "success"),
    [
        ("bleu", [0.1, 0.2, 0.3, 0.4, 0.5], True),
        ("bleu", [0.1, 0.2, 0.3, 0.4], False),
        ("bleu", [0.5, 0.4, 0.3, 0.2, 0.1], False),
        ("bleu", [0.1] * 6, False),
        ("bleu", [0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.2], False),
        ("f1", [0.1, None, 0.2, 0.3, 0.4, 0.5], True),
        ("distance", [0.1, 0.2, 0.3, 0.4, 0.5], False),
        ("rewards/accuracies", [0.5, 0.7, 0.7], True),
        ("rewards/accuracies", [0.5, 0.6, 0.7], False),
        ("rewards/accuracies", [0.8, 0.8, 0.69], False),
        ("rewards/accuracy", [0.7], True),
        ("rewards/margins", [0.7], False),
    ],
)
def test_metrics_of_the_script_have_to_rise(
    tmp_path: Path, name: str, values: list[float | None], *, success: bool
) -> None:
    """Those that are better the higher they are, over five evaluations, beyond their noise; pairs by 0.7."""
    evals = [{"step": n, "metrics": {} if value is None else {name: value}} for n, value in enumerate(values)]
    remarks = list(successes(log_of(tmp_path, steps=9, evals=evals), {}))
    assert [(r.kind, r.values) for r in remarks] == [("metric", {"name": name, "value": values[-1]})][: int(success)]


@pytest.mark.parametrize(
    ("loss", "reduction", "value", "skill"),
    [
        ("mse_loss", "mean", 2.0, 0.5),
        ("mse_loss", "sum", 2.0, None),
        ("mse_loss", "none", 2.0, None),
        ("mse_loss", "mean", 5.0, -0.25),
        ("custom", "mean", 2.0, None),
        ("mse_loss", "mean", "nan", None),
    ],
)
def test_an_evaluation_is_measured_by_the_best_constant_answer(
    tmp_path: Path, loss: str, reduction: str, value: Any, skill: float | None
) -> None:
    """The mean of a squared error by the variance of the targets."""
    losses = [make_loss(loss, target={"variance": 4.0, "mean": 0.0}, reduction=reduction)]
    log = evaluated(tmp_path, {}, losses, losses={"0": value})
    assert evaluation_skill(log) == (None if skill is None else pytest.approx(skill))
    assert told(log) == ["evaluation"][: int((skill or 0) > 0)]


@pytest.mark.parametrize(
    ("variance", "signals", "success"),
    [
        # the best constant of variance 4 has (log 4 + 1) / 2 = 1.193
        (4.0, {"loss_final": 1.09}, True),
        (4.0, {"loss_final": 1.10}, False),
        (4.0, {"loss_final": 1.0, "val_loss_final": 2.0}, False),
        (4.0, {"loss_final": 2.0, "val_loss_final": 1.0}, True),
        (0.0, {"loss_final": -9.0}, False),
        (None, {"loss_final": -9.0}, False),
        (4.0, {}, False),
    ],
)
def test_a_likelihood_has_to_beat_a_constant(
    tmp_path: Path, variance: float | None, signals: dict[str, float], *, success: bool
) -> None:
    """By a tenth of a nat, on held-out data where there are any."""
    log = log_of(tmp_path, steps=5, losses=[make_loss("gaussian_nll_loss", target={"variance": variance})])
    assert told(log, loss_kind="gaussian_nll_loss", **signals) == ["density"][: int(success)]
    assert told(log, loss_kind="mse_loss", **signals) == []


@pytest.mark.parametrize(
    ("losses", "ops", "success"),
    [
        ([3.0] * 20 + [2.8] * 20, ["LogcumsumexpBackward0"], True),
        ([3.0] * 20 + [2.95] * 20, ["LogcumsumexpBackward0"], False),
        ([3.0] * 20 + [2.8] * 20, ["AddBackward0"], False),
        ([3.0, 3.0, 3.0, 1.0], ["LogcumsumexpBackward0"], False),
        ([3.0, 1.0] * 20 + [2.8, 0.8] * 20, ["LogcumsumexpBackward0"], False),
    ],
)
def test_a_partial_likelihood_has_to_beat_equal_risks(
    tmp_path: Path, losses: list[float], ops: list[str], *, success: bool
) -> None:
    """Which the first losses are, beyond the noise."""
    loss = make_loss("custom", graph={"ops": ops})
    assert told(log_of(tmp_path, columns={"loss": losses}, losses=[loss])) == ["partial-likelihood"][: int(success)]


def course(*levels: float, length: int = 100) -> list[float]:
    """Return losses that go through levels in equal parts."""
    return [float(v) for v in np.repeat(levels, length // len(levels))]


@pytest.mark.parametrize(
    ("losses", "signals", "found"),
    [
        # three tenths of the first loss and 0.65 of what it was behind the first twentieth
        (course(10, 5, 4, 3), {"loss_final": 3.0}, True),
        (course(10, 5, 4, 3), {"loss_final": 3.1}, False),
        (course(10, 5, 4, 3), {}, False),
        ([], {"loss_final": 1.0}, False),
        ([10.0] * 5 + [4.0] * 95, {"loss_final": 2.6}, True),
        ([10.0] * 4 + [4.0] * 96, {"loss_final": 2.7}, False),
        ([*course(10, 5, 4, 3), -0.1], {"loss_final": 1.0}, False),
        # without a yardstick: three tenths of the whole fall come late, and not like a straight line
        (course(0, -1, -2, -3, -3), {"loss_final": -3.0, "loss_straightness": 0.35}, True),
        (course(0, -1, -2, -3, -3), {"loss_final": -3.0, "loss_straightness": 0.36}, False),
        (course(0, -1, -2, -3, -3), {"loss_final": -3.0}, False),
        (course(0, -1, -2, -3, -3), {"loss_final": -3.0, "loss_straightness": 0.1, "skill": 0.0}, False),
        (course(0, -1, -2, -3, -3), {"loss_final": -3.0, "loss_straightness": 0.1, "preference_weight": 1.0}, False),
        ([0.0] * 5 + [-8.0] * 45 + [-10.0] * 50, {"loss_final": -10.0, "loss_straightness": 0.1}, False),
        ([0.0] * 5 + [-6.0] * 45 + [-10.0] * 50, {"loss_final": -10.0, "loss_straightness": 0.1}, True),
        (course(-3, -2, -1, 0, 0), {"loss_final": 0.0, "loss_straightness": 0.1}, False),
    ],
)
def test_a_loss_that_fell_far(tmp_path: Path, losses: list[float], signals: dict[str, float], *, found: bool) -> None:
    """Most of a positive one; of one without a yardstick a good part after the first tenth, and ever more slowly."""
    remarks = list(fallen(log_of(tmp_path, columns={"loss": losses}), signals))
    assert [remark.kind for remark in remarks] == ["fall"][: int(found)]
    if found:
        assert remarks[0].values == {"first": pytest.approx(losses[0]), "final": signals["loss_final"]}
