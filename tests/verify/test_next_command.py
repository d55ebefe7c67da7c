"""The command that a verified answer ends with."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from trainadvisor.commands.verifying import next_command
from trainadvisor.judge.result import Edit

if TYPE_CHECKING:
    import pytest

LR, ADAM = "opt = SGD(p, lr=0.01)", "opt = Adam(p, lr=0.001)"


def edit(new: str) -> Edit:
    """Return an edit of the line of the optimizer."""
    return Edit(file="train.py", line=6, old="opt = SGD(p, lr=1e-5)", new=new)


def told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    won: str,
    *,
    answer: str = "verified",
    edits: bool = True,
    out: str = "verify.json",
) -> str | None:
    """Return the command after an answer, in a finding whose first remedy is another learning rate."""
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "baseline.json"
    log.write_text(json.dumps([]))
    first = SimpleNamespace(code="lr-too-low", remedies=[SimpleNamespace(edits=[edit(LR)])])
    session: Any = SimpleNamespace(
        baseline=SimpleNamespace(outcome=SimpleNamespace(log=log)),
        request=SimpleNamespace(module=False, target="train.py", args=("--lr", "1")),
        diagnosis=SimpleNamespace(walk=lambda: [first]),
        budget=SimpleNamespace(total=120.0),
    )
    best = SimpleNamespace(code="lr-too-low", edits=[edit(won)] if edits else [], combined_with=[])
    document: Any = SimpleNamespace(answer=answer, verified=[best])
    return next_command(session, document, Path(out))


def test_the_first_remedy_is_written_by_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the log of the unmodified run."""
    assert told(tmp_path, monkeypatch, LR) == "trainadvisor fix baseline.json --code lr-too-low"


def test_another_remedy_is_written_by_fix_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which reads what verify has left; not from another place than the usual one."""
    assert told(tmp_path, monkeypatch, ADAM) == "trainadvisor fix baseline.json --code lr-too-low"
    assert told(tmp_path, monkeypatch, ADAM, out="other.json") is None


def test_nothing_is_offered_that_is_not_proved_or_has_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A promising remedy, and one whose lines are not known."""
    assert told(tmp_path, monkeypatch, LR, answer="promising") is None
    assert told(tmp_path, monkeypatch, LR, edits=False) is None
