"""The rules on numerics, convergence and generalization: each finds its curve and spares a sound one."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, make_loss, make_model, make_optimizer, signals_of

from trainadvisor.judge import rule_loading
from trainadvisor.judge.engine import judge
from trainadvisor.judge.rule_verdict import FOUND
from trainadvisor.signals.context import contexts

FAMILIES = ("numerics", "convergence", "generalization")
TARGET = {"histogram": [100] * 10, "classes": 10, "shape": [32], "dtype": "int64", "integer": True}
H0 = math.log(10)
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def book() -> Any:
    """The shipped rules."""
    return rule_loading.load()


@pytest.fixture
def found(tmp_path: Path, book: Any) -> Callable[..., dict[str, str]]:
    """Codes of these families found in a run, with their severity."""

    def judged(train: Any, held_out: Any = (), noise: float = 0.02, **parts: Any) -> dict[str, str]:
        train = np.asarray(train, dtype=float)
        # batch noise shrinks with the loss, as it does in trainings
        train = train * (1 + noise * RNG.normal(size=train.size))
        every = train.size / max(len(held_out), 1)
        evals = [
            {"step": round((i + 1) * every), "loss": float(v), "examples": 400, "mode": "eval"}
            for i, v in enumerate(held_out)
        ]
        facts = {
            "losses": [make_loss(target=TARGET)],
            "models": [make_model(("a", "Linear", 8, 64), ("b", "Linear", 64, 10))],
        }
        columns = {"loss": train, "loss_id": 0, "lr": 0.1, "batch": 32}
        signals = signals_of(
            tmp_path, **{**facts, "optimizers": [make_optimizer()], "columns": columns, "evals": evals, **parts}
        )
        verdicts = judge(signals, book, contexts(signals.log))
        return {v.code: v.severity for v in verdicts if v.state == FOUND and v.rule.family in FAMILIES}

    return judged


def falling(steps: int = 400, rate: float = 6.0, floor: float = 0.05) -> Any:
    """An ordinary training curve from ln 10 down to a floor."""
    return floor + (H0 - floor) * np.exp(-rate * np.linspace(0, 1, steps))


def loud(codes: dict[str, str]) -> set[str]:
    """Codes of warning or error."""
    return {code for code, severity in codes.items() if severity != "note"}


@pytest.mark.parametrize("steps", [60, 150, 400, 1500, 20_000])
@pytest.mark.parametrize("noise", [0.01, 0.1, 0.4])
def test_an_ordinary_curve_is_silent_at_any_length_and_noise(found: Any, steps: int, noise: float) -> None:
    """From a smoke test to a long run, from large to tiny batches."""
    held_out = falling(12, floor=0.1)
    assert loud(found(falling(steps), held_out, noise=noise)) == set()


def test_a_noisy_task_with_a_high_floor_is_silent(found: Any) -> None:
    """Labels that are half chance leave a loss of 1.5 that no model passes: a note at most."""
    assert loud(found(falling(600, rate=20, floor=1.5), falling(15, rate=20, floor=1.55), noise=0.15)) == set()


def test_a_plateau_at_chance_that_ends_well_is_silent(found: Any) -> None:
    """A third of the run at ln 10, then a fast fall."""
    losses = np.concatenate([np.full(400, H0), falling(800)])
    assert loud(found(losses, [H0, H0, H0, H0, 1.0, 0.4, 0.2, 0.15, 0.12, 0.1, 0.1, 0.1])) == set()


def test_cosine_restarts_are_silent(found: Any) -> None:
    """Bumps of a fifth of the fall at each restart of the learning rate."""
    phase = np.tile(np.linspace(1, 0, 100), 6)
    losses = falling(600, rate=12) + 0.4 * phase * (np.arange(600) >= 100)
    columns = {"loss": losses, "loss_id": 0, "lr": 0.1 * (phase + 0.01), "batch": 32}
    assert loud(found(losses, columns=columns)) == set()


def test_divergence_is_an_error_and_is_no_missing_learning(found: Any) -> None:
    """Down to 0.5, then up to 20 for the rest of the run."""
    losses = np.concatenate([falling(200, floor=0.5), np.linspace(0.5, 20, 100), np.full(200, 20.0)])
    codes = found(losses)
    assert codes["divergence"] == "error"
    assert "no-learning" not in codes


def test_a_loss_that_creeps_up_near_zero_is_no_divergence(found: Any) -> None:
    """From 0.010 to 0.030 after a fall from 2.3."""
    losses = np.concatenate([falling(300, rate=12, floor=0.01), np.linspace(0.01, 0.03, 200)])
    assert "divergence" not in found(losses, noise=0.2)


def test_bouncing_at_a_high_level_is_found(found: Any) -> None:
    """A slow zigzag between 1.2 and 3 with no trend."""
    losses = 2.1 + 0.9 * np.sign(np.sin(np.arange(600) / 4))
    assert "oscillating-loss" in found(losses, noise=0.05)


def test_ragged_batches_are_no_oscillation(found: Any) -> None:
    """The same scatter, independent from step to step."""
    losses = 2.1 + 0.9 * RNG.normal(size=600)
    assert "oscillating-loss" not in found(losses, noise=0.0)


def test_a_straight_line_that_has_hardly_left_chance_is_slow(found: Any) -> None:
    """From 2.30 to 2.00 at an even pace, validation with it."""
    codes = found(np.linspace(H0, 2.0, 60), np.linspace(H0, 2.0, 60), noise=0.001)
    assert codes["slow-convergence"] == "warning"


def test_a_run_that_ends_early_but_well_gets_a_note(found: Any) -> None:
    """Still falling by a tenth in the last fifth, at a skill of 0.9."""
    codes = found(falling(300, rate=2.5, floor=0.02), falling(10, rate=2.5, floor=0.03), noise=0.01)
    assert codes.get("undertrained") == "note"
    assert loud(codes) == set()


def test_memorising_is_not_slow_convergence(found: Any) -> None:
    """Training falls in a straight line from chance, validation only rises."""
    assert "slow-convergence" not in found(np.linspace(2.3, 2.15, 420), np.linspace(2.31, 2.36, 14), noise=0.02)


def test_chance_level_for_the_whole_run_is_no_learning(found: Any) -> None:
    """Flat at ln 10, with validation and without."""
    assert found(np.full(300, H0), [H0] * 10)["no-learning"] == "error"
    assert "no-learning" in found(np.full(300, H0))


def test_a_short_flat_run_is_not_judged(found: Any) -> None:
    """Forty steps at chance may be the start of something."""
    assert "no-learning" not in found(np.full(40, H0))


def test_a_stuck_level_above_chance_is_no_learning(found: Any) -> None:
    """Twice the trivial loss from beginning to end."""
    assert "no-learning" in found(np.full(300, 5.0))


def test_lasting_spikes_are_found(found: Any) -> None:
    """Two jumps of eight steps that undo the fall."""
    losses = falling(800, rate=12)
    losses[400:408] += 2.0
    losses[600:608] += 1.5
    assert "loss-spikes" in found(losses)


def test_hard_batches_are_no_spikes(found: Any) -> None:
    """Ten single steps with a loss of 4."""
    losses = falling(800, rate=12)
    losses[100::70] += 4.0
    assert loud(found(losses)) == set()


def test_a_hundredfold_first_loss_that_stays_is_found(found: Any) -> None:
    """From 230 to 150: still sixty times the trivial loss."""
    codes = found(np.linspace(230, 150, 300))
    assert codes["bad-initial-loss"] == "warning"


def test_a_hundredfold_first_loss_that_heals_is_silent(found: Any) -> None:
    """From 230 down to 0.1 within the run."""
    assert loud(found(230 * np.exp(-np.linspace(0, 12, 600)) + 0.1)) == set()


def test_overfitting_needs_a_rise_that_matters(found: Any) -> None:
    """Validation up from 0.8 to 1.8 is found, from 0.06 to 0.10 is not."""
    down = np.linspace(H0, 0.8, 5)
    assert found(falling(600, rate=14, floor=0.001), [*down, *np.linspace(0.8, 1.8, 20)])["overfitting"] == "warning"
    small = np.linspace(H0, 0.06, 5)
    assert loud(found(falling(600, rate=14, floor=0.001), [*small, *np.linspace(0.06, 0.10, 20)])) == set()


def test_validation_that_never_was_good_is_a_gap(found: Any) -> None:
    """Training solved, validation at 1.9 throughout."""
    codes = found(falling(600, rate=20), np.linspace(2.2, 1.85, 10))
    assert "train-eval-gap" in codes
    assert "overfitting" not in codes


def test_validation_better_than_training_is_silent(found: Any) -> None:
    """Dropout and augmentation lift the training loss."""
    assert loud(found(falling(600, floor=0.5), falling(15, rate=8, floor=0.2))) == set()


def test_underfitting_asks_for_evidence_of_missing_capacity(found: Any) -> None:
    """A level of skill 0.15 in a linear network is found, in a deep one it is a plateau."""
    losses, held_out = falling(500, rate=30, floor=1.95), falling(10, rate=30, floor=1.97)
    linear = make_loss(target=TARGET, graph={"linear_layers": 1, "nonlinear_ops": 0, "ops": [], "opaque": False})
    deep = make_loss(target=TARGET, graph={"linear_layers": 3, "nonlinear_ops": 2, "ops": [], "opaque": False})
    assert "underfitting" in found(losses, held_out, losses=[linear])
    assert loud(found(losses, held_out, losses=[deep])) == set()


@pytest.mark.parametrize(("end", "told"), [(0.067, {"best-epoch-earlier": "note"}), (0.048, {}), (0.044, {})])
def test_an_earlier_epoch_was_the_best(found: Any, end: float, told: dict[str, str]) -> None:
    """Solved on both sides; validation creeps up from 0.044 far above its noise, but by little of what was learned."""
    down, up = np.geomspace(1.0, 0.044, 12), np.linspace(0.044, end, 16)
    held_out = np.concatenate([down, up]) + 0.0007 * np.tile([1, -1], 14)
    assert found(falling(560, floor=0.001), held_out) == told


def test_scattered_validation_is_a_note(found: Any) -> None:
    """Evaluations that jump by half of their level."""
    held_out = 1.0 + 0.4 * np.array([1, -1] * 10)
    assert found(falling(600, floor=0.8), held_out).get("noisy-validation") == "note"


# -- numerics


def broke(subject: str, step: int = 30) -> dict[str, Any]:
    """A report of a first non-finite value."""
    return event("nonfinite", {"name": "fc1"}, subject, step)


def ending_in_nan(found: Any, *subjects: str, **parts: Any) -> set[str]:
    """Codes of a run whose loss is NaN from step 30 on."""
    losses = np.concatenate([falling(30), np.full(10, np.nan)])
    return set(found(losses, events=[*(broke(s) for s in subjects), *parts.pop("events", [])], **parts))


def test_nan_inputs_come_first(found: Any) -> None:
    """Everything else that broke in the same step is not reported as the first."""
    codes = ending_in_nan(found, "input", "activation", "loss", "gradient", "parameter")
    assert {"nan-inputs", "nan-loss"} <= codes
    assert not {"nan-activations", "nan-gradients", "amp-overflow"} & codes


def test_nan_loss_alone(found: Any) -> None:
    """log(0) in the loss: nothing was non-finite before it."""
    assert ending_in_nan(found, "loss", "gradient") == {"nan-loss"}


def test_nan_gradient_before_the_loss(found: Any) -> None:
    """sqrt(0): the gradient breaks one step before the loss."""
    codes = ending_in_nan(found, "loss", events=[broke("gradient", 29)])
    assert {"nan-gradients", "nan-loss"} <= codes


def test_masked_missing_values_are_silent(found: Any) -> None:
    """NaN in the inputs of a model that copes with it."""
    assert loud(found(falling(400), events=[broke("input", 0)])) == set()


def test_float16_overflow_is_the_cause_of_the_nan(found: Any) -> None:
    """An activation breaks under autocast to float16; the same without autocast is a matter of the layer."""
    half = event("amp", {"dtype": "float16", "scaler": False})
    assert "amp-overflow" in ending_in_nan(found, "activation", "loss", events=[half])
    assert "amp-overflow" not in ending_in_nan(found, "activation", "loss")


def test_a_scaler_at_work_is_silent(found: Any) -> None:
    """Ten skipped steps at the start and one later."""
    losses = falling(400)
    skipped = np.zeros(400, dtype=bool)
    skipped[[*range(10), 300]] = True
    columns = {"loss": losses, "loss_id": 0, "lr": 0.1, "scale": 2.0**14, "skipped": skipped.tolist()}
    half = event("amp", {"dtype": "float16", "scaler": True})
    assert loud(found(losses, columns=columns, events=[half, broke("gradient", 0)])) == set()


def test_a_scaler_that_keeps_skipping_is_found(found: Any) -> None:
    """Every fifth step is skipped."""
    losses = falling(400)
    columns = {"loss": losses, "loss_id": 0, "lr": 0.1, "scale": 1.0, "skipped": [i % 5 == 0 for i in range(400)]}
    assert "amp-overflow" in found(losses, columns=columns, events=[event("amp", {"dtype": "float16", "scaler": True})])


@pytest.mark.parametrize(
    ("dtype", "lr", "expected"), [("bfloat16", 1e-4, 1), ("bfloat16", 1e-2, 0), ("float32", 1e-4, 0)]
)
def test_updates_lost_to_rounding(found: Any, dtype: str, lr: float, expected: int) -> None:
    """Weights of size 0.1 in bfloat16 need steps of about 4e-4."""
    model = make_model(("fc", "Linear", 10, 10))
    for facts in model["parameters"]:
        facts["dtype"] = dtype
    rows = [{"grad": [1.0, 0.1], "weight": [1.0, 1.0], "update": [0.0, 0.0]}] * 5
    columns = {"loss": np.full(300, 2.2), "loss_id": 0, "lr": lr}
    codes = found(
        np.full(300, 2.2), models=[model], optimizers=[make_optimizer("Adam", lr)], layers=rows, columns=columns
    )
    assert ("low-precision-update-loss" in codes) == expected


def test_tiny_gradients_in_float16_need_a_scaler(found: Any) -> None:
    """Gradients of 1e-8 an element under autocast without a scaler; in float32 they are no matter."""
    model = make_model(("fc", "Linear", 10, 10))
    rows = [{"grad": [1e-7, 1e-8], "weight": [1.0, 1.0], "update": [1e-6, 1e-6]}] * 6
    half = event("amp", {"dtype": "float16", "scaler": False})
    assert "amp-underflow" in found(np.full(300, 2.28), models=[model], layers=rows, events=[half])
    assert "amp-underflow" not in found(np.full(300, 2.28), models=[model], layers=rows)
