"""Single values, models and files of a project: where each is set, which file is meant, and what becomes of it."""
# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.mending.test_patches import finding, remedy
from tests.mending.test_single_edits import HEAD, LOOP, OPT, PLAIN, changed, edited, mended, training
from trainadvisor.judge.result import Edit, Site
from trainadvisor.mending import arguments, model_edits, notebook_cells, notebook_files, own_names, project
from trainadvisor.mending import written_faults as written
from trainadvisor.mending.config_files import ENDINGS
from trainadvisor.mending.project import Project
from trainadvisor.source.reading import parse

NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)
        self.b = nn.Linear(8, 8)
    def forward(self, x):
        return self.b(self.a(x))
"""


def set_to(text: str, change: str, lines: tuple[int, ...] = (), **given: Any) -> list[str] | None:
    """Return the lines that setting the arguments of a remedy takes and brings."""
    script = training(text)
    wanted = arguments.of_remedy(script, remedy(change, **given), lines)
    made = [setting for one in wanted if (setting := arguments.setting(script, one)) is not None]
    return changed(tuple(one.span for one in made if one.span is not None), script) if made else None


SGD = "opt = torch.optim.SGD(p, lr=0.1)"
ADAM = "opt = torch.optim.Adam(p, betas=(0.8, 0.9))"


@pytest.mark.parametrize(
    ("line", "change", "given", "made"),
    [
        (SGD, "lr", {"factor": 0.1}, "opt = torch.optim.SGD(p, lr=0.01)"),
        (SGD, "lr", {"value": 0.3}, "opt = torch.optim.SGD(p, lr=0.3)"),
        (SGD, "lr", {"value": 0.3, "factor": 5}, "opt = torch.optim.SGD(p, lr=0.3)"), (SGD, "lr", {"value": 0.1}, None),
        (SGD, "lr", {}, None), (SGD, "lr", {"factor": "x"}, None), (SGD, "other", {"value": 1}, None),
        (SGD, None, {}, None),
        ("opt = torch.optim.SGD(p, 0.1)", "lr", {"factor": 2}, "opt = torch.optim.SGD(p, 0.2)"),
        (SGD, "weight-decay", {"value": 0.01}, "opt = torch.optim.SGD(p, lr=0.1, weight_decay=0.01)"),
        (SGD, "weight-decay", {"value": "x"}, None), (SGD, "eps", {"value": 1e-6}, None), (SGD, "betas", {}, None),
        (ADAM, "eps", {"value": 1e-6}, "opt = torch.optim.Adam(p, betas=(0.8, 0.9), eps=1e-06)"),
        (ADAM, "betas", {}, "opt = torch.optim.Adam(p, betas=(0.8, 0.95))"),
        (ADAM, "betas", {"beta1": 0.5, "beta2": 0.99}, "opt = torch.optim.Adam(p, betas=(0.5, 0.99))"),
        ("opt = torch.optim.Adam(p)", "betas", {}, "opt = torch.optim.Adam(p, betas=(0.9, 0.95))"),
        ("l = DataLoader(d, 32)", "batch-size", {"factor": 0.5}, "l = DataLoader(d, 16)"),
        ("l = DataLoader(d)", "batch-size", {"factor": 64}, "l = DataLoader(d, batch_size=64)"),
        ("l = DataLoader(d, 1)", "batch-size", {"factor": 0.1}, None),
        ("l = DataLoader(d, 3)", "batch-size", {"factor": 0.1}, "l = DataLoader(d, 1)"),
        ("l = DataLoader(d)", "workers", {"num_workers": 4}, "l = DataLoader(d, num_workers=4)"),
        ("l = DataLoader(d)", "workers", {}, None),
        ("l = DataLoader(d)", "pin-memory", {}, "l = DataLoader(d, pin_memory=True)"),
        ("l = DataLoader(d)", "pin-memory", {"pin_memory": False}, "l = DataLoader(d, pin_memory=False)"),
        ("m = nn.Dropout(0.9)", "dropout", {"p": 0.5}, "m = nn.Dropout(0.5)"),
        ("m = nn.Dropout2d(p=0.9)", "dropout", {"p": 0.5}, "m = nn.Dropout2d(p=0.5)"),
        ("m = nn.BatchNorm1d(8)", "bn-momentum", {"value": 0.1}, "m = nn.BatchNorm1d(8, momentum=0.1)"),
        ("a = F.mse_loss(x, y)", "loss-function", {"reduction": "mean"}, 'a = F.mse_loss(x, y, reduction="mean")'),
        ("a = F.mse_loss(x, y)", "loss-function", {}, None),
    ],
)  # fmt: skip
def test_an_argument_that_a_remedy_sets(line: str, change: Any, given: dict[str, Any], made: str | None) -> None:
    """In the only call that takes it; the value may come of the one that is there."""
    assert set_to(f"{HEAD}{line}\n", change, **given) == ([f"-{line}", f"+{made}"] if made else None)


def test_of_several_calls_that_of_the_finding_is_changed() -> None:
    """By its lines; of layers all, unless the finding's own lines write out a model."""
    two = f"{HEAD}{SGD}\n{SGD.replace('opt =', 'two =')}\n"
    made = set_to(two, "lr", (5,), value=0.3)
    assert made == [f"-{SGD.replace('opt =', 'two =')}", "+two = torch.optim.SGD(p, lr=0.3)"]
    assert set_to(two, "lr", (), value=0.3) is None
    assert set_to(two, "lr", (4, 5), value=0.3) is None
    drops = f"{HEAD}a = nn.Sequential(nn.Dropout(0.9))\nb = nn.Dropout(0.8)\n"
    assert len(set_to(drops, "dropout", (), p=0.5) or []) == 4
    assert set_to(drops, "dropout", (4,), p=0.5) == [
        "-a = nn.Sequential(nn.Dropout(0.9))",
        "+a = nn.Sequential(nn.Dropout(0.5))",
    ]
    assert len(set_to(drops, "dropout", (5,), p=0.5) or []) == 4


def test_the_loader_of_the_training_is_the_one_that_is_set() -> None:
    """By its name, where there are two."""
    text = "train_loader = DataLoader(d, 8)\nval_loader = DataLoader(d, 8)\n"
    assert set_to(text, "batch-size", value=4) == [
        "-train_loader = DataLoader(d, 8)",
        "+train_loader = DataLoader(d, 4)",
    ]


@pytest.mark.parametrize(
    ("flag", "argv", "given"),
    [("--lr", ["--lr", "1"], True), ("--lr", ["--lr=1"], True), ("--lr", ["--lrs", "1"], False), ("--lr", [], False)],
)
def test_whether_an_option_was_given(flag: str, argv: list[str], given: bool) -> None:
    """As a word, or with its value behind."""
    assert arguments._is_given(flag, argv) is given


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (0.123456, "0.123"), (3, "3"), (True, "True"), (1e-6, "1e-06"), (100.0, "100")]
)
def test_a_number_as_one_would_write_it(value: float, text: str) -> None:
    """Three digits of a fraction."""
    assert arguments.short(value) == text


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("SGD(p, lr=0.1)", "SGD(p, lr=0.2)", ("lr", "0.2")), ("SGD(p, 0.1)", "SGD(p, 0.2)", ("lr", "0.2")),
        ("SGD(p)", "SGD(p, lr=0.2)", ("lr", "0.2")), ("SGD(p)", "SGD(p)", None),
        ("a = f(b=1)", "a = f(b=2)", ("b", "2")),
        ("f(1)", "f(2)", None), ("for a in DataLoader(d, 1):", "for a in DataLoader(d, 2):", ("batch_size", "2")),
        ("SGD(p, lr=(", "SGD(p, lr=0.2)", None), ("SGD(SGD(p), 1)", "SGD(SGD(p), 2)", None),
        ("Dropout(0.1)", "Dropout(0.2)", ("p", "0.2")),
        ("x = 1", "x = 2", None),
    ],
)  # fmt: skip
def test_what_an_edit_changes(old: str, new: str, difference: tuple[str, str] | None) -> None:
    """The argument of its only call, by name or by place."""
    assert arguments._difference(Edit(file="a.py", line=1, old=old, new=new)) == difference


@pytest.mark.parametrize(
    ("line", "old", "found"),
    [(4, SGD, True), (4, f"  {SGD}  ", True), (4, f"{SGD}  # more", True), (4, "other", False), (3, SGD, False),
    (None, SGD, False),
     (9, SGD, False), (4, None, False)],
)  # fmt: skip
def test_the_call_of_an_edit(line: int | None, old: str | None, found: bool) -> None:
    """On its line, as long as that is what it was."""
    edit = Edit(file="train.py", line=line, old=old, new=SGD.replace("0.1", "0.2"))
    wanted = arguments.of_edit(training(f"{HEAD}{SGD}\n"), edit)
    assert (wanted is not None) is found
    assert wanted is None or (wanted.name, wanted.value(None)) == ("lr", "0.2")


@pytest.mark.parametrize(
    ("text", "taker"),
    [("a = F.mse_loss(x, y)", "F.mse_loss(x, y)"), ("c = nn.MSELoss()\na = c(x, y)", "nn.MSELoss()")],
)
def test_what_takes_the_reduction_of_a_loss(text: str, taker: str) -> None:
    """Its function, or what makes its module."""
    script = training(f"{HEAD}{text}\n")
    call = script.losses[0].call
    found = arguments._taker(script, call, "reduction")
    assert found is not None
    assert ast.unparse(found) == taker
    assert arguments._taker(script, call, "unknown") is None


OUTER = """class Outer(nn.Module):
    def __init__(self):
        self.n = Net()
    def forward(self, x):
        return self.n(x)
"""
LAYERS = NET.replace("self.b(self.a(x))", "self.b(torch.sigmoid(self.a(x)))")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (NET, ["-        return self.b(self.a(x))", "+        return self.b(torch.relu(self.a(x)))"]), (LAYERS, None),
        (NET.replace("self.a = nn.Linear", "self.a = nn.ReLU"), None),
        (NET.replace("self.b(self.a(x))", "f(self.a(x))"), None),
        (NET.replace("return self.b(self.a(x))", "for _ in x:\n            h = self.a(h)\n        return h"),
         ["-            h = self.a(h)", "+            h = torch.tanh(self.a(h))"]),
        (NET.replace("return self.b(self.a(x))",
         "for _ in x:\n            h = self.a(h) + self.b(x)\n        return h"),
         ["-            h = self.a(h) + self.b(x)", "+            h = torch.tanh(self.a(h) + self.b(x))"]),
        (NET.replace("return self.b(self.a(x))", "for _ in x:\n            h = self.a(h) + x\n        return h"), None),
        (NET.replace("return self.b(self.a(x))", "for _ in x:\n            h = self.a(x)\n        return h"), None),
        (NET + OUTER, None),
    ],
)  # fmt: skip
def test_what_lies_between_layers(text: str, made: list[str] | None) -> None:
    """ReLU between two of them, tanh around the state of a recurrence; nothing in a part of another model."""
    assert mended("missing-nonlinearity", HEAD + text) == made


STACK = NET.replace("self.a = nn.Linear(8, 8)", "self.a = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])")
STACKED = "for layer in self.a:\n            x = layer(x)\n        return self.b(x)"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (STACK.replace("return self.b(self.a(x))", STACKED), True),
        (STACK.replace("return self.b(self.a(x))", STACKED.replace("self.b(x)", "x")), False),
        (STACK.replace("return self.b(self.a(x))", STACKED.replace("self.b(x)", "self.b(y)")), False),
        (STACK.replace("nn.Linear(8, 8)]", "nn.ReLU()]").replace("return self.b(self.a(x))", STACKED), False),
        (STACK.replace("[nn.Linear(8, 8), nn.Linear(8, 8)]",
         "nn.Linear(8, 8) for _ in range(3)").replace("return self.b(self.a(x))", STACKED), True),
    ],
)  # fmt: skip
def test_layers_of_a_list(text: str, made: bool) -> None:
    """ReLU behind each where a further layer follows the list, which holds linear layers only."""
    wanted = ["-            x = layer(x)", "+            x = torch.relu(layer(x))"] if made else None
    assert mended("missing-nonlinearity", HEAD + text) == wanted


CHECKPOINT = "import torch.utils.checkpoint\n"


@pytest.mark.parametrize(
    ("call", "made"),
    [
        ("torch.utils.checkpoint.checkpoint(f, x)", "torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)"),
        ("torch.utils.checkpoint.checkpoint(f, x, use_reentrant=True)",
         "torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)"),
        ("torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)", None), ("mine.checkpoint(f, x)", None),
        ("torch.utils.checkpoint.checkpoint(f, **g)", None),
    ],
)  # fmt: skip
def test_checkpoints_that_pass_gradients(call: str, made: str | None) -> None:
    """By the way that is not reentrant."""
    assert mended("frozen-parameters", f"{HEAD}{CHECKPOINT}a = {call}\n") == (
        [f"-a = {call}", f"+a = {made}"] if made else None
    )


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("mean, std = 0, 1\nx = (x - mean) / std\n", None),
        ("x = load()\nmean = 0.0\nstd = torch.tensor(1.0)\nx = (x - mean) / std\n", ["-mean = 0.0", "+mean = x.mean()",
         "-std = torch.tensor(1.0)", "+std = x.std()"]),
        ("x = load()\nmean = 0.5\nstd = 1.0\nx = (x - mean) / std\n", None),
        ("x = load()\nmean = 0.0\nstd = 2.0\nx = (x - mean) / std\n", None),
        ("mean = 0.0\nstd = 1.0\nx = load()\nx = (x - mean) / std\n", None),
        ("x = load()\nmean = 0.0\nstd = 1.0\nx = (x + mean) / std\n", None),
        ("x = load()\nmean = 0.0\nstd = 1.0\nx = (x - mean) * std\n", None),
        ("x = load()\nmean = False\nstd = 1.0\nx = (x - mean) / std\n", None),
    ],
)  # fmt: skip
def test_a_normalization_that_does_nothing(text: str, made: list[str] | None) -> None:
    """By 0 and 1 becomes one by the figures of the data, which has to be known there."""
    found = mended("unnormalized-inputs", HEAD + text)
    assert (found and sorted(found)) == (made and sorted(made))


SYNC = "target.load_state_dict(net.state_dict())\n"


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        (PLAIN + SYNC, True), (PLAIN, False), (PLAIN + SYNC + SYNC.replace("target", "other"), False),
        (PLAIN + SYNC + SYNC, True),
        (PLAIN + "        opt.step()\n" + SYNC, False), (PLAIN + "target.load_state_dict(torch.load(p))\n", False),
        (PLAIN.replace("opt.step()", "a = opt.step()") + SYNC, False),
        (PLAIN + SYNC.replace("net.state_dict()", "state_dict()"), False),
    ],
)  # fmt: skip
def test_a_target_that_follows(text: str, follows: bool) -> None:
    """Slowly, behind the only step, where one model is given the weights of one other."""
    wanted = [
        "+        with torch.no_grad():", "+            for old, new in zip(target.parameters(), net.parameters()):",
        "+                old.lerp_(new, 0.005)",
    ]  # fmt: skip
    assert mended("target-network-stale", text, 1) == (wanted if follows else None)


VAE = "kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum()\nrec = 1\nloss = F.mse_loss(out, x) + kl\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (VAE, '+loss = F.mse_loss(out, x, reduction="sum") / len(x) + kl'), (VAE.replace(".sum()", ".mean()"), None),
        (VAE.replace("logvar", "a").replace("log", "b"), None), (VAE.replace("+ kl", "- kl"), None),
        (VAE.replace("(out, x)", '(out, x, reduction="mean")'), None), (VAE.replace("(out, x)", "(out, x[0])"), None),
        (VAE.replace("+ kl", "+ rec"), None), (VAE.replace("F.mse_loss(out, x) + kl", "kl + F.mse_loss(out, x)"),
         '+loss = kl + F.mse_loss(out, x, reduction="sum") / len(x)'),
    ],
)  # fmt: skip
def test_a_reconstruction_is_summed_as_its_divergence_is(text: str, made: str | None) -> None:
    """Where a mean stands beside a sum over the code."""
    found = mended("constant-output", HEAD + text, 2)
    assert (found and found[-1]) == made


IMBALANCED = "x, y = load()\ndata = TensorDataset(x, y)\n"
WEIGHED = [
    "+counts = torch.bincount(y).float().clamp(min=1)", "-crit = nn.CrossEntropyLoss()",
    "+crit = nn.CrossEntropyLoss(weight=counts.rsqrt() / counts.rsqrt().mean())",
]  # fmt: skip
CRIT = "crit = nn.CrossEntropyLoss()\nloss = crit(net(x), y)\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (IMBALANCED + CRIT, WEIGHED), (CRIT, None), (CRIT + IMBALANCED, None),
        (IMBALANCED + CRIT.replace("()", "(weight=w)", 1), None),
        (IMBALANCED + "counts = 1\n" + CRIT, None), (IMBALANCED + CRIT + CRIT.replace("crit", "two"), None),
        (IMBALANCED + CRIT.replace("CrossEntropy", "MSE"), None), (IMBALANCED.replace("x, y)\n", "x)\n") + CRIT, None),
        (IMBALANCED + "for i in j:\n    loss = F.cross_entropy(net(x), y)\n", None),
        (f"def f():\n    {IMBALANCED.replace(chr(10) + 'd', chr(10) + '    d')}{CRIT}", None),
    ],
)  # fmt: skip
def test_classes_are_weighed_by_their_counts(text: str, made: list[str] | None) -> None:
    """In the only cross-entropy, where the labels are known before it."""
    found = mended("class-imbalance", HEAD + text)
    assert (found and sorted(found)) == (made and sorted(made))


ACCUMULATED = PLAIN.replace("        opt.step()", "        if (i + 1) % every == 0:\n            opt.step()")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (ACCUMULATED, "(loss / every).backward()"), (PLAIN, None),
        (ACCUMULATED.replace("loss.backward", "(a + b).backward"), "(((a + b) / every)).backward()"),
        (ACCUMULATED.replace("loss.backward", "f(x).backward"), "(f(x) / every).backward()"),
        (ACCUMULATED.replace("loss.backward()", "loss.backward()\n        loss.backward()"), None),
        (ACCUMULATED.replace("% every == 0", "% every == i % 2"), None),
    ],
)  # fmt: skip
def test_the_loss_of_a_part_of_a_batch(text: str, made: str | None) -> None:
    """Is divided by how many there are."""
    found = mended("grad-accumulation-scaling", text)
    assert (found and found[-1]) == (made and f"+        {made}")


MASKED = "mask = ids == pad\nout = net(x, key_padding_mask=mask)\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (MASKED, "mask = ids != pad"), (MASKED.replace("==", "!="), "mask = ids == pad"),
        (MASKED.replace("==", "<"), "mask = ids >= pad"),
        (MASKED.replace("==", ">="), "mask = ids < pad"), (MASKED.replace("==", ">"), "mask = ids <= pad"),
        (MASKED.replace("==", "<="), "mask = ids > pad"),
        (MASKED.replace("==", "in"), None), (MASKED.replace("ids == pad", "~keep"), "mask = keep"),
        (MASKED.replace("ids == pad", "(ids == pad).bool()"), "mask = (ids != pad).bool()"),
        (MASKED.replace("ids == pad", "f(ids)"), None),
        (MASKED.replace("ids == pad", "(ids == pad)[:, None]"), "mask = (ids != pad)[:, None]"),
        (MASKED.replace("key_padding_mask", "mask"), None), (MASKED.replace("ids == pad", "a < ids < b"), None),
        (MASKED + "out = net(x, src_key_padding_mask=other == 1)\n", None),
        (MASKED.replace("net(x, key_padding_mask=mask)",
         'scores.masked_fill(mask, float("-inf"))'), "mask = ids != pad"),
        (MASKED.replace("net(x, key_padding_mask=mask)", "scores.masked_fill(mask, 0)"), None),
        (MASKED.replace("net(x, key_padding_mask=mask)",
         "F.scaled_dot_product_attention(q, k, v, mask)"), "mask = ids != pad"),
    ],
)  # fmt: skip
def test_a_mask_is_turned_around(text: str, made: str | None) -> None:
    """Where it is made, inside its views, if all masks come of one."""
    found = mended("mask-inverted", HEAD + text)
    assert (found and found[-1]) == (made and f"+{made}")


ENDED = "out = torch.sigmoid(net(x))\nloss = F.mse_loss(out, y)\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (ENDED, "+out = net(x)"), (ENDED.replace("torch.sigmoid(net(x))", "net(x)"), None),
        (ENDED.replace("torch.sigmoid", "F.softmax"), "+out = net(x)"),
        (NET.replace("self.b(self.a(x))", "torch.sigmoid(self.b(x))"), "+        return self.b(x)"),
        (NET.replace("self.b(self.a(x))", "torch.relu(self.b(x))"), None),
        (ENDED + "more = F.mse_loss(torch.tanh(a), b)\n", None),
    ],
)  # fmt: skip
def test_the_last_activation_is_taken_away(text: str, made: str | None) -> None:
    """Where all losses see one; in a file without losses one that squashes."""
    found = edited(model_edits.without_activation, HEAD + text)
    assert (found and found[-1]) == made


FORWARD = """class Net(nn.Module):
    def forward(self, x):
        h = torch.sigmoid(self.a(x))
        return torch.sigmoid(self.b(h))
"""


@pytest.mark.parametrize(
    ("to", "made"),
    [
        ("gelu", "torch.nn.functional.gelu"),
        ("relu", "torch.relu"),
        ("leaky_relu", "torch.nn.functional.leaky_relu"),
        ("best", None),
    ],
)
def test_activations_between_layers_are_exchanged(to: str, made: str | None) -> None:
    """Not that at the end, which a loss sees."""
    text = f"{HEAD}{FORWARD}net = Net()\nloss = F.mse_loss(net(x), y)\n"
    wanted = ["-        h = torch.sigmoid(self.a(x))", f"+        h = {made}(self.a(x))"] if made else None
    assert edited(model_edits.activation, text, to=to) == wanted


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("net.head.parameters()", "opt = torch.optim.SGD(net.parameters(), lr=0.1)"), ("net.parameters()", None),
        ("chosen", None), ("net.layers[0].parameters()", "opt = torch.optim.SGD(net.parameters(), lr=0.1)"),
    ],
)  # fmt: skip
def test_all_parameters_are_given(given: str, line: str | None) -> None:
    """Of the model of which a part is."""
    own = OPT.strip().replace("net.parameters()", given)
    text = f"{HEAD}net = build()\n{own}\nloss = F.mse_loss(f(x), y)\n".replace("f(x)", "x")
    assert edited(model_edits.parameters, text) == ([f"-{own}", f"+{line}"] if line else None)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        ("body = build()\nnet = Net(body)\n", "opt = torch.optim.SGD(net.parameters(), lr=0.1)"),
        ("body, other = build()\nnet = Net(other)\n", None), ("body = build()\nnet = other(body)\n", None),
        ("body = build()\nnet = Net(body)\nmore = Net(body)\n", None),
    ],
    ids=["its own", "of another part", "no model", "two"],
)  # fmt: skip
def test_the_parameters_of_what_a_part_was_put_into_are_given(made: str, line: str | None) -> None:
    """Where it is one model of the script's."""
    own = OPT.strip().replace("net.", "body.")
    text = f"{HEAD}{FORWARD}{made}{own}\nloss = F.mse_loss(body(x), y)\n"
    assert edited(model_edits.parameters, text) == ([f"-{own}", f"+{line}"] if line else None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project."""
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("train.py", "import net\nfrom lib import opt\nfrom . import own\nx = 'conf.json'\n"), ("net.py", "a = 1\n"),
        ("lib/opt.py", "from .deep import more\n"), ("lib/deep.py", "b = 1\n"), ("own.py", "c = 1\n"),
        ("pkg/__main__.py", "d = 1\n"),
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_files_of_a_project(here: Path) -> None:
    """The first that are asked for, the script, and what they import, each once."""
    files = [source.name for source in Project("train.py").files()]
    assert files == ["train.py", "net.py", "lib/opt.py", "own.py", "lib/deep.py"]
    assert [source.name for source in Project("train.py").files(["own.py", "none.py"])][:2] == ["own.py", "train.py"]
    assert [source.name for source in Project(sites=(Site(file="net.py"),)).files()] == ["net.py"]
    assert Project().files() == []
    assert Project("train.py", ("a.yaml",)).config_files(Project("train.py").files()) == ["a.yaml", "conf.json"]
    assert all(ending.startswith(".") for ending in ENDINGS)


def test_the_most_files_of_a_project(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are the first."""
    monkeypatch.setattr(project, "MOST", 2)
    assert [source.name for source in Project("train.py").files()] == ["train.py", "net.py"]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("train.py", "train.py"), ("elsewhere/train.py", "train.py"), ("lib/opt.py", "lib/opt.py"),
        ("lib.opt", "lib/opt.py"),
        ("pkg", "pkg/__main__.py"), ("none.py", None), ("", None), (None, None), ("conf.json", None), ("a b", None),
    ],
)  # fmt: skip
def test_the_name_of_a_script(here: Path, told: str | None, name: str | None) -> None:
    """Below the current folder: as it was named, by its last part, or as a module."""
    assert project.script_name({"script": told}) == name
    assert project.script_name({"script": str(here / "train.py")}) == "train.py"


def test_a_script_outside_keeps_its_whole_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not below the current folder."""
    monkeypatch.chdir(here / "lib")
    assert project.script_name({"script": str(here / "train.py")}) == str(here / "train.py")
    assert project.script_name({"script": "opt.py"}) == "opt.py"


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("train.py", True),
        ("conf.json", False),
        ("lib/../train.py", False),
        ("none.py", False),
        ("lib", False),
        ("a\0.py", False),
    ],
)
def test_which_files_are_read(here: Path, name: str, read: bool) -> None:
    """Python below the current folder."""
    assert (project._read(name) is not None) is read
    assert project._read(str(here / "train.py")) is not None
    assert project._read(str(here.parent / "x.py")) is None


@pytest.mark.parametrize(
    ("line", "recorded", "changed_at"),
    [
        (1, "import net", None), (1, "import other", 1), (9, "import net", 9), (0, "import net", 0),
        (None, "import net", None), (1, "", None),
        (1, "  import net  ", None), (1, "import net and more", None), (1, "import network", 1), (5, "x", 5),
    ],
)  # fmt: skip
def test_a_line_that_is_another_one_now(here: Path, line: int | None, recorded: str, changed_at: int | None) -> None:
    """A recorded one may be joined with those behind it."""
    known = Project(
        "train.py", sites=(Site(file="train.py", line=line, source=recorded), Site(file="net.py", line=1, source="z"))
    )
    source = project._read("train.py")
    assert source is not None
    assert known.changed_line(source) == changed_at
    assert known.unchanged(source) is (changed_at is None)
    assert (known.source("train.py") is None) is (changed_at is not None)


@pytest.mark.parametrize(("line", "same"), [("a" * 40 + "b", True), ("a" * 39 + "b", False)])
def test_forty_characters_of_a_line_have_to_be_the_same(line: str, same: bool) -> None:
    """A recorded one may be cut."""
    known = Project(sites=(Site(file="a.py", line=1, source="a" * 50),))
    assert known.unchanged(parse(line, "a.py")) is same


def test_whether_a_project_is_here(here: Path) -> None:
    """Some file with a recorded line that still stands; cells of a notebook always are."""
    site = Site(file="net.py", line=1, source="a = 1")
    assert Project("train.py", sites=(site,)).is_here
    assert not Project(None, sites=(site,)).is_here
    assert not Project("train.py", sites=(site.model_copy(update={"source": "a = 2"}),)).is_here
    assert not Project("train.py", sites=(site.model_copy(update={"source": None}),)).is_here
    assert Project(cells=notebook_cells.of_texts(["a = 1"])).is_here


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("import a, b.c", ["a", "b.c"]), ("from a import b", ["a", "a.b"]), ("from . import b", [".", ".b"]),
        ("from .a import b", [".a", ".a.b"]),
        ("from ..a import b, c", ["..a", "..a.b", "..a.c"]), ("a = 1", []),
    ],
)  # fmt: skip
def test_the_modules_of_a_statement(line: str, names: list[str]) -> None:
    """Each may be a module, or hold what is taken from it."""
    assert project.imported_names(ast.parse(line).body[0]) == names


@pytest.mark.parametrize(
    ("own", "name", "paths"),
    [
        ("train.py", "net", ["net.py"]), ("lib/opt.py", "deep", ["lib/deep.py"]), ("lib/opt.py", "net", ["net.py"]),
        ("lib/opt.py", ".net", []),
        ("lib/opt.py", "..net", ["net.py"]), ("train.py", "lib.opt", ["lib/opt.py"]), ("train.py", ".", []),
        ("train.py", "none", []),
    ],
)  # fmt: skip
def test_the_files_that_a_name_may_mean(here: Path, own: str, name: str, paths: list[str]) -> None:
    """Beside the file, or from the current folder; with dots only beside it."""
    assert list(project._paths(parse("", own), name)) == paths


def test_places_in_cells_are_told_by_their_cell() -> None:
    """By the last cell that begins before the line; what Python calls a cell too."""
    cells = notebook_cells.of_texts(["", "a = 1\nb = 2\n", "(", "c = 3", "a = 1\nb = 2\n"])
    assert cells is not None
    assert (cells.source.text, cells.starts) == ("c = 3\na = 1\nb = 2\n", ((3, 0), (4, 1)))
    places = [Site(file="<cells>", line=line) for line in (1, 2, 3)]
    assert [(place.file, place.line) for place in map(cells.located, places)] == [
        ("In [3]", 1),
        ("In [4]", 1),
        ("In [4]", 2),
    ]
    assert cells.located(Site(file="<ipython-input-7-ab>", line=2)).file == "In [7]"
    assert cells.located(Site(file="a.py", line=2)).file == "a.py"
    assert cells.located(Site(file="<cells>")).file == "<cells>"
    assert notebook_cells.of_texts(["", "("]) is None


def notebook(folder: Path, *cells: str) -> notebook_files.NotebookSource:
    """Return a notebook with some cells of code."""
    held = ", ".join(f'{{"cell_type": "code", "source": "{cell}"}}' for cell in cells)
    (folder / "a.ipynb").write_text(f'{{"cells": [{held}]}}')
    return notebook_files.read(folder / "a.ipynb", "a.ipynb")


def test_a_line_that_stands_in_two_cells_is_told_by_its_place_in_them(tmp_path: Path) -> None:
    """Where only one of them has it there; an edit by its old line or its anchor."""
    source = notebook(tmp_path, "a = 1\\nb = 2", "b = 2", "c = 3")
    file = "In [2]"
    assert notebook_files._placed(Site(file=file, line=1), "b = 2", source).line == 5
    assert notebook_files._placed(Site(file=file, line=2), "b = 2", source).line == 3
    assert notebook_files._placed(Site(file=file, line=7), "b = 2", source).line is None
    assert notebook_files._placed(Site(file=file, line=9), "c = 3  # more", source).line == 7
    assert notebook_files._placed(Site(file="a.py", line=9), "c = 3", source).file == "a.py"
    edits = [Edit(file=file, line=1, old="c = 3", new="c = 4"), Edit(file=file, line=1, anchor="a = 1", new="z = 0")]
    told = finding("lr-too-high", remedy("lr").model_copy(update={"edits": edits}))
    placed = notebook_files.placed(told, source).remedies[0].edits
    assert [(edit.file, edit.line) for edit in placed] == [("a.ipynb", 7), ("a.ipynb", 2)]


def test_a_change_has_to_fit_into_the_cells(tmp_path: Path) -> None:
    """Else nothing is written; the bytes of a cell that did not change stay."""
    source = notebook(tmp_path, "a = 1", "b = 2")
    assert source.written(source.text) == source.raw.encode()
    assert source.written(source.text.replace("b = 2", "b = 3")) == source.raw.replace("b = 2", "b = 3").encode()
    with pytest.raises(notebook_files.SourceError, match="does not fit into its cells"):
        source.written(source.text.replace("# cell 2\n", ""))


def test_a_notebook_is_its_cells(tmp_path: Path) -> None:
    """Neither the bytes around them nor where they stand tell two apart, and none of that is printed."""
    source = notebook(tmp_path, "a = 1")
    assert replace(source, raw="", stretches=()) == source
    assert source.raw not in repr(source)


def test_a_project_is_what_it_was_made_of(here: Path) -> None:
    """Not what was read of it since."""
    read = Project("train.py")
    assert read.files()
    assert read == Project("train.py")
    assert "imports" not in repr(read)
    assert (here / "train.py").is_file()


@pytest.mark.parametrize(
    ("old", "raw", "text", "made"),
    [
        ('"a"', "é", "é", '"é"'), ('"a"', "\\u00e9", "é", '"\\u00e9"'), ('"a"', "a", "é", '"é"'),
        ("[]", "a", "a\nb", '["a\\n", "b"]'),
        ('[\n  "a"\n ]', "a", "a\nb", '[\n  "a\\n",\n  "b"\n ]'), ('["a"]', "a", "", "[]"),
    ],
)  # fmt: skip
def test_the_text_of_a_cell_in_its_old_form(old: str, raw: str, text: str, made: str) -> None:
    """A list of lines or one text, with or without escapes."""
    assert notebook_files._as_json(old, text, raw) == made


@pytest.mark.parametrize(
    ("text", "own", "code", "made"),
    [
        ("model.train()", {"model": "net"}, False, "net.train()"),
        ("the model trains", {"model": "net"}, False, "the model trains"),
        ("my.model.train()", {"model": "net"}, False, "my.model.train()"),
        ("f(model)", {"model": "net"}, True, "f(net)"),
        ("f(model=1)", {"model": "net"}, True, "f(model=1)"), ("model == 1", {"model": "net"}, True, "net == 1"),
        ("'model'", {"model": "net"}, True, "'model'"),
        ("models", {"model": "net"}, True, "models"), ("model", {}, True, "model"),
        ("a.model", {"model": "net"}, True, "a.model"),
        ("model + loss", {"model": "net", "loss": "l"}, True, "net + l"),
    ],
)  # fmt: skip
def test_pieces_of_code_in_the_names_of_the_script(text: str, own: dict[str, str], code: bool, made: str) -> None:
    """Not in words, attributes, arguments and texts."""
    assert own_names.renamed(text, own, code=code) == made


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (PLAIN, {"optimizer": "opt", "model": "net"}),
        (PLAIN.replace("loss", "l"), {"optimizer": "opt", "model": "net", "loss": "l"}),
        (PLAIN.replace("range(3)", "range(n)"), {"optimizer": "opt", "model": "net", "epochs": "n"}),
        (PLAIN + "model = 1\n", {"optimizer": "opt"}),
        (PLAIN + "dl = DataLoader(d)\n", {"optimizer": "opt", "model": "net", "train_loader": "dl"}),
        (HEAD + "crit = nn.MSELoss()\na = crit(x, y)\n", {"criterion": "crit"}),
        (HEAD + "s = torch.optim.lr_scheduler.StepLR(o, 1)\n", {"scheduler": "s"}),
        ("train_dl = DataLoader(d)\nval_dl = DataLoader(d)\n", {"train_loader": "train_dl", "loader": "train_dl"}),
        ("a = DataLoader(d)\nb = DataLoader(d)\n", {}),
        (PLAIN.replace("loss.backward()", "losses[0].backward()"), {"optimizer": "opt", "model": "net"}),
    ],
)  # fmt: skip
def test_what_a_script_calls_the_things_that_rules_name(text: str, names: dict[str, str]) -> None:
    """Those whose usual name it does not use."""
    assert own_names.names_for([training(text)]) == names


def test_the_faults_of_a_script_and_of_what_it_imports(here: Path) -> None:
    """With the lines on which they stand; of a script that is not there nothing."""
    faulty = HEAD + OPT + LOOP
    (here / "train.py").write_text("import lib.opt\n" + faulty)
    (here / "lib" / "opt.py").write_text(faulty)
    found = written.written_faults("train.py", lambda name: f"<{name}>")
    assert [code for code, _ in found] == ["missing-zero-grad"] * 2
    assert [place["sites"][0]["file"] for _, place in found] == ["<train.py>", "<lib/opt.py>"]
    assert [place["sites"][0]["line"] for _, place in found] == [10, 9]
    assert written.written_faults(None, str) == written.written_faults("none.py", str) == []
    cells = notebook_cells.of_texts(["", faulty])
    assert [place["sites"][0]["file"] for _, place in written.faults_in_cells(cells)] == ["In [1]"]
    assert written.faults_in_cells(None) == []


@pytest.mark.parametrize(("room", "files"), [(1000, 2), (93, 2), (92, 1), (60, 1), (52, 1), (51, 0), (0, 0)])
def test_only_so_much_is_read_of_a_project(here: Path, monkeypatch: pytest.MonkeyPatch, room: int, files: int) -> None:
    """Before a training begins."""
    (here / "train.py").write_text("import net\n" + "#" * 40 + "\n")
    (here / "net.py").write_text("#" * 40 + "\n")
    monkeypatch.setattr(written, "MOST_CHARACTERS", room)
    assert len(list(written._sources(Path("train.py")))) == files
