"""Single steps of changes: what an edit says, when a trial ends, which optimizers are heard."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from trainadvisor.changes import optimizer_settings
from trainadvisor.changes.applying import change_session
from trainadvisor.changes.applying.change_session import ChangeSession, Cut


@pytest.mark.parametrize(
    ("arguments", "groups", "text"),
    [
        ({"beta2": 0.95}, [{"betas": (0.8, 0.9)}, {"betas": (0.5, 0.9)}], "(0.8, 0.95)"),
        ({"beta2": 0.95}, [{"betas": (0.8, 0.9)}], "(0.8, 0.95)"),
        ({"beta2": 0.95}, [{}], "(0.9, 0.95)"),
        ({"beta2": 0.95}, None, "(0.9, 0.95)"),
        ({}, [{"betas": (0.8, 0.9)}], None),
    ],
)
def test_the_first_moment_keeps_its_decay(arguments: dict[str, Any], groups: Any, text: str | None) -> None:
    """That of the first group, or the usual one."""
    assert optimizer_settings._new_betas(arguments, {"groups": groups}) == text


@pytest.mark.parametrize(
    ("seconds", "began", "now", "over"),
    [(5.0, 100.0, 104.5, False), (5.0, 100.0, 105.0, True), (None, 100.0, 999.0, False), (5.0, 0.0, 104.5, False)],
)
def test_a_trial_ends_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, began: float, now: float, *, over: bool
) -> None:
    """Counted from the beginning of the training."""
    monkeypatch.setattr(change_session, "clocks", SimpleNamespace(monotonic=lambda: now))
    session: Any = SimpleNamespace(_stop_after=(None, seconds), _began=began)
    if over:
        with pytest.raises(Cut):
            ChangeSession.check_time(session)
    else:
        ChangeSession.check_time(session)
    assert session._began == (began or now)


def test_the_steps_of_a_class_are_heard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many optimizers of it there are."""
    heard: list[Any] = []
    monkeypatch.setattr(change_session, "graft", lambda function, _: heard.append(function))
    session: Any = SimpleNamespace(_stepping=set(), _undo=[], _step=None)
    parameters = list(nn.Linear(2, 2).parameters())
    kinds = [torch.optim.SGD, torch.optim.SGD, torch.optim.Adam, torch.optim.SGD]
    for kind in kinds:
        ChangeSession.tap_step(session, kind(parameters, lr=0.1))
    assert heard == [torch.optim.SGD.step, torch.optim.Adam.step]
    assert len(session._undo) == 2
