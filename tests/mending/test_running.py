"""Edits of whole scripts: with the names that the script has, and the script that comes out runs to its end."""

import pytest

from tests.mending.test_patches import finding, remedy
from trainadvisor.judge.result import Remedy
from trainadvisor.judge.rule_loading import load
from trainadvisor.mending.patches import patch
from trainadvisor.source.edits import diff
from trainadvisor.source.reading import parse

BOOK = load()
HEAD = """import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
data, labels = torch.randn(64, 8), torch.randint(0, 3, (64,))
train_loader = DataLoader(TensorDataset(data, labels), batch_size=16)
"""
CHAIN = "net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))\n"
CE = "criterion = nn.CrossEntropyLoss()\n"
OPT = "opt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
LOOP = """for epoch in range(2):
    for x, y in train_loader:
        opt.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        opt.step()
"""
PLAIN = HEAD + CHAIN + CE + OPT + LOOP
RECURRENT = """class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(1 + 4, 4), nn.Linear(4, 3)

    def forward(self, x):
        state = torch.zeros(len(x), 4)
        for t in range(x.shape[1]):
            state = self.inner(torch.cat([x[:, t : t + 1], state], 1))
        return self.head(state)


net = Cell()
"""
STACKED = """class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


net = Stack()
"""
CHECKPOINTED = """from torch.utils.checkpoint import checkpoint
base, head = nn.Linear(8, 8), nn.Linear(8, 3)
net = nn.Sequential(base, head)


def model(x):
    return head(checkpoint(base, x, use_reentrant=True))


"""
ACCUMULATING = """every = 2
for i, (x, y) in enumerate(train_loader):
    loss = criterion(net(x), y)
    loss.backward()
    if (i + 1) % every == 0:
        opt.step()
        opt.zero_grad()
"""
TARGET = """target = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
target.load_state_dict(net.state_dict())
"""
VAE = """enc, dec = nn.Linear(8, 4), nn.Linear(2, 8)
net = nn.ModuleList([enc, dec])


def criterion(x, _):
    mu, logvar = enc(x).chunk(2, 1)
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return F.mse_loss(dec(mu), x) + kl / len(x)


"""
TWICE = """def loss_of(out, y):
    n = len(y)
    each = F.cross_entropy(out, y).mean()
    return (each + 0.1 * out.square().mean()) / n


"""
CLIP = "        nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n"
RAW = "raw = data\nmean, std = torch.tensor(0.0), 1.0\ndata = (raw - mean) / std\n"
LISTED = HEAD.replace("train_loader", RAW + "train_loader").replace(
    "TensorDataset(data, labels)", "[*zip(data, labels)]"
)
MEASURED = "mu, sd = data[:40].mean(0), data[:40].std(0)\ntrain = TensorDataset(data, labels)\n"
SPLIT = HEAD.replace("train_loader =", MEASURED + "train_loader =").replace(
    "TensorDataset(data, labels), b", "train, b"
)


@pytest.mark.parametrize(
    ("code", "told", "text", "wanted"),
    [
        ("missing-nonlinearity", remedy("add-nonlinearity"), HEAD + RECURRENT + CE + OPT + LOOP,
         ["            state = torch.tanh(self.inner(torch.cat([x[:, t : t + 1], state], 1)))"]),
        ("missing-nonlinearity", remedy("add-nonlinearity"), HEAD + STACKED + CE + OPT + LOOP,
         ["            x = torch.relu(layer(x))"]),
        ("frozen-parameters", remedy("unfreeze"), HEAD + CHECKPOINTED + CE + OPT + LOOP.replace("net(x)", "model(x)"),
         ["    return head(checkpoint(base, x, use_reentrant=False))"]),
        ("grad-accumulation-scaling", remedy("accumulation"), HEAD + CHAIN + CE + OPT + ACCUMULATING,
         ["    (loss / every).backward()"]),
        ("class-imbalance", remedy("class-weights"), PLAIN,
         ["counts = torch.bincount(labels).float().clamp(min=1)",
          "criterion = nn.CrossEntropyLoss(weight=counts.rsqrt() / counts.rsqrt().mean())"]),
        ("class-imbalance", remedy("class-weights"),
         PLAIN.replace("net =", "unlabeled = TensorDataset(data[:9])\nnet =", 1),
         ["counts = torch.bincount(labels).float().clamp(min=1)",
          "criterion = nn.CrossEntropyLoss(weight=counts.rsqrt() / counts.rsqrt().mean())"]),
        ("dead-relu", remedy("normalization", to="batch"), PLAIN,
         ["net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))"]),
        ("activation-explosion", remedy("normalization", to="layer"), PLAIN,
         ["net = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 3))"]),
        ("lr-too-high", remedy("warmup", steps=4.0), PLAIN,
         ["warmup = torch.optim.lr_scheduler.LinearLR(opt, start_factor=0.001, total_iters=4)",
          "        warmup.step()"]),
        ("lr-schedule", remedy("schedule", to="cosine", steps=8), PLAIN,
         ["scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=8)", "        scheduler.step()"]),
        ("lr-schedule", remedy("schedule", to="cosine", steps=8),
         HEAD + CHAIN + CE + OPT + "plan = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 900)\n" + LOOP
         + "        plan.step()\n", ["plan = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 8)"]),
        ("amp-underflow", remedy("precision", scaler=True),
         PLAIN.replace("        opt.step()", f"{CLIP}        opt.step()"),
         ['scaler = torch.amp.GradScaler("cuda")', "        scaler.scale(loss).backward()",
          "        scaler.unscale_(opt)", "        scaler.step(opt)", "        scaler.update()"]),
        ("data-loader-bound", remedy("workers", num_workers=0), PLAIN,
         ["train_loader = DataLoader(TensorDataset(data, labels), batch_size=16, num_workers=0)"]),
        ("data-loader-bound", remedy("pin-memory", pin_memory=False), PLAIN,
         ["train_loader = DataLoader(TensorDataset(data, labels), batch_size=16, pin_memory=False)"]),
        ("plateau", remedy("betas", beta2=0.95), PLAIN.replace("SGD", "NAdam"),
         ["opt = torch.optim.NAdam(net.parameters(), lr=0.1, betas=(0.9, 0.95))"]),
        ("plateau", remedy("betas", beta2=0.95), PLAIN.replace("SGD", "RMSprop"), []),
        ("plateau", remedy("eps", value=1e-6), PLAIN.replace("SGD", "RMSprop"),
         ["opt = torch.optim.RMSprop(net.parameters(), lr=0.1, eps=1e-06)"]),
        ("plateau", remedy("eps", value=1e-6), PLAIN, []),
        ("unnormalized-inputs", remedy("standardize-inputs"), LISTED + CHAIN + CE + OPT + LOOP,
         ["mean, std = raw.mean(), raw.std()"]),
        ("unnormalized-inputs", remedy("standardize-inputs"), SPLIT + CHAIN + CE + OPT + LOOP,
         ["data = (data - mu) / sd"]),
        ("wrong-loss-function", remedy("lr", value=3.0),
         HEAD + CHAIN + TWICE + OPT + LOOP.replace("criterion", "loss_of"),
         ["    return (each + 0.1 * out.square().mean())"]),
    ],
)  # fmt: skip
def test_the_mended_script_runs(code: str, told: Remedy, text: str, wanted: list[str]) -> None:
    """The lines that come are these, and nothing is left to guess."""
    source = parse(text, "train.py")
    found = finding(code, told).model_copy(update={"branch": "divided-twice" if "loss_of" in text else None})
    made = patch(found, source, BOOK)
    changed = made.text if made is not None and made.text is not None else text
    exec(compile(changed, "train.py", "exec"), {"__name__": "train"})  # noqa: S102 - the script above
    shown = diff(source, changed).split("\n")[2:]
    assert [line[1:] for line in shown if line[:1] == "+"] == wanted


@pytest.mark.parametrize(
    ("code", "number", "text", "wanted"),
    [
        ("target-network-stale", 1, HEAD + CHAIN + TARGET + CE + OPT + LOOP,
         ["        with torch.no_grad():", "            for old, new in zip(target.parameters(), net.parameters()):",
          "                old.lerp_(new, 0.005)"]),
        ("constant-output", 2, HEAD + VAE + OPT + LOOP.replace("net(x)", "x"),
         ['    return F.mse_loss(dec(mu), x, reduction="sum") / len(x) + kl / len(x)']),
    ],
)  # fmt: skip
def test_a_later_remedy_that_names_the_fault_comes_first(code: str, number: int, text: str, wanted: list[str]) -> None:
    """It is the one that the script shows to be meant."""
    source = parse(text, "train.py")
    advised = [remedy("fix-data") for _ in range(number)]
    made = patch(finding(code, *advised, remedy("balance-loss")), source, BOOK)
    assert made is not None
    assert made.text is not None
    assert made.remedy == number
    exec(compile(made.text, "train.py", "exec"), {"__name__": "train"})  # noqa: S102 - the script above
    assert [line[1:] for line in diff(source, made.text).split("\n")[2:] if line[:1] == "+"] == wanted


def test_the_mode_is_set_where_the_steps_are_made() -> None:
    """At the start of the epoch, or of the function that makes a step."""
    update = "def update(x, y):\n" + '    """Make a step."""\n'
    update += (
        "".join(line[4:] + "\n" for line in LOOP.split("\n")[2:-1]) + "for x, y in train_loader:\n    update(x, y)\n"
    )
    for text, wanted in ((PLAIN, "    net.train()"), (HEAD + CHAIN + CE + OPT + update, "    net.train()")):
        source = parse(text, "train.py")
        made = patch(finding("eval-mode-in-training", remedy("mode", mode="train")), source, BOOK)
        assert made is not None
        assert made.text is not None
        exec(compile(made.text, "train.py", "exec"), {"__name__": "train"})  # noqa: S102 - the script above
        assert [line[1:] for line in diff(source, made.text).split("\n")[2:] if line[:1] == "+"] == [wanted]
