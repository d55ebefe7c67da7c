"""Each edit alone: the lines that it takes and brings, and where it leaves a script as it is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest

from tests.mending.test_patches import finding, remedy
from trainadvisor.mending import (
    data_edits,
    fault_edits,
    fault_places,
    insertions,
    layer_edits,
    loop_edits,
    model_edits,
    names,
    schedule_edits,
)
from trainadvisor.source.edits import applied, diff
from trainadvisor.source.reading import parse
from trainadvisor.source.training import Training

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.source.edits import Fix

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
OPT = "opt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
LOOP = """for epoch in range(3):
    for x, y in loader:
        loss = F.mse_loss(net(x), y)
        loss.backward()
        opt.step()
"""
PLAIN = HEAD + OPT + LOOP
STEPPED = LOOP + "        sched.step()\n"


def training(text: str) -> Training:
    """Return what is known of the training of a script."""
    return Training(parse(text, "train.py"))


def changed(fix: Fix | None, script: Training) -> list[str] | None:
    """Return the lines that a change takes and brings."""
    if fix is None:
        return None
    shown = diff(script.source, applied(script.source, fix)).split("\n")[2:]
    return [line for line in shown if line[0] in "+-"]


def edited(edit: Callable[[Training, dict[str, Any]], Fix | None], text: str, **given: Any) -> list[str] | None:
    """Return the lines that an edit takes and brings."""
    script = training(text)
    return changed(edit(script, given), script)


def put(made: str) -> list[str]:
    """Return the lines of a schedule that is put beside the optimizer."""
    name = "warmup" if made.startswith("LinearLR") else "scheduler"
    return [f"+{name} = torch.optim.lr_scheduler.{made}", f"+        {name}.step()"]


@pytest.mark.parametrize(
    ("text", "given", "made"),
    [
        (PLAIN, {"steps": 90}, put("CosineAnnealingLR(opt, T_max=90)")),
        (PLAIN, {"steps": 1}, put("CosineAnnealingLR(opt, T_max=1)")),
        (PLAIN, {"steps": 90.6}, put("CosineAnnealingLR(opt, T_max=91)")),
        (PLAIN, {"steps": 90, "name": "cosine"}, put("CosineAnnealingLR(opt, T_max=90)")),
        (PLAIN, {"steps": 90, "name": "one-cycle"}, None), (PLAIN, {"steps": 0.5}, None), (PLAIN, {}, None),
        (PLAIN, {"steps": "90"}, None),
        (PLAIN + "opt.param_groups[0]['lr'] *= 0.5\n", {"steps": 9}, None),
        (PLAIN + "scheduler = 1\n", {"steps": 9}, None), (PLAIN + "        opt.step()\n", {"steps": 9}, None),
        (PLAIN.replace("        opt.step()", "        x = opt.step()"), {"steps": 9}, None),
        (HEAD + OPT + OPT.replace("net", "other") + LOOP, {"steps": 9}, None),
        (HEAD + OPT + "def train():\n    " + LOOP.replace("\n", "\n    "), {"steps": 9}, None),
    ],
)  # fmt: skip
def test_a_schedule_beside_the_optimizer(text: str, given: dict[str, Any], made: list[str] | None) -> None:
    """For the whole run, where one optimizer is stepped at one place of its own scope."""
    assert edited(schedule_edits.schedule, text, **given) == made


@pytest.mark.parametrize(
    ("made", "changed_to"),
    [
        ("CosineAnnealingLR(opt, 10)", "CosineAnnealingLR(opt, 90)"),
        ("CosineAnnealingLR(opt, T_max=10)", "CosineAnnealingLR(opt, T_max=90)"),
        ("OneCycleLR(opt, 0.1, 10)", "OneCycleLR(opt, 0.1, 90)"),
        ("OneCycleLR(opt, 0.1, total_steps=10)", "OneCycleLR(opt, 0.1, total_steps=90)"),
        ("PolynomialLR(opt, 10)", "PolynomialLR(opt, 90)"),
        ("LinearLR(opt, 0.1, 1.0, 10)", "LinearLR(opt, 0.1, 1.0, 90)"),
        ("CosineAnnealingLR(opt)", "CosineAnnealingLR(opt, T_max=90)"), ("StepLR(opt, 10)", None),
        ("CosineAnnealingLR(*given)", None),
    ],
)  # fmt: skip
def test_the_length_of_a_schedule(made: str, changed_to: str | None) -> None:
    """Where it is given, by name or by place."""
    line = "sched = torch.optim.lr_scheduler."
    text = HEAD + OPT + f"{line}{made}\n" + STEPPED
    wanted = [f"-{line}{made}", f"+{line}{changed_to}"] if changed_to else None
    assert edited(schedule_edits.schedule, text, steps=90) == wanted


MADE = "sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 10)\n"


@pytest.mark.parametrize(
    "loop",
    [LOOP, LOOP + "    sched.step()\n", STEPPED + "        sched.step()\n", STEPPED + "        opt.step()\n",
     MADE + STEPPED],
)  # fmt: skip
def test_a_schedule_that_is_not_stepped_beside_the_optimizer_keeps_its_length(loop: str) -> None:
    """Not at all, once an epoch, twice, beside two steps, or one of two schedules."""
    assert edited(schedule_edits.schedule, HEAD + OPT + MADE + loop, steps=90) is None


@pytest.mark.parametrize(
    ("text", "given", "made"),
    [
        (PLAIN, {"steps": 50}, put("LinearLR(opt, start_factor=0.001, total_iters=50)")),
        (PLAIN, {"steps": 1}, put("LinearLR(opt, start_factor=0.001, total_iters=1)")),
        (PLAIN, {"steps": 0.4}, None), (PLAIN, {"steps": "5"}, None), (PLAIN, {}, None),
        (HEAD + OPT + MADE + LOOP, {"steps": 50}, None),
    ],
)  # fmt: skip
def test_a_warm_up_beside_the_optimizer(text: str, given: dict[str, Any], made: list[str] | None) -> None:
    """In a script without any schedule."""
    assert edited(schedule_edits.warmup, text, **given) == made


HALF = "torch.autocast('cuda', torch.float16)\n"


@pytest.mark.parametrize(
    ("text", "given", "made"),
    [
        (HEAD + HALF, {"dtype": "bfloat16"}, [f"-{HALF.strip()}", "+torch.autocast('cuda', torch.bfloat16)"]),
        (HEAD + HALF, {"dtype": "float32"}, None), (HEAD + HALF, {}, None),
        (HEAD + "torch.autocast('cuda', torch.float32)\n", {"dtype": "bfloat16"}, None),
        (HEAD + "a.float16\n", {"dtype": "bfloat16"}, None), (PLAIN, {"scaler": 1}, None),
        (PLAIN, {"scaler": True}, [
            '+scaler = torch.amp.GradScaler("cuda")', "-        loss.backward()", "-        opt.step()",
            "+        scaler.scale(loss).backward()", "+        scaler.step(opt)", "+        scaler.update()"]),
        (PLAIN + "scaler = torch.amp.GradScaler()\n", {"scaler": True}, None),
        (PLAIN.replace("opt.step()", "opt.step(closure)"), {"scaler": True}, None),
        (PLAIN + "        loss.backward()\n", {"scaler": True}, None),
        (PLAIN.replace("loss.backward()", "torch.nn.utils.clip_grad_norm_(p, 1)\n        loss.backward()"),
         {"scaler": True}, [
            '+scaler = torch.amp.GradScaler("cuda")', "+        scaler.unscale_(opt)", "-        loss.backward()",
            "-        opt.step()", "+        scaler.scale(loss).backward()", "+        scaler.step(opt)",
            "+        scaler.update()"]),
        (PLAIN + "clip_grad_norm_(p)\nclip_grad_value_(p)\n", {"scaler": True}, None),
    ],
)  # fmt: skip
def test_precision(text: str, given: dict[str, Any], made: list[str] | None) -> None:
    """The half that is written is exchanged; a scaler goes around the only backward and the only step."""
    assert edited(loop_edits.precision, text, **given) == made


EPOCHS = PLAIN.replace("        opt.step()\n", "        opt.step()\n    sched.step()\n")


@pytest.mark.parametrize(
    ("text", "per", "made"),
    [
        (EPOCHS, "step", ["+        sched.step()", "-    sched.step()"]),
        (HEAD + OPT + STEPPED, "epoch", ["-        sched.step()", "+    sched.step()"]),
        (HEAD + OPT + STEPPED + "        print(1)\n", "epoch", ["-        sched.step()", "+    sched.step()"]),
        (PLAIN, "step", None), (EPOCHS + "    sched.step()\n", "step", None),
        (EPOCHS.replace("sched.step()", "sched.step(loss)"), "step", None),
        (EPOCHS.replace("    sched.step()", "    if epoch:\n        sched.step()"), "step", None),
        (EPOCHS.replace("    sched.step()", "    lr_scheduler.step()"), "step",
         ["+        lr_scheduler.step()", "-    lr_scheduler.step()"]),
        (EPOCHS.replace("        opt.step()\n", "        opt.step()\n        opt.step()\n"), "step", None),
        (EPOCHS, "epoch", None),
    ],
)  # fmt: skip
def test_where_a_schedule_is_stepped(text: str, per: str, made: list[str] | None) -> None:
    """Its only step moves between the batches and the epochs."""
    assert sorted(edited(loop_edits.scheduler_step, text, per=per) or []) == sorted(made or [])


ARGUMENTS = """import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--every", type=int, default=4)
args = parser.parse_args()
"""
ACCUMULATED = PLAIN.replace("        opt.step()", "        if (i + 1) % 4 == 0:\n            opt.step()")


@pytest.mark.parametrize(
    ("text", "steps", "made"),
    [
        (ACCUMULATED, 8, ["-        if (i + 1) % 4 == 0:", "+        if (i + 1) % 8 == 0:"]),
        (ACCUMULATED.replace("% 4", "% every"), 8, None), (ACCUMULATED, 8.0, None), (ACCUMULATED, None, None),
        ("every = 4\n" + ACCUMULATED.replace("% 4", "% every"), 8, ["-every = 4", "+every = 8"]),
        (PLAIN, 8, None), (ACCUMULATED.replace("% 4", "// 4"), 8, None),
        (ARGUMENTS + ACCUMULATED.replace("% 4", "% args.every"), 8, None),
        (ACCUMULATED.replace("% 4 == 0", "% 4 == i % 3"), 8, None),
    ],
)  # fmt: skip
def test_batches_of_a_step(text: str, steps: Any, made: list[str] | None) -> None:
    """Where the condition takes them from."""
    assert edited(loop_edits.accumulation, text, steps=steps) == made


@pytest.mark.parametrize(
    ("text", "steps", "made"),
    [
        ("warmup_steps = 10\n", 500.4, ["-warmup_steps = 10", "+warmup_steps = 500"]),
        ("f(num_warmup_steps=10)\n", 50, ["-f(num_warmup_steps=10)", "+f(num_warmup_steps=50)"]),
        ("WarmUp = 10\n", 50, ["-WarmUp = 10", "+WarmUp = 50"]), ("warmup = 0.1\n", 50, None),
        ("warmup = 10\nf(warmup=10)\n", 50, None), ("warmup = 10\n", "50", None), ("warm = 10\n", 50, None),
        ("warmup = 10\nwarm_up_name = 'a'\n", 50, ["-warmup = 10", "+warmup = 50"]),
    ],
)  # fmt: skip
def test_the_length_of_a_warm_up_by_its_name(text: str, steps: Any, made: list[str] | None) -> None:
    """A whole number that is set once."""
    assert edited(loop_edits.warmup, text, steps=steps) == made


@pytest.mark.parametrize(
    ("text", "factor", "made"),
    [
        (PLAIN, 2, ["-for epoch in range(3):", "+for epoch in range(6):"]),
        (PLAIN, 1.5, ["-for epoch in range(3):", "+for epoch in range(5):"]),
        (PLAIN.replace("range(3)", "trange(3)"), 2, ["-for epoch in trange(3):", "+for epoch in trange(6):"]),
        (PLAIN.replace("range(3)", "range(0, 3)"), 2, None), (PLAIN.replace("range(3)", "range(n)"), 2, None),
        (PLAIN.replace("range(3)", "epochs"), 2, None), (PLAIN.replace("range(3)", "count(3)"), 2, None),
        (PLAIN.replace("range(3)", "range(3.0)"), 2, None), (PLAIN, 1, None), (PLAIN, 0.5, None), (PLAIN, "2", None),
        ("n = 3\n" + PLAIN.replace("range(3)", "range(n)"), 2, ["-n = 3", "+n = 6"]),
        (PLAIN.replace("for epoch in range(3)", "while True"), 2, None), (HEAD + OPT, 2, None),
    ],
)  # fmt: skip
def test_more_epochs(text: str, factor: Any, made: list[str] | None) -> None:
    """Of the outermost loop, rounded up."""
    assert edited(loop_edits.train_longer, text, factor=factor) == made


@pytest.mark.parametrize(
    ("chain", "to", "made"),
    [
        ("nn.Linear(8, 4), nn.ReLU()", "batch", "nn.Linear(8, 4), nn.BatchNorm1d(4), nn.ReLU()"),
        ("nn.Linear(8, 4), nn.ReLU()", "layer", "nn.Linear(8, 4), nn.LayerNorm(4), nn.ReLU()"),
        ("nn.Linear(8, out_features=4), nn.ReLU()", "layer",
         "nn.Linear(8, out_features=4), nn.LayerNorm(4), nn.ReLU()"),
        ("nn.Conv2d(3, 4, 1), nn.ReLU()", "batch", "nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU()"),
        ("nn.Conv1d(3, 4, 1), nn.Tanh()", "batch", "nn.Conv1d(3, 4, 1), nn.BatchNorm1d(4), nn.Tanh()"),
        ("nn.Conv3d(3, out_channels=4), nn.ReLU()", "batch",
         "nn.Conv3d(3, out_channels=4), nn.BatchNorm3d(4), nn.ReLU()"),
        ("nn.Conv2d(3, 4, 1), nn.ReLU()", "layer", None), ("nn.Linear(8, 4), nn.ReLU()", "group", None),
        ("nn.Linear(8, 4), nn.Linear(4, 4)", "batch", None), ("nn.Linear(8), nn.ReLU()", "batch", None),
        ("nn.Linear(8, 4), nn.ReLU(), nn.LayerNorm(4)", "batch", None), ("nn.Linear(8, 4), act", "batch", None),
        ("layer, nn.ReLU()", "batch", None), ("nn.Linear(8, 4)", "batch", None),
        ("nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2), nn.ReLU()", "batch",
         "nn.Linear(8, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2), nn.BatchNorm1d(2), nn.ReLU()"),
    ],
)  # fmt: skip
def test_norms_of_a_chain(chain: str, to: str, made: str | None) -> None:
    """Between each layer that the norm fits and its activation, in a chain that has none."""
    text = f"net = nn.Sequential({chain})"
    wanted = [f"-{text}", f"+net = nn.Sequential({made})"] if made else None
    assert edited(layer_edits.normalization, HEAD + text + "\n", to=to) == wanted
    assert edited(layer_edits.normalization, HEAD + text.replace("nn.Sequential", "Chain") + "\n", to=to) is None


@pytest.mark.parametrize(
    ("edit", "text", "made"),
    [
        (insertions.zero_grad, PLAIN, ["+        opt.zero_grad()"]), (insertions.step, PLAIN, None),
        (insertions.step, PLAIN.replace("        opt.step()\n", ""), ["+        opt.step()"]),
        (insertions.zero_grad, HEAD + OPT, None), (insertions.zero_grad, HEAD + LOOP.replace("opt.step()", ""), None),
        (insertions.step, HEAD + LOOP.replace("opt.step()", ""), None),
        (insertions.zero_grad, PLAIN + "        loss.backward()\n", None),
    ],
)  # fmt: skip
def test_calls_of_the_optimizer(edit: Any, text: str, made: list[str] | None) -> None:
    """Around the only backward, by the name of the only optimizer."""
    assert edited(edit, text) == made


CLIP = "torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)"


@pytest.mark.parametrize(
    ("text", "limit", "made"),
    [
        (PLAIN, 0.5, [f"+        {CLIP.replace('1.0', '0.5')}"]), (PLAIN, "0.5", None), (PLAIN, None, None),
        (PLAIN + CLIP, 0.5, [f"-{CLIP}", f"+{CLIP.replace('1.0', '0.5')}"]), (PLAIN + CLIP, 1.0, None),
        (PLAIN + CLIP.replace("1.0", "limit"), 0.5, None), (PLAIN + f"{CLIP}\n{CLIP}\n", 0.5, None),
        (PLAIN.replace("net.parameters()", "given"), 0.5, None),
        (PLAIN + CLIP.replace("1.0", "max_norm=2"), 3, [
            f"-{CLIP.replace('1.0', 'max_norm=2')}", f"+{CLIP.replace('1.0', 'max_norm=3')}"]),
    ],
)  # fmt: skip
def test_a_limit_of_gradients(text: str, limit: Any, made: list[str] | None) -> None:
    """Behind backward(), or in the only call that is there, where its limit is a number."""
    assert edited(insertions.clip, text, max_norm=limit) == made


EVALUATED = PLAIN + "with torch.no_grad():\n    net(x)\n"
IN_FUNCTION = HEAD + OPT + 'def train(x, y):\n    """Train."""\n    loss = F.mse_loss(net(x), y)\n    loss.backward()\n'


@pytest.mark.parametrize(
    ("text", "mode", "made"),
    [
        (EVALUATED, "both", ["+    net.train()", "+net.eval()"]), (EVALUATED, "train", ["+    net.train()"]),
        (EVALUATED, "eval", ["+    net.train()", "+net.eval()"]), (EVALUATED, "none", None), (PLAIN, "eval", None),
        (EVALUATED + "net.eval()\n", "both", ["+    net.train()"]),
        (PLAIN + "net.train()\n", "train", ["+    net.train()"]),
        (PLAIN.replace("        loss =", "        net.train()\n        loss ="), "train", None),
        (EVALUATED.replace("    net(x)\n", "    other(x)\n"), "eval", None),
        (EVALUATED.replace("no_grad", "enable_grad"), "eval", None),
        (PLAIN.replace("net.parameters()", "p"), "both", None),
        (IN_FUNCTION, "train", ["+    net.train()"]),
    ],
)  # fmt: skip
def test_the_mode_of_the_model(text: str, mode: str, made: list[str] | None) -> None:
    """Training at the start of each epoch or of the function, evaluation before what runs without gradients."""
    assert edited(insertions.mode, text, mode=mode) == made


def test_a_mode_goes_behind_the_docstring_of_a_function() -> None:
    """And into the first statement's place where there is none."""
    script = training(IN_FUNCTION)
    fix = insertions.mode(script, {"mode": "train"})
    assert fix is not None
    assert [span.start[0] for span in fix] == [7]
    text = IN_FUNCTION.replace('    """Train."""\n', "")
    assert [span.start[0] for span in insertions.mode(training(text), {"mode": "train"}) or ()] == [6]


LOADER = "train_loader = DataLoader(data, 32)\n"


@pytest.mark.parametrize(
    ("text", "given", "made"),
    [
        (LOADER, {}, "train_loader = DataLoader(data, 32, shuffle=True)"),
        (LOADER, {"shuffle": True}, "train_loader = DataLoader(data, 32, shuffle=True)"),
        (LOADER, {"shuffle": False}, "train_loader = DataLoader(data, 32, shuffle=False)"),
        ("train_loader = DataLoader(data, 32, False)\n", {}, "train_loader = DataLoader(data, 32, True)"),
        ("l = DataLoader(data)\n", {}, "l = DataLoader(data, shuffle=True)"),
        ("l = DataLoader(data, sampler=s)\n", {}, None), ("l = DataLoader(data, 1, None, s)\n", {}, None),
        ("l = DataLoader(data, batch_sampler=s)\n", {}, None), ("l = DataLoader(**given)\n", {}, None),
        ("a = DataLoader(data)\nb = DataLoader(data)\n", {}, None), ("a = 1\n", {}, None),
        (LOADER + LOADER, {}, None),
    ],
)  # fmt: skip
def test_a_loader_that_shuffles(text: str, given: dict[str, Any], made: str | None) -> None:
    """The only one, or the only one that is named after the training; not one with a sampler."""
    line = text.strip()
    assert edited(insertions.shuffle, text, **given) == ([f"-{line}", f"+{made}"] if made else None)


def test_the_loader_of_the_training_is_told_from_another() -> None:
    """By its name."""
    made = edited(insertions.shuffle, "val_loader = DataLoader(held)\n" + LOADER)
    assert made == [f"-{LOADER.strip()}", "+train_loader = DataLoader(data, 32, shuffle=True)"]


def by_hand(expression: str, *before: str) -> str:
    """Return a script whose loss is an expression of its own."""
    return "\n".join([*before, f"loss = {expression}", "loss.backward()", ""])


@pytest.mark.parametrize(
    ("text", "operation", "made"),
    [
        (by_hand("F.mse_loss(out, y)"), None, "loss = F.mse_loss(out, y.view_as(out))"),
        (by_hand("F.mse_loss(out, y[0])"), None, "loss = F.mse_loss(out, y[0].view_as(out))"),
        (by_hand("F.mse_loss(net(x), y)"), None, "loss = F.mse_loss(net(x).view_as(y), y)"),
        (by_hand("F.mse_loss(net(x).squeeze(1), y)"), None, None), (by_hand("F.cross_entropy(out, y)"), None, None),
        (by_hand("F.mse_loss(out, f(y))"), None, None),
        (by_hand("(out - y).pow(2).mean()"), None, "loss = (out - y.view_as(out)).pow(2).mean()"),
        (by_hand("(out - y).pow(2).mean()"), "Sub", "loss = (out - y.view_as(out)).pow(2).mean()"),
        (by_hand("(out * y).mean()"), "Mul", "loss = (out * y.view_as(out)).mean()"),
        (by_hand("(out / y).mean()"), "Div", "loss = (out / y.view_as(out)).mean()"),
        (by_hand("(out + y).mean()"), "Add", "loss = (out + y.view_as(out)).mean()"),
        (by_hand("(out * y).mean()"), None, None), (by_hand("(out ** y).mean()"), "Pow", None),
        (by_hand("(out.exp() - y.detach()).mean()"), None, "loss = (out.exp() - y.detach().view_as(out)).mean()"),
        (by_hand("(out - f(y)).mean()"), None, None), (by_hand("(out - y + (a - b)).mean()"), None, None),
        (by_hand("(out - 1).mean()"), None, None),
    ],
)  # fmt: skip
def test_the_shapes_of_a_loss(text: str, operation: str | None, made: str | None) -> None:
    """Of an elementwise loss, or of the operation in which two plain values meet."""
    given = {"operation": operation} if operation else {}
    line = text.split("\n", maxsplit=1)[0]
    assert edited(insertions.same_shape, text, **given) == ([f"-{line}", f"+{made}"] if made else None)


def test_shapes_are_followed_through_some_names() -> None:
    """Four names behind that of the loss, and no further."""
    chain = [f"a{n} = a{n - 1}.mean()" for n in range(1, 5)]
    near = by_hand("a3.sum()", "a0 = (out - y)", *chain[:3])
    assert edited(insertions.same_shape, HEAD + near) == ["-a0 = (out - y)", "+a0 = (out - y.view_as(out))"]
    far = by_hand("a4.sum()", "a0 = (out - y)", *chain[:4])
    assert edited(insertions.same_shape, HEAD + far) is None


def test_both_signs_of_one_pair_are_mended() -> None:
    """The same two values may meet twice."""
    text = by_hand("((out - y) * (y - out)).mean()")
    assert edited(insertions.same_shape, text, operation="Sub") == [
        f"-{text.split(chr(10))[0]}",
        "+loss = ((out - y.view_as(out)) * (y - out.view_as(y))).mean()",
    ]


@pytest.mark.parametrize(
    ("text", "name", "model", "statement"),
    [
        (PLAIN, "opt", "net", 8), (HEAD + OPT + "loss.backward()\n", "opt", "net", None),
        (HEAD + "self.o = torch.optim.SGD(self.net.parameters())\n", "self.o", "self.net", None),
        (PLAIN + "        other_opt.step()\n", None, "net", 8), (HEAD, None, None, None),
        (HEAD + "opt = torch.optim.SGD([*a.parameters(), *b.parameters()])\n", "opt", None, None),
        (HEAD + OPT + OPT.replace("opt =", "two ="), None, "net", None),
        (PLAIN + "        a.backward()\n", "opt", "net", None),
        (HEAD + "def f():\n    loss.backward()\n", None, None, 5),
    ],
)  # fmt: skip
def test_names_of_a_script(text: str, name: str | None, model: str | None, statement: int | None) -> None:
    """Of its only optimizer and only model; the line of its only backward in a loop or a function."""
    script = training(text)
    found = names.backward_statement(script)
    assert names.model_name(script) == model
    assert (found.lineno if found else None) == statement
    assert names.optimizer_name(script) == name


def part(text: str) -> tuple[str, str] | None:
    """Return the array behind an expression and the words for its part."""
    expression = ast.parse(text, mode="eval").body
    found = data_edits._part(expression)
    return (found.name, found.words) if found else None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x", ("x", "x")), ("x[:10]", ("x", "x[:10]")), ("x.float()", ("x", "x")), ("x.clone()", ("x", "x")),
        ("x.double()", ("x", "x")), ("x.contiguous()", ("x", "x")), ("x.sum()", None), ("x.float(1)", None),
        ("torch.tensor(x)", ("x", "x")), ("torch.tensor(x[0])", ("x", "x[0]")), ("f(x, y)", None), ("a.x[0]", None),
        ("a.x", None), ("f(x=x)", None), ("torch.tensor(x, dtype=d)", ("x", "x")),
    ],
)  # fmt: skip
def test_the_array_behind_what_a_dataset_is_given(text: str, found: tuple[str, str] | None) -> None:
    """A name, a part of it, or either converted by one call."""
    assert part(text) == found


DATASET = "data = TensorDataset(x, y)\n"


@pytest.mark.parametrize(
    ("edit", "text", "made"),
    [
        (data_edits.standardize_inputs, DATASET, [
            "+input_mean, input_std = x.mean(0), x.std(0)", "+input_std[input_std == 0] = 1",
            "+x = (x - input_mean) / input_std"]),
        (data_edits.standardize_targets, DATASET, [
            "+target_mean, target_std = y.mean(0), y.std(0)", "+y = (y - target_mean) / target_std"]),
        (data_edits.standardize_targets, "data = TensorDataset(x)\n", None),
        (data_edits.standardize_inputs, "a = 1\n", None),
        (data_edits.standardize_inputs, "data = TensorDataset(f(x, 1), y)\n", None),
        (data_edits.standardize_inputs, "input_mean = 0\n" + DATASET, None),
        (data_edits.standardize_inputs, "input_std = 0\n" + DATASET, None),
        (data_edits.standardize_inputs, f"for i in j:\n    {DATASET}", None),
        (data_edits.standardize_inputs, "a = TensorDataset(x[:9], y)\nb = TensorDataset(z, y)\n", [
            "+input_mean, input_std = x[:9].mean(0), x[:9].std(0)", "+input_std[input_std == 0] = 1",
            "+x, z = (x - input_mean) / input_std, (z - input_mean) / input_std"]),
        (data_edits.standardize_inputs,
         "mean, std = x.mean(0), x.std(0)\na = 1\n" + DATASET, ["+x = (x - mean) / std"]),
        (data_edits.standardize_targets, "m = y.mean()\ns = y.std()\n" + DATASET, [
            "+target_mean, target_std = y.mean(0), y.std(0)", "+y = (y - target_mean) / target_std"]),
        (data_edits.standardize_inputs, "mean, std = x.mean(0), x.std(0)\nx = (x - mean) / std\n" + DATASET, [
            "+input_mean, input_std = x.mean(0), x.std(0)", "+input_std[input_std == 0] = 1",
            "+x = (x - input_mean) / input_std"]),
        (data_edits.standardize_inputs, "mean, std = z.mean(0), z.std(0)\n" + DATASET, [
            "+input_mean, input_std = x.mean(0), x.std(0)", "+input_std[input_std == 0] = 1",
            "+x = (x - input_mean) / input_std"]),
        (data_edits.standardize_inputs, f"def f():\n    {DATASET}{DATASET}", None),
    ],
)  # fmt: skip
def test_data_before_it_is_handed_over(edit: Any, text: str, made: list[str] | None) -> None:
    """By its own figures, or by those that the script has measured itself and applied to nothing."""
    assert edited(edit, text) == made


def test_data_is_standardized_behind_where_it_is_set_last() -> None:
    """Not before something else is done."""
    script = training("x = load()\nx = x[:9]\nprint(1)\n" + DATASET)
    fix = data_edits.standardize_inputs(script, {})
    assert fix is not None
    assert fix[0].start[0] == 2


@pytest.mark.parametrize(
    ("text", "to", "made"),
    [
        (PLAIN, "Adam", "opt = torch.optim.Adam(net.parameters(), lr=0.001)"), (PLAIN, "Best", None),
        (PLAIN + OPT, "Adam", None), (PLAIN.replace("torch.optim.SGD", "SGD"), "Adam", None),
        (PLAIN.replace("net.parameters(), lr=0.1", "lr=0.1"), "Adam", None),
    ],
)  # fmt: skip
def test_another_optimizer(text: str, to: str, made: str | None) -> None:
    """Of the same parameters, where there is one."""
    assert edited(model_edits.optimizer, text, to=to, lr=0.001) == ([f"-{OPT.strip()}", f"+{made}"] if made else None)
    assert edited(model_edits.optimizer, text, to=to, lr="0.001") is None


@pytest.mark.parametrize(
    ("to", "drawn"),
    [("he", 'kaiming_normal_(layer.weight, nonlinearity="relu")'), ("xavier", "xavier_uniform_(layer.weight)"),
     ("orthogonal", "orthogonal_(layer.weight)")],
)  # fmt: skip
def test_weights_that_are_drawn(to: str, drawn: str) -> None:
    """By the scheme that is asked for, before the only optimizer of the only model."""
    assert edited(model_edits.init, PLAIN, to=to) == [
        "+for layer in net.modules():", "+    if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):",
        f"+        torch.nn.init.{drawn}", "+        if layer.bias is not None:",
        "+            torch.nn.init.zeros_(layer.bias)",
    ]  # fmt: skip
    assert edited(model_edits.init, PLAIN + OPT, to=to) is None


FREEZE = "p.requires_grad = False\n"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (f"a = 1\n{FREEZE}", [f"-{FREEZE.strip()}"]),
        (f"a = 1\nfor p in ps:\n    {FREEZE}b = 2\n", ["-for p in ps:", f"-    {FREEZE.strip()}"]),
        (f"a = 1\nfor p in ps:\n    {FREEZE}    b = 2\n", [f"-    {FREEZE.strip()}"]), (FREEZE + FREEZE, None),
        ("p.requires_grad = True\n", None), ("requires_grad = False\n", None), ("p.grad = False\n", None),
        (f"if a:\n    {FREEZE}b = 2\n", [f"-    {FREEZE.strip()}", "+    pass"]),
        (f"for q in qs:\n    for p in q:\n        {FREEZE}b = 2\n", ["-for q in qs:",
         "-    for p in q:", f"-        {FREEZE.strip()}"]),
    ],
)  # fmt: skip
def test_what_freezes_is_taken_away(text: str, made: list[str] | None) -> None:
    """With the loops that do nothing else."""
    assert edited(model_edits.unfrozen, text) == made


@pytest.mark.parametrize(
    ("words", "root"),
    [
        ("net.parameters()", "net"), ("net.head.parameters()", "net"), ("net.layers[0].fc.parameters()", "net"),
        ("self.net.head.parameters()", "self.net"), ("net.state()", None), ("parameters()", None), ("net", None),
        ("f().parameters()", None),
    ],
)  # fmt: skip
def test_the_model_of_which_a_part_is_given(words: str, root: str | None) -> None:
    """The name that its parts hang on."""
    assert model_edits._root_of_parameters(ast.parse(words, mode="eval").body) == root


def mended(code: str, text: str, number: int = 0, **found: Any) -> list[str] | None:
    """Return the lines that mending a fault takes and brings."""
    script = training(text)
    made = fault_edits.FAULTS[code, number](script, finding(code, *found.pop("remedies", ())).model_copy(update=found))
    return changed(made, script)


LOSS = HEAD + OPT + "loss = F.mse_loss(net(x), y)\nloss.backward()\n"
MODULE = HEAD + "crit = nn.MSELoss()\nloss = crit(net(x), y)\nloss.backward()\n"


@pytest.mark.parametrize(
    ("text", "to", "made"),
    [
        (LOSS, "cross_entropy", ["-loss = F.mse_loss(net(x), y)", "+loss = F.cross_entropy(net(x), y)"]),
        (MODULE, "cross_entropy", ["-crit = nn.MSELoss()", "+crit = nn.CrossEntropyLoss()"]),
        (MODULE + "other = crit(a, b)\n", "cross_entropy", ["-crit = nn.MSELoss()", "+crit = nn.CrossEntropyLoss()"]),
        (LOSS, "best_loss", None), (LOSS, None, None), (LOSS + "more = F.l1_loss(a, b)\n", "cross_entropy", None),
        (LOSS.replace("F.mse_loss", "mse_loss").replace(HEAD, HEAD + "from torch.nn.functional import mse_loss\n"),
         "cross_entropy", None),
    ],
)  # fmt: skip
def test_another_loss_is_computed(text: str, to: str | None, made: list[str] | None) -> None:
    """In place of the only one, as a function or as the module that it is made as."""
    given = [remedy("loss-function"), remedy("loss-function", to=to)] if to else [remedy("loss-function")]
    assert mended("wrong-loss-function", text, remedies=given) == made


@pytest.mark.parametrize(
    ("loss", "made"),
    [
        ("total / len(x)", "loss = total"), ("(a + b) / n", "loss = (a + b)"), ("total / 2", None), ("total * n", None),
        ("total", None),
    ],
)  # fmt: skip
def test_a_mean_is_not_divided_once_more(loss: str, made: str | None) -> None:
    """By what is no constant."""
    text = f"loss = {loss}\nloss.backward()\n"
    wanted = [f"-loss = {loss}", f"+{made}"] if made else None
    assert mended("wrong-loss-function", text, branch="divided-twice") == wanted


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("F.softmax(x, 0)", "F.softmax(x, -1)"), ("F.softmax(x, dim=0)", "F.softmax(x, dim=-1)"),
        ("nn.Softmax(0)", "nn.Softmax(-1)"), ("nn.LogSoftmax(dim=0)", "nn.LogSoftmax(dim=-1)"),
        ("F.log_softmax(x, 0)", "F.log_softmax(x, -1)"), ("x.softmax(0)", "x.softmax(-1)"), ("F.softmax(x, 1)", None),
        ("F.softmax(x)", None), ("F.softmax(x, 0), F.softmax(y, 0)", None), ("x.relu(0)", None),
        ("nn.Softmax(1)", None),
        ("F.softmax(x, 1), F.softmax(y, 0)", "F.softmax(x, 1), F.softmax(y, -1)"), ("torch.softmax(0)", None),
    ],
)  # fmt: skip
def test_a_softmax_over_the_first_dimension(text: str, made: str | None) -> None:
    """The only one goes over the last, as a function, a module or a method."""
    wanted = [f"-a = {text}", f"+a = {made}"] if made else None
    assert mended("softmax-wrong-dim", f"{HEAD}a = {text}\n") == wanted


STEEP = (
    HEAD
    + OPT
    + """def far(a, b):
    gap = a - b
    square = gap.pow(2).sum(2)
    d = {}
    return d


@torch.no_grad()
def score(a):
    return torch.sqrt((a - a).sum())


for x, y in loader:
    loss = far(net(x), y).mean()
    loss.backward()
    total = sum(p.grad.norm() ** 2 for p in net.parameters()) ** 0.5
    shown = torch.sqrt(net.weight.grad.square().sum())
    print(score(x))
    opt.step()
"""
)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("torch.sqrt(square)", "torch.sqrt(square + 1e-8)"), ("square.sqrt()", "(square + 1e-8).sqrt()"),
        ("square ** 0.5", "(square + 1e-8) ** 0.5"), ("square.pow(0.5)", "(square + 1e-8).pow(0.5)"),
        ("torch.pow(square, 0.5)", "torch.pow(square + 1e-8, 0.5)"), ("(a - b).sqrt()", "(a - b + 1e-8).sqrt()"),
        ("torch.sqrt(F.mse_loss(a, b))", "torch.sqrt(F.mse_loss(a, b) + 1e-8)"),
        ("torch.sqrt(square.clamp(min=0))", "torch.sqrt(square.clamp(min=0) + 1e-8)"),
        ("torch.acos(a)", "torch.acos(a.clamp(-1 + 1e-6, 1 - 1e-6))"),
        ("(a * b).acos()", "((a * b).clamp(-1 + 1e-6, 1 - 1e-6)).acos()"),
        ("torch.where(a > 0, torch.log(a), a)", "torch.where(a > 0, torch.log(a.clamp(min=1e-8)), a)"),
        # kept away from it, without a slope there, of numbers, in no loss
        ("torch.sqrt(gap.pow(2).sum(2) + 1e-6)", None), ("torch.sqrt(square + eps)", None),
        ("torch.sqrt(square.clamp(min=1e-6))", None), ("torch.acos(a.clamp(-0.99, 0.99))", None),
        ("gap.norm(dim=2)", None), ("gap.std()", None), ("torch.log(a)", None),
        ("square / math.sqrt(len(a) - 2)", None),
        ("gap ** 2", None), ("square / dim ** 0.5", None), ("a * torch.sqrt(1 - alpha[t])", None),
        ("square.sqrt() + torch.sqrt(square)", None), ("square.detach().sqrt()", None),
    ],
)  # fmt: skip
def test_an_operation_is_kept_from_where_it_is_steep(text: str, made: str | None) -> None:
    """Where it is the only one on the way into the loss and nothing keeps it from there."""
    wanted = [f"-    d = {text}", f"+    d = {made}"] if made else None
    assert mended("nan-gradients", STEEP.format(text)) == wanted


def test_the_place_of_a_steep_operation_is_a_guess() -> None:
    """The run has shown that a gradient is NaN, not where: a trial tells whether the change helps."""
    assert fault_edits.FAULTS["nan-gradients", 0] in fault_edits.GUESSES
    assert fault_edits.FAULTS["softmax-wrong-dim", 0] not in fault_edits.GUESSES


OVER_ONE = {"softmax_choice": 1, "softmax_dim": 2, "softmax_shape": "(64, 24, 1)"}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("F.softmax(x, dim=-1)", "F.softmax(x, dim=1)"), ("x.softmax(2)", "x.softmax(1)"),
        ("nn.Softmax(-1)", "nn.Softmax(1)"),
        ("F.softmax(x, 1), F.log_softmax(y, 2)", "F.softmax(x, 1), F.log_softmax(y, 1)"),
        ("F.softmax(x, 0)", None), ("F.softmax(x, -1), F.softmax(y, -1)", None),
        ("F.softmax(x, -1), y.softmax(d)", None),
        ("F.softmax(x)", None),
    ],
)  # fmt: skip
def test_a_softmax_over_a_single_value(text: str, made: str | None) -> None:
    """The only one of that dimension goes over the one that has several values."""
    wanted = [f"-a = {text}", f"+a = {made}"] if made else None
    assert mended("softmax-wrong-dim", f"{HEAD}a = {text}\n", branch="single", values=OVER_ONE) == wanted


def test_a_softmax_over_a_single_output_is_left() -> None:
    """No dimension of it holds several values."""
    values = OVER_ONE | {"softmax_choice": None}
    assert mended("softmax-wrong-dim", f"{HEAD}a = F.softmax(x, 2)\n", branch="alone", values=values) is None


@pytest.mark.parametrize(
    ("loop", "made"),
    [
        (LOOP, ["+    loader.sampler.set_epoch(epoch)"]), (LOOP.replace("epoch", "_"), None),
        (LOOP.replace("in loader", "in batches"), None),
        (LOOP.replace("in loader", "in tqdm(loader)"), ["+    loader.sampler.set_epoch(epoch)"]),
        (LOOP.replace("in loader", "in zip(loader, loader_b)"), None),
        (LOOP.replace("for epoch in range(3)", "while True"), None),
        (LOOP.replace("for epoch in range(3)", "for epoch, a in b"), None),
        ("for x, y in loader:\n    loss = f(x)\n    loss.backward()\n", None), ("a = 1\n", None),
    ],
)  # fmt: skip
def test_a_sampler_is_told_the_epoch(loop: str, made: list[str] | None) -> None:
    """At the start of each, where one loader is drawn from in a loop that counts them."""
    assert mended("sampler-epoch-fixed", HEAD + OPT + loop) == made


PREFIXED = {"load_prefix": "module."}
WITHOUT = "{key.removeprefix('module.'): value for key, value in torch.load(p).items()}"


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("net.load_state_dict(torch.load(p), strict=False)",
         f"net.load_state_dict({WITHOUT}, strict=False)"),
        ("net.load_state_dict(torch.load(p), False)",
         f"net.load_state_dict({WITHOUT}, False)"),
        ("net.load_state_dict(torch.load(p))", None), ("net.load_state_dict(torch.load(p), strict=True)", None),
        ("net.load_state_dict(state_dict=s, strict=False)", None),
        ("a.load_state_dict(s, strict=False); b.load_state_dict(s, strict=False)", None),
    ],
)  # fmt: skip
def test_the_names_of_a_checkpoint_lose_their_prefix(text: str, made: str | None) -> None:
    """Where just one is loaded without looking."""
    wanted = [f"-{text}", f"+{made}"] if made else None
    assert mended("checkpoint-not-loaded", HEAD + text + "\n", values=PREFIXED) == wanted
    assert mended("checkpoint-not-loaded", HEAD + text + "\n") is None


def test_a_checkpoint_under_a_name_loses_its_prefix_where_it_is_read() -> None:
    """Not where it is used."""
    text = "state = torch.load(p)\nnet.load_state_dict(state, strict=False)\n"
    assert mended("checkpoint-not-loaded", HEAD + text, values=PREFIXED) == [
        "-state = torch.load(p)",
        f"+state = {WITHOUT}",
    ]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("for a in b:\n    c = f(a).detach()\n", ["-    c = f(a).detach()", "+    c = f(a)"]),
        ("for a in b:\n    c = (a + b).detach()\n", ["-    c = (a + b).detach()", "+    c = (a + b)"]),
        ("c = f(a).detach()\n", None), ("for a in b:\n    c.d = f(a).detach()\n", None),
        ("for a in b:\n    c = f(a).detach()\n    d = f(a).detach()\n", None),
        ("for a in b:\n    c = detach(a)\n", None),
        ("for a in b:\n    c = f(a).clone()\n", None),
    ],
)  # fmt: skip
def test_a_value_that_was_detached_keeps_its_gradient(text: str, made: list[str] | None) -> None:
    """Where one name in a loop is given such a value."""
    assert mended("loss-term-without-gradient", text) == made


@pytest.mark.parametrize(
    ("loss", "branch", "made"),
    [
        ("F.cross_entropy(out.flatten(0, 1), ids.flatten())", None,
         "F.cross_entropy(out[:, :-1].flatten(0, 1), ids[:, 1:].flatten())"),
        ("F.cross_entropy(out.view(-1, v), ids.view(-1))", "copy",
         "F.cross_entropy(out[:, :-1].reshape(-1, v), ids[:, 1:].reshape(-1))"),
        ("F.cross_entropy(out.reshape(-1, v), ids.reshape(-1))", None,
         "F.cross_entropy(out[:, :-1].reshape(-1, v), ids[:, 1:].reshape(-1))"),
        ("F.cross_entropy(out.flatten(0, 1), ids.flatten())", "other", None),
        ("F.cross_entropy(out[:, :-1].flatten(0, 1), ids.flatten())", None, None),
        ("F.cross_entropy(out.flatten(0, 1), ids[:, 1:].flatten())", None, None),
        ("F.cross_entropy(out, ids)", None, None),
        ("F.cross_entropy(out.flatten(0, 1), ids)", None, None),
        ("F.mse_loss(out.flatten(), ids.flatten())", None, None),
        ("F.cross_entropy(f(x).flatten(0, 1), ids.flatten())", None, None),
        ("F.cross_entropy(out.sum(0), ids.sum())", None, None),
    ],
)  # fmt: skip
def test_an_output_answers_for_the_next_id(loss: str, branch: str | None, made: str | None) -> None:
    """Where outputs and ids of a whole text are flattened, and neither is shifted yet."""
    wanted = [f"-loss = {loss}", f"+loss = {made}"] if made else None
    assert mended("label-shift", f"{HEAD}loss = {loss}\n", branch=branch) == wanted


def shown(code: str, text: str) -> list[tuple[int, str]]:
    """Return line and words of the further places of a fault."""
    script = training(text)
    return [(node.lineno, script.source.segment(node)) for node in fault_places.PLACES[code](script)]  # type: ignore[attr-defined]


STALE = "target.load_state_dict(net.state_dict())"


@pytest.mark.parametrize(
    ("code", "text", "places"),
    [
        ("poor-initialization", "a = nn.Linear(2, 2)\nb = nn.Linear(2, 2)\n", [(4, "nn.Linear(2, 2)")]),
        ("poor-initialization", "a = nn.Linear(2, 2)\nnn.init.ones_(a)\n", [(5, "nn.init.ones_(a)")]),
        ("poor-initialization", "a = nn.Conv2d(2, 2, 1)\nb = nn.ModuleList([nn.Linear(2, 2)])\n",
         [(5, "nn.ModuleList([nn.Linear(2, 2)])")]),
        ("poor-initialization", "b = nn.ModuleList([nn.ReLU()])\na = nn.Conv1d(2, 2, 1)\n",
         [(5, "nn.Conv1d(2, 2, 1)")]),
        ("poor-initialization", "a = mine.Linear(2, 2)\n", []), ("poor-initialization", "a = nn.Embedding(2, 2)\n", []),
        ("eval-mode-in-training", "net.eval()\nnet.eval(1)\neval(x)\nf.eval(a=1)\n", [(4, "net.eval()")]),
        ("prompt-not-masked", "labels = ids.clone()\nLabels = copy(ids)\na = ids.clone()\nlabels = ids\n",
         [(4, "labels = ids.clone()"), (5, "Labels = copy(ids)")]),
        ("target-network-stale", f"every = 5\nif step % every == 0:\n    {STALE}\n", [(5, "step % every == 0"),
        (4, "every = 5")]),
        ("target-network-stale",
         f"if a:\n    t.load_state_dict()\n    t.load_state_dict(f(s))\nif step:\n    {STALE}\n",
         [(7, "step")]),
        ("target-network-stale", f"every = 5\ndef f():\n    if step % every == 0:\n        {STALE}\n",
         [(6, "step % every == 0")]),
        ("stop-token-masked", "tok.pad_token = tok.eos_token\ntok.pad = eos\n", [(4, "tok.pad_token = tok.eos_token")]),
        ("stop-token-masked", "f(pad_token_id=tok.eos_token_id)\nf(pad_token_id=0)\n",
         [(4, "pad_token_id=tok.eos_token_id")]),
        ("stop-token-masked", "a = {'pad_token': '</s>', 1: eos}\n", [(4, "'</s>'")]),
        ("label-shift", "labels = ids[:, 1:]\nlabels = ids[:, :-1]\nlabels = ids.roll(1)\n", [
            (4, "labels = ids[:, 1:]"), (5, "labels = ids[:, :-1]"), (6, "labels = ids.roll(1)")]),
        ("label-shift", "labels = ids[:, 0:]\nlabels = ids[:5]\nlabels = ids[1:9:2]\nids = ids[1:]\n", []),
        ("label-shift", "batch['labels'] = ids[1:]\nlabels[0] = ids[1:]\n", [
            (4, "batch['labels'] = ids[1:]"), (5, "labels[0] = ids[1:]")]),
        ("unshuffled-data", "train_test_split(x, shuffle=False)\ntrain_test_split(x, shuffle=True)\n",
         [(4, "shuffle=False")]),
        ("unshuffled-data", "m.fit(x, validation_split=0.1)\nm.fit(x, shuffle=False)\nf(validation_split=0.1)\n",
         [(4, "validation_split=0.1")]),
        ("scheduler-step-count", "def configure_optimizers(self):\n    return {'scheduler': s, 'interval': 'step'}\n",
         [(5, "'interval'")]),
        ("scheduler-step-count", "def configure_optimizers(self):\n    return o\ndef other():\n    return 'interval'\n",
         [(5, "return o")]),
    ],
)  # fmt: skip
def test_further_places_of_a_fault(code: str, text: str, places: list[tuple[int, str]]) -> None:
    """Where the value comes from that is wrong."""
    assert shown(code, HEAD + text) == places
