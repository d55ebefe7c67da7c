"""The rules on learning rate and optimizer: each finds its fault in a synthetic run and spares the sound twin."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_loss
from layered import H0, SAMPLES, STEPS, TARGET, Run, learning, stuck

from trainadvisor.judge import rule_loading


@pytest.fixture(scope="module")
def book() -> Any:
    """The shipped rules."""
    return rule_loading.load()


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_a_sound_run_has_no_finding(tmp_path: Path, book: Any, kind: str) -> None:
    """Ordinary steps, gradients, activations and a loss that falls."""
    assert Run(optimizer=kind).found(tmp_path, book) == {}


def test_a_run_that_learns_nothing_with_ordinary_steps_is_no_matter_of_these_rules(tmp_path: Path, book: Any) -> None:
    """Shuffled labels: everything inside looks as it should."""
    run = Run()
    run.loss = stuck()
    assert run.found(tmp_path, book) == {}


def test_large_steps_with_a_loss_above_chance(tmp_path: Path, book: Any) -> None:
    """The first step moves the weights by half of their size and the loss ends at twice that of a constant answer."""
    run = Run()
    run.update, run.loss = [0.5] * 3, stuck(level=2 * H0)
    assert run.found(tmp_path, book) == {"lr-too-high": "error"}


def test_large_steps_and_a_nan(tmp_path: Path, book: Any) -> None:
    """A loss that becomes NaN is harm enough."""
    run = Run()
    run.update, run.loss = [0.5] * 3, [H0, 5.0, 40.0, *[float("nan")] * (STEPS - 3)]
    assert "lr-too-high" in run.found(tmp_path, book)


def test_large_steps_that_learn_are_fine(tmp_path: Path, book: Any) -> None:
    """Tiny models take large steps."""
    run = Run()
    run.update = [0.3] * 3
    assert run.found(tmp_path, book) == {}


def test_a_loss_above_chance_with_ordinary_steps_is_not_the_rate(tmp_path: Path, book: Any) -> None:
    """Something else raised it."""
    run = Run()
    run.loss = stuck(level=2 * H0)
    assert "lr-too-high" not in run.found(tmp_path, book)


def test_gradients_that_are_huge_before_any_step_are_not_the_rate(tmp_path: Path, book: Any) -> None:
    """A gradient a million times the weights explodes at any rate."""
    run = Run()
    run.update, run.grad, run.loss = [0.5] * 3, [1e7] * 3, stuck(level=2 * H0)
    assert "lr-too-high" not in run.found(tmp_path, book)


def crawling(share: float = 0.05) -> Any:
    """Return a loss that falls in a straight line by a share of its start."""
    return H0 * np.linspace(1, 1 - share, STEPS) * (1 + 0.001 * np.random.default_rng(0).normal(size=STEPS))


def test_short_steps_and_a_straight_line(tmp_path: Path, book: Any) -> None:
    """Weights that travel 0.4 % of their size while the loss falls by a twentieth."""
    run = Run()
    run.update, run.loss = [1e-5] * 3, crawling()
    assert run.found(tmp_path, book) == {"lr-too-low": "error"}


def test_adam_steps_that_keep_one_direction(tmp_path: Path, book: Any) -> None:
    """Full steps of the size of the rate: a norm of 2 on 4096 weights, moved by 0.0001 an element."""
    run = Run(optimizer="Adam", lr=0.0001)
    run.update, run.loss = [0.0032] * 3, crawling()
    assert run.found(tmp_path, book) == {"lr-too-low": "error"}


def test_weights_that_went_far_were_not_held_back_by_the_rate(tmp_path: Path, book: Any) -> None:
    """Ten times the rate: full steps too, but the weights travel more than ten times their size."""
    run = Run(optimizer="Adam", lr=0.001)
    run.update, run.loss = [0.032] * 3, crawling()
    assert "lr-too-low" not in run.found(tmp_path, book)


def test_short_steps_of_a_fine_tuning_are_fine(tmp_path: Path, book: Any) -> None:
    """The loss is low already."""
    run = Run()
    run.update, run.loss = [1e-5] * 3, learning()
    assert run.found(tmp_path, book) == {}


def test_weights_that_do_not_move_at_all_are_another_fault(tmp_path: Path, book: Any) -> None:
    """Bits unchanged: frozen, not slow."""
    run = Run()
    run.update, run.loss = [0.0] * 3, stuck()
    assert run.found(tmp_path, book) == {}


@pytest.mark.parametrize(
    "lr", [0.1 * 0.9 ** np.arange(STEPS), np.linspace(1e-7, 1e-5, STEPS)], ids=["spent", "still warming up"]
)
def test_schedules_that_do_not_fit(tmp_path: Path, book: Any, lr: Any) -> None:
    """The rate is gone after a few steps, or has not arrived at the end; it is not called too low as well."""
    run = Run()
    run.columns["lr"], run.loss, run.update = lr.tolist(), stuck(), [[1e-5] * 3] * SAMPLES
    assert run.found(tmp_path, book) == {"lr-schedule": "error"}


@pytest.mark.parametrize(
    ("lr", "told"),
    [(0.1 * 0.9 ** np.arange(STEPS), {"rate-spent": "note"}), (np.linspace(1e-7, 1e-5, STEPS), {})],
    ids=["spent", "warm-up"],
)
def test_the_same_schedules_are_fine_where_the_run_learned(
    tmp_path: Path, book: Any, lr: Any, told: dict[str, str]
) -> None:
    """A fine-tuning may be done after a few steps; that the rest changed nothing is a note."""
    run = Run()
    run.columns["lr"] = lr.tolist()
    assert run.found(tmp_path, book) == told


@pytest.mark.parametrize(
    "lr",
    [
        0.05 * (1 + np.cos(np.pi * np.arange(STEPS) / STEPS)),
        np.concatenate([np.linspace(1e-5, 0.1, 40), np.linspace(0.1, 0, STEPS - 40)]),
        0.05 * (1 + np.cos(np.pi * (np.arange(STEPS) % 100) / 100)),
        0.1 ** (1 + np.arange(STEPS) // 150),
    ],
    ids=["cosine", "warm-up and linear", "restarts", "steps"],
)
def test_ordinary_schedules_are_not_blamed_for_a_run_that_fails(tmp_path: Path, book: Any, lr: Any) -> None:
    """A stuck run with a sound schedule has another cause."""
    run = Run()
    run.columns["lr"], run.loss = lr.tolist(), stuck()
    assert "lr-schedule" not in run.found(tmp_path, book)


def test_decay_that_pulls_everything_to_zero(tmp_path: Path, book: Any) -> None:
    """Decay 0.3 times the weights outweighs the gradient, and the weights shrink to nothing."""
    run = Run(weight_decay=0.3)
    run.weight = [[2.0 * 0.8**i] * 3 for i in range(SAMPLES)]
    run.grad, run.loss = [[0.01 * 0.8**i] * 3 for i in range(SAMPLES)], stuck()
    assert run.found(tmp_path, book) == {"weight-decay-too-strong": "error"}


def test_the_same_decay_in_balance_with_learning_is_fine(tmp_path: Path, book: Any) -> None:
    """At the end of long runs decay and gradient balance."""
    run = Run(weight_decay=0.3)
    run.weight, run.grad = [[2.0 * 0.98**i] * 3 for i in range(SAMPLES)], [0.3] * 3
    assert run.found(tmp_path, book) == {}


def test_dropout_that_leaves_nothing(tmp_path: Path, book: Any) -> None:
    """Dropout 0.9, a poor training loss, and half of it as soon as dropout is off."""
    run = Run()
    run.add_layer("Dropout", p=0.9)
    run.loss, run.evals = stuck(level=1.9), [{"step": 200 + i, "loss": 0.9, "examples": 400} for i in range(5)]
    assert run.found(tmp_path, book) == {"dropout-too-strong": "warning"}


@pytest.mark.parametrize(("p", "held_out"), [(0.5, 0.9), (0.7, 1.9)])
def test_usual_dropout_or_no_gap_is_fine(tmp_path: Path, book: Any, p: float, held_out: float) -> None:
    """One half is classic; without a gap dropout is not what holds the loss up."""
    run = Run()
    run.add_layer("Dropout", p=p)
    run.loss, run.evals = stuck(level=1.9), [{"step": 200 + i, "loss": held_out, "examples": 400} for i in range(5)]
    assert "dropout-too-strong" not in run.found(tmp_path, book)


def test_epsilon_larger_than_the_gradients(tmp_path: Path, book: Any) -> None:
    """Gradients of 1e-9 an element under an epsilon of 1e-7, and steps of a thousandth of the rate."""
    run = Run(optimizer="Adam", lr=0.1, betas=[0.9, 0.999], eps=1e-7)
    run.grad, run.update, run.loss = [6.4e-8] * 3, [0.003] * 3, stuck()
    assert run.found(tmp_path, book) == {"adam-epsilon-dominates": "warning"}


def test_tiny_gradients_at_the_end_of_learning_are_fine(tmp_path: Path, book: Any) -> None:
    """The loss is done, so the gradients are small."""
    run = Run(optimizer="Adam", lr=0.1, betas=[0.9, 0.999], eps=1e-7)
    run.grad, run.update = [6.4e-8] * 3, [0.003] * 3
    assert run.found(tmp_path, book) == {}


def clipped(kind: str, travel: float) -> Run:
    """Return a run that clips every gradient to a thousandth."""
    run = Run(optimizer=kind)
    run.columns |= {"clip_norm": 1.0, "clip_max": 0.001}
    run.update, run.loss = [travel / STEPS] * 3, crawling()
    return run


def test_clipping_that_stops_sgd(tmp_path: Path, book: Any) -> None:
    """The steps become a thousandth and the run goes nowhere: the clipping is to blame, not the rate."""
    assert clipped("SGD", 0.01).found(tmp_path, book) == {"clipping-always-active": "warning"}


def test_clipping_that_lets_the_weights_travel_is_fine(tmp_path: Path, book: Any) -> None:
    """Language models clip always."""
    assert "clipping-always-active" not in clipped("SGD", 2.0).found(tmp_path, book)


def test_a_constant_clip_does_not_slow_adam(tmp_path: Path, book: Any) -> None:
    """Adam divides by the size of the gradient anyway."""
    assert "clipping-always-active" not in clipped("Adam", 0.01).found(tmp_path, book)


def noisy(level: float) -> Any:
    """Return a loss that scatters by its own size."""
    return level * np.random.default_rng(0).exponential(size=STEPS)


@pytest.mark.parametrize(("batch", "level", "found"), [(2, 2.2, True), (2, 0.2, False), (64, 2.2, False)])
def test_batches_too_small_to_learn_from(tmp_path: Path, book: Any, batch: int, level: float, *, found: bool) -> None:
    """Two examples a step, noise as large as the loss, and no progress; any one of them alone is fine."""
    run = Run()
    run.columns["batch"], run.loss = batch, noisy(level)
    assert ("batch-too-small" in run.found(tmp_path, book)) is found


def spiky(floor: float) -> tuple[Any, Any]:
    """Return losses with lasting spikes, and gradients that jump shortly before each."""
    loss, norm = learning(floor=floor), 1 + 0.05 * np.random.default_rng(1).normal(size=STEPS)
    for start in (150, 220, 290, 350):
        norm[start - 4] = 30.0
        loss[start : start + 8] += 4.0
    return loss, norm


@pytest.mark.parametrize(("floor", "found"), [(1.8, True), (0.1, False)])
def test_a_second_moment_that_lags_behind(tmp_path: Path, book: Any, floor: float, *, found: bool) -> None:
    """Four spikes after jumps of the gradient in a run that is held up; in a run that learns they cost nothing."""
    run = Run(optimizer="Adam", betas=[0.9, 0.99], eps=1e-8)
    run.loss, run.columns["grad_norm"] = spiky(floor)
    assert ("stale-second-moment" in run.found(tmp_path, book)) is found


def test_a_summed_loss_is_named_in_the_remedy(tmp_path: Path, book: Any) -> None:
    """The rule still finds large steps where the loss is a sum."""
    run = Run()
    run.facts["losses"] = [make_loss(target=TARGET, reduction="sum")]
    run.update, run.loss = [0.5] * 3, stuck(level=2 * 32 * H0)
    assert "lr-too-high" in run.found(tmp_path, book)
