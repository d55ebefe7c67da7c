"""Several threads of one process: which of them is recorded."""

import threading
from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.training_thread import TrainingThread


class Clock:
    """What a recorder knows."""

    def __init__(self) -> None:
        self.trained, self.last = False, 0.0


def thread_of(clock: Clock, *, any_training: bool = True) -> TrainingThread:
    """Return the thread of a recorder that knows no more than this."""
    return TrainingThread(lambda: clock.trained, lambda: clock.last, any_training=any_training)


def elsewhere(call: Callable[[], object]) -> object:
    """Return what a call gives in a thread that lives until the call has ended."""
    found: list[object] = []
    worker = threading.Thread(target=lambda: found.append(call()))
    worker.start()
    worker.join()
    return found[0]


class Asked:
    """A call of a model."""

    def __init__(self, *, grad: bool) -> None:
        self.grad = grad


TRAINS, ASKS = (Asked(grad=True),), (Asked(grad=False),)


def test_the_first_that_trains_is_the_one() -> None:
    """Before, all are heard; afterwards what another one trains is not, but what it asks or loads is."""
    thread = thread_of(Clock())
    assert elsewhere(lambda: thread.hears("made", ()))
    assert thread.hears("forward_begins", TRAINS)
    assert thread.ident == threading.get_ident()
    heard = [
        ("forward_begins", TRAINS),
        ("backward_begins", ()),
        ("forward_begins", ASKS),
        ("swap_begins", ()),
        ("stop", ()),
    ]
    assert [elsewhere(lambda event=event: thread.hears(*event)) for event in heard] == [False, False, True, True, True]


def test_one_that_has_called_backward_is_not_heard_at_all() -> None:
    """Its losses, optimizers and batches are of its own training; one that only steps the optimizer is heard."""
    thread = thread_of(Clock())
    thread.hears("forward_begins", TRAINS)
    names = ("made", "loss", "step_begins", "zero_grad", "batch_begins")

    def other() -> list[bool]:
        before = [thread.hears(name, ()) for name in names]
        thread.hears("backward_begins", ())
        assert thread.is_another()
        return before + [thread.hears(name, ()) for name in names]

    assert elsewhere(other) == [True] * 5 + [False] * 5
    assert not thread.is_another()


@pytest.mark.parametrize(("trained", "silent", "wanted"), [(True, 0.1, False), (True, 5.0, True), (False, 0.1, True)])
def test_another_takes_over_from_one_that_is_silent(
    monkeypatch: pytest.MonkeyPatch, *, trained: bool, silent: float, wanted: bool
) -> None:
    """Only once it has called backward itself, and at once from one that never has."""
    clock = Clock()
    thread = thread_of(clock)
    thread.hears("forward_begins", TRAINS)
    clock.trained = trained
    monkeypatch.setattr("trainadvisor.record.training_thread.clocks.perf_counter", lambda: silent)

    def other() -> tuple[bool, bool]:
        early = thread.takes_over()
        thread.hears("backward_begins", ())
        return early, thread.takes_over()

    assert elsewhere(other) == (False, wanted)
    assert (thread.ident == threading.get_ident()) is not wanted


def test_another_takes_over_from_one_that_has_ended() -> None:
    """At its first call."""
    clock = Clock()
    clock.trained, clock.last = True, float("inf")
    thread = thread_of(clock)
    elsewhere(lambda: thread.hears("forward_begins", TRAINS))
    thread.ident = -1
    assert thread.takes_over()
    assert thread.ident == threading.get_ident()


def test_under_watch_a_foreign_backward_makes_no_thread_the_one() -> None:
    """A recorded model has to be called."""
    thread = thread_of(Clock(), any_training=False)
    assert elsewhere(lambda: thread.hears("backward_begins", ()))
    assert thread.ident is None
    assert thread.hears("forward_begins", TRAINS)
    assert thread.ident == threading.get_ident()


def steps() -> Iterator[None]:
    """Train a model of its own, a step at a time."""
    model = nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    while True:
        rows = torch.randn(6, 4)
        optimizer.zero_grad()
        F.cross_entropy(model(rows), rows[:, :3].argmax(1)).backward()
        optimizer.step()
        yield


def train(count: int = 20) -> None:
    """Train for so many steps."""
    for _ in zip(range(count), steps(), strict=False):
        pass


def test_what_another_thread_trains_meanwhile_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its steps nor its model; the training that was first goes on to be."""
    monkeypatch.setattr("trainadvisor.record.training_thread._SILENT", float("inf"))

    def both() -> None:
        mine = steps()
        for _ in range(3):
            next(mine)
            elsewhere(lambda: train(2))

    records = record(both)
    assert len(records.of("step")) == 3
    assert len(records.facts("model")) == len(records.facts("optimizer")) == 1


def test_trainings_in_threads_one_after_another_are_all_recorded() -> None:
    """A thread that has ended gives way to the next."""

    def one_by_one() -> None:
        for _ in range(3):
            elsewhere(train)
        train()

    assert len(record(one_by_one).of("step")) == 80
