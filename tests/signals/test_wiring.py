"""The order of calls, read off the tally and the steps."""

from pathlib import Path
from typing import Any

import pytest
from builders import event, make_model, make_optimizer, signals_of


def tally(folder: Path, **counts: Any) -> Any:
    """Signals of a log whose last tally holds these counts."""
    return signals_of(folder, steps=4, events=[event("tally", counts)])


@pytest.mark.parametrize(
    ("counts", "name", "value"),
    [
        ({"step": 11, "stale_steps": 10}, "stale_share", 1.0),
        ({"step": 11, "stale_steps": 0}, "stale_share", 0.0),
        ({"step": 1, "stale_steps": 0}, "stale_share", None),
        ({"step": 20, "step_without_grad": 5}, "no_grad_share", 0.25),
        ({"step": 0, "step_without_grad": 0}, "no_grad_share", None),
        ({"step": 20, "zero_between_backward_and_step": 20}, "zero_between_share", 1.0),
        ({"step": 20, "zero_between_backward_and_step": 20}, "zero_between_steps", 20),
        ({"step": 20, "zero_between_backward_and_step": 0}, "zero_between_steps", None),
        ({"step": 20, "backward": 80}, "backward_per_step", 4.0),
        ({"step": 0, "backward": 720}, "optimizer_steps", 0),
        ({"step": 0, "backward": 720}, "backwards", 720),
        ({"zero_grad": 12}, "zero_grads", 12),
        ({"manual_updates": True}, "manual_updates", True),
        ({"accumulation": 4, "accumulation_divided": False}, "accumulation", 4),
        ({"accumulation": 4, "accumulation_divided": False}, "accumulation_divided", False),
        ({"accumulation": 4}, "accumulation_divided", None),
        ({"clip_calls": 10, "clip_before_unscale": 10}, "clip_before_unscale_share", 1.0),
        ({"clip_calls": 10, "clip_before_unscale": 10}, "clips_before_unscale", 10),
        ({"step": 10, "host_syncs": 25}, "syncs_per_step", 2.5),
    ],
)
def test_tally(tmp_path: Path, counts: Any, name: str, value: Any) -> None:
    """Counts of the tally become shares of the right whole."""
    assert tally(tmp_path, **counts)[name] == value


@pytest.mark.parametrize(("told", "divided"), [([event("divided-by-one")], False), ([], True)])
def test_a_division_by_one_divides_nothing(tmp_path: Path, told: Any, divided: object) -> None:
    """As Accelerate's where it accumulates nothing by itself."""
    counts = event("tally", {"accumulation": 8, "accumulation_divided": True})
    assert signals_of(tmp_path, events=[*told, counts])["accumulation_divided"] is divided


@pytest.mark.parametrize(("optimizer", "batches"), [("Adam", 8), ("LBFGS", 1)])
def test_most_steps_tell_how_many_batches_they_are_of(tmp_path: Path, optimizer: str, batches: int) -> None:
    """The last step of an epoch may have fewer; the passes of a closure belong to one and the same batch."""
    told = 4 if optimizer == "Adam" else 1
    signals = signals_of(
        tmp_path, steps=[{"micro": n} for n in (8, 8, 8, 4)], events=[event("tally", {"accumulation": told})],
        optimizers=[make_optimizer(kind=optimizer)],
    )  # fmt: skip
    assert signals["accumulation"] == batches


def test_left_over_gradients_count_in_this_training_alone(tmp_path: Path) -> None:
    """The tally is that of the whole process, in which another training cleared and two optimizers stepped."""
    steps = [{"stale": False}, {"stale": True}, {"stale": True}]
    counts = {"step": 100, "stale_steps": 2}
    assert signals_of(tmp_path, steps=steps, events=[event("tally", counts)])["stale_share"] == 1.0


def test_without_a_tally_nothing_is_claimed(tmp_path: Path) -> None:
    """An imported log has no call counts, so the signals are absent."""
    signals = signals_of(tmp_path, steps=4)
    assert [signals[name] for name in ("stale_share", "backwards", "manual_updates", "no_grad_share")] == [None] * 4


def test_optimizers_are_counted(tmp_path: Path) -> None:
    """Every optimizer of the log counts, whether it stepped or not."""
    assert signals_of(tmp_path, steps=2, optimizers=[make_optimizer(), make_optimizer(id=1)])["optimizer_count"] == 2


def test_first_stale_step(tmp_path: Path) -> None:
    """The onset is the number of the first stale step."""
    steps = [{"stale": False}, {"stale": False}, {"stale": True}, {"stale": True}]
    assert signals_of(tmp_path, steps=steps)["stale_onset"] == 2


def test_eval_mode(tmp_path: Path) -> None:
    """Share and onset of training steps in eval mode."""
    signals = signals_of(tmp_path, steps=[{"mode": "train"}] * 3 + [{"mode": "eval"}] * 9)
    assert (signals["eval_mode_share"], signals["eval_mode_onset"], signals["eval_mode_from_start"]) == (0.75, 3, False)


def test_eval_mode_from_the_start(tmp_path: Path) -> None:
    """A run that begins in eval mode says so."""
    assert signals_of(tmp_path, steps=[{"mode": "eval"}] * 3)["eval_mode_from_start"] is True


def test_layers_that_depend_on_the_mode(tmp_path: Path) -> None:
    """Active dropout and batch norm count; dropout with p = 0, batch statistics and frozen norms do not."""
    layers = [
        ("drop", "Dropout", {"p": 0.1}),
        ("off", "Dropout", {"p": 0.0}),
        ("bn", "BatchNorm1d", {"track_running_stats": True}),
        ("plain", "BatchNorm1d", {"track_running_stats": False}),
        ("norm", "LayerNorm", {}),
        ("rnn", "LSTM", {"dropout": 0.2}),
        ("still", "BatchNorm1d", 4, 4),
    ]
    model = make_model(*layers)
    for parameter in model["parameters"]:
        parameter["trainable"] = False
    signals = signals_of(tmp_path, steps=2, models=[model])
    assert signals["mode_layers"] == ["drop", "bn", "rnn"]
    assert signals["mode_layer_count"] == 3


def test_evaluations_in_train_mode(tmp_path: Path) -> None:
    """Only evaluations of models that depend on the mode count."""
    bad = {"mode": "train", "care": True, "train_mode_modules": ["drop"]}
    evals = [
        {"step": 1, **bad},
        {"step": 2, "mode": "eval", "care": True},
        {"step": 3, "mode": "train", "care": False},
        {"step": 4, **bad},
    ]
    signals = signals_of(tmp_path, steps=4, evals=evals)
    assert (signals["train_mode_evals"], signals["train_mode_eval_share"]) == (2, 0.5)
    assert signals["train_mode_layers"] == ["drop"]


def test_resume_jump_against_the_checkpoint(tmp_path: Path) -> None:
    """The loss after a restart is compared with the loss that the checkpoint knows."""
    events = [event("resume", {"loss": 0.5, "optimizer": False}, step=0)]
    signals = signals_of(tmp_path, columns={"loss": [1.0] * 10}, events=events)
    assert (signals["resume_jump"], signals["resume_lacks_state"], signals["resume_step"]) == (2.0, True, 0)


def test_resume_jump_within_a_log(tmp_path: Path) -> None:
    """Without a loss in the checkpoint the steps before are the measure."""
    events = [event("resume", {"optimizer": True}, step=10)]
    signals = signals_of(tmp_path, columns={"loss": [0.4] * 10 + [0.8] * 10}, events=events)
    assert (signals["resume_jump"], signals["resume_lacks_state"]) == (2.0, False)


def test_loss_scale(tmp_path: Path) -> None:
    """The median loss scale of the run."""
    assert signals_of(tmp_path, columns={"scale": [2.0, 8.0, 4.0]})["scale_median"] == 4.0


def test_blocks_of_steps_in_eval_mode(tmp_path: Path) -> None:
    """Each change from train to eval mode counts, the one at the start does not."""
    modes = ["eval", "train", "eval", "eval", "train", "eval", "train"]
    assert signals_of(tmp_path, steps=[{"mode": mode} for mode in modes])["eval_step_blocks"] == 2
