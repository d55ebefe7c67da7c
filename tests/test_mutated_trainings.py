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


@pytest.fixture(scope="module")
def runs(mistakes):
    """Return the module of runs."""
    return importlib.import_module("runs")


@pytest.fixture(scope="module")
def effects(mistakes):
    """Return the module of effects."""
    return importlib.import_module("effects")


@pytest.fixture(scope="module")
def sources(mistakes):
    """Return the module of sources."""
    sys.path.insert(0, str(FOLDER.parent))
    try:
        return importlib.import_module("sources")
    finally:
        sys.path.remove(str(FOLDER.parent))


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


def test_what_is_only_printed_stays_as_it_is(mistakes):
    """A sum of losses for the eyes is no part of the training; one that is trained on is."""
    source = """
        total = 0.0
        for x in data:
            loss = f(x)
            loss.backward()
            total += loss.item() / 7
        print(total)
    """
    assert told(mistakes, source, "other operator") == []
    assert told(mistakes, source.replace("print(total)", "step(total)"), "other operator") != []


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


@pytest.mark.parametrize(
    ("metrics", "effect"),
    [
        ([0.9, 0.91], "harmless"),
        ([0.95, 0.96], "harmless"),
        ([0.7, 0.74], "between"),
        ([0.5, 0.55], "faulty"),
        ([0.9, float("nan")], "faulty"),
    ],
)
def test_an_effect_is_told_by_the_share_of_the_gain(effects, sources, tmp_path, metrics, effect):
    """Sound runs gain 0.8 over chance: 0.05 of it is nothing, 0.3 of it a fault."""
    sound = sources.Source("s", "", tmp_path, "accuracy", (0.9, 0.91, 0.89), 0.1)
    assert effects.effect(sound, metrics)[0] == effect
    falling = sources.Source("s", "", tmp_path, "mse", (-0.9, -0.91, -0.89), -0.1)
    assert effects.effect(falling, [-value for value in metrics])[0] == effect


def test_a_difference_within_the_noise_of_seeds_is_no_fault(effects, sources, tmp_path):
    """Sound runs that differ by 0.2 say nothing of a run that is 0.3 worse."""
    sound = sources.Source("s", "", tmp_path, "accuracy", (0.9, 0.7, 0.5), 0.1)
    assert effects.effect(sound, [0.4])[0] == "harmless"
    assert effects.effect(sound, [0.3])[0] == "between"


def test_other_seeds_are_written_into_the_script(runs):
    """Every seed of a script moves by the same stride."""
    source = "torch.manual_seed(3)\nrng = np.random.default_rng(0)\nsplit(x, random_state=1)\n"
    assert runs.seeded(source, 2) == source.replace("3", "2003").replace("(0)", "(2000)").replace("=1", "=2000")


@pytest.mark.parametrize(
    ("printed", "metric"),
    [
        ('epoch 1 acc 0.5\nRESULT {"val_metric": 0.75, "metric": "r2"}', (0.75, "r2")),
        ("1 accuracy 0.5\n2 accuracy: 0.625", (0.625, "accuracy")),
        ("done", (None, "")),
    ],
)
def test_the_last_metric_that_is_printed_counts(runs, printed, metric):
    """A line of results, else the last number behind a word."""
    assert runs.printed(printed) == metric
