"""The figures of the run that a diagnosis carries, worked out here from the log's own numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import build_log, event, make_model, make_optimizer

from trainadvisor.telling import diagnose

if TYPE_CHECKING:
    from pathlib import Path

NAN = float("nan")


def run(folder: Path, **parts: Any) -> dict[str, Any]:
    """Return the figures of a log."""
    facts: dict[str, Any] = diagnose(build_log(folder, **parts)).run
    return facts


def evals(*losses: float | None) -> list[dict[str, Any]]:
    """Return evaluations with these losses."""
    return [{"step": 10 * n, "epoch": n, "loss": loss, "loss_id": 0} for n, loss in enumerate(losses, 1)]


@pytest.mark.parametrize(
    ("losses", "best"),
    [((2.0, 1.0, 1.5), 2), ((1.0,), 1), ((3.0, 2.0, 1.0), 3), ((None, 1.0, 1.0), 2), ((None,), None)],
)
def test_evaluations_are_counted_from_one(tmp_path: Path, losses: tuple[float | None, ...], best: int | None) -> None:
    """The first of the best ones; none where no loss is known."""
    facts = run(tmp_path, columns={"loss": [1.0] * 40}, evals=evals(*losses))
    assert (facts.get("best_eval"), facts["evals"]) == (best, len(losses))


def test_the_gap_is_the_validation_s_loss_less_the_training_s(tmp_path: Path) -> None:
    """At the end of both."""
    facts = run(tmp_path, columns={"loss": [0.5] * 40}, evals=evals(2.0, 0.75, 0.75, 0.75))
    assert facts["generalization_gap"] == pytest.approx(facts["val_loss_final"] - facts["loss_final"])
    assert facts["generalization_gap"] == pytest.approx(0.25)


def test_gradient_norms_are_told_by_their_tails(tmp_path: Path) -> None:
    """The fifth and ninety-fifth of a hundred, without those that are no numbers."""
    norms = [*np.linspace(1, 2, 101), NAN, float("inf")]
    facts = run(tmp_path, columns={"loss": [1.0] * 103, "grad_norm": norms})
    assert (facts["grad_norm_low"], facts["grad_norm_high"]) == (pytest.approx(1.05), pytest.approx(1.95))
    assert "grad_norm_low" not in run(tmp_path, columns={"loss": [1.0] * 5, "grad_norm": [NAN] * 5})


def test_parameters_that_got_a_gradient_once_are_counted(tmp_path: Path) -> None:
    """Of those that are trainable: a frozen one is none of them."""
    model = make_model(("a", "Linear", 4, 2), ("b", "Linear", 2, 2))
    model["parameters"][3]["trainable"] = False
    grads: list[list[float | None]] = [[None, None, 1.0, None], [1.0, None, None, None]]
    facts = run(
        tmp_path,
        columns={"loss": [1.0] * 5},
        layers=[{"grad": row} for row in grads],
        models=[model],
        optimizers=[make_optimizer(parameters=(0, 1, 2))],
    )
    assert (facts["tensors"], facts["tensors_reached"]) == (3, 2)


@pytest.mark.parametrize(
    ("name", "spread", "counted"), [("part.a", 0.3, 2), ("part.a", 0.31, 4), ("parts.1.a", 0.3, 4)]
)
def test_a_layer_that_was_made_to_be_copied_needs_no_gradient(
    tmp_path: Path, name: str, spread: float, counted: int
) -> None:
    """Its copy began with the same values; a forgotten layer did not, or it is itself one of the copies."""
    model = make_model((name, "Linear", 2, 2), ("parts.0.a", "Linear", 2, 2))
    for number, parameter in enumerate(model["parameters"]):
        parameter |= {"init_std": (spread if number == 0 else 0.3) if number % 2 == 0 else 0.0, "init_rms": 0.3}
    facts = run(
        tmp_path,
        columns={"loss": [1.0] * 5},
        layers=[{"grad": [None, None, 1.0, 1.0]}],
        models=[model],
        optimizers=[make_optimizer(parameters=(0, 1, 2, 3))],
    )
    assert (facts["tensors"], facts["tensors_reached"]) == (counted, 2)


def test_a_layer_without_random_values_has_no_copy(tmp_path: Path) -> None:
    """All norms begin with the same ones."""
    model = make_model(("part.a", "LayerNorm", 2, 2), ("parts.0.a", "LayerNorm", 2, 2))
    for parameter in model["parameters"]:
        parameter |= {"init_std": 0.0, "init_rms": 1.0}
    grads: list[float | None] = [None] * (len(model["parameters"]) // 2) + [1.0] * (len(model["parameters"]) // 2)
    facts = run(
        tmp_path,
        columns={"loss": [1.0] * 5},
        layers=[{"grad": grads}],
        models=[model],
        optimizers=[make_optimizer(parameters=tuple(range(len(grads))))],
    )
    assert (facts["tensors"], facts["tensors_reached"]) == (len(grads), len(grads) // 2)


def test_the_setting_is_that_of_the_optimizer_s_first_group(tmp_path: Path) -> None:
    """Where there is one."""
    facts = run(tmp_path, columns={"loss": [1.0] * 5}, optimizers=[make_optimizer("Adam", 0.003)])
    assert (facts["optimizer"], facts["lr"]) == ("Adam", 0.003)
    assert "optimizer" not in run(tmp_path, columns={"loss": [1.0] * 5})


def test_the_last_memory_that_is_known_is_told(tmp_path: Path) -> None:
    """It is measured every tenth step."""
    memory = [100.0, *[NAN] * 9, 120.0, *[NAN] * 4]
    assert run(tmp_path, columns={"loss": [1.0] * 15, "memory": memory})["memory"] == 120.0
    assert "memory" not in run(tmp_path, columns={"loss": [1.0] * 15})


def test_metrics_of_the_task_are_told_from_first_to_last(tmp_path: Path) -> None:
    """Three at most, and none that says what the loss says."""
    names = ("val_mse", "val_acc", "val_f1", "val_auc", "val_dice")
    told = [{"step": 10 * n, "loss": 1.0, "metrics": dict.fromkeys(names, n / 10)} for n in (1, 2, 3)]
    told[2]["metrics"]["val_f1"] = NAN
    facts = run(tmp_path, columns={"loss": [1.0] * 40, "accuracy": [0.5] * 40}, evals=told)
    assert facts["task_metrics"] == [
        {"name": "val_acc", "first": 0.1, "last": 0.3},
        {"name": "val_f1", "first": 0.1, "last": 0.2},
        {"name": "val_auc", "first": 0.1, "last": 0.3},
    ]


def test_a_metric_that_is_recorded_and_printed_is_told_once(tmp_path: Path) -> None:
    """Under the name of ours; a metric that is only printed by its own."""
    told = [{"step": 10 * n, "loss": 1.0, "metrics": {"accuracy": n / 10}} for n in (1, 2)]
    lines = [event("figures-printed", {"held_out": {"val acc": n / 10, "val f1": n / 20}}, step=10 * n) for n in (1, 2)]
    facts = run(tmp_path, columns={"loss": [1.0] * 40}, evals=told, events=lines)
    assert facts["task_metrics"] == [
        {"name": "accuracy", "first": 0.1, "last": 0.2},
        {"name": "val f1", "first": 0.05, "last": 0.1},
    ]


def test_what_a_training_without_evaluations_prints_is_told(tmp_path: Path) -> None:
    """As the return of a policy."""
    lines = [event("figures-printed", {"held_out": {"return": value}}, step=n) for n, value in ((5, 1.0), (9, 7.0))]
    facts = run(tmp_path, columns={"loss": [1.0] * 40}, events=lines)
    assert facts["task_metrics"] == [{"name": "return", "first": 1.0, "last": 7.0}]


def test_the_accuracy_of_training_is_told_of_curves_only(tmp_path: Path) -> None:
    """That of a single recorded batch says little."""
    (tmp_path / "a.log").write_text(
        "".join(f"Epoch {n}/9 - loss: {9 / n} - accuracy: {n / 10}\n" for n in range(1, 10))
    )
    read = diagnose(tmp_path / "a.log").run
    assert read["task_metrics"] == [{"name": "", "first": 0.1, "last": 0.9}]
    assert "task_metrics" not in run(tmp_path, columns={"loss": [1.0] * 40, "accuracy": [0.5] * 40})


def test_metrics_of_an_evaluation_are_told_up_to_fifty(tmp_path: Path) -> None:
    """By their last finite value, in the order in which they came."""
    first = {"step": 1, "metrics": {f"m{n}": float(n) for n in range(60)}}
    facts = run(tmp_path, columns={"loss": [1.0] * 5}, evals=[first, {"step": 2, "metrics": {"m3": 0.5, "m4": "nan"}}])
    assert facts["val_metrics"] == {f"m{n}": 0.5 if n == 3 else float(n) for n in range(50)}


@pytest.mark.parametrize(("steps", "points"), [(7, 7), (60, 60), (150, 60)])
def test_a_curve_is_medians_of_equal_stretches(tmp_path: Path, steps: int, points: int) -> None:
    """Each with the last step of its stretch, at most sixty, without what is not finite."""
    losses = [NAN, *np.arange(steps, dtype=float)]
    curve = run(tmp_path, columns={"loss": losses})["loss_curve"]
    edges = [int(edge) for edge in np.linspace(0, steps, points + 1)]
    naive = [[stop, float(np.median(losses[1 + start : 1 + stop]))] for start, stop in pairwise(edges)]
    assert curve == naive


@pytest.mark.parametrize(
    ("schedulers", "rates", "told"),
    [
        ([], [0.1, 0.1], "none"),
        ([], [0.1, 0.05], "by hand"),
        ([{"id": 0, "class": "StepLR"}], [0.1, 0.05], "StepLR"),
        ([{"id": 0, "class": "StepLR"}, {"id": 1, "class": "ConstantLR"}], [0.1, 0.1], "StepLR + ConstantLR"),
        ([{"id": 0, "class": "StepLR"}, {"id": 1, "class": "StepLR"}], [0.1, 0.1], "StepLR"),
    ],
)  # fmt: skip
def test_the_schedule_is_told_by_its_class(
    tmp_path: Path, schedulers: list[dict[str, Any]], rates: list[float], told: str
) -> None:
    """Or as one by hand, where the rate changes without one."""
    columns = {"loss": [1.0] * 20, "lr": np.linspace(*rates, 20).tolist()}
    facts = run(tmp_path, columns=columns, optimizers=[make_optimizer()], schedulers=schedulers)
    assert facts["schedule"] == told


def test_times_of_steps_are_told_by_their_quantiles_and_the_cost_of_recording_by_both(tmp_path: Path) -> None:
    """The last share that was told, of all the time that is known."""
    events = [event("overhead", {"share": share, "skipped": 3, "budget": 0.01}) for share in (0.5, 0.02)]
    facts = run(tmp_path, columns={"loss": [1.0] * 101, "seconds": np.arange(101.0)}, events=events)
    assert [facts[f"step_time_p{q}"] for q in (50, 95, 99)] == pytest.approx([50.0, 95.0, 99.0])
    assert (facts["overhead"], facts["left_out"], facts["overhead_budget"]) == (0.02, 3, 0.01)
    assert facts["overhead_seconds"] == pytest.approx(0.02 * 5050)


def test_two_runs_of_one_workload_have_its_marks_in_common(tmp_path: Path) -> None:
    """The shapes of the model and its kinds of layers, its size, and the last evaluation's data."""
    one, other = make_model(("a", "Linear", 4, 2)), make_model(("a", "Linear", 2, 4))
    renamed = make_model(("b", "Linear", 4, 2))
    evaluated = [{"step": 1, "examples": 50, "trivial": 0.7}]
    found = [run(tmp_path, columns={"loss": [1.0]}, models=[model], evals=evaluated) for model in (one, other, renamed)]
    assert [facts["parameters"] for facts in found] == [10, 12, 10]
    assert found[0]["model_hash"] == found[2]["model_hash"] != found[1]["model_hash"]
    assert found[0]["val_data"] == [50.0, 0.7]
    assert "val_data" not in run(tmp_path, columns={"loss": [1.0]}, evals=[{"step": 1, "examples": 50}])
