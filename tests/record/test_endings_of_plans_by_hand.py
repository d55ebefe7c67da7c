"""How a plan closes steps, goes on and is left, and when shortcuts are armed again: by hand."""

from __future__ import annotations

import math
from threading import get_ident
from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.record.shortcuts import plain_shortcuts, plan_course
from trainadvisor.record.shortcuts.closing import Closing
from trainadvisor.record.shortcuts.plain_shortcuts import PlainShortcuts
from trainadvisor.record.shortcuts.plan_course import PlanCourse
from trainadvisor.record.shortcuts.states import DONE, OFF, READY, START
from trainadvisor.record.step import Step


class Fake(SimpleNamespace):
    """Stands for a plan; a method that a test does not give is the plan's."""

    def __getattr__(self, name: str) -> Any:
        return getattr(PlanCourse, name).__get__(self)


@pytest.fixture(autouse=True)
def plan_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody take events."""
    monkeypatch.setattr(slot, "plan", None)
    monkeypatch.setattr(slot, "now", None)


def _plan(**parts: Any) -> Any:
    calls: list[Any] = []
    queue = SimpleNamespace(_waiting=[], emit_plain=calls.append)
    rest = SimpleNamespace(
        state=OFF, begin=lambda steps: calls.append(("rest", steps)), hand_back=lambda: calls.append("back")
    )
    clock = SimpleNamespace(begin=lambda: "clock")
    made = {
        "calls": calls, "queue": queue, "number": 5, "first": 2, "until": 100.0, "ended": 9.0, "begun": 7.0,
        "recorder": SimpleNamespace(_busy=False, last_epoch=None, step_number=5),
        "objects": SimpleNamespace(_dropped=False, held=SimpleNamespace(_orphans={}, has_free=lambda: True)),
        "step": SimpleNamespace(fields={}, number=5, begun=7.0), "opt": [0], "batch": 4, "value": 0.5, "rates": [0.1],
        "entry": SimpleNamespace(number=3), "clip": None, "loads": False, "timing": SimpleNamespace(_wait=1.5),
        "shortcuts": SimpleNamespace(next_memory=1000, arming=SimpleNamespace(left=lambda n: calls.append(("left", n))),
                                     failed=lambda _: calls.append("failed")),
        "active": True, "wanted": 0, "clocked": [1000, 1000], "unbooked": [0, 0], "rest": rest,
        "clocks": (clock, clock),
        "thread": get_ident(), "own": [2.0, 0.5], "cost": SimpleNamespace(spent=10.0, _spent_before=0.0), "state": DONE,
    }  # fmt: skip
    return Fake(**made | parts)


RECORD = {
    "record": "step", "step": 5, "opt": [0], "seconds": 2.0, "micro": 1, "batch": 4, "loss_id": 3, "loss": 0.5,
    "lr": [0.1], "mode": "train",
}  # fmt: skip


def test_a_step_of_a_plan_is_written_at_once() -> None:
    """And the next one begins where it has ended."""
    plan = _plan()
    assert plan._close() is plan
    assert plan.calls == [RECORD]
    assert (plan.number, plan.step.number, plan.recorder.step_number, plan.state) == (6, 6, 6, START)
    assert (plan.begun, plan.step.begun, plan.seconds, plan.unbooked, plan.recorder._busy) == (
        9.0,
        9.0,
        2.0,
        [1, 0],
        False,
    )
    plan = _plan(active=False)
    assert plan._close() is None


def test_a_step_has_its_clipping_wait_epoch_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it had them; the wait is no time of the training."""
    monkeypatch.setattr(plan_course, "read_memory", lambda step, record: record.update(memory=step) or 77)
    plan = _plan(clip=(1.0, 3.0), loads=True, step=SimpleNamespace(fields={"epoch": 2}, number=5, begun=7.0))
    plan.shortcuts.next_memory = 5
    plan._close()
    extra = {"clip_max": 1.0, "clip_norm": 3.0, "wait": 1.5, "epoch": 2, "memory": 5}
    assert plan.calls == [RECORD | extra]
    assert (plan.clip, plan.timing._wait, plan.recorder.last_epoch, plan.step.fields) == (None, 0.0, 2, {})
    assert (plan.seconds, plan.shortcuts.next_memory) == (0.5, 77)


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: vars(plan).update(until=5),
        lambda plan: vars(plan.objects).update(_dropped=True),
        lambda plan: plan.queue._waiting.append(1),
        lambda plan: plan.objects.held._orphans.update({1: 1}),
    ],
)
def test_a_special_step_is_closed_the_long_way(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the plan, after something was dropped, behind records that wait."""
    monkeypatch.setattr(plan_course, "bring_up_to_date", lambda plan: plan.calls.append("up to date"))
    plan = _plan()
    change(plan)
    assert plan._close() is None
    assert plan.calls == [("left", 3), "up to date"]
    held = _plan()
    held.objects.held = SimpleNamespace(_orphans={1: 1}, has_free=lambda: False)
    assert held._close() is held


@pytest.mark.parametrize(
    ("parts", "steps"),
    [
        ({"wanted": 7}, 7), ({"wanted": 7, "until": 12.0}, 4), ({"wanted": 7, "until": 9.0}, 1),
        ({"wanted": 7, "until": 8.0}, 0),
        ({"wanted": 7, "memory": 8}, 2), ({"wanted": 7, "memory": 6}, 0), ({}, 0),
    ],
)  # fmt: skip
def test_steps_are_left_out_up_to_the_next_special_one(parts: dict[str, Any], steps: int) -> None:
    """That is closed another way, or at whose end the memory is read."""
    memory = parts.pop("memory", 1000)
    plan = _plan(**parts)
    plan.shortcuts.next_memory = memory
    plan._go_on(5)
    assert plan.calls == ([("rest", steps)] if steps else [])
    assert slot.plan is (plan.rest if steps else plan)


def test_one_of_sixty_four_steps_of_each_kind_is_measured() -> None:
    """By its clock."""
    for wanted, clocked in ((0, [69, 1000]), (3, [1000, 69])):
        plan = _plan(wanted=wanted, clocked=[5, 1000] if not wanted else [1000, 5])
        plan._go_on(5)
        assert (slot.plan, plan.clocked) == ("clock", clocked)
    plan = _plan(clocked=[6, 6])
    plan._go_on(5)
    assert slot.plan is plan


def test_a_plan_begins_with_a_measured_step_where_no_cost_is_known() -> None:
    """At its first step, up to the last."""
    for own, taker in (([0.0, 0.0], "clock"), ([1.0, 0.0], None)):
        plan = _plan(own=own, active=False)
        plan.begin(8, 90.0)
        assert (plan.number, plan.first, plan.until, plan.clocked, plan.active) == (8, 8, 90.0, [8, 1000], True)
        assert (slot.plan, plan.state) == (taker or plan, START)


def test_what_steps_have_cost_is_booked_by_their_kinds() -> None:
    """Once."""
    plan = _plan(unbooked=[3, 4])
    plan.book()
    assert (plan.cost.spent, plan.cost._spent_before, plan.unbooked) == (18.0, 18.0, [0, 0])


@pytest.mark.parametrize(
    ("state", "rest", "done"), [(START, OFF, 5), (DONE, OFF, 6), (DONE, READY, 9), (START, DONE, 10)]
)
def test_steps_that_are_done_are_those_of_who_takes_them(state: int, rest: int, done: int) -> None:
    """The open one once its optimizer has stepped."""
    plan = _plan(state=state)
    plan.rest = SimpleNamespace(state=rest, number=9)
    assert plan.steps_done() == done


def test_a_plan_is_left_in_its_own_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or by force; what was left out is handed back, and a mistake ends shortcuts."""
    monkeypatch.setattr(plan_course, "bring_up_to_date", lambda plan: plan.calls.append("up to date"))
    plan = _plan(thread=-1)
    slot.plan = plan
    plan.leave()
    assert (plan.calls, plan.active, slot.plan) == ([], True, None)
    plan.rest.state = READY
    plan.leave(force=True)
    assert (plan.calls, plan.active) == (["back", ("left", 3), "up to date"], False)
    plan.leave(force=True)
    assert len(plan.calls) == 3
    assert _plan().unexpected() is False

    def broken(_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(plan_course, "bring_up_to_date", broken)
    plan = _plan()
    slot.plan = plan
    plan.leave()
    assert (plan.calls, plan.active, slot.plan) == ([("left", 3), "failed"], False, None)


def _shortcuts(**parts: Any) -> Any:
    calls: list[str] = []
    made = SimpleNamespace(
        calls=calls, _next_look=3.0, _broken=False, _table="table", _until=9.0, _is_quiet=lambda: True, _thread=None,
        _arm=lambda _: calls.append("arm"),
        _recorder=SimpleNamespace(
            plain_steps=SimpleNamespace(aside=set(), stale=False, until=9.0, settle=lambda: calls.append("settle")),
            handlers=SimpleNamespace(sampling=False, plain="table"), step_number=5, _busy=False,
            thread=SimpleNamespace(ident=4), guard=SimpleNamespace(failed=lambda name, _: calls.append(name)),
        ),
    )  # fmt: skip
    vars(made).update(parts)
    return made


def test_shortcuts_are_taken_again_once_all_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """By one recorder alone, in its thread; the table is read again where it has changed."""
    for change, calls in (
        (lambda _: None, []), (lambda one: one._recorder.plain_steps.aside.add("made"), ["settle"]),
        (lambda one: vars(one).update(_table="other"), ["arm"]), (lambda one: vars(one).update(_until=8.0), ["arm"]),
    ):  # fmt: skip
        made = _shortcuts()
        change(made)
        monkeypatch.setattr(plain_shortcuts, "listeners", [made._recorder])
        monkeypatch.setattr(slot, "now", None)
        PlainShortcuts._rearm(made)
        assert (slot.now is made, made.calls, made._thread, made._next_look) == (True, calls, 4, 3.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: vars(one._recorder.handlers).update(sampling=True),
        lambda one: vars(one._recorder.plain_steps).update(stale=True),
        lambda one: vars(one._recorder).update(step_number=9),
        lambda one: vars(one._recorder).update(_busy=True),
        lambda one: vars(one).update(_broken=True),
        lambda one: vars(one).update(_is_quiet=lambda: False),
    ],
)
def test_shortcuts_are_not_taken_while_something_is_not_plain(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While steps are sampled, after a mistake, while something is under way, or while others listen too."""
    made = _shortcuts()
    monkeypatch.setattr(plain_shortcuts, "listeners", [made._recorder])
    change(made)
    PlainShortcuts._rearm(made)
    assert slot.now is None
    assert made._next_look == (-math.inf if made._recorder.handlers.sampling else 3.0)
    made = _shortcuts()
    for listeners in ([], [made._recorder, object()], [object()]):
        monkeypatch.setattr(plain_shortcuts, "listeners", listeners)
        PlainShortcuts._rearm(made)
        assert slot.now is None


def test_a_mistake_ends_the_shortcuts_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler has raised goes on."""
    made = _shortcuts()
    slot.now = made
    assert PlainShortcuts.failed(made, ValueError()) is False
    assert (made._broken, slot.now, made.calls) == (True, None, ["shortcuts"])
    monkeypatch.setattr(plain_shortcuts, "from_handler", lambda _: True)
    with pytest.raises(KeyError):
        PlainShortcuts.failed(made, KeyError())
    assert made.calls == ["shortcuts"]


def test_only_what_the_shortcuts_stand_for_is_taken_by_them() -> None:
    """Other handlers of an event make it go the long way."""
    made = SimpleNamespace(_close_long=False, _ends_long=False)
    for event, name in (("close", "_close_long"), ("forward_ends", "_ends_long")):
        for known in (False, True):
            PlainShortcuts._take_or_not(made, event, known=known)  # type: ignore[arg-type]
            assert getattr(made, name) is not known
    PlainShortcuts._take_or_not(made, "loss", known=False)  # type: ignore[arg-type]
    assert made.loss(1, 2) is False
    PlainShortcuts._take_or_not(made, "loss", known=True)  # type: ignore[arg-type]
    assert not hasattr(made, "loss")


@pytest.mark.parametrize(
    ("change", "plain"),
    [
        ({}, True), ({"micro": 0}, False), ({"pending": [1]}, False), ({"samples": {"a": 1}}, False),
        ({"stepped": [2]}, False),
        ({"modes": [False, True]}, False), ({"modes": [False]}, True), ({"dropped": True}, False),
        ({"orphans": {1: 1}}, False),
    ],
)  # fmt: skip
def test_a_step_is_closed_at_once_where_nothing_of_it_waits(change: dict[str, Any], *, plain: bool) -> None:
    """No reading, no sample, no mistaken mode, nothing that was dropped."""
    held = SimpleNamespace(_orphans=change.pop("orphans", {}), has_free=lambda: True)
    made = SimpleNamespace(
        _order=SimpleNamespace(_modes=change.pop("modes", [])), _coverage=SimpleNamespace(_last=[0]),
        _objects=SimpleNamespace(_dropped=change.pop("dropped", False), held=held),
    )  # fmt: skip
    step = Step(1, 0.0, **{"micro": 1, "stepped": [0]} | change)
    assert bool(Closing._is_plain_step(made, step)) is plain  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loader", "micro", "closure", "fields", "after"),
    [
        (None, 1, False, {"batch": 4}, {"batch": 4, "mode": "train"}),
        (1, 1, False, {"batch": 4}, {"batch": 4, "wait": 2.0, "mode": "train"}),
        (None, 3, False, {"batch": 4}, {"batch": 12, "mode": "train"}),
        (None, 3, True, {"batch": 4}, {"batch": 4, "mode": "train"}),
        (None, 3, False, {}, {"mode": "train"}),
        (None, 1, False, {"clip_norm": 1.0}, {"clip_norm": 1.0, "mode": "train", "seen": True}),
    ],
)
def test_the_end_of_a_plain_step_is_added_up(
    loader: Any, micro: int, fields: Any, after: Any, *, closure: bool
) -> None:
    """As the probes would."""
    made = SimpleNamespace(
        _timing=SimpleNamespace(_last_loader=loader, _wait=2.0, _closure=closure), _counts={"accumulated_steps": 0},
        _order=SimpleNamespace(_modes=[False], _closure=closure, _micro=0), next_memory=1000,
        _nonfinite=SimpleNamespace(on_close=lambda step: step.fields.update(seen=True)),
    )  # fmt: skip
    Closing._add_up(made, Step(1, 0.0, micro=micro, fields=fields))  # type: ignore[arg-type]
    assert (fields, made._timing._wait, made._order._modes) == (after, 0.0, [])
    assert (made._order._micro, made._counts["accumulated_steps"]) == (1 if closure else micro, int(micro > 1))


@pytest.mark.parametrize(
    ("number", "until", "long", "look"),
    [(3, 1000, False, 4), (5, 1000, False, 9), (600, 1000, False, 999), (3, 4, False, 3), (3, 1000, True, -math.inf)],
)
def test_the_next_special_step_is_one_that_is_told_or_looked_at(
    number: int, until: int, look: float, *, long: bool
) -> None:
    """Or none is plain."""
    tier = SimpleNamespace(due_from=lambda step: step + 7)
    recorder = SimpleNamespace(
        step_number=number, gradients=tier, layers=SimpleNamespace(due_from=lambda _: 2 * number + 50),
        plain_steps=SimpleNamespace(until=until),
    )  # fmt: skip
    made = SimpleNamespace(_recorder=recorder, _close_long=long)
    Closing._look(made)  # type: ignore[arg-type]
    assert (made._next_look, made._next_tier) == (look, number + 7)
