"""Where a change cannot be applied it says why, and the script runs as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from trialkit import CLASSIFIER, REGRESSION, by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

LISTED = CLASSIFIER.replace("loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)", "loader = [(x, y)]")
LINEAR = CLASSIFIER.replace("nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)", "nn.Linear(6, 2)")
LOADED = CLASSIFIER.replace("optimizer =", "model.load_state_dict(model.state_dict())\noptimizer =")

CASES: list[Any] = [
    ("lr", {}, CLASSIFIER, "it takes either factor or value"),
    ("schedule", {}, CLASSIFIER, "a cosine schedule needs the number of steps; give steps"),
    ("scheduler-step", {}, CLASSIFIER, "no scheduler was stepped within an epoch"),
    ("betas", {}, CLASSIFIER, "SGD has no betas"),
    ("eps", {}, CLASSIFIER, "SGD has no eps"),
    ("clip", {}, CLASSIFIER, "the script has no such thing"),
    ("add-parameters", {}, CLASSIFIER, "every parameter that the loss depends on is in an optimizer already"),
    ("unfreeze", {}, CLASSIFIER, "no parameter is frozen"),
    ("add-step", {}, CLASSIFIER, "the script calls step() itself"),
    ("fix-zero-grad-order", {}, CLASSIFIER, "no zero_grad() stands between a backward() and a step()"),
    ("accumulation", {}, CLASSIFIER, "the script never sums gradients over several backward passes"),
    ("add-backward", {}, CLASSIFIER, "each step has its backward()"),
    ("batch-size", {}, CLASSIFIER, "it takes either value or factor"),
    ("batch-size", {"value": 4, "factor": 2.0}, CLASSIFIER, "it takes either value or factor"),
    ("batch-size", {"value": 4}, LISTED, "no DataLoader was iterated in training"),
    ("shuffle", {}, CLASSIFIER, "no DataLoader that keeps the order was iterated in training"),
    ("workers", {}, LISTED, "no DataLoader was made"),
    ("pin-memory", {}, CLASSIFIER, "there is no accelerator that pinned memory would serve"),
    ("activation", {"to": "tanh"}, CLASSIFIER, "the model has no hidden activation but tanh"),
    ("activation", {"to": "lstm"}, CLASSIFIER, "the model has no nn.RNN layer"),
    ("add-nonlinearity", {}, CLASSIFIER, "no two weight layers follow each other without a non-linearity"),
    ("normalization", {"to": "qk"}, CLASSIFIER, "queries and keys are out of reach inside the attention of torch"),
    ("normalization", {}, LINEAR, "the model has no hidden linear or convolution layer"),
    ("residual", {}, CLASSIFIER, "no hidden linear layer is as wide as its input"),
    ("bn-momentum", {}, CLASSIFIER, "the model has no batch norm"),
    ("dropout", {"factor": 0.5}, CLASSIFIER, "the model has no dropout that a factor could change"),
    ("capacity", {}, LINEAR, "the model has no hidden layer to widen"),
    ("init", {}, LOADED, "the model's weights were loaded; a new start would throw them away"),
    ("remove-output-activation", {}, CLASSIFIER, "no activation feeds a loss that has its own"),
    ("change-output-activation", {}, CLASSIFIER, "no activation of torch stands at the model's end"),
    ("standardize-targets", {}, CLASSIFIER, "cross_entropy is no elementwise loss on numbers"),
    ("match-shapes", {}, REGRESSION, "no loss of torch was given outputs and targets of different shapes"),
    ("loss-function", {}, CLASSIFIER, "the loss fits outputs and targets, as far as can be seen from outside"),
    ("loss-function", {"reduction": "mean"}, CLASSIFIER, "no loss of torch is summed"),
    ("balance-loss", {}, CLASSIFIER, "the loss is no sum of a loss function of torch and something else"),
    ("class-weights", {}, REGRESSION, "no classification loss of torch was called in training"),
    ("fix-data", {}, CLASSIFIER, "every input is finite"),
    ("augmentation", {}, CLASSIFIER, "inputs of 2 dimensions are no images; give noise"),
    ("fix-labels", {}, CLASSIFIER, "no two sets of rows of equal length were shuffled before the training"),
    ("early-stopping", {}, CLASSIFIER, "no evaluation with a loss of torch was seen, or it improved to the end"),
    ("precision", {}, CLASSIFIER, "it takes one of dtype, weights, matmul, scaler and islands"),
    ("precision", {"dtype": "float32"}, CLASSIFIER, "the script uses no autocast"),
    ("precision", {"weights": "float32"}, CLASSIFIER, "the weights are in float32 already"),
    ("stable-loss", {}, CLASSIFIER, "no logarithm, root or division came near zero"),
    ("async-checkpoint", {}, CLASSIFIER, "torch.save was never called in training"),
    ("mode", {"mode": "train"}, CLASSIFIER, "the model was in the right mode at every call"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "arguments", "script", "reason"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)]
)
def test_refused(word: str, arguments: dict[str, Any], script: str, reason: str, tmp_path: Path) -> None:
    """The log holds the reason, and the weights are the script's own."""
    outcome = trial(script, tmp_path, change(word, **arguments))
    (told,) = outcome.changes
    assert told["applied"] is False
    assert reason in told["refused"]
    assert same(outcome, by_hand(script))


def test_a_model_that_cannot_be_widened_stays_as_it_was(tmp_path: Path) -> None:
    """A width written into forward() stops the rehearsal, and every layer is put back."""
    body = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(4, 2)
    def forward(self, x):
        return self.b(self.a(x).view(-1, 2, 4).sum(1))
model = Net()"""
    script = CLASSIFIER.replace("\nmodel = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))", body)
    outcome = trial(script, tmp_path, change("capacity", factor=3.0))
    assert "the model does not run with other widths" in outcome.changes[0]["refused"]
    assert same(outcome, by_hand(script))


def test_two_changes_are_told_apart(tmp_path: Path) -> None:
    """One is applied, the other refused; each has its own event."""
    outcome = trial(CLASSIFIER, tmp_path, change("betas"), change("weight-decay", value=0.1))
    assert sorted((told["applied"], told["what"] != "") for told in outcome.changes) == [(False, False), (True, True)]
