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


@pytest.mark.parametrize(
    ("code", "text", "shown"),
    [
        ("loss-shape-broadcast", NET + "out = net(x)\nloss = F.mse_loss(out, y)\n", ["return self.last(x)"]),
        ("loss-shape-broadcast", NET + "out = net(x)\nloss = F.cross_entropy(out, y)\n", []),
        ("poor-initialization", NET, ["nn.ModuleList([nn.Linear(4, 4) for _ in range(9)])"]),
        ("poor-initialization", NET + "nn.init.normal_(net.last.weight, std=3)\n",
         ["nn.init.normal_(net.last.weight, std=3)"]),
        ("target-network-stale", COPIED, ["count % 50 == 0", "count = len(memory)"]),
        ("target-network-stale", "target.load_state_dict(net.state_dict())\n", []),
        ("eval-mode-in-training", "net.eval()\nscore = eval(text)\n", ["net.eval()"]),
        ("prompt-not-masked", "labels = ids.clone()\nkept = ids.clone()\n", ["labels = ids.clone()"]),
    ],
)  # fmt: skip
def test_where_else_a_fault_stands(code: str, text: str, shown: list[str]) -> None:
    """In the order in which they are shown."""
    assert [ast.unparse(node) for node in PLACES[code](Training(parse(HEAD + text)))] == shown
