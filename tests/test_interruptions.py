"""What a signal handler of the script's raises passes through our code; what we do wrong does not."""

from __future__ import annotations

import functools
import gc
import signal
import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

import trainadvisor
from trainadvisor.instrument import plan_events, taps
from trainadvisor.instrument.guard import Guard
from trainadvisor.interruptions import from_handler, kept_from_ending, suppressed, unless_it_fails
from trainadvisor.record.probes.learning_rate import LearningRateProbe
from trainadvisor.record.shortcuts.plain_shortcuts import PlainShortcuts
from trainadvisor.record.shortcuts.plan_course import PlanCourse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class TimeIsUp(Exception):  # noqa: N818 - named as in a script
    """A time limit."""


def function(number: int, frame: object) -> None:
    """Raise."""
    raise TimeIsUp


def anything(*given: object) -> None:
    """Raise, whatever the handler gets."""
    raise TimeIsUp


def once(number: int, frame: object) -> None:
    """Raise after giving back the signal."""
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    raise TimeIsUp


class Handler:
    """Handlers that are objects and methods."""

    def __call__(self, *_: object) -> None:
        raise TimeIsUp

    def method(self, *_: object) -> None:
        """Raise."""
        raise TimeIsUp


HANDLERS = {
    "a function": function,
    "any arguments": anything,
    "a partial": functools.partial(anything, "more"),
    "an object": Handler(),
    "a method": Handler().method,
    "one that is gone": once,
}


@pytest.fixture(params=HANDLERS.values(), ids=HANDLERS.keys())
def handler(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set a handler of SIGUSR1."""
    before = signal.signal(signal.SIGUSR1, request.param)
    yield
    signal.signal(signal.SIGUSR1, before)


def ring(*_: object) -> None:
    """Be interrupted by the script's own signal."""
    signal.raise_signal(signal.SIGUSR1)


def mistake(*_: object) -> None:
    """Be wrong."""
    raise ValueError("ours")


@pytest.mark.usefixtures("handler")
def test_a_guard_lets_the_script_s_exception_pass() -> None:
    """It is no failure of the probe."""
    told: list[Any] = []
    guard = Guard(lambda *what: told.append(what))
    with pytest.raises(TimeIsUp):
        guard("probe", ring)
    assert told == []


def test_a_guard_keeps_our_mistakes() -> None:
    """And tells the first of them."""
    told: list[Any] = []
    guard = Guard(lambda *what: told.append(what))
    assert guard("probe", mistake) is None
    assert told == [("probe", "ValueError: ours")]


@pytest.mark.usefixtures("handler")
def test_suppressing_passes_over_our_mistakes_only() -> None:
    """Where nothing may fail."""
    with suppressed():
        mistake()
    with pytest.raises(TimeIsUp), suppressed():
        ring()


def test_a_handler_s_error_keeps_no_ending_from_its_end() -> None:
    """The handler runs; afterwards it raises again as before."""
    ran: list[str] = []

    def handle(*_: object) -> None:
        ran.append("handler")
        raise TimeIsUp

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        with kept_from_ending():
            ring()
            ran.append("ending")
        with pytest.raises(TimeIsUp):
            ring()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ran == ["handler", "ending", "handler"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_an_exit_that_a_handler_asks_for_passes(error: BaseException) -> None:
    """Also while an ending is told."""

    def leave(*_: object) -> None:
        raise error

    before = signal.signal(signal.SIGUSR1, leave)
    try:
        with pytest.raises(type(error)), kept_from_ending():
            ring()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_exception_without_frames_is_no_handler_s() -> None:
    """It was never raised."""
    assert not from_handler(TimeIsUp())


def _guarded(border: Callable[..., None], _: pytest.MonkeyPatch) -> None:
    Guard(lambda *_: None)("probe", border)


def _told(border: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taps, "listeners", [SimpleNamespace(on=border)])
    taps.tell("step_ends")


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize("place", [_guarded, _told])
def test_an_alarm_at_the_border_of_our_no_grad_leaves_gradients_on(
    place: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside `__enter__` the switch is set already, and nobody will call `__exit__`."""

    def border(*_: object) -> None:
        torch.set_grad_enabled(False)
        ring()

    with pytest.raises(TimeIsUp):
        place(border, monkeypatch)
    assert torch.is_grad_enabled()


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize("event", ["on_step_begins", "on_close"])
def test_an_alarm_inside_a_probe_reaches_the_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, event: str
) -> None:
    """And the recording goes on."""
    original: Callable[..., Any] | None = getattr(LearningRateProbe, event, None)
    rung: list[int] = []

    def interrupted(self: LearningRateProbe, *args: object) -> None:
        if not rung:
            rung.append(1)
            ring()
        if original is not None:
            original(self, *args)

    monkeypatch.setattr(LearningRateProbe, event, interrupted, raising=False)
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    caught = 0
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        for _ in range(20):
            try:
                optimizer.zero_grad()
                model(torch.ones(3, 4)).sum().backward()
                optimizer.step()
            except TimeIsUp:
                caught += 1
    assert (len(rung), caught) == (1, 1)
    assert (tmp_path / "log.json").read_text().count('"record":"step"') >= 18


class Broken:
    """A plan that fails, with shortcuts that do."""

    shortcuts = PlainShortcuts.__new__(PlainShortcuts)
    failed = PlanCourse.failed


def in_a_shortcut(probe: Callable[[], object]) -> None:
    """Meet an error as the taps do."""
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - as they do
        plan_events.failed(Broken(), error)


@pytest.mark.parametrize(
    "through", [lambda probe: Guard(lambda *_: None)("probe", probe), unless_it_fails, in_a_shortcut]
)
def test_what_a_handler_raises_holds_nothing_once_it_is_caught(through: Callable[..., object]) -> None:
    """We leave no cycle, in which the graph of the interrupted step would live until garbage is collected."""
    held: list[weakref.ref[torch.Tensor]] = []

    def probe() -> None:
        signal.raise_signal(signal.SIGUSR1)

    def train() -> None:
        loss = torch.ones(1, requires_grad=True).sum()
        held.append(weakref.ref(loss))
        through(probe)

    before = signal.signal(signal.SIGUSR1, function)
    gc.disable()
    try:
        train()
    except TimeIsUp:
        pass
    else:
        pytest.fail("nothing was raised")
    finally:
        signal.signal(signal.SIGUSR1, before)
    alive = held[0]() is not None
    gc.enable()
    assert not alive
