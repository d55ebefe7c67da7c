"""Second places of a fault: what a script shows beside the line that was recorded."""

import ast

import pytest

from trainadvisor.mending.fault_places import PLACES
from trainadvisor.source.reading import parse
from trainadvisor.source.training import Training

HEAD = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleList([nn.Linear(4, 4) for _ in range(9)])
        self.last = nn.Linear(4, 1)

    def forward(self, x):
        return self.last(x)


net = Net()
"""
COPIED = """def learn(memory):
    count = len(memory)
    if count % 50 == 0:
        target.load_state_dict(net.state_dict())
"""

MODULE = """class Lit(pl.LightningModule):
    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters())
        return {{"lr_scheduler": {}}}
"""


@pytest.mark.parametrize(
    ("code", "text", "shown"),
    [
        ("loss-shape-broadcast", NET + "out = net(x)\nloss = F.mse_loss(out, y)\n", ["return self.last(x)"]),
        ("loss-shape-broadcast", NET + "out = net(x)\nloss = F.cross_entropy(out, y)\n", []),
        ("nan-gradients", "def far(a, b):\n    return (a - b).sqrt() + torch.acos(a)\n",
         ["(a - b).sqrt()", "torch.acos(a)"]),
        ("nan-gradients", "def far(a, b):\n    return [a.acos(), a.asin(), b.acos(), b.asin()]\n", []),
        ("nan-gradients", "def far(a, b):\n    return torch.sqrt((a - b).square() + 1e-8)\n", []),
        ("poor-initialization", NET, ["nn.ModuleList([nn.Linear(4, 4) for _ in range(9)])"]),
        ("poor-initialization", NET + "nn.init.normal_(net.last.weight, std=3)\n",
         ["nn.init.normal_(net.last.weight, std=3)"]),
        ("target-network-stale", COPIED, ["count % 50 == 0", "count = len(memory)"]),
        ("target-network-stale", "target.load_state_dict(net.state_dict())\n", []),
        ("eval-mode-in-training", "net.eval()\nscore = eval(text)\n", ["net.eval()"]),
        ("stop-token-masked", "tok.pad_token = tok.eos_token\ntok.bos_token = tok.eos_token\n",
         ["tok.pad_token = tok.eos_token"]),
        ("stop-token-masked", "config = Config(pad_token_id=tok.eos_token_id, eos_token_id=2)\n",
         ["pad_token_id=tok.eos_token_id"]),
        ("stop-token-masked", "tok.add_special_tokens({'pad_token': '</s>'})\n", ["'</s>'"]),
        ("stop-token-masked", "tok.pad_token = '<pad>'\ntok.add_special_tokens({'pad_token': '[PAD]'})\n", []),
        ("label-shift", "labels = torch.cat([ids[:, 1:], ids[:, :1]], 1)\nids = ids[:, 1:]\n",
         ["labels = torch.cat([ids[:, 1:], ids[:, :1]], 1)"]),
        ("label-shift", "row = {'labels': ids.roll(-1), 'mask': mask[1:]}\n", ["ids.roll(-1)"]),
        ("label-shift", "labels[:, :-1] = ids[:, 1:]\n", ["labels[:, :-1] = ids[:, 1:]"]),
        ("label-shift", "labels = ids.clone()\nlabels[:, :4] = -100\nlabels = labels[::2]\n", []),
        ("scheduler-step-count", MODULE.format("schedule"), ["return {'lr_scheduler': schedule}"]),
        ("scheduler-step-count", MODULE.format('{"scheduler": schedule, "interval": "step"}'), ["'interval'"]),
        ("scheduler-step-count", "def other():\n    return schedule\n", []),
        ("lr-schedule", "for group in optimizer.param_groups:\n    group['lr'] = rate\n    group['lr'] *= decay\n",
         ["group['lr'] = rate", "group['lr'] *= decay"]),
        ("lr-schedule", "rate = group['lr']\ngroups = [{'params': p, 'lr': 0.1}]\ngroup['decay'] *= 2\n", []),
        ("unshuffled-data", "model.fit(x, y, validation_split=0.2)\n", ["validation_split=0.2"]),
        ("unshuffled-data", "a, b = train_test_split(x, shuffle=False)\nc, d = train_test_split(y, shuffle=True)\n",
         ["shuffle=False"]),
        ("prompt-not-masked", "labels = ids.clone()\nkept = ids.clone()\n", ["labels = ids.clone()"]),
    ],
)  # fmt: skip
def test_where_else_a_fault_stands(code: str, text: str, shown: list[str]) -> None:
    """In the order in which they are shown."""
    assert [ast.unparse(node) for node in PLACES[code](Training(parse(HEAD + text)))] == shown
