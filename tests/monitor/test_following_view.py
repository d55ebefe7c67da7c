"""What `follow` keeps of a run to show, and what is said where a run is interrupted."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.judge.result import Finding
from trainadvisor.monitor.follow_log import View
from trainadvisor.monitor.narrator import Narrator


def test_script_and_planned_steps_are_those_of_the_header() -> None:
    """No other record changes them."""
    view = View(Path("log.json"))
    view.take(
        [
            {"record": "header", "planned_steps": 40, "script": "train.py"},
            {"record": "model", "script": "other.py", "planned_steps": 1},
        ]
    )
    assert (view.planned, view.script, view.records) == (40, "train.py", 2)


@pytest.mark.parametrize(("steps", "kept"), [(119, 119), (120, 60), (121, 60), (122, 61)])
def test_losses_are_joined_in_pairs_from_120_on(steps: int, kept: int) -> None:
    """From then on two steps make one mean."""
    view = View(Path("log.json"))
    view.take([{"record": "step", "step": step, "loss": float(step)} for step in range(steps)])
    assert len(view.losses) == kept
    assert view.losses[0] == (0.0 if steps < 120 else 0.5)


def test_a_quiet_run_says_why_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The finding first, then which code stops the script at which step."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *told: sent.append(told))
    run: Any = SimpleNamespace(voice=None, stopped=False)
    narrator = Narrator(run, "en", quiet=True)
    said: list[str] = []
    monkeypatch.setattr(narrator, "_line", said.append)
    finding = Finding(
        code="lr-too-high", family="optimization", kind="cause", severity="error", confidence="certain",
        title="t", sentence="updates are too large", onset=7,
    )  # fmt: skip
    narrator.interrupt(finding, 60)
    assert said[0] == "error[lr-too-high] since step 7: updates are too large"
    assert len(said) == 2
    assert "lr-too-high" in said[1]
    assert "60" in said[1]
    assert (run.stopped, sent) == (True, [(os.getpid(), signal.SIGINT)])
