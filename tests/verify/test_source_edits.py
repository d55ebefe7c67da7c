"""Changes as diffs of the user's own lines."""

import pytest
from builders import build_log, make_model, site

from trainadvisor.log.reader import read_log
from trainadvisor.trials.jobs import Change
from trainadvisor.verify.source_edits import Patch, Source, apply, patches

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


@pytest.mark.parametrize(
    ("imports", "name", "lacks"),
    [
        ("import torch as t", "t.nn.utils.clip_grad_norm_", ""),
        ("from torch import nn, optim", "nn.utils.clip_grad_norm_", ""),
        ("from torch.optim import SGD", "torch.nn.utils.clip_grad_norm_", "import torch\n"),
    ],
)
def test_lines_are_put_in_the_names_of_the_script(log, imports, name, lacks):
    """With an import before its own where it has no name for them."""
    script = f"{imports}\n{SCRIPT.partition(chr(10))[2]}"
    text = apply(patches(Change("clip", {"max_norm": 1.0}), log, script, "train.py"), script, "train.py")
    assert text.startswith(f"{lacks}{imports}\n")
    assert f"    {name}(model.parameters(), 1)\n    optimizer.step()" in text


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
    """Standardized inputs stand in no single line."""
    assert patches(Change("standardize-inputs"), log, SCRIPT, "train.py") == []


def test_the_diff_shows_both_lines(log):
    """The old line with a minus, the new one with a plus."""
    (patch,) = patches(Change("lr", {"factor": 0.1}), log, SCRIPT, "train.py")
    assert patch.diff().split("\n")[0].startswith("- optimizer")
    assert patch.where == "train.py:3"


def on_lines(folder, script, *layers, **optimizer):
    """Return the log of a run of another script: its optimizer's line, and its layers as (kind, line, code)."""
    model = make_model(("0", "Linear", 2, 2), site=site(script.split("\n")[1], 2))
    model["layers"] += [
        {"name": f"l{line}", "kind": kind, "site": site(code, line), "facts": {}, "parameters": []}
        for kind, line, code in layers
    ]
    made = [{**OPTIMIZER, **optimizer}] if optimizer else [OPTIMIZER]
    return read_log(build_log(folder, columns={"loss": [1.0] * 5, "lr": 0.03}, optimizers=made, models=[model]))


@pytest.mark.parametrize(
    ("line", "patch"),
    [(0, None), (1, "a = 2"), (3, "c = 2"), (4, None), (-1, None)],
)
def test_a_patch_lies_within_the_script(line, patch):
    """Lines are counted from 1."""
    old = {1: "a = 1", 3: "c = 1"}.get(line, "c = 1")
    text = apply([Patch("train.py", line, old, (patch or "x",))], "a = 1\nb = 1\nc = 1", "/home/train.py")
    assert (text.split("\n")[line - 1] if text else None) == patch


def test_patches_are_made_from_the_last_line_up_and_keep_the_indentation():
    """Lines that are put before one move those below it; an empty line stays empty."""
    found = [
        Patch("train.py", 1, "if True:", ("x = 1", "", "if True:")),
        Patch("train.py", 2, "a = 1", ("if x:", "    a = 2")),
    ]
    assert apply(found, "if True:\n  a = 1\nb = 1", "train.py") == ("x = 1\n\nif True:\n  if x:\n      a = 2\nb = 1")


def test_a_patch_that_breaks_the_script_is_none():
    """Whatever is written can be parsed."""
    assert apply([Patch("train.py", 1, "a = 1", ("a = (",))], "a = 1", "train.py") is None


def test_a_diff_shows_lines_that_are_put_before_one_and_what_stays():
    """What is replaced has a minus, what stays has neither."""
    assert Patch("f.py", 3, "old", ("new",)).diff() == "- old\n+ new"
    assert Patch("f.py", 3, "old", ("one", "two")).diff() == "- old\n+ one\n+ two"
    assert Patch("f.py", 3, "old", ("one", "two", "old")).diff() == "+ one\n+ two\n  old"
    assert Patch("f.py", 3, "old", ("if one:", "    two", ""), "  ").diff() == "-   old\n+   if one:\n+       two\n+"


def test_a_patch_before_or_behind_a_line_keeps_it():
    """The file is told as the user gave it, an absolute one by its name."""
    source = Source("a = 1\n    b = 1", "/home/user/train.py")
    assert source.before(2, "x") == Patch("train.py", 2, "b = 1", ("x", "b = 1"))
    assert source.behind(2, "x") == Patch("train.py", 2, "b = 1", ("b = 1", "x"))
    assert Source("a = 1", "src/train.py").before(1, "x").file == "src/train.py"


def test_statements_stand_on_one_line_and_are_the_wanted_call():
    """Not as a part of another statement."""
    source = Source("f(1)\nx = f(2)\nf(\n3)\ng(f(4))\nf(5)\nf", "train.py")
    wanted = list(source.statements(lambda call: getattr(call.func, "id", "") == "f"))
    assert wanted == [1, 6]
    assert list(Source("f(", "train.py").statements(lambda call: True)) == []


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (["optimizer.step()"], 4),
        (["optimizer.step()", "scheduler.step()"], 4),
        (["scheduler.step()", "optimizer.step()"], 5),
        (["loader.step(3)", "optimizer.step()"], 5),
        (["optimizer.step()", "second.step()"], None),
        (["optimizer.step(closure)"], None),
        (["x = optimizer.step()"], None),
    ],
)
def test_clipping_needs_the_only_step_of_an_optimizer(tmp_path, steps, line):
    """A scheduler's step, one with arguments and one within a statement are none."""
    script = "\n".join([*SCRIPT.split("\n")[:3], *steps])
    found = patches(Change("clip", {"max_norm": 1.0}), on_lines(tmp_path, script), script, "train.py")
    assert [patch.line for patch in found] == ([] if line is None else [line])


@pytest.mark.parametrize(
    ("made", "known"),
    [
        ("optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)", True),
        ("a = b = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)", False),
        ("self.opt = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)", False),
        ("torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)", False),
        ("optimizer = (", False),
    ],
)
def test_lines_need_the_name_of_their_object(tmp_path, made, known):
    """A name that one plain assignment gives."""
    lines = SCRIPT.split("\n")
    script = "\n".join([*lines[:2], "optimizer = torch.optim.SGD(model.parameters(), lr=0.03)", *lines[3:]])
    log = on_lines(tmp_path, script, site=site(made, 3))
    assert bool(patches(Change("add-zero-grad", {}), log, script, "train.py")) == known


@pytest.mark.parametrize(
    ("file", "line", "found"), [("train.py", 3, True), ("other.py", 3, False), ("train.py", 4, False)]
)
def test_initialisation_needs_the_line_of_the_optimizer_as_it_was(tmp_path, file, line, found):
    """In this script, at this line."""
    log = on_lines(tmp_path, SCRIPT, site=site(OPTIMIZER["site"]["code"], line, file))
    assert bool(patches(Change("init", {"to": "he"}), log, SCRIPT, "train.py")) == found


@pytest.mark.parametrize("change", [("clip", {"max_norm": 1.0}), ("init", {"to": "he"}), ("add-zero-grad", {})])
def test_without_the_script_no_lines_are_put_in(log, change):
    """An argument can be changed without it."""
    assert patches(Change(*change), log, None, "train.py") == []
    assert len(patches(Change("lr", {"factor": 0.1}), log, None, "train.py")) == 1


@pytest.mark.parametrize(
    ("code", "new"),
    [
        ("opt = SGD(net.parameters(), 0.03)", "opt = AdamW(net.parameters(), lr=0.001)"),
        ("opt = o.SGD([p for p in ps], lr=1)", "opt = o.AdamW([p for p in ps], lr=0.001)"),
        ("opt = wrap(SGD(ps, lr=1), k=2)", "opt = wrap(AdamW(ps, lr=0.001), k=2)"),
        ("opt = SGD(params=ps, lr=1)", None),
        ("opt = make(ps, lr=1)", None),
        ("opt = SGD(", None),
    ],
)
def test_another_optimizer_keeps_the_first_argument(tmp_path, code, new):
    """Where the call of the class and its parameters stand on the line."""
    log = on_lines(tmp_path, SCRIPT, site=site(code, 3))
    found = patches(Change("optimizer", {"to": "AdamW", "lr": 0.001}), log, SCRIPT, "train.py")
    assert [patch.new for patch in found] == ([] if new is None else [(new,)])
    assert patches(Change("optimizer", {"lr": 0.001}), log, SCRIPT, "train.py") == []


def test_layers_made_on_one_line_are_one_patch(tmp_path):
    """A layer with arguments is left; so is one whose line is not known."""
    log = on_lines(tmp_path, SCRIPT, ("ReLU", 7, "a = nn.ReLU()"), ("ReLU", 7, "a = nn.ReLU()"), ("Tanh", 8, "b = T()"))
    assert [p.new for p in patches(Change("activation", {"to": "gelu"}), log, None, "t.py")] == [("a = nn.GELU()",)]
    assert patches(Change("activation", {}), log, None, "t.py") == []
    assert patches(Change("dropout", {"p": 0.1}), log, None, "t.py") == []
    dropout = on_lines(tmp_path, SCRIPT, ("Dropout", 7, "a = nn.Dropout()"), ("Dropout", 9, "b = nn.Dropout(0.5)"))
    found = patches(Change("dropout", {"p": 0.25}), dropout, None, "t.py")
    assert [(patch.line, patch.new) for patch in found] == [
        (7, ("a = nn.Dropout(p=0.25)",)),
        (9, ("b = nn.Dropout(0.25)",)),
    ]
    assert patches(Change("dropout", {"factor": 0.5}), dropout, None, "t.py") == []
