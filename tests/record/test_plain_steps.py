"""Probes that rest: the records of any training are the same as when every probe sees every event."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from randomloops import comparable, recorded, unrecorded
from recordkit import make_recorder
from torch import nn

from trainadvisor.record import record_queue
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.plain_steps import PlainSteps
from trainadvisor.record.probes.functional_dropout import EvalDropoutProbe
from trainadvisor.record.sampling import Tier


@pytest.mark.parametrize(("seed", "way"), list(enumerate(["run", "watch"] * 5)))
def test_records_are_those_of_probes_that_never_rest(seed: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Field by field, in order; and the weights are those of a training that nobody records."""
    monkeypatch.setattr(record_queue, "_LONG", float("inf"))  # a busy machine makes any step long
    weights, records = recorded(seed, watch=way == "watch")
    with monkeypatch.context() as patch:
        patch.setattr(PlainSteps, "covers", lambda *_: False)
        _, whole = recorded(seed, watch=way == "watch")
    assert not records.failures
    assert comparable(records) == comparable(whole)
    assert all(map(torch.equal, weights, unrecorded(seed))) or any(w.isnan().any() for w in weights)


def test_a_probe_that_has_seen_enough_is_left_alone_until_something_else_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plain steps do not call it any more; a forward of an evaluation does."""
    seen: list[int] = []
    original = EvalDropoutProbe.on_forward_begins

    def noted(probe: EvalDropoutProbe, call: Any) -> None:
        seen.append(probe._context.step_number)
        original(probe, call)

    monkeypatch.setattr(EvalDropoutProbe, "on_forward_begins", unless_resting(noted))
    monkeypatch.setattr(Tier, "due", lambda _, step, __: step < 3)
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recorder = make_recorder([], every=1000)
    recorder.start()
    for step in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(4, 6)), torch.randint(0, 3, (4,))).backward()
        optimizer.step()
        if step == 50:
            with torch.no_grad():
                model(torch.randn(4, 6))
    recorder.stop("finished")
    assert [step for step in seen if step >= 40] == [51]  # step 50 is over by then
