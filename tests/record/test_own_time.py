"""A process's own time of a step, by a clock that the test moves."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainadvisor.record.probes import own_time
from trainadvisor.record.step import Step

CPU, GPU = (SimpleNamespace(device=torch.device(name)) for name in ("cpu", "cuda"))


class Clock:
    """The time of a thread."""

    def __init__(self) -> None:
        self.now = 100.0

    def thread_time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a clock into the probe."""
    clock = Clock()
    monkeypatch.setattr(own_time, "clocks", clock)
    return clock


def step(**parts: Any) -> Step:
    """Return a step of a model on a processor."""
    return Step(0, 0.0, **{"models": [CPU]} | parts)


def own(probe: own_time.OwnTimeProbe, closed: Step) -> float | None:
    """Return what a step is told to have taken."""
    probe.on_close(closed)
    return closed.fields.get("own")


def test_each_step_counts_from_the_one_before(clock: Clock) -> None:
    """What a batch computes in this thread is left out; the time that it was waited for is added."""
    probe = own_time.OwnTimeProbe(SimpleNamespace(step=step()))
    clock.now += 3
    assert own(probe, step()) == 3
    clock.now += 1
    probe.on_batch_begins()
    clock.now += 4
    probe.on_batch_ends()
    clock.now += 1
    assert own(probe, step(fields={"wait": 6.0})) == 2 + 6
    clock.now += 5
    assert own(probe, step()) == 5
    assert own(probe, step()) is None


def test_a_device_is_not_measured_by_the_thread(clock: Clock) -> None:
    """On a GPU the thread's time says nothing."""
    probe = own_time.OwnTimeProbe(SimpleNamespace(step=step()))
    clock.now += 3
    assert own(probe, step(models=[CPU, GPU])) is None
    clock.now += 2
    assert own(probe, step()) == 2


@pytest.mark.parametrize(
    ("grad", "open_step", "left"),
    [(False, step(models=[]), 1), (True, step(models=[]), 8), (False, step(), 8), (False, step(models=[], micro=1), 8)],
)
def test_an_evaluation_between_two_steps_is_left_out(clock: Clock, *, grad: bool, open_step: Step, left: int) -> None:
    """Only one without gradients, before the step has begun."""
    probe = own_time.OwnTimeProbe(SimpleNamespace(step=open_step))
    clock.now += 7
    probe.on_forward_ends(SimpleNamespace(grad=grad))
    clock.now += 1
    assert own(probe, step()) == left
