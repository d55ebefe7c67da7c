"""The course of a recording by hand: what makes a step, which events concern it, which trainings are left out."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from probekit import ByHand
from torch import nn

from trainadvisor.record import left_out_trainings, record_queue, step_boundaries
from trainadvisor.record.call_counts import CallCounts
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.event_filter import EventFilter
from trainadvisor.record.left_out_trainings import LeftOutTrainings
from trainadvisor.record.record_queue import RecordQueue
from trainadvisor.record.recording import Recording
from trainadvisor.record.step import Step
from trainadvisor.record.step_boundaries import StepBoundaries

WEIGHT = nn.Parameter(torch.ones(2))
OPTIMIZER = torch.optim.SGD([WEIGHT], lr=0.1)


def _boundaries(*, discover: bool = True) -> tuple[StepBoundaries, Any]:
    calls: list[Any] = []
    facts: dict[int, Any] = {}
    objects = SimpleNamespace(
        alive_optimizers=lambda: [OPTIMIZER], optimizers=facts, of_parameter={id(WEIGHT): 0},
        note_optimizer=lambda _: calls.append("noted"),
        add_optimizer=lambda one: calls.append("added") or facts.setdefault(id(one), {"id": 7}),
    )  # fmt: skip
    context = ByHand(
        objects=objects, discover=discover, calls=calls, close_before=calls.append,
        publish=lambda *given: calls.append(given), guard=lambda _, function, *args: function(*args),
    )  # fmt: skip
    return StepBoundaries(context), context  # type: ignore[arg-type]


def _backwards(course: StepBoundaries, count: int) -> list[bool]:
    found = []
    for _ in range(count):
        course.on_backward_ends()
        found.append(course.free_running)
    return found


def test_without_an_optimizer_every_backward_is_a_step() -> None:
    """With one only after four hundred in vain, which describes it; a step begins the count anew."""
    course, _ = _boundaries()
    assert _backwards(course, 1) == [True]
    course, context = _boundaries()
    course.on_made(OPTIMIZER, None)
    assert (course.optimizer_seen, context.calls) == (True, ["noted"])
    assert _backwards(course, 400) == [False] * 400
    course.stepping()
    assert _backwards(course, 401) == [False] * 400 + [True]
    assert context.calls == ["noted", "added"]
    course.on_backward_ends()
    assert context.calls == ["noted", "added"]
    course.stepping()
    assert not course.free_running


def test_cleared_gradients_are_lost_steps() -> None:
    """Sixteen until an optimizer has stepped, then four hundred."""
    for steps, patience in ((False, 16), (True, 400)):
        course, _ = _boundaries()
        course.on_made(OPTIMIZER, None)
        if steps:
            course.stepping()
        for _ in range(patience - 1):
            course.gradients_lost()
        assert _backwards(course, 1) == [False]
        course.gradients_lost()
        assert _backwards(course, 1) == [True]


def test_only_who_discovers_notes_what_is_made() -> None:
    """Of optimizers."""
    for discover, made, noted in ((False, OPTIMIZER, False), (True, nn.Linear(1, 1), False), (True, OPTIMIZER, True)):
        course, context = _boundaries(discover=discover)
        course.on_made(made, None)
        assert (course.optimizer_seen, bool(context.calls)) == (noted, noted)


def test_a_step_is_noted_once_with_its_end() -> None:
    """An optimizer that is not known is added."""
    course, context = _boundaries()
    course.on_step_begins()
    assert (course.optimizer_seen, course.in_step) == (True, True)
    course._unstepped = course._lost_cycles = 5
    course.free_running = True
    course.on_step_ends(OPTIMIZER)
    course.on_step_ends(OPTIMIZER)
    assert (context.step.stepped, context.calls) == ([7], ["added"])
    assert (course.in_step, course.free_running, course._unstepped, course._lost_cycles) == (False, False, 0, 0)
    assert context.step.ended is not None
    assert course._cycles == step_boundaries._CYCLES_OF_STEPPERS


LOSS = (WEIGHT * 2).sum()


@pytest.mark.parametrize(
    ("args", "kwargs", "transformed", "taken"),
    [
        ((LOSS, WEIGHT), {}, False, True), ((LOSS, [WEIGHT]), {}, False, True),
        ((), {"outputs": LOSS, "inputs": [WEIGHT]}, False, True), ((LOSS, torch.ones(1)), {}, False, False),
        ((LOSS, torch.ones(1)), {}, True, True), ((), {"inputs": WEIGHT}, True, False),
    ],
)  # fmt: skip
def test_gradients_of_parameters_are_a_backward(args: Any, kwargs: Any, *, transformed: bool, taken: bool) -> None:
    """Where no optimizer is."""
    course, context = _boundaries()
    course.on_grad(args, kwargs, transformed)
    assert course.free_running is taken
    assert context.calls == (["backward_begins", ("direct_backward", LOSS)] if taken else [])
    course, context = _boundaries()
    course.optimizer_seen = True
    course.on_grad(args, kwargs, transformed)
    assert (course.free_running, context.calls) == (False, [])


@pytest.mark.parametrize(
    ("step", "parts", "changed", "published", "free"),
    [
        ({"micro": 1}, {}, [OPTIMIZER], [("implicit_step", OPTIMIZER)], False),
        ({"micro": 1}, {}, [], [], True),
        ({"micro": 1}, {}, None, [], False),
        ({}, {}, [OPTIMIZER], [], False),
        ({"micro": 1, "stepped": [0]}, {}, [OPTIMIZER], [], False),
        ({"micro": 1}, {"in_step": True}, [OPTIMIZER], [], False),
        ({"micro": 1}, {"free_running": True}, [OPTIMIZER], [], True),
    ],
)
def test_parameters_that_have_changed_are_a_step(
    step: Any, parts: Any, changed: Any, published: Any, *, free: bool
) -> None:
    """Of an optimizer, or by hand."""
    course, context = _boundaries()
    context.step = Step(0, 0.0, **step)
    vars(course).update(parts)
    course._implicit = SimpleNamespace(changed_by=lambda: changed, has_changed=lambda: changed is not None)  # type: ignore[assignment]
    course.look_for_implicit_step()
    assert (context.calls, course.free_running) == (published, free)
    assert course.may_close() is (course.free_running or changed is not None)


def test_where_nothing_may_close_a_step_goes_on() -> None:
    """Until its parameters have changed."""
    course, _ = _boundaries()
    assert not course.may_close()
    course.free_running = True
    assert course.may_close()


MINE, OTHERS = nn.Linear(1, 1), nn.Linear(1, 1)


def _filter(**step: Any) -> EventFilter:
    objects = SimpleNamespace(optimizers={}, of_parameter={id(p): 0 for p in MINE.parameters()})
    return EventFilter(ByHand(objects=objects, step=Step(0, 0.0, **step)))  # type: ignore[arg-type]


def _loss_of(module: nn.Module) -> torch.Tensor:
    return module(torch.ones(1, 1)).sum()


@pytest.mark.parametrize(
    ("args", "step", "passes"),
    [
        (((_loss_of(MINE),), {}), {}, True), (((_loss_of(OTHERS),), {}), {}, False),
        ((((_loss_of(OTHERS),),), {}), {}, False), (((), {"tensors": _loss_of(OTHERS)}), {}, False),
        (((), {"tensors": [_loss_of(MINE)]}), {}, True), (((), {}), {}, True), (((torch.ones(1),), {}), {}, True),
        (((_loss_of(OTHERS),), {}), {"models": [0]}, True),
        (((_loss_of(OTHERS),), {}), {"models": [0], "stepped": [0]}, False),
    ],
)  # fmt: skip
def test_a_backward_of_another_training_does_not_pass(args: Any, step: Any, *, passes: bool) -> None:
    """Nor does its end; one of which nothing is known does."""
    given = _filter(**step)
    assert given("backward_begins", args) is passes
    assert given("backward_ends", ()) is passes
    assert given._foreign_backward is not passes


@pytest.mark.parametrize("event", ["step_begins", "step_ends", "zero_grad"])
def test_events_of_an_optimizer_pass_where_it_holds_a_watched_parameter(event: str) -> None:
    """Or is known; those of a module do."""
    for thing, passes in (
        (torch.optim.SGD(MINE.parameters(), lr=0.1), True), (torch.optim.SGD(OTHERS.parameters(), lr=0.1), False),
        (OTHERS, True),
    ):  # fmt: skip
        args = ((thing,), {}) if event == "zero_grad" else (thing,)
        given = _filter()
        assert given(event, args) is passes
        given._context.objects.optimizers[id(thing)] = {}
        assert given(event, args) is True


def test_losses_pass_in_a_step_and_in_an_evaluation() -> None:
    """Until the training goes on."""
    given = _filter()
    routine: Any = SimpleNamespace(step=9)
    assert (given("loss", ()), given.rests_until(routine)) == (False, math.inf)
    given.on_forward_begins(SimpleNamespace(grad=True))  # type: ignore[arg-type]
    assert not given("loss", ())
    given.on_forward_begins(SimpleNamespace(grad=False))  # type: ignore[arg-type]
    given.on_forward_begins(SimpleNamespace(grad=True))  # type: ignore[arg-type]
    assert (given("loss", ()), given.rests_until(routine)) == (True, 9)
    given.on_backward_begins()
    assert not given("loss", ())
    assert _filter(models=[0])("loss", ()) is True


class _Guard:
    is_clean = True

    def __init__(self) -> None:
        self.told: list[Any] = []

    def __call__(self, _: str, function: Any, *args: Any) -> Any:
        return function(*args)

    def failed(self, name: str, error: Exception) -> bool:
        self.told.append((name, type(error)))
        return False


def _queue() -> tuple[RecordQueue, list[Any]]:
    records: list[Any] = []
    return RecordQueue([records.append], _Guard(), {"extra": 1}), records  # type: ignore[arg-type]


def test_records_wait_for_the_header_and_for_those_before() -> None:
    """A step of more than a second opens it."""
    queue, records = _queue()
    late, seen = Reading(), []
    queue.put({"record": "step", "seconds": 1.0}, [])
    queue.drain()
    assert records == []
    queue.put({"record": "event", "seconds": 9.0}, [(late, seen.append), (Reading([1.0]), seen.append)])
    queue.put({"record": "step", "seconds": 1.1}, [])
    assert [record["record"] for record in records] == ["header"]
    assert records[0]["extra"] == 1
    queue.drain()
    assert [record["record"] for record in records] == ["header", "step"]
    late.values = [5.0]
    queue.drain()
    assert ([record["record"] for record in records[2:]], seen) == (["event", "step"], [[5.0], [1.0]])
    queue.end("finished", 3, 0.5)
    assert records[-1] == {"record": "end", "reason": "finished", "steps": 3, "seconds": 0.5}


def test_the_end_sends_everything() -> None:
    """With the header, once."""
    queue, records = _queue()
    queue.put({"record": "step", "seconds": 0.1}, [])
    queue.end("exit", 1, 0.1)
    queue.open()
    assert [record["record"] for record in records] == ["header", "step", "end"]


def test_facts_stand_in_the_header_until_it_leaves() -> None:
    """The last of each number; the first seed, and the device."""
    queue, records = _queue()
    assert queue.announced("loss", {"id": 1, "x": 1})
    assert queue.announced("loss", {"id": 0})
    assert queue.announced("loss", {"id": 1, "x": 2})
    for seed in (None, 3, 4):
        queue.seed(seed)
    queue.device(torch.device("cpu"))
    queue.open()
    assert (records[0]["losses"], records[0]["seed"]) == ([{"id": 0}, {"id": 1, "x": 2}], 3)
    assert (records[0]["device"], records[0]["device_name"]) == ("cpu", None)
    assert not queue.announced("loss", {"id": 2})
    queue.seed(5)
    queue.device(torch.device("cpu"))


def test_the_record_of_a_plain_step_goes_to_everybody() -> None:
    """Also behind one that fails, which is told; where something has failed before, by the guard."""
    records: list[Any] = []

    def failing(_: Any) -> None:
        raise KeyError

    guard = _Guard()
    queue = RecordQueue([failing, records.append], guard, {})  # type: ignore[arg-type]
    queue.emit_plain({"record": "step"})
    assert (records, guard.told) == ([{"record": "step"}], [("function", KeyError)])
    guard.is_clean = False
    with pytest.raises(KeyError):
        queue.emit_plain({"record": "step"})


def test_layers_of_models_that_were_trained_are_told() -> None:
    """Of all where nothing stepped; parts of one model and the same rows are one record."""
    rows = (0, 2, 4)
    for stepped, told in (([], [0, 1, 1]), ([0], [1, 1])):
        step = Step(5, 0.0, stepped=stepped)
        step.samples = {"a": {0: {"x": 1}, 1: {"y": 2}}, "b": {1: {"z": 3}}, "c": {1: {"w": 4, "rows": rows}}}
        found = []
        for record, pending in record_queue.layer_records(step, {1}):
            for reading, arrived in pending:
                arrived(reading.values or [])
            found.append(record)
        assert [record["model"] for record in found] == told
        assert found[-2:] == [
            {"record": "layers", "step": 5, "model": 1, "y": 2, "z": 3},
            {"record": "layers", "step": 5, "model": 1, "w": 4, "rows": rows},
        ]


def test_a_recording_looks_closer_a_few_times_only() -> None:
    """At the gradients of the step and the layers of the next."""
    recording = Recording([], discover=True)
    looked = 0
    for _ in range(100):
        recording.step = Step(1, 0.0)
        recording.layers.forced = False
        recording.look_closer()
        looked += recording.step.sample_gradients
        assert recording.layers.forced is recording.step.sample_gradients
    assert 0 < looked < 100
    with recording.looking_away():
        assert recording.is_measuring
    assert not recording.is_measuring


def test_time_that_the_training_waits_for_us_counts_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the step nor for the recorder; what was spent before the first step is the layers'."""
    recording = Recording([], discover=True)
    now = [100.0]
    monkeypatch.setattr("trainadvisor.record.overhead.clocks.perf_counter", lambda: now[0])
    recording.step.begun, recording.cost.entered, recording.cost.started = 90.0, 95.0, 80.0
    with recording.held():
        now[0] = 103.0
    assert (recording.step.begun, recording.cost.entered, recording.cost.started) == (93.0, 98.0, 83.0)
    recording.spend(1.0)
    recording.spend_before_first_step(2.0)
    assert (recording.cost.spent, recording.cost._spent_before, recording.layers.spent) == (3.0, 3.0, 2.0)


def test_what_recording_costs_is_told_with_what_was_left_out() -> None:
    """Trainings only where some were."""
    told: list[Any] = []
    recording = Recording([told.append], discover=True, every=1, overhead=0.02)
    recording.skipped = 4
    recording.cost.tell()
    recording.trainings_left_out = 9
    recording.cost.tell()
    recording.queue.open()
    recording.drain(wait=True)
    header, first, second = told
    assert header["recorder"] == {"gradients_every": 1, "layers_every": 1, "max_overhead": 0.02}
    assert (first["detail"]["skipped"], "trainings_left_out" in first["detail"]) == (4, False)
    assert second["detail"]["trainings_left_out"] == 9


def _left_out(**parts: Any) -> tuple[LeftOutTrainings, Any]:
    calls: list[Any] = []
    objects = SimpleNamespace(
        models_so_far=50, is_plain=lambda _: False, optimizers={}, alive_optimizers=list,
        take_as_trained=lambda _: calls.append("taken"),
    )  # fmt: skip
    cost = SimpleNamespace(
        started=0.0, spent=1e12, budget=SimpleNamespace(share=0.01), skip=lambda: calls.append("skip")
    )
    recorder = SimpleNamespace(
        objects=objects, processes=1, step=Step(3, 0.0), step_number=3, cost=cost, trainings_left_out=0,
        counts=CallCounts(), on=calls.append, calls=calls,
        skip_to=lambda step, number: calls.append((step.number, number)),
    )  # fmt: skip
    vars(recorder).update(parts)
    return LeftOutTrainings(recorder), recorder  # type: ignore[arg-type]


def _fresh(recorder: Any) -> nn.Module:
    module = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    recorder.objects.alive_optimizers = lambda: [optimizer]
    return module


def test_a_training_that_costs_too_much_is_left_out() -> None:
    """From the fiftieth model on; its steps are counted when recording goes on."""
    left, recorder = _left_out()
    recorder.objects.models_so_far = 49
    assert not left.covers(_fresh(recorder))
    recorder.objects.models_so_far = 50
    module = _fresh(recorder)
    assert left.covers(module)
    assert (left.running, recorder.trainings_left_out, recorder.calls) == (True, 1, ["training_left_out"])
    for name in ("forward_begins", "backward_ends", "zero_grad", "step_ends"):
        assert left.passes(name, (object(),))
    assert left.covers(module)
    assert (recorder.trainings_left_out, left.steps) == (1, 1)
    assert not left.passes("made", (module,))
    left.wake()
    assert (left.running, left.steps, recorder.calls[1:]) == (False, 0, [(4, 4), "skip"])
    counts = {"forward": 2, "train_forward": 2, "backward": 1, "zero_grad": 1, "step": 1}
    assert dict(recorder.counts) == counts
    left.wake()
    assert recorder.calls[1:] == [(4, 4), "skip"]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: vars(one).update(processes=2),
        lambda one: vars(one.objects).update(is_plain=lambda _: True),
        lambda one: vars(one.cost).update(spent=0.4),
        lambda one: vars(one).update(step=Step(3, 0.0, micro=1)),
        lambda one: vars(one).update(step=Step(3, 0.0, models=[SimpleNamespace(parameters=[WEIGHT])])),
        lambda one: vars(one).update(step_number=5001),
        lambda one: vars(one.objects).update(models_so_far=60),
        lambda one: vars(one.objects).update(alive_optimizers=lambda: [OPTIMIZER]),
    ],
)
def test_a_training_that_is_not_short_fresh_and_dear_is_recorded(change: Any) -> None:
    """Also the sixtieth, and any of several processes."""
    left, recorder = _left_out()
    module = _fresh(recorder)
    change(recorder)
    assert not left.covers(module)
    assert not left.running
    with torch.no_grad():
        assert not _left_out()[0].covers(module)


def test_ever_fewer_are_recorded_whatever_they_cost() -> None:
    """Each time that their number has grown by a fifth."""
    left, recorder = _left_out()
    recorded = []
    for number in range(50, 120):
        recorder.objects.models_so_far = number
        left.running = left._within = False
        if not left._leaves_out(_fresh(recorder)):
            recorded.append(number)
    assert recorded == [60, 72, 87, 105]


def test_a_training_that_goes_on_for_long_is_taken_up() -> None:
    """After a hundred steps."""
    left, recorder = _left_out()
    module = _fresh(recorder)
    assert left.covers(module)
    left._known[id(module)].steps = 100
    assert left.covers(module)
    left._known[id(module)].steps = 101
    with torch.no_grad():
        assert left.covers(module)
    assert not left.covers(module)
    assert (recorder.trainings_left_out, left.running, recorder.calls[-1]) == (0, False, "taken")


def test_a_known_optimizer_or_a_model_that_trains_wakes_the_recording() -> None:
    """One that only answers does not."""
    left, recorder = _left_out()
    assert left.covers(_fresh(recorder))
    assert left.lets_pass([torch.ones(1)])
    with torch.no_grad():
        assert left.lets_pass([WEIGHT])
    assert left.running
    assert left.passes("step_begins", (OPTIMIZER,))
    recorder.objects.optimizers[id(OPTIMIZER)] = {}
    assert not left.passes("step_begins", (OPTIMIZER,))
    assert not left.running
    left, recorder = _left_out()
    assert left.covers(_fresh(recorder))
    assert not left.lets_pass([WEIGHT])
    assert not left.running


def test_another_module_that_trains_wakes_the_recording() -> None:
    """Not a plain one, as a loss; inside of a step of one that is left out it is part of that."""
    left, recorder = _left_out()
    assert left.covers(_fresh(recorder))
    assert left.covers(nn.Linear(1, 1))
    assert recorder.trainings_left_out == 1
    left.passes("step_ends", (None,))
    recorder.objects.is_plain = lambda _: True
    assert not left.covers(nn.Linear(1, 1))
    assert left.running
    recorder.objects.is_plain = lambda _: False
    assert not left.covers(nn.Linear(1, 1))
    assert not left.running


def test_modules_that_are_gone_are_forgotten() -> None:
    """Once there are many."""
    left, recorder = _left_out()
    kept = [_fresh(recorder) for _ in range(3)]
    for module in kept:
        left._run(module, None)
    for _ in range(left_out_trainings._MANY):
        left._run(nn.Linear(1, 1), None)
    assert len(left._known) < left_out_trainings._MANY
    assert all(id(module) in left._known for module in kept)
