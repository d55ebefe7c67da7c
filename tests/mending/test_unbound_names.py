"""A change that reads a name which nothing gives a value would end the script, and is not made."""

import pytest

from trainadvisor.mending.unbound_names import unbound_since

BEFORE = "import torch\n\ndef train(net):\n    net(1)\n\ndef main():\n    net = torch.nn.Linear(1, 1)\n    train(net)\n"


@pytest.mark.parametrize(
    ("line", "unbound"),
    [
        ("net.train()", set()), ("torch.no_grad()", set()), ("print(__file__, main)", set()),
        ("other.train()", {("train", "other")}), ("y = y + 1", set()),
        ("all(x for x in net)", set()), ("all(z for x in net)", {("genexpr", "z")}),
        ("global seen; seen = 1; print(seen)", set()), ("from math import *; exp(1)", set()),
    ],
)  # fmt: skip
def test_a_name_without_a_value_is_told_with_its_function(line: str, unbound: set[tuple[str, str]]) -> None:
    """Names of the function, those around it, the module and Python are known; locals of another function are not."""
    text = BEFORE.replace("    net(1)\n", f"    net(1)\n    {line}\n")
    if "import *" in line:
        text = f"{line}\n{BEFORE}"
    assert unbound_since(BEFORE, text) == unbound


def test_what_was_unbound_before_is_no_fault_of_the_change() -> None:
    """A cell of a notebook reads what other cells made; what is no Python is told elsewhere."""
    assert unbound_since("net(x)\n", "net.train()\nnet(x)\n") == frozenset()
    assert unbound_since("net(x)\n", "net(\n") == frozenset()
    assert unbound_since("net(x)\n", "loss\nnet(x)\n") == {("top", "loss")}
