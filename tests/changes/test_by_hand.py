"""Each change does to the training what the same change does when the script's author writes it: bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from trialkit import CLASSIFIER, REGRESSION, by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

STEP = "        optimizer.step()\n"
MODEL = "nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2)"
CLEAR = "        optimizer.zero_grad()\n"
BACKWARD = "        loss.backward()\n"
NO_CLEARING = CLASSIFIER.replace(CLEAR, "")
NO_STEP = CLASSIFIER.replace(STEP, "")
LATE_CLEARING = NO_CLEARING.replace(BACKWARD, f"{BACKWARD}{CLEAR}")
UNBENT = CLASSIFIER.replace("nn.Tanh(), ", "")
ADAM = CLASSIFIER.replace("import SGD", "import Adam").replace("SGD(model", "Adam(model").replace("lr=0.1", "lr=0.01")
NORMED = CLASSIFIER.replace("nn.Tanh()", "nn.BatchNorm1d(8), nn.ReLU()")
SCHEDULED = CLASSIFIER.replace(
    "for epoch", "schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)\nfor epoch"
).replace(STEP, f"{STEP}        schedule.step()\n")
ONE_CYCLE = SCHEDULED.replace("ExponentialLR(optimizer, 0.8)", "OneCycleLR(optimizer, 0.2, total_steps=12)")
ASSIGNED = CLASSIFIER.replace(STEP, f"        optimizer.param_groups[0]['lr'] = 0.05 / (1 + epoch)\n{STEP}")
FROZEN = CLASSIFIER.replace("optimizer =", "model[0].requires_grad_(False)\noptimizer =")
SOFTMAX = CLASSIFIER.replace(MODEL, f"{MODEL}, nn.Softmax(dim=1)")
LOG_SOFTMAX = SOFTMAX.replace(
    "cross_entropy(model(inputs), targets)", "-torch.log(model(inputs))[torch.arange(8), targets].mean()"
)
TWO_SCORES = CLASSIFIER.replace(
    "cross_entropy(model(inputs), targets)",
    "nn.BCEWithLogitsLoss()(model(inputs), nn.functional.one_hot(targets, 2).float())",
)
# The loss's module hands its weight on by position.
SIGMOID = TWO_SCORES.replace(MODEL, f"{MODEL}, nn.Sigmoid()")
RAW_NLL = CLASSIFIER.replace("cross_entropy(", "nn.functional.nll_loss(")
RAW_DIVERGENCE = CLASSIFIER.replace(
    "cross_entropy(model(inputs), targets)",
    "nn.functional.kl_div(model(inputs), torch.nn.functional.one_hot(targets, 2) * 0.8 + 0.1, reduction='batchmean')",
)
SUMMED = REGRESSION.replace("y)", "y, reduction='sum')")
EVAL_MODE = NORMED.replace("for epoch", "model.eval()\nfor epoch")
AS_ADAM = ("import SGD", "import Adam as SGD")
AS_ADAMW = [("import Adam", "import AdamW as Adam"), ("lr=0.01", "lr=0.01, weight_decay=0.3")]
CLIPPED = [(STEP, f"        nn.utils.clip_grad_norm_(model.parameters(), 0.05)\n{STEP}")]
FIRST_NORMED = ("nn.Linear(6, 8)", "nn.BatchNorm1d(6, affine=False), nn.Linear(6, 8)")
PER_EPOCH = [("        schedule.step()", ""), ("    for inputs", "    if epoch: schedule.step()\n    for inputs")]
FOUR_STEPS = "        optimizer.step() if (done := globals().get('done', 0) + 1) <= 4 else None\n"

CASES: list[Any] = [
    # change, arguments, script, edits that its author would make
    ("lr", {"factor": 0.1}, CLASSIFIER, [("lr=0.1", "lr=0.1 * 0.1")]),
    ("lr", {"value": 0.03}, CLASSIFIER, [("lr=0.1", "lr=0.1 * (0.03 / 0.1)")]),
    ("lr", {"factor": 0.5}, SCHEDULED, [("lr=0.1", "lr=0.05")]),
    ("lr", {"factor": 0.5}, ONE_CYCLE, [("optimizer, 0.2", "optimizer, 0.1")]),
    ("lr", {"factor": 0.5}, ASSIGNED, [("= 0.05 /", "= 0.025 /")]),
    ("optimizer", {"to": "Adam", "lr": 0.02}, CLASSIFIER, [AS_ADAM, ("lr=0.1", "lr=0.02")]),
    ("optimizer", {"to": "momentum"}, CLASSIFIER, [("lr=0.1", "lr=0.1, momentum=0.9")]),
    ("optimizer", {"to": "AdamW", "weight_decay": 0.3}, ADAM, AS_ADAMW),
    ("weight-decay", {"value": 0.05}, CLASSIFIER, [("lr=0.1", "lr=0.1, weight_decay=0.05")]),
    ("betas", {"beta2": 0.9}, ADAM, [("lr=0.01", "lr=0.01, betas=(0.9, 0.9)")]),
    ("eps", {"value": 0.1}, ADAM, [("lr=0.01", "lr=0.01, eps=0.1")]),
    ("clip", {"max_norm": 0.05}, CLASSIFIER, CLIPPED),
    ("add-zero-grad", {}, NO_CLEARING, [(BACKWARD, f"{CLEAR}{BACKWARD}")]),
    ("add-step", {}, NO_STEP, [(BACKWARD, f"{BACKWARD}{STEP}")]),
    ("fix-zero-grad-order", {}, LATE_CLEARING, [(CLEAR, ""), (STEP, f"{STEP}{CLEAR}")]),
    ("mode", {}, EVAL_MODE, [("model.eval()", ""), ("with torch", "model.eval()\nwith torch")]),
    ("unfreeze", {}, FROZEN, [("model[0].requires_grad_(False)", "")]),
    ("detach-history", {}, CLASSIFIER, []),
    ("batch-size", {"value": 12}, CLASSIFIER, [("batch_size=8", "batch_size=12")]),
    ("batch-size", {"factor": 2.0}, CLASSIFIER, [("batch_size=8", "batch_size=16")]),
    ("batch-size", {"value": 16}, CLASSIFIER.replace(", shuffle=True", ""), [("batch_size=8", "batch_size=16")]),
    ("shuffle", {}, CLASSIFIER.replace(", shuffle=True", ""), [("batch_size=8", "batch_size=8, shuffle=True")]),
    ("train-longer", {"factor": 1.5}, CLASSIFIER, [("range(2)", "range(4)")]),
    ("workers", {"num_workers": 0}, CLASSIFIER, []),
    ("activation", {"to": "gelu"}, CLASSIFIER, [("nn.Tanh()", "nn.GELU()")]),
    ("activation", {"to": "relu"}, CLASSIFIER, [("nn.Tanh()", "nn.ReLU()")]),
    ("dropout", {"p": 0.4}, CLASSIFIER, [("nn.Tanh()", "nn.Tanh(), nn.Dropout(0.4)")]),
    ("dropout", {"factor": 0.5}, CLASSIFIER.replace("nn.Tanh()", "nn.Dropout(0.6)"), [("0.6", "0.3")]),
    ("normalization", {"to": "layer"}, CLASSIFIER, [("nn.Tanh()", "nn.LayerNorm(8), nn.Tanh()")]),
    ("normalization", {"to": "batch"}, CLASSIFIER, [("nn.Tanh()", "nn.BatchNorm1d(8), nn.Tanh()")]),
    ("normalization", {"to": "input"}, CLASSIFIER, [FIRST_NORMED]),
    ("add-nonlinearity", {}, UNBENT, [("nn.Linear(6, 8)", "nn.Linear(6, 8), nn.ReLU()")]),
    ("bn-momentum", {"value": 0.5}, NORMED, [("nn.BatchNorm1d(8)", "nn.BatchNorm1d(8, momentum=0.5)")]),
    ("remove-output-activation", {}, SOFTMAX, [(", nn.Softmax(dim=1)", "")]),
    ("remove-output-activation", {}, SIGMOID, [(", nn.Sigmoid()", "")]),
    ("change-output-activation", {}, SOFTMAX, [(", nn.Softmax(dim=1)", "")]),
    ("match-shapes", {}, REGRESSION.replace("x[:, :1]", "x[:, 0]"), [("x[:, 0]", "x[:, :1]")]),
    ("loss-function", {"reduction": "mean"}, SUMMED, [(", reduction='sum'", "")]),
    ("loss-function", {"to": "l1_loss"}, REGRESSION, [("mse_loss", "l1_loss")]),
    ("loss-function", {"scale": 4.0}, CLASSIFIER, [("loss = cross", "loss = 4 * cross")]),
    ("loss-function", {}, RAW_NLL, [("nn.functional.nll_loss", "cross_entropy")]),
    ("loss-function", {}, RAW_DIVERGENCE, [("model(inputs)", "model(inputs).log_softmax(1)")]),
    ("label-smoothing", {"value": 0.2}, CLASSIFIER, [(", targets)", ", targets, label_smoothing=0.2)")]),
    ("scheduler-step", {"per": "epoch"}, SCHEDULED, PER_EPOCH),
    ("fix-data", {}, CLASSIFIER.replace("* 3 + 1", "* 3 + 1; x[5, 2] = float('nan')"), [("float('nan')", "0.0")]),
    ("early-stopping", {"step": 4}, CLASSIFIER, [(STEP, FOUR_STEPS)]),
    ("stable-loss", {}, LOG_SOFTMAX, [("nn.Softmax", "nn.LogSoftmax"), ("torch.log(model(inputs))", "model(inputs)")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "arguments", "script", "edits"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)]
)
def test_as_if_written_by_hand(
    word: str, arguments: dict[str, Any], script: str, edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    """The weights are those of the script with the change written into it, and the log says what was done."""
    outcome = trial(script, tmp_path, change(word, **arguments))
    assert same(outcome, by_hand(script, *edits))
    (told,) = outcome.changes
    assert (told["applied"], told["refused"], told["arguments"]) == (True, None, arguments)
    assert told["what"]
    assert outcome.failures == []


def test_a_trial_without_changes_is_the_script(tmp_path: Path) -> None:
    """Nothing moves when nothing is changed."""
    assert same(trial(CLASSIFIER, tmp_path), by_hand(CLASSIFIER))


CHANGING = [case for case in CASES if case[0] not in ("detach-history", "workers")]


@pytest.mark.parametrize(("word", "edits", "script"), [(c[0], c[3], c[2]) for c in CHANGING])
def test_the_edits_by_hand_matter(word: str, edits: list[tuple[str, str]], script: str) -> None:
    """Each edit above moves the weights, so that the comparison can fail."""
    assert not same(by_hand(script), by_hand(script, *edits))
