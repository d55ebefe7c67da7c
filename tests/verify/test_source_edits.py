"""Changes as diffs of the user's own lines."""

import pytest
from builders import build_log, make_model, site

from trainadvisor.log.reader import read_log
from trainadvisor.trials.jobs import Change
from trainadvisor.verify.source_edits import apply, patches

SCRIPT = """import torch
model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
for x, y in loader:
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
"""
OPTIMIZER = {
    "id": 0, "class": "SGD", "site": site("optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)", 3),
    "groups": [{"lr": 0.03, "momentum": 0.9, "parameters": [0]}], "accumulates": 1, "unknown_parameters": 0,
}  # fmt: skip
MODEL = make_model(("0", "Linear", 2, 2), site=site("model = torch.nn.Linear(2, 2)", 2))


@pytest.fixture
def log(tmp_path):
    """The log of a run of the script."""
    return read_log(
        build_log(tmp_path, columns={"loss": [1.0] * 5, "lr": 0.03}, optimizers=[OPTIMIZER], models=[MODEL])
    )


def patched(log, word, **arguments):
    """Return the script with a change in it."""
    found = patches(Change(word, arguments), log, SCRIPT, "train.py")
    return apply(found, SCRIPT, "train.py") if found else None


@pytest.mark.parametrize(
    ("word", "arguments", "line"),
    [
        ("lr", {"factor": 0.1}, "optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)"),
        ("lr", {"value": 0.5}, "optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)"),
        ("optimizer", {"to": "Adam", "lr": 0.001}, "optimizer = torch.optim.Adam(model.parameters(), lr=0.001)"),
        (
            "weight-decay",
            {"value": 0.01},
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=0.01)",
        ),
    ],
)
def test_the_optimizers_line_is_rewritten(log, word, arguments, line):
    """One line changes, the others stay."""
    lines = SCRIPT.split("\n")
    assert patched(log, word, **arguments).split("\n") == [*lines[:2], line, *lines[3:]]


def test_a_layers_line_is_rewritten(tmp_path):
    """Every line that makes a layer of the kind changes, others stay."""
    kinds = {"Dropout": "drop = nn.Dropout(0.5)", "BatchNorm2d": "norm = nn.BatchNorm2d(8)", "ReLU": "act = nn.ReLU()"}
    model = make_model(("0", "Linear", 2, 2))
    model["layers"] += [
        {"name": kind, "kind": kind, "site": site(line, 4 + place), "facts": {}, "parameters": []}
        for place, (kind, line) in enumerate(kinds.items())
    ]
    log = read_log(build_log(tmp_path, columns={"loss": [1.0] * 5}, models=[model]))
    asked = [("dropout", {"p": 0.1}), ("bn-momentum", {"value": 0.01}), ("activation", {"to": "gelu"})]
    told = [[(p.line, p.new) for p in patches(Change(word, given), log, None, "train.py")] for word, given in asked]
    assert told == [
        [(4, ("drop = nn.Dropout(0.1)",))],
        [(5, ("norm = nn.BatchNorm2d(8, momentum=0.01)",))],
        [(6, ("act = nn.GELU()",))],
    ]
    assert patches(Change("activation", {"to": "gru"}), log, None, "train.py") == []


def test_initialisation_goes_before_the_optimizer(log):
    """Only for schemes that one call of torch makes."""
    lines = patched(log, "init", to="he").split("\n")
    assert lines[2] == "for layer in model.modules():"
    assert lines[4] == '        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")'
    assert lines[5].startswith("optimizer = ")
    assert patched(log, "init", to="prior") is None


def test_clipping_goes_before_the_step(log):
    """With the indentation of the loop."""
    assert "    torch.nn.utils.clip_grad_norm_(model.parameters(), 1)\n    optimizer.step()" in patched(
        log, "clip", max_norm=1.0
    )


def test_zero_grad_goes_before_the_backward(log):
    """It names the optimizer as the script does."""
    assert "    optimizer.zero_grad(set_to_none=True)\n    loss.backward()" in patched(log, "add-zero-grad")


def test_a_line_that_changed_is_not_touched(log):
    """The script was edited since: nothing is written."""
    found = patches(Change("lr", {"factor": 0.1}), log, SCRIPT, "train.py")
    assert apply(found, SCRIPT.replace("0.03", "0.05"), "train.py") is None


def test_a_line_of_another_file_is_not_touched(log):
    """Only the script itself is rewritten."""
    found = patches(Change("lr", {"factor": 0.1}), log, SCRIPT, "train.py")
    assert apply(found, SCRIPT, "other.py") is None


def test_a_change_without_a_literal_line_has_no_patch(log):
    """Standardised inputs stand in no single line."""
    assert patches(Change("standardize-inputs"), log, SCRIPT, "train.py") == []


def test_the_diff_shows_both_lines(log):
    """The old line with a minus, the new one with a plus."""
    (patch,) = patches(Change("lr", {"factor": 0.1}), log, SCRIPT, "train.py")
    assert patch.diff().split("\n")[0].startswith("- optimizer")
    assert patch.where == "train.py:3"
