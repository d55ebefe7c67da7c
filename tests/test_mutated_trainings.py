"""The mistakes that `benchmarks/mutated_trainings` makes in sound trainings, and what it spares."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from textwrap import dedent

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "mutated_trainings"


@pytest.fixture(scope="module")
def mistakes():
    """Return the module of mistakes; its folder is no package."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("mistakes")
    finally:
        sys.path.remove(str(FOLDER))


def told(mistakes, source: str, kind: str, *, scaled: bool = False) -> list[str]:
    """Return the mistakes of a kind in a script."""
    return [found.told for found in mistakes.mistakes(dedent(source), scaled=scaled) if found.kind == kind]


@pytest.mark.parametrize(
    ("source", "kind", "changes"),
    [
        ("opt.zero_grad()", "statement dropped", ["opt.zero_grad() -> (nothing)"]),
        ("log.info(1)", "statement dropped", []),
        ("x = x / 255", "statement dropped", ["x = x / 255 -> (nothing)"]),
        ("y = x / 255", "statement dropped", []),
        ("t = net(x).detach()", "call left out", ["net(x).detach() -> net(x)"]),
        ("h = F.relu(x)", "call left out", ["F.relu(x) -> x"]),
        ("h = self.fc(x)", "layer left out or twice", ["self.fc(x) -> x", "self.fc(x) -> self.fc(self.fc(x))"]),
        ("a = f(x, y)", "arguments swapped", ["f(x, y) -> f(y, x)"]),
        ("a = x - y", "arguments swapped", ["x - y -> y - x"]),
        ("for x, y in data:\n    f(x)", "other variable", ["x -> y"]),
        ("x = g(1)\ny = h(2)\nf(x)", "other variable", []),
        ("a = p.softmax(dim=1)", "other axis", ["p.softmax(dim=1) -> p.softmax(dim=0)"]),
        ("a = p.argmax(-1)", "other function", ["p.argmax(-1) -> p.argmin(-1)"]),
        ("a = b < c", "other operator", ["b < c -> b > c"]),
        ("lr = 0.5", "other number", ["0.5 -> 5.0", "0.5 -> 50.0", "0.5 -> 0.05", "0.5 -> 0.005", "0.5 -> 0.0"]),
        ("a = x[:100]", "other part", ["x[:100] -> x", ":100 -> 100:", ":100 -> :"]),
        ("a = x.view(2, 3)", "other shape", ["x.view(2, 3) -> x.view(3, 2)", "x.view(2, 3) -> x.view(3, 2)"]),
    ],
)
def test_each_kind_changes_one_place(mistakes, source, kind, changes):
    """Each kind offers its changes of one place, and none elsewhere."""
    assert told(mistakes, source, kind) == changes


def test_a_mistake_is_written_into_the_whole_script(mistakes):
    """A mistake is written into the whole script."""
    found = mistakes.mistakes("loss.backward()\nopt.step()\n", scaled=False)
    assert [one.text() for one in found if one.kind == "statement dropped"] == ["opt.step()", "loss.backward()"]


def test_the_evaluation_stays_as_it_is(mistakes):
    """What measures stays as it is."""
    source = """
        loss = a - b
        with torch.no_grad():
            gap = c - d
        def accuracy(net):
            return e - f
        print(g - h)
    """
    assert told(mistakes, source, "arguments swapped") == ["a - b -> b - a"]


def test_data_of_the_evaluation_stay_where_the_metric_has_their_unit(mistakes):
    """Data of the evaluation stay where the metric has their unit."""
    source = """
        y = a - b
        net = nn.Linear(c - d, 1)
        with torch.no_grad():
            error = (net(x) - y).abs().mean()
    """
    both, one = ({*told(mistakes, source, "other operator", scaled=scaled)} for scaled in (False, True))
    assert both - one == {"a - b -> a + b", "a - b -> a"}
    assert one == {"c - d -> c + d", "c - d -> c"}
