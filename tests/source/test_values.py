"""Values are followed a few assignments back, and not further than the source is sure of."""

import ast

import pytest

from trainadvisor.source.reading import parse
from trainadvisor.source.training import Training


def origins(text: str) -> list[str | None]:
    """Return where the argument of `ask(...)` may come from."""
    training = Training(parse(text))
    call = next(c for c in training.script.calls if ast.unparse(c.func) == "ask")
    return [o and ast.unparse(o.expr) for o in training.values.origins(call.args[0])]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\nx = 2\nask(x)", ["2"]),
        ("x = 1\nif c:\n    x = 2\nask(x)", ["1", "2"]),
        ("if c:\n    x = 1\nelse:\n    x = 2\n    ask(x)", ["2"]),
        ("x = 1\nfor i in r:\n    ask(x)\n    x = 2", ["1", "2"]),
        ("x = 1\nfor i in r:\n    x = 3\n    ask(x)\n    x = 2", ["3"]),
        ("with a:\n    x = 1\nask(x)", ["1"]),
        ("a, b = 1, 2\nask(b)", ["2"]),
        ("x = 1\nx += 1\nask(x)", [None]),
        ("def f(x):\n    ask(x)\nf(3)\nf(x=4)", ["3", "4"]),
        ("def f(x):\n    ask(x)", [None]),
        ("def f():\n    return 5\nask(f())", ["5"]),
        (
            "class A:\n    def __init__(self, m):\n        self.m = m\n    def g(self):\n        ask(self.m)\nA(7)",
            ["7"],
        ),
        ("class A:\n    def __init__(self):\n        self.m = 1\n\na = A()\nask(a.m)", ["1"]),
        ("class A:\n def f(self):\n  return 5\n def g(self):\n  ask(self.f())", ["5"]),
        ("class A:\n def f(self):\n  return 5, 6\n def g(self):\n  a, b = self.f()\n  ask(b)", ["6"]),
        # two classes may answer; something is put around it
        (
            "class A:\n def f(self):\n  return 5\n def g(self):\n  ask(self.f())\nclass B(A):\n def f(self):\n  pass",
            ["self.f()"],
        ),
        ("class A:\n @cached\n def f(self):\n  return 5\n def g(self):\n  ask(self.f())", ["self.f()"]),
        ("m = g().to(d)\nm = wrap.compile(m)\nask(m)", ["g()"]),
        ("x = 1 if c else 2\nask(x)", ["1", "2"]),
        ("x = x\nask(x)", [None]),
    ],
)
def test_what_a_name_may_mean(text: str, found: list[str | None]) -> None:
    """Branches, loops, tuples, arguments, attributes and wrappers; None for what is not followed."""
    assert origins(text) == found


def test_a_question_ends() -> None:
    """Names that lead on and on are given up, in time."""
    text = "\n".join(f"def f{i}(x):\n    return f{(i + 1) % 40}(f{(i + 3) % 40}(x))" for i in range(40))
    assert None in origins(f"{text}\nask(f0(1))")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("F.softmax(fc(x), dim=1)", {"softmax"}),
        ("torch.sigmoid(x).squeeze(1)[:, 0]", {"sigmoid"}),
        ("nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Dropout(0.5))(x)", {"relu"}),
        ("nn.Sequential(*[nn.Linear(2, 3), nn.Softmax(-1)])(x)", {"softmax"}),
        ("nn.Sequential(OrderedDict([('a', nn.Linear(2, 3))]))(x)", {"linear"}),
        ("net(x)[0]", {"unknown"}),
    ],
)
def test_what_was_last_done_to_a_value(text: str, kinds: set[str]) -> None:
    """Functions, methods and layers; reshaping and dropout are looked through."""
    training = Training(parse(f"from torch import nn\nask({text})"))
    call = next(c for c in training.script.calls if ast.unparse(c.func) == "ask")
    assert training.operations.kinds(call.args[0]) == kinds
