"""The rules on activations and initialization: each finds its fault in a synthetic run and spares the sound twin."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_loss
from layered import H0, SAMPLES, STEPS, Run, learning, stuck

from trainadvisor.judge import rule_loading


@pytest.fixture(scope="module")
def book() -> Any:
    """The shipped rules."""
    return rule_loading.load()


def test_dead_units_that_stop_a_run(tmp_path: Path, book: Any) -> None:
    """Nearly all units dead and nothing learned."""
    run = Run()
    run.act["act_dead"], run.loss = 0.97, stuck()
    assert run.found(tmp_path, book) == {"dead-relu": "error"}


def test_dead_units_of_a_run_that_learns_are_fine(tmp_path: Path, book: Any) -> None:
    """Sparse nets exist."""
    run = Run()
    run.act["act_dead"] = 0.97
    assert run.found(tmp_path, book) == {}


def test_half_of_the_units_dead_is_not_what_stops_a_run(tmp_path: Path, book: Any) -> None:
    """Healthy runs have as many."""
    run = Run()
    run.act["act_dead"], run.loss = 0.5, stuck()
    assert run.found(tmp_path, book) == {}


@pytest.mark.parametrize(
    ("share", "curve", "found"), [(0.9, stuck, True), (0.9, learning, False), (0.15, stuck, False)]
)
def test_saturated_units_that_stop_a_run(tmp_path: Path, book: Any, share: float, curve: Any, *, found: bool) -> None:
    """Most values at the limits of tanh and nothing learned; either alone is fine."""
    run = Run(activation="tanh")
    run.act["act_saturated"], run.loss = share, curve()
    assert ("saturated-activations" in run.found(tmp_path, book)) is found


def test_two_layers_of_equal_weights(tmp_path: Path, book: Any) -> None:
    """Zero everywhere: symmetric, and not also called poor or too slow."""
    run = Run()
    run.init(0.0)
    run.loss = stuck()
    assert run.found(tmp_path, book) == {"symmetric-initialization": "error"}


def test_one_layer_of_zeros_is_fine(tmp_path: Path, book: Any) -> None:
    """The output layer may start at zero, also in a run that is stuck for another reason."""
    run = Run()
    run.model["parameters"][4].update(init_std=0.0, init_rms=0.0)
    run.loss = stuck()
    assert run.found(tmp_path, book) == {}


def fading(gain: float, depth: int = 16) -> Run:
    """Return a stuck deep ReLU net whose signal changes by a gain a layer."""
    run = Run(depth=depth)
    run.act["act_spread"] = [gain ** (place // 2) for place in range(2 * depth - 1)]
    run.loss = stuck()
    return run


@pytest.mark.parametrize("gain", [0.4, 3.0])
def test_a_signal_that_does_not_survive_the_depth(tmp_path: Path, book: Any, gain: float) -> None:
    """0.4 a layer over sixteen layers leaves a millionth, 3 a layer makes it a million."""
    assert fading(gain).found(tmp_path, book) == {"poor-initialization": "error"}


def test_a_signal_that_survives(tmp_path: Path, book: Any) -> None:
    """A gain near one is fine in any depth."""
    assert fading(0.95).found(tmp_path, book) == {}


def test_norm_layers_make_the_scale_irrelevant(tmp_path: Path, book: Any) -> None:
    """The same stack with norm layers is not blamed."""
    run = fading(0.4)
    run.add_layer("LayerNorm")
    assert run.found(tmp_path, book) == {}


@pytest.mark.parametrize(("std", "found"), [(0.001, True), (2.0, True), (0.07, False), (0.2, False)])
def test_weights_of_a_strange_scale(tmp_path: Path, book: Any, std: float, *, found: bool) -> None:
    """With fan-in 64 PyTorch starts at 0.07 and He at 0.18."""
    run = Run()
    run.init(std)
    run.loss = stuck()
    assert ("poor-initialization" in run.found(tmp_path, book)) is found


def test_outputs_that_do_not_depend_on_the_input(tmp_path: Path, book: Any) -> None:
    """Logits that are equal over the batch, at the loss of a constant answer."""
    run = Run()
    run.output["act_spread"], run.loss = 1e-6, stuck()
    assert run.found(tmp_path, book) == {"constant-output": "error"}


def test_a_regression_that_answers_the_mean(tmp_path: Path, book: Any) -> None:
    """Outputs that spread by a hundredth of the targets are a finding whatever the loss is made of."""
    run = Run()
    run.facts["losses"] = [make_loss("mse_loss", target={"std": 1.0, "variance": 1.0, "shape": [32]})]
    run.output["act_spread"], run.loss = 0.01, stuck(level=1.0)
    assert run.found(tmp_path, book) == {"constant-output": "error"}


def test_one_class_for_all(tmp_path: Path, book: Any) -> None:
    """All predictions in one class of ten."""
    run = Run()
    run.loss, run.evals = stuck(), [{"step": 300 + i, "majority_share": 1.0, "loss": H0} for i in range(4)]
    assert run.found(tmp_path, book) == {"constant-output": "error"}


def test_a_fresh_net_may_prefer_one_class(tmp_path: Path, book: Any) -> None:
    """Weights that hardly moved have not collapsed."""
    run = Run()
    run.update, run.loss, run.evals = [1e-5] * 3, stuck(), [{"step": 300, "majority_share": 1.0, "loss": H0}]
    assert "constant-output" not in run.found(tmp_path, book)


def test_outputs_that_differ_are_fine(tmp_path: Path, book: Any) -> None:
    """A stuck run whose outputs still differ has another fault."""
    run = Run()
    run.loss, run.evals = stuck(), [{"step": 300 + i, "majority_share": 0.3, "loss": H0} for i in range(4)]
    assert run.found(tmp_path, book) == {}


@pytest.mark.parametrize(("curve", "found"), [(np.geomspace(H0, 90, STEPS), True), (learning(), False)])
def test_activations_that_grow(tmp_path: Path, book: Any, curve: Any, *, found: bool) -> None:
    """A thousandfold growth with a loss that rises; growth of a run that learns is fine."""
    run = Run()
    run.act["act_rms"], run.loss = [1.2**i for i in range(SAMPLES)], curve
    assert ("activation-explosion" in run.found(tmp_path, book)) is found


@pytest.mark.parametrize(("largest", "found"), [(500.0, True), (20.0, False)])
def test_attention_logits_that_grow(tmp_path: Path, book: Any, largest: float, *, found: bool) -> None:
    """A hundredfold growth to 500 in a run that loses what it learned."""
    run = Run()
    run.rows[1]["kind"] = "attention_logits"
    run.act["act_max"] = np.geomspace(largest / 100, largest, SAMPLES).tolist()
    run.loss = np.concatenate([learning(STEPS // 2), np.linspace(0.2, 2.2, STEPS // 2)])
    assert ("attention-logit-growth" in run.found(tmp_path, book)) is found


@pytest.mark.parametrize(("largest", "found"), [(900.0, True), (20.0, False)])
def test_logits_that_run_away(tmp_path: Path, book: Any, largest: float, *, found: bool) -> None:
    """Outputs of hundreds in a run that loses what it learned."""
    run = Run()
    run.output["act_max"] = np.geomspace(largest / 100, largest, SAMPLES).tolist()
    run.loss = np.concatenate([learning(STEPS // 2), np.linspace(0.2, 2.2, STEPS // 2)])
    assert ("output-logit-divergence" in run.found(tmp_path, book)) is found
