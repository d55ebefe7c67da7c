"""The form for agents: what is needed to go on, and never more than it may cost."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from builders import build_log, event

from trainadvisor.report.forms import agent
from trainadvisor.telling import diagnose

ERROR = {
    "type": "RuntimeError", "message": "mat1 and mat2 shapes cannot be multiplied (4x400 and 288x2)", "layer": "head",
    "layer_form": "Linear(288, 2)", "site": {"file": "train.py", "line": 7, "code": "return self.head(x)"},
}  # fmt: skip


def test_a_crash(tmp_path: Path) -> None:
    """State, place, change and the next command."""
    told = agent.render(
        diagnose(build_log(tmp_path, events=[event("exception", ERROR)], script="train.py", argv=["-q"]))
    )
    assert told.startswith("state: broken\nsummary: shapes do not match.")
    assert "at: train.py:7: return self.head(x)" in told
    assert "in_features=400" in told
    assert "then: trainadvisor run train.py -q" in told


def test_no_more_tokens_than_allowed(tmp_path: Path) -> None:
    """Also where much is wrong and every text is long, in both languages."""
    columns = {"loss": np.where(np.arange(300) < 100, 2.0, np.nan), "lr": 5.0, "grad_norm": 1e9}
    path = build_log(
        tmp_path, columns=columns, script="train.py", argv=["word"] * 20, events=[event("exception", ERROR)]
    )
    for lang in ("en", "zh"):
        told = agent.render(diagnose(path, lang=lang), lang)
        assert agent.tokens(told) <= agent.MOST
        assert "trainadvisor explain" in told


def test_tokens_are_counted_with_care() -> None:
    """Three letters make one at most, and so does each Chinese sign."""
    assert (agent.tokens("abcdefg"), agent.tokens("损失"), agent.tokens("")) == (3, 2, 0)


def test_a_block_is_told_where_it_just_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block and what follows costs its tokens and the end of its line; one token less leaves out the last."""
    diagnosis = diagnose(build_log(tmp_path, events=[event("exception", ERROR)], script="train.py", argv=["-q"]))
    parts = [*agent._blocks(diagnosis), "\n".join(agent._next(diagnosis))]
    whole = sum(agent.tokens(part) + 1 for part in parts)
    monkeypatch.setattr(agent, "MOST", whole)
    assert agent.render(diagnosis) == "\n".join(parts)
    monkeypatch.setattr(agent, "MOST", whole - 1)
    assert agent.render(diagnosis) == "\n".join([*parts[:-2], parts[-1]])


def test_notes_are_no_findings_of_the_form(tmp_path: Path) -> None:
    """Each finding that is told is a warning or an error, and each of these is told."""
    diagnosis = diagnose(build_log(tmp_path, events=[event("exception", ERROR)], script="train.py"))
    (crash,) = diagnosis.findings
    noted = dataclasses.replace(diagnosis, findings=[dataclasses.replace(crash, severity="note")])
    assert "finding 1:" in "\n".join(agent._blocks(diagnosis))
    assert "finding 1:" not in "\n".join(agent._blocks(noted))
