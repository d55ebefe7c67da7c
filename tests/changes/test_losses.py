"""Changes of the loss and of number formats, held against a loss written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from trialkit import CLASSIFIER, REGRESSION, Outcome, by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

ONE = CLASSIFIER.replace("range(2)", "range(1)")
# One step on all examples.
BATCHES = ONE.replace(", shuffle=True", "").replace("batch_size=8", "batch_size=48")


def close(one: Outcome, other: Outcome, tolerance: float = 1e-6) -> bool:
    """Return whether two scripts ended with nearly the same weights."""
    return all(torch.allclose(a, b, atol=tolerance) for a, b in zip(one.weights, other.weights, strict=True))


def test_classes_are_weighed_by_the_inverse_root_of_their_counts(tmp_path: Path) -> None:
    """The weights have mean one over the classes."""
    outcome = trial(BATCHES, tmp_path, change("class-weights"))
    weigh = "w = torch.bincount(y).double().rsqrt(); w = (w / w.mean()).float()\nfor epoch"
    assert close(outcome, by_hand(BATCHES, ("for epoch", weigh), (", targets)", ", targets, weight=w)")))
    assert not close(outcome, by_hand(BATCHES))


def test_a_z_loss_is_added_in_training(tmp_path: Path) -> None:
    """It is the squared logarithm of the softmax's sum."""
    outcome = trial(ONE, tmp_path, change("loss-function", z_loss=0.5))
    hand = by_hand(ONE, (", targets)\n", ", targets) + 0.5 * model(inputs).logsumexp(1).square().mean()\n"))
    assert close(outcome, hand)


def test_the_term_that_is_no_loss_of_torch_is_weighed(tmp_path: Path) -> None:
    """The printed loss stays, its gradient is that of the weighed sum."""
    script = REGRESSION.replace("F.mse_loss(model(x), y)", "F.mse_loss(model(x), y) + 3 * model[0].weight.exp().sum()")
    outcome = trial(script, tmp_path, change("balance-loss", weight=0.25))
    assert close(outcome, by_hand(script, ("3 *", "0.75 *")), 1e-5)
    assert not close(outcome, by_hand(script), 1e-5)


@pytest.mark.parametrize(
    ("body", "fitted"),
    [
        # several classes an example
        ("cross_entropy(model(inputs), torch.nn.functional.one_hot(targets, 2) * 1.0 + (inputs[:, :2] > 9))",) * 2,
        ("nn.functional.mse_loss(model(inputs), targets[:, None].float())", "cross_entropy(model(inputs), targets)"),
    ],
)
def test_a_loss_that_does_not_fit_is_exchanged(tmp_path: Path, body: str, fitted: str) -> None:
    """Class numbers that scores were regressed on become classes; a fitting loss stays."""
    script = CLASSIFIER.replace("cross_entropy(model(inputs), targets)", body)
    outcome = trial(script, tmp_path, change("loss-function"))
    assert close(outcome, by_hand(script, (body, fitted)))
    assert outcome.changes[0]["applied"] is (body != fitted)


def test_one_output_under_a_cross_entropy_becomes_a_binary_loss(tmp_path: Path) -> None:
    """A softmax over one output is always one."""
    script = CLASSIFIER.replace("Linear(8, 2)", "Linear(8, 1)").replace("targets)\n", "targets * 0)\n")
    outcome = trial(script, tmp_path, change("loss-function"))
    binary = "nn.functional.binary_cross_entropy_with_logits(model(inputs)[:, 0], targets * 0.0)"
    assert close(outcome, by_hand(script, ("cross_entropy(model(inputs), targets * 0)", binary)))


def test_bfloat16_autocast_is_put_around_the_model(tmp_path: Path) -> None:
    """As the author would write it, with scores in float32."""
    outcome = trial(CLASSIFIER, tmp_path, change("precision", dtype="bfloat16"))
    lines = "with torch.autocast('cpu', torch.bfloat16): out = model(inputs)\n        loss = cross_entropy(out.float()"
    assert close(outcome, by_hand(CLASSIFIER, ("loss = cross_entropy(model(inputs)", lines)))
    assert not close(outcome, by_hand(CLASSIFIER))


def test_float32_takes_the_autocast_of_the_script_away(tmp_path: Path) -> None:
    """The weights are those of the script without autocast."""
    lines = (
        "with torch.autocast('cpu', dtype=torch.bfloat16): z = model(inputs)\n        loss = cross_entropy(z.float()"
    )
    script = CLASSIFIER.replace("loss = cross_entropy(model(inputs)", lines)
    assert same(trial(script, tmp_path, change("precision", dtype="float32")), by_hand(CLASSIFIER))


def test_a_scaled_loss_gives_the_same_steps(tmp_path: Path) -> None:
    """The scale is a power of two, and is taken away before the step."""
    outcome = trial(CLASSIFIER, tmp_path, change("precision", scaler=True))
    assert same(outcome, by_hand(CLASSIFIER))
    assert outcome.changes[0]["what"] == "the loss is scaled by 65536 before backward()"


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    """They are rounded once, at the start, and not in each step."""
    script = REGRESSION.replace("optimizer =", "model.bfloat16()\noptimizer =").replace(
        "model(x), y", "model(x.bfloat16()), y"
    )
    script = script.replace("scores = model(x)", "scores = 0")
    outcome = trial(script, tmp_path, change("precision", weights="float32"))
    assert {weight.dtype for weight in outcome.weights} == {torch.float32}
    hand = by_hand(script, ("model.bfloat16()", "model.bfloat16().float()"), ("x.bfloat16()", "x.bfloat16().float()"))
    assert same(outcome, hand)


def test_updates_with_bad_gradients_are_left_out(tmp_path: Path) -> None:
    """The weights are those of the steps with finite gradients."""
    script = CLASSIFIER.replace("* 3 + 1", "* 3 + 1; x[5, 2] = float('nan')").replace(", shuffle=True", "")
    outcome = trial(script, tmp_path, change("skip-bad-steps"))
    hand = by_hand(script, ("    for inputs, targets in loader:", "    for inputs, targets in list(loader)[1:]:"))
    assert same(outcome, hand)


def test_a_summed_accumulation_is_averaged(tmp_path: Path) -> None:
    """Two passes before each step: half the sum."""
    script = CLASSIFIER.replace(
        "        loss.backward()\n", "        loss.backward(retain_graph=True)\n        loss.backward()\n"
    )
    assert close(trial(script, tmp_path, change("accumulation")), by_hand(CLASSIFIER))


def test_a_clipping_of_the_script_gets_another_limit(tmp_path: Path) -> None:
    """Its own call is made with the new norm."""
    line = "        nn.utils.clip_grad_norm_(model.parameters(), {})\n        optimizer.step()\n"
    script = CLASSIFIER.replace("        optimizer.step()\n", line.format(0.01))
    outcome = trial(script, tmp_path, change("clip", max_norm=0.5))
    assert same(outcome, by_hand(script, ("0.01)", "0.5)")))
