"""The clock of a step at each kind of forward, by a clock that is set by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainadvisor.record.probes import timing
from trainadvisor.record.probes.timing import TimingProbe

BEGUN, TRAINED, NOW = 10.0, 14.0, 20.0


def after(monkeypatch: pytest.MonkeyPatch, *, grad: bool, training: bool, micro: int, models: int) -> Any:
    """Return the probe and the step after a forward at 20 s, where the last backward was at 14 s."""
    step = SimpleNamespace(begun=BEGUN, micro=micro, models=[0] * models, fields={})
    probe = TimingProbe(SimpleNamespace(step=step))  # type: ignore[arg-type] # only the step is asked for
    probe._wait, probe._trained = 3.0, (TRAINED, 1.0)
    monkeypatch.setattr(timing.clocks, "perf_counter", lambda: NOW)
    monkeypatch.setattr(probe, "examples", lambda first, _: first.shape[0])
    model = SimpleNamespace()
    probe.on_forward_ends(
        SimpleNamespace(grad=grad, training=training, args=(torch.ones(4, 2),), kwargs={}, model=model)  # type: ignore[arg-type]
    )
    return probe, step


def test_an_evaluation_before_a_step_begins_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no wait."""
    probe, step = after(monkeypatch, grad=False, training=False, micro=0, models=0)
    assert (step.begun, probe._wait, probe._trained, step.fields) == (NOW, 0.0, (TRAINED, 1.0), {})


def test_an_evaluation_between_two_backwards_is_taken_off_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the last backward on, with its wait."""
    probe, step = after(monkeypatch, grad=False, training=False, micro=1, models=1)
    assert (step.begun, probe._wait, probe._trained) == (BEGUN + NOW - TRAINED, 1.0, (NOW, 1.0))


@pytest.mark.parametrize(("training", "micro", "models"), [(True, 1, 1), (False, 0, 1)])
def test_other_forwards_without_gradients_belong_to_the_step(
    monkeypatch: pytest.MonkeyPatch, micro: int, models: int, *, training: bool
) -> None:
    """In train mode, or before its backward, as of a teacher."""
    probe, step = after(monkeypatch, grad=False, training=training, micro=micro, models=models)
    assert (step.begun, probe._wait, probe._trained, step.fields) == (BEGUN, 3.0, (TRAINED, 1.0), {})


def test_a_forward_of_the_training_tells_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves the clock alone."""
    probe, step = after(monkeypatch, grad=True, training=True, micro=1, models=1)
    assert (step.begun, probe._wait, step.fields) == (BEGUN, 3.0, {"batch": 4})
