"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """
import pytest, torch
from torch import nn

def make(lr=0.05):
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    return model, torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)

def train(model, optimizer, *, clear=True, steps=200):
    x = torch.randn(256, 8)
    y = (x[:, 0] > 0).long()
    for _ in range(steps):
        rows = torch.randint(0, 256, (32,))
        if clear:
            optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return x[:16], y[:16]
"""
TESTS = """
def test_sound(trainadvisor):
    run = trainadvisor.watch(*make())
    batch = train(run._model, run._optimizer)
    run.assert_healthy(ignore=["undertrained"])
    run.assert_no("missing-zero-grad", "nan-loss")
    before = run.diagnose().run["steps"]
    run.assert_overfits_one_batch(batch, loss_below=0.2, steps=40)
    assert run.diagnose().run["steps"] == before

def test_uncleared(trainadvisor):
    model, optimizer = make(1.0)
    run = trainadvisor.watch(model, optimizer)
    train(model, optimizer, clear=False)
    run.assert_healthy()

def test_uncleared_by_code(trainadvisor):
    model, optimizer = make(1.0)
    run = trainadvisor.watch(model, optimizer)
    train(model, optimizer, clear=False)
    run.assert_no("missing-zero-grad")

def test_too_slow(trainadvisor):
    model, optimizer = make(1e-6)
    run = trainadvisor.watch(model, optimizer)
    batch = train(model, optimizer)
    run.assert_overfits_one_batch(batch, loss_below=0.05, steps=5)

def test_misspelled(trainadvisor):
    model, optimizer = make()
    run = trainadvisor.watch(model, optimizer)
    train(model, optimizer)
    run.assert_no("nan-los")

@pytest.mark.trainadvisor(fail_on="warning")
def test_marked_uncleared():
    train(*make(1.0), clear=False)

@pytest.mark.trainadvisor(fail_on="warning")
def test_marked_sound():
    train(*make())

@pytest.mark.trainadvisor
def test_marked_without_training(trainadvisor):
    pass

@pytest.mark.trainadvisor(fail_on="fatal")
def test_marked_wrongly():
    train(*make())
"""
PASSED = ("test_sound", "test_marked_sound")


def run_pytest(folder: Path, *options: str, text: str = HEAD + TESTS) -> subprocess.CompletedProcess[str]:
    """Run a pytest that loads nothing but our plugin."""
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-p", "trainadvisor.pytest_plugin", "-rA", "--strict-markers", *options]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the tests above print, and where they ran."""
    folder = tmp_path_factory.mktemp("plugin")
    return run_pytest(folder, "--trainadvisor-report=out").stdout, folder


def test_each_test_ends_as_it_should(outcome: tuple[str, Path]) -> None:
    """Healthy trainings pass, the others fail."""
    text, _ = outcome
    assert [name for name in PASSED if f"PASSED test_it.py::{name}\n" not in text] == []
    assert "7 failed, 2 passed" in text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_uncleared", "Failed: trainadvisor: missing-zero-grad"),
        ("test_uncleared_by_code", "Failed: trainadvisor: missing-zero-grad"),
        ("test_too_slow", "Failed: trainadvisor: one batch, 5 steps: median loss"),
        ("test_misspelled", "trainadvisor.errors.RuleError: no rule is called nan-los; did you mean"),
        ("test_marked_uncleared", "Failed: trainadvisor: missing-zero-grad"),
        ("test_marked_without_training", "Failed: trainadvisor: the marked test watched no training"),
        ("test_marked_wrongly", "trainadvisor.errors.UsageError: trainadvisor: 'fatal' must be one of"),
    ],
)
def test_failures_name_their_reason(outcome: tuple[str, Path], name: str, reason: str) -> None:
    """In the line that pytest prints last."""
    assert f"FAILED test_it.py::{name} - {reason[:50]}" in outcome[0]


def test_failures_show_the_diagnosis(outcome: tuple[str, Path]) -> None:
    """As the terminal would: verdict, evidence, fix."""
    text, _ = outcome
    assert "\nBROKEN: " in text
    assert "optimizer.zero_grad(set_to_none=True)" in text


def test_the_summary_has_a_line_for_each_training(outcome: tuple[str, Path]) -> None:
    """Also for those that passed, with what was measured."""
    section = outcome[0].partition(" trainadvisor ==")[2]
    assert "test_it.py::test_sound: healthy: " in section
    assert "test_it.py::test_sound: one batch, 40 steps: median loss" in section
    assert "over 3 seeds), wanted below 0.2" in section
    assert "test_it.py::test_marked_uncleared: broken: " in section


def test_reports_are_written(outcome: tuple[str, Path]) -> None:
    """As text and JSON, by the name of the test."""
    folder = outcome[1] / "out"
    assert (folder / "test_it.py-test_sound.txt").read_text(encoding="utf-8").startswith("HEALTHY: ")
    document = json.loads((folder / "test_it.py-test_uncleared.json").read_text(encoding="utf-8"))
    assert document["state"] == "broken"


def test_unused_it_imports_nothing_and_prints_nothing(tmp_path: Path) -> None:
    """A project that does not use it does not notice it."""
    text = "import sys\ndef test_light():\n    assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)\n"
    done = run_pytest(tmp_path, text=text)
    assert "1 passed" in done.stdout
    assert "trainadvisor ==" not in done.stdout


def test_the_entry_point_names_the_plugin() -> None:
    """As pyproject.toml declares it."""
    import tomllib
    from importlib import import_module
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = project["entry-points"]["pytest11"]["trainadvisor"]
    assert callable(import_module(name).pytest_addoption)
