"""Errors of the installed torch, provoked for real: each is explained by the one rule that is meant for it."""

import inspect
import io
import os
import pickle
import subprocess
import sys
import textwrap
import tomllib
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from trainadvisor.judge import crash_rules
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.log.cleaning import LONGEST_TEXT, clean_text
from trainadvisor.record.failures import describe

SNIPPETS = [
    (code, name, snippet)
    for code, snippets in tomllib.loads((Path(__file__).parent / "snippets.toml").read_text(encoding="utf-8")).items()
    for name, snippet in snippets.items()
]
NAMES = {
    "io": io, "os": os, "pickle": pickle, "np": np, "torch": torch, "F": F, "nn": nn, "DataLoader": DataLoader,
    "RandomSampler": RandomSampler, "TensorDataset": TensorDataset,
}  # fmt: skip


PLACES = ("raised_in", "torch_module", "layer", "layer_form")


@pytest.fixture(scope="session")
def book() -> Rulebook:
    """Return the shipped rules."""
    return load()


def signals_of(error: BaseException) -> dict[str, Any]:
    """Return the signals that rules of crashes use, as a log gives them."""
    detail = describe(error)
    message = clean_text(detail["message"], LONGEST_TEXT)
    text = f"{detail['type']}: {message}" if message else detail["type"]
    return {"crash_text": text, **{f"crash_{name}": detail.get(name) for name in PLACES}}


def raised(code: str) -> dict[str, Any]:
    """Run a snippet and return the signals of its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(code, "<string>", "exec"), dict(NAMES))  # noqa: S102 - the snippets are ours
        except Exception as error:  # noqa: BLE001 - whatever it is
            return signals_of(error)
    pytest.fail("nothing was raised")


@pytest.mark.parametrize(("code", "name", "snippet"), SNIPPETS, ids=[f"{code}: {name}" for code, name, _ in SNIPPETS])
def test_a_message_of_torch(book: Rulebook, code: str, name: str, snippet: str) -> None:
    """It is explained by the rule of its kind, and no text of the finding is empty."""
    del name
    signals = raised(snippet)
    assert [rule.code for rule in crash_rules.explaining(signals, book)] == [code]
    verdict = crash_rules.verdict(book.get(code), signals)
    assert verdict.state == "found"


def test_sixty_different_messages() -> None:
    """More than sixty are tried."""
    assert len({snippet for _, _, snippet in SNIPPETS}) >= 60


@pytest.mark.parametrize(
    "error",
    [
        ValueError("the answer is wrong"), AssertionError(), RuntimeError("training went wrong"), Exception("stop"),
        RuntimeError("the target was not reached"), ValueError("Expected 3 folds"),
        AssertionError("size of vocabulary"),
    ],
)  # fmt: skip
def test_an_error_of_the_script_own(book: Rulebook, error: Exception) -> None:
    """What only the script knows is explained by no rule."""
    assert list(crash_rules.explaining(signals_of(error), book)) == []


def test_every_case_of_a_rule_is_of_that_rule(book: Rulebook) -> None:
    """No other rule takes a message that one of them holds as its case."""
    cases = [
        (code, case["signals"])
        for code, rule in book.rules.items()
        if rule.explains_crashes
        for case in rule.cases
        if case["is"] == "found"
    ]
    wrong = [
        (code, found, signals["crash_text"])
        for code, signals in cases
        if (found := [rule.code for rule in crash_rules.explaining(signals, book)]) != [code]
    ]
    assert wrong == []


def test_the_layer_and_its_input_are_told() -> None:
    """The innermost layer that was running, by its name in the model, and the shape of what went in."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(288, 2))
    with pytest.raises(RuntimeError) as caught:
        model(torch.randn(4, 400))
    detail = describe(caught.value)
    assert (detail["layer"], detail["layer_form"], detail["input_shape"]) == ("1", "Linear(288, 2)", "4 x 400")


def test_an_error_before_torch_is_imported_does_not_import_it() -> None:
    """There was no layer, and the script ends seconds earlier."""
    code = """
        import sys
        from trainadvisor.record.failures import describe
        try: 1 / 0
        except ZeroDivisionError as error: told = describe(error)
        print(told["type"], "layer" in told, "torch" in sys.modules)
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout == "ZeroDivisionError False False\n"


def test_the_line_is_the_deepest_of_the_user_own() -> None:
    """Not that of torch which raised."""
    with pytest.raises(RuntimeError) as caught:
        nn.Linear(2, 1)(torch.ones(3))
    detail = describe(caught.value)
    here = inspect.currentframe()
    assert here is not None
    assert detail["site"]["file"].endswith("test_messages.py")
    assert (detail["site"]["line"], detail["site"]["code"]) == (here.f_lineno - 5, "nn.Linear(2, 1)(torch.ones(3))")


def test_patterns_that_are_none_are_told_with_their_place() -> None:
    """Those of branches too; sound ones are not, and their parts have names."""
    branch = SimpleNamespace(crash=["(?P<rows>\\d+)", "[z-a]"])
    rule: Any = SimpleNamespace(crash=["(?P<name>\\w+)", "(("], branches=[branch])
    assert [told.partition(" is not")[0] for told in crash_rules.problems(rule)] == [
        "crash[2]:",
        "branches[1].crash[2]:",
    ]
    assert crash_rules.names(rule) == {"name", "rows", "package"}  # the last stands for the name at the registry
    rule.crash, branch.crash = rule.crash[:1], branch.crash[:1]
    assert list(crash_rules.problems(rule)) == []
