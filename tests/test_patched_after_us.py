"""What another tool puts in place after us stays there when we leave, and we stay out of what it calls."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from torch import nn
from trialkit import CLASSIFIER, change, trial

from trainadvisor.record.run_script import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATE_CALLS = """
from torch import nn
seen = []
ours = nn.Module.__call__

def traced(module, *args, **kwargs):
    seen.append(type(module).__name__)
    return ours(module, *args, **kwargs)

nn.Module.__call__ = traced
"""


@pytest.fixture
def call() -> Iterator[Any]:
    """The plain `nn.Module.__call__`, put back afterwards."""
    before = nn.Module.__call__
    yield before
    nn.Module.__call__ = before  # type: ignore[method-assign]


def test_a_trial_takes_its_own_call_back(call: Any, tmp_path: Path) -> None:
    """Where nobody else has set one."""
    trial(CLASSIFIER, tmp_path, change("clip", max_norm=1.0))
    assert nn.Module.__call__ is call


@pytest.mark.usefixtures("call")
def test_a_trial_leaves_the_call_of_another_tool_in_place(tmp_path: Path) -> None:
    """Which goes on to see every call, and none of them reaches the changes any more."""
    source = "import torch\ntorch.optim.SGD\n" + LATE_CALLS + CLASSIFIER
    found = trial(source, tmp_path, change("clip", max_norm=1.0))
    assert nn.Module.__call__ is found.names["traced"]
    seen = found.names["seen"]
    seen.clear()
    nn.Sequential(nn.Linear(2, 2))(nn.Linear(1, 2).weight.T)
    assert seen == ["Sequential", "Linear"]
    assert found.failures == []


def run(folder: Path, source: str) -> tuple[Any, int]:
    """Run a script here; return what `os._exit` is after it, and the script's exit code."""
    (folder / "train.py").write_text(source)
    before = os._exit
    try:
        code = Run(str(folder / "train.py"), [], module=False, log=folder / "log.json").execute()
        return os._exit, code
    finally:
        os._exit = before


def test_the_way_out_is_put_back(tmp_path: Path) -> None:
    """As it was."""
    before = os._exit
    assert run(tmp_path, "x = 1") == (before, 0)


LATE_EXIT = """
import os
ours, left = os._exit, []

def leave(status):
    left.append(status)
    ours(status)

os._exit = leave
"""


def test_the_way_out_of_another_tool_stays(tmp_path: Path) -> None:
    """And through it one gets out, with nothing more written to the log."""
    (tmp_path / "train.py").write_text(LATE_EXIT)
    before = os._exit
    left: list[int] = []
    os._exit = left.append  # type: ignore[assignment]
    try:
        made = Run(str(tmp_path / "train.py"), [], module=False, log=tmp_path / "log.json")
        assert made.execute() == 0
        text = (tmp_path / "log.json").read_bytes()
        assert os._exit.__name__ == "leave"
        os._exit(7)
    finally:
        os._exit = before
    assert left == [7]
    assert (tmp_path / "log.json").read_bytes() == text
    assert orjson.loads(text)[-1]["reason"] == "finished"
