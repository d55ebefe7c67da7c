"""What is put into a script has the names that the script imports, and the import that it lacks."""

from __future__ import annotations

import ast

import pytest

from trainadvisor.mending import insertions, layer_edits, loop_edits, model_edits
from trainadvisor.source.edits import applied
from trainadvisor.source.own_imports import in_own_names, own_name, place_of_import
from trainadvisor.source.reading import parse
from trainadvisor.source.training import Training

CLIPPED = "torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)"
LOOP = """
net = make()
opt = {optimizer}(net.parameters(), 0.1)
for x, y in data:
    opt.zero_grad()
    loss = net(x, y)
    loss.backward()
    opt.step()
"""


@pytest.mark.parametrize(
    ("imports", "own", "missing"),
    [
        ("import torch", CLIPPED, []),
        ("import torch.nn", CLIPPED, []),
        ("import torch\nfrom torch import nn", CLIPPED, []),
        ("import torch as t", f"t{CLIPPED[5:]}", []),
        ("from torch import nn, optim", CLIPPED[6:], []),
        ("import torch as t\nimport torch.nn as tnn", f"tnn{CLIPPED[8:]}", []),
        ("from torch.nn import utils as u", f"u{CLIPPED[14:]}", []),
        ("from torch.nn.utils import clip_grad_norm_", CLIPPED[15:], []),
        ("try:\n    import torch as t\nexcept ImportError:\n    t = 0", CLIPPED, ["torch"]),
        ("try:\n    import torch as t\nexcept ImportError:\n    pass", f"t{CLIPPED[5:]}", []),
        ("import os", CLIPPED, ["torch"]),
        ("from torch import *", CLIPPED, ["torch"]),
        ("from .torch import nn", CLIPPED, ["torch"]),
        ("from torch.nn.util import s", CLIPPED, ["torch"]),
        ("from torch import nn\nnn = nn.Linear", CLIPPED, ["torch"]),
        ("from torch import nn\ndef nn(): pass", CLIPPED, ["torch"]),
        ("from torch import nn\ndef f(nn): pass", CLIPPED, ["torch"]),
        ("def f():\n    import torch", CLIPPED, ["torch"]),
        ("if TYPE_CHECKING:\n    import torch", CLIPPED, ["torch"]),
        ("", CLIPPED, []),
    ],
)
def test_a_full_name_is_written_as_the_script_imports_it(imports: str, own: str, missing: list[str]) -> None:
    """By the nearest module that it has a name for, which nothing else has; in a piece without imports by the usual."""
    assert in_own_names(ast.parse(f"{imports}\nx = 0\n"), CLIPPED, 9) == (own, missing)


def test_an_import_of_a_function_is_seen_in_it_alone() -> None:
    """From its first line to its last."""
    tree = ast.parse("import os\ndef f():\n    import torch as t\n    return 0\nx = 0\n")
    assert [own_name(tree, "torch.relu", line) for line in (1, 2, 4, 5)] == [None, "t.relu", "t.relu", None]
    assert own_name(tree, "os.path", 5) == "os.path"


@pytest.mark.parametrize(
    ("text", "own", "missing"),
    [
        ("f(torch.relu(x), torch.no_grad())", "f(t.relu(x), t.no_grad())", []),
        ("'torch.relu' + \"torch.tanh\" + my.torch.relu + torchvision.io + torch", None, []),
        ("copy.deepcopy(net)", "copy.deepcopy(net)", ["copy"]),
        ("copy.items(), copy.deepcopying(x)", None, []),
    ],
)
def test_only_names_of_torch_are_written_anew(text: str, own: str | None, missing: list[str]) -> None:
    """No text in quotes, no attribute of something else, no variable."""
    assert in_own_names(ast.parse("import torch as t\n"), text, 1) == (own or text, missing)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("'''About.'''\nfrom __future__ import annotations\nimport os\nx = 1\nfrom torch import nn\n", 5),
        ("'''About.'''\nfrom __future__ import annotations\nx = 1\nimport os\n", 4),
        ("'''About.'''\nfrom __future__ import annotations\nx = 1\n", 3),
        ("import torchvision\nimport os\n", 1),
    ],
)
def test_an_import_stands_before_that_of_torch(text: str, line: int) -> None:
    """Before the first import where there is none, before the first statement where nothing is imported."""
    assert place_of_import(ast.parse(text)).lineno == line


@pytest.mark.parametrize(
    ("imports", "optimizer", "put"),
    [
        ("import torch as t", "t.optim.SGD", "t.nn.utils.clip_grad_norm_"),
        ("from torch import nn, optim", "optim.SGD", "nn.utils.clip_grad_norm_"),
        ("from torch.optim import SGD", "SGD", "torch.nn.utils.clip_grad_norm_"),
    ],
)
def test_clipping_is_put_into_a_script(imports: str, optimizer: str, put: str) -> None:
    """With an import before its own where it has no name for it."""
    source = parse(imports + LOOP.format(optimizer=optimizer))
    text = applied(source, insertions.clip(Training(source), {"max_norm": 1.0}) or ())
    lacks = "import torch\n" * put.startswith("torch.")
    behind = LOOP.format(optimizer=optimizer).replace("backward()", f"backward()\n    {put}(net.parameters(), 1.0)")
    assert text == lacks + imports + behind


def test_classes_that_were_imported_by_name_are_exchanged_by_full_names() -> None:
    """An optimizer, an activation and a norm of modules that the script has no name for."""
    source = parse("from torch.optim import SGD\n\nopt = SGD(net.parameters(), 0.1)\n")
    fix = model_edits.optimizer(Training(source), {"to": "Adam", "lr": 0.001})
    assert applied(source, fix or ()) == (
        "import torch\nfrom torch.optim import SGD\n\nopt = torch.optim.Adam(net.parameters(), lr=0.001)\n"
    )
    source = parse("from torch.nn import Linear, ReLU, Sequential\n\nnet = Sequential(Linear(2, 8), ReLU())\n")
    fix = layer_edits.normalization(Training(source), {"to": "layer"})
    assert applied(source, fix or ()) == (
        "import torch\nfrom torch.nn import Linear, ReLU, Sequential\n\n"
        "net = Sequential(Linear(2, 8), torch.nn.LayerNorm(8), ReLU())\n"
    )


def test_a_scaler_is_made_by_the_name_of_torch() -> None:
    """Several lines are put, the import once."""
    source = parse("from torch import optim" + LOOP.format(optimizer="optim.SGD"))
    fix = loop_edits.precision(Training(source), {"scaler": True})
    text = applied(source, fix or ())
    assert text.startswith(
        'import torch\nfrom torch import optim\nnet = make()\nscaler = torch.amp.GradScaler("cuda")\n'
    )
    assert text.count("import torch") == 1


def test_an_activation_that_was_imported_by_name_is_exchanged() -> None:
    """As one that is named with its module, and the weights are drawn in the names of the script."""
    text = (
        "from torch.nn import Linear, Sequential, Sigmoid\nimport torch.nn as layers\n\n"
        "net = Sequential(Linear(2, 8), Sigmoid(), Linear(8, 2))\n"
    )
    source = parse(text)
    fix = model_edits.activation(Training(source), {"to": "gelu"})
    assert applied(source, fix or ()) == text.replace("Sigmoid()", "layers.GELU()")
