"""Edits of models, data and loops, as remedies and faults ask for them: with the script's own names, or not at all."""

import pytest

from tests.mending.test_patches import finding, lines, remedy
from trainadvisor.judge.rule_loading import load
from trainadvisor.mending.patches import patch
from trainadvisor.source.edits import diff
from trainadvisor.source.reading import parse

BOOK = load()
HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
LOOP = """for epoch in range(EPOCHS):
    for x, y in train_loader:
        opt.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        opt.step()
"""
OPT = "opt = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9)\n"


def test_hidden_activations_are_exchanged() -> None:
    """The one at the end stays; a class kept under another name is exchanged where it is named."""
    text = (
        HEAD
        + "Act = nn.Tanh\nnet = nn.Sequential(nn.Linear(8, 8), nn.Sigmoid(), Act(), nn.Linear(8, 1), nn.Sigmoid())\n"
    )
    made = lines("vanishing-gradients", text + OPT + LOOP, remedy("activation", to="relu"))
    assert "+for layer in net.modules():" in made
    assert [line for line in made if line[1:].startswith(("Act", "net"))] == [
        "-Act = nn.Tanh",
        "-net = nn.Sequential(nn.Linear(8, 8), nn.Sigmoid(), Act(), nn.Linear(8, 1), nn.Sigmoid())",
        "+Act = nn.ReLU",
        "+net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), Act(), nn.Linear(8, 1), nn.Sigmoid())",
    ]


def test_gates_keep_their_functions() -> None:
    """A forward with sigmoid and tanh is a cell written by hand."""
    cell = "class Net(nn.Module):\n    def forward(self, x):\n"
    cell += "        return torch.sigmoid(self.a(x)) * torch.tanh(self.b(x))\n"
    assert lines("vanishing-gradients", HEAD + cell + OPT + LOOP, remedy("activation", to="relu")) == []
    plain = cell.replace("torch.tanh(self.b(x))", "x").replace("return", "h =") + "        return self.c(h)\n"
    assert lines("vanishing-gradients", HEAD + plain + OPT + LOOP, remedy("activation", to="relu"))[1] == (
        "+        h = torch.relu(self.a(x)) * x"
    )


def test_weights_are_drawn_before_the_optimizer_is_made() -> None:
    """By the name of the model; nothing where it is not known which scheme, or which model."""
    made = lines("poor-initialization", HEAD + OPT + LOOP, remedy("init", to="he"))
    assert made[0] == "+for layer in net.modules():"
    assert made[2] == '+        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")'
    assert lines("poor-initialization", HEAD + OPT + LOOP, remedy("init", to="default")) == []
    assert lines("poor-initialization", HEAD + OPT.replace("net.parameters()", "params"), remedy("init", to="he")) == []


def test_another_optimizer_keeps_its_parameters() -> None:
    """The arguments of the old class do not fit the new one."""
    assert lines("slow-convergence", HEAD + OPT + LOOP, remedy("optimizer", to="Adam", lr=0.001)) == [
        f"-{OPT.strip()}",
        "+opt = torch.optim.Adam(net.parameters(), lr=0.001)",
    ]


def test_all_parameters_are_given_where_some_are_set() -> None:
    """The list is changed, not the call that it goes into."""
    text = HEAD + "chosen = net.head.parameters()\n" + OPT.replace("net.parameters()", "chosen") + LOOP
    assert lines("optimizer-param-mismatch", text, remedy("add-parameters")) == [
        "-chosen = net.head.parameters()",
        "+chosen = net.parameters()",
    ]


def test_the_optimizer_is_made_behind_the_new_head() -> None:
    """What it leaves out stays left out; where it holds all that is not frozen already, nothing is written."""
    frozen = "for p in net.features.parameters():\n    p.requires_grad = False\n"
    made = "opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=1e-3)"
    text = HEAD + frozen + made + "\nnet.head = nn.Linear(64, 10)\n" + LOOP
    whole = patch(finding("optimizer-param-mismatch", remedy("add-parameters")), parse(text, "train.py"), BOOK)
    assert whole is not None
    assert whole.text is not None
    assert f"net.head = nn.Linear(64, 10)\n{made}\nfor epoch" in whole.text
    right = HEAD + frozen + "net.head = nn.Linear(64, 10)\n" + made + "\n" + LOOP
    assert lines("optimizer-param-mismatch", right, remedy("add-parameters")) == []


def test_frozen_weights_are_released() -> None:
    """With the loop that does nothing else; two places are a choice of the person."""
    frozen = "for p in net.parameters():\n    p.requires_grad = False\n"
    made = ["-for p in net.parameters():", "-    p.requires_grad = False"]
    assert lines("frozen-parameters", HEAD + frozen + OPT + LOOP, remedy("unfreeze")) == made
    assert lines("frozen-parameters", HEAD + frozen + frozen + OPT + LOOP, remedy("unfreeze")) == []


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (
            "X, y = load()\ntrain = TensorDataset(X[:100], y[:100])\nval = TensorDataset(X[100:], y[100:])\n",
            ["+input_mean, input_std = X[:100].mean(0), X[:100].std(0)", "+input_std[input_std == 0] = 1",
             "+X = (X - input_mean) / input_std"],
        ),
        (
            "a, b = load()\ntrain = TensorDataset(torch.tensor(a), y)\nval = TensorDataset(torch.tensor(b), z)\n",
            ["+input_mean, input_std = a.mean(0), a.std(0)", "+input_std[input_std == 0] = 1",
             "+a, b = (a - input_mean) / input_std, (b - input_mean) / input_std"],
        ),
        ("train = TensorDataset(*load())\n", []),
        ("for k in range(3):\n    train = TensorDataset(X, y)\n", []),
    ],
)  # fmt: skip
def test_inputs_are_standardized_by_the_training_part(data: str, wanted: list[str]) -> None:
    """Where the arrays were set last; constant features stay finite."""
    assert lines("unnormalized-inputs", HEAD + data, remedy("standardize-inputs")) == wanted


def test_targets_are_standardized() -> None:
    """They have no constant features."""
    text = HEAD + "X, y = load()\ntrain = TensorDataset(X, y)\n"
    assert lines("unnormalized-targets", text, remedy("standardize-targets")) == [
        "+target_mean, target_std = y.mean(0), y.std(0)",
        "+y = (y - target_mean) / target_std",
    ]


def test_a_schedule_is_stepped_once_an_epoch() -> None:
    """The step leaves the inner loop; one that stands there already is left."""
    text = HEAD + OPT + LOOP + "        sched.step()\n    print(epoch)\n"
    assert lines("lr-schedule", text, remedy("scheduler-step", per="epoch")) == [
        "-        sched.step()",
        "+    sched.step()",
    ]
    outside = HEAD + OPT + LOOP + "    sched.step()\n"
    assert lines("lr-schedule", outside, remedy("scheduler-step", per="epoch")) == []


def test_a_schedule_is_stepped_after_every_optimizer_step() -> None:
    """The step moves into the inner loop, behind that of the optimizer."""
    outside = HEAD + OPT + LOOP + "    sched.step()\n"
    assert lines("lr-schedule", outside, remedy("scheduler-step", per="step")) == [
        "-    sched.step()",
        "+        sched.step()",
    ]


def test_counts_are_changed_where_they_are_set() -> None:
    """The batches of a step, the warm-up, the epochs."""
    text = HEAD + "EPOCHS = 4\nevery = 64\nwarmup_steps = 9000\n" + OPT
    text += LOOP.replace("        opt.step()", "        if (i + 1) % every == 0:\n            opt.step()")
    assert lines("missing-optimizer-step", text, remedy("accumulation", steps=1)) == ["-every = 64", "+every = 1"]
    assert lines("lr-schedule", text, remedy("warmup", steps=14.0)) == ["-warmup_steps = 9000", "+warmup_steps = 14"]
    assert lines("undertrained", text, remedy("train-longer", factor=1.5)) == ["-EPOCHS = 4", "+EPOCHS = 6"]
    assert lines("undertrained", text, remedy("train-longer", factor=1.0)) == []


def test_half_precision_gets_more_range() -> None:
    """bfloat16 where it was float16, or a scaler around backward and step; none beside two clippings."""
    text = (
        HEAD
        + OPT
        + LOOP.replace(
            "        loss =", "        with torch.autocast('cuda', dtype=torch.float16):\n            loss ="
        )
    )
    made = lines("amp-overflow", text, remedy("precision", dtype="bfloat16"))
    assert made[1] == "+        with torch.autocast('cuda', dtype=torch.bfloat16):"
    scaled = lines("amp-underflow", text, remedy("precision", scaler=True))
    assert [line for line in scaled if line[0] == "+"] == [
        '+scaler = torch.amp.GradScaler("cuda")', "+        scaler.scale(loss).backward()",
        "+        scaler.step(opt)", "+        scaler.update()",
    ]  # fmt: skip
    clip = "        nn.utils.clip_grad_norm_(net.parameters(), 1)\n"
    twice = text.replace("        opt.step()", f"{clip}{clip}        opt.step()")
    assert lines("amp-underflow", twice, remedy("precision", scaler=True)) == []


def test_a_difference_gets_one_shape() -> None:
    """In a loss written by hand, a name back; nothing where two could be meant."""
    text = (
        HEAD
        + "for x, y in train_loader:\n    gap = net(x) - y\n    out = net(x)\n    gap = out - y\n"
        + "    loss = (gap ** 2).mean()\n    loss.backward()\n"
    )
    assert lines("loss-shape-broadcast", text, remedy("match-shapes")) == [
        "-    gap = out - y",
        "+    gap = out - y.view_as(out)",
    ]
    twice = text.replace("(gap ** 2)", "((gap ** 2) + (out - x) ** 2)")
    assert lines("loss-shape-broadcast", twice, remedy("match-shapes")) == []


def test_the_operation_that_was_seen_gets_one_shape_at_each_of_its_places() -> None:
    """A column of advantages in two products; the same pair in two differences; nothing for another operation."""
    surrogate = (
        HEAD
        + "for x, y in train_loader:\n    ratio = net(x).exp()\n    adv = y - 1\n"
        + "    loss = -torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean()\n    loss.backward()\n"
    )
    products = lines("loss-shape-broadcast", surrogate, remedy("match-shapes", operation="Mul"))
    assert products[1:] == [
        "+    loss = -torch.min(ratio * adv.view_as(ratio), ratio.clamp(0.8, 1.2) * adv.view_as(ratio)).mean()"
    ]
    assert lines("loss-shape-broadcast", surrogate, remedy("match-shapes", operation="Minimum")) == []
    critic = (
        HEAD
        + "for x, y in train_loader:\n    values = net(x)\n    adv = y - values.detach()\n"
        + "    loss = (values.exp() * adv).mean() + (y - values).pow(2).mean()\n    loss.backward()\n"
    )
    differences = lines("loss-shape-broadcast", critic, remedy("match-shapes", operation="Sub"))
    assert [line for line in differences if line.startswith("+")] == [
        "+    adv = y - values.detach().view_as(y)",
        "+    loss = (values.exp() * adv).mean() + (y - values.view_as(y)).pow(2).mean()",
    ]


@pytest.mark.parametrize(
    ("code", "text", "wanted"),
    [
        ("softmax-wrong-dim", "p = F.softmax(q, dim=0)\n", ["-p = F.softmax(q, dim=0)", "+p = F.softmax(q, dim=-1)"]),
        ("softmax-wrong-dim", "p = F.softmax(q, dim=0)\nr = q.softmax(0)\n", []),
        ("sampler-epoch-fixed", "for epoch in range(3):\n    for x, y in loader:\n        loss.backward()\n",
         ["+    loader.sampler.set_epoch(epoch)"]),
        ("sampler-epoch-fixed", "for _ in range(3):\n    for x, y in loader:\n        loss.backward()\n", []),
        ("loss-term-without-gradient", "for x in loader:\n    seen = fake.detach()\n    d(fake.detach())\n",
         ["-    seen = fake.detach()", "+    seen = fake"]),
        ("timestep-not-given", "net = nn.Linear(8, 8)\npred = net(x, torch.zeros_like(t))\n",
         ["-pred = net(x, torch.zeros_like(t))", "+pred = net(x, t)"]),
        ("label-shift", "loss = F.cross_entropy(logits.view(-1, 50), ids.view(-1))\n",
         ["-loss = F.cross_entropy(logits.view(-1, 50), ids.view(-1))",
          "+loss = F.cross_entropy(logits[:, :-1].reshape(-1, 50), ids[:, 1:].reshape(-1))"]),
        ("label-shift", "loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())\n", []),
        ("mask-inverted", "keep = ids != 0\nh = enc(x, src_key_padding_mask=keep)\n",
         ["-keep = ids != 0", "+keep = ids == 0"]),
        ("mask-inverted", "h = enc(x, src_key_padding_mask=~hidden)\n",
         ["-h = enc(x, src_key_padding_mask=~hidden)", "+h = enc(x, src_key_padding_mask=hidden)"]),
        ("mask-inverted", "s = s.masked_fill((ids != 0)[:, None, None], float('-inf'))\n",
         ["-s = s.masked_fill((ids != 0)[:, None, None], float('-inf'))",
          "+s = s.masked_fill((ids == 0)[:, None, None], float('-inf'))"]),
        ("mask-inverted", "h = enc(x, key_padding_mask=a != 0)\ng = enc(y, key_padding_mask=b == 0)\n", []),
    ],
)  # fmt: skip
def test_faults_that_no_re_run_mends(code: str, text: str, wanted: list[str]) -> None:
    """Where there is one place only that the fault can be in."""
    assert lines(code, HEAD + text, remedy("fix-data")) == wanted


def test_names_of_a_checkpoint_lose_their_prefix() -> None:
    """Where the state is read, with the prefix that was seen."""
    text = HEAD + "state = torch.load('a.pt')\nstate = dict(state)\nnet.load_state_dict(state, strict=False)\n"
    told = finding("checkpoint-not-loaded", remedy("fix-data")).model_copy(update={"values": {"load_prefix": "model."}})
    source = parse(text)
    made = patch(told, source, BOOK)
    assert made is not None
    assert made.text is not None
    assert diff(source, made.text).split("\n")[6:8] == [
        "-state = torch.load('a.pt')",
        "+state = {key.removeprefix('model.'): value for key, value in torch.load('a.pt').items()}",
    ]
    assert lines("checkpoint-not-loaded", text, remedy("fix-data")) == []


def test_the_loss_that_is_named_replaces_the_only_one() -> None:
    """As a class where it was one."""
    text = HEAD + "criterion = nn.MSELoss()\nfor x, y in loader:\n    criterion(net(x), y).backward()\n"
    assert lines("wrong-loss-function", text, remedy("loss-function", to="cross_entropy")) == [
        "-criterion = nn.MSELoss()",
        "+criterion = nn.CrossEntropyLoss()",
    ]


def test_inputs_are_standardized_before_what_the_script_does_with_them() -> None:
    """Right after the line that sets them last; where the block sets none, right before the dataset."""
    bound = "X, y = load()\nshow(X)\ntrain = TensorDataset(X, y)\n"
    source = parse(HEAD + bound, "train.py")
    made = patch(finding("unnormalized-inputs", remedy("standardize-inputs")), source, BOOK)
    assert made is not None
    assert made.text is not None
    assert made.text.removeprefix(HEAD).splitlines() == [
        "X, y = load()", "input_mean, input_std = X.mean(0), X.std(0)", "input_std[input_std == 0] = 1",
        "X = (X - input_mean) / input_std", "show(X)", "train = TensorDataset(X, y)",
    ]  # fmt: skip
