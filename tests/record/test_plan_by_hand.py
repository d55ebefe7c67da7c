"""The events of a plan, one by one: what is asked of each, what it changes, and what ends the plan."""

from __future__ import annotations

import sys
from threading import get_ident
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from trainadvisor.record.shortcuts import batches, clips, left_out_steps, optimizer_steps, plan
from trainadvisor.record.shortcuts.batches import Batches
from trainadvisor.record.shortcuts.clips import Clips
from trainadvisor.record.shortcuts.clock import Clock
from trainadvisor.record.shortcuts.left_out_steps import LeftOutSteps
from trainadvisor.record.shortcuts.optimizer_steps import OptimizerSteps
from trainadvisor.record.shortcuts.plan import Plan
from trainadvisor.record.shortcuts.states import (
    BACKWARD,
    DONE,
    FORWARD,
    FORWARDING,
    LOSING,
    LOSS,
    OFF,
    READY,
    START,
    STEPPING,
)

if TYPE_CHECKING:
    from collections.abc import Callable

STATES = {START, FORWARDING, FORWARD, LOSING, LOSS, BACKWARD, READY, STEPPING, DONE}
MODEL = nn.Linear(2, 1)
OPTIMIZER = torch.optim.SGD(MODEL.parameters(), lr=0.5)
GIVEN = torch.ones(3, 2)
# What may be asked of the surroundings, by the name in the module, and the answer that ends a shortcut.
AROUND: dict[str, Callable[[], Any]] = {
    "ident": lambda: -1, "looked_at": lambda: 1, "function_modes": lambda: 1, "dispatch_modes": lambda: 1,
    "graph_task": lambda: 0, "tracing_state": lambda: 1, "transform": lambda: 1, "_grad_enabled": lambda: False,
    "_inference": lambda: True,
}  # fmt: skip


class Fake(SimpleNamespace):
    """Stands for a plan, and notes what is called of it."""

    def __init__(self, **parts: Any) -> None:
        self.calls: list[Any] = []
        self.thread = self._thread = get_ident()
        self.active, self.inside, self.closure, self.loads, self.scaled = True, False, False, False, False
        self.cleared, self.cares, self.collects, self.zeros, self.tried = True, False, False, 0, [0]
        self.state, self.key, self.size, self.count = START, id(OPTIMIZER), 2, 1
        self.kind, self.reduction, self.frames, self.told = "mse_loss", "mean", [], None
        self.modules, self.sizes, self.number, self.clip = len(sys.modules), {}, 5, None
        self.line, self.held, self.limit = SimpleNamespace(made=1), lambda: MODEL.weight, 10.0
        self.module, self.model = lambda: MODEL, SimpleNamespace(number=0)
        self.sources = SimpleNamespace(
            ask=self.noting("ask"), remembers=lambda _: True, remember=self.noting("remember")
        )
        self.timing = SimpleNamespace(_asked=0.0, _wait=2.0, examples=lambda given, _: len(given))
        self.order, self.cost = SimpleNamespace(_batch_came=True), SimpleNamespace(entered=0.0)
        self.jumps = SimpleNamespace(_times=10.0, _usual=1.0)
        self.drawn: Any = None
        super().__init__(**parts)

    def noting(self, name: str, gives: Any = None) -> Callable[..., Any]:
        def called(*_: Any) -> Any:
            self.calls.append(name)
            return gives

        return called

    def unexpected(self) -> bool:
        self.calls.append("unexpected")
        return False

    def leave(self) -> None:
        self.calls.append("leave")

    def _close(self) -> Any:
        self.calls.append("close")
        return self

    def _is_drawn(self) -> bool:
        self.calls.append("drawn")
        return True

    def _size(self, given: torch.Tensor) -> int:
        return Plan._size(self, given)

    def of_another(self, _: object) -> bool:
        return True

    def _handed_back(self, event: str, *_: Any) -> bool:
        self.calls.append(event)
        return False

    def _closure_begins(self, *given: Any) -> bool:
        return LeftOutSteps._closure_begins(self, *given)

    def _of_another(self, *_: Any) -> bool:
        self.calls.append("another")
        return False


def refused(method: Any, fake: Fake, *args: Any) -> list[Any]:
    """Return what a refused event has called; nothing of the fake has changed but that."""
    before = {name: value for name, value in vars(fake).items() if name != "calls"}
    assert not method(fake, *args)
    assert {name: value for name, value in vars(fake).items() if name != "calls"} == before
    return fake.calls


ASKED = {
    "batch_begins": (START, {"ident": False, "looked_at": False}),
    "forward_begins": (START, {
        "ident": False, "graph_task": False, "looked_at": True, "function_modes": True, "dispatch_modes": True,
        "tracing_state": True, "transform": True, "_grad_enabled": True, "_inference": True,
    }),
    "loss": (LOSING, {"ident": True, "_grad_enabled": True, "transform": True}),
    "backward_begins": (LOSS, {"ident": False, "graph_task": False, "function_modes": True, "dispatch_modes": True}),
    "backward_ends": (BACKWARD, {"function_modes": True}),
    "step_begins": (READY, {"ident": False, "function_modes": True}),
    "zero_grad": (START, {"ident": False, "looked_at": True}),
    "clip_grad_norm_": (READY, {"ident": False, "looked_at": True, "function_modes": True, "dispatch_modes": True}),
}  # fmt: skip
RESULT = torch.tensor(1.0, requires_grad=True) * 2
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "batch_begins": (object(),),
    "forward_begins": (MODEL, (GIVEN,), {}),
    "loss": (None, {}, RESULT),
    "backward_begins": (RESULT,),
    "backward_ends": (),
    "step_begins": (OPTIMIZER,),
    "zero_grad": (),
    "clip_grad_norm_": ((), {}, None),
}


def fake_for(event: str, **parts: Any) -> Fake:
    """Return a plan that takes an event."""
    fake = Fake(**{"state": ASKED[event][0], "result": RESULT, "loads": event == "batch_begins"} | parts)
    fake.shortcuts = SimpleNamespace(
        read_clip=lambda *_: (1.0, 2.0), _take_batch=fake.noting("take"), _count_draws=fake.noting("count")
    )
    return fake


@pytest.fixture(autouse=True)
def gradients() -> Any:
    """Let the first parameter have a gradient."""
    for parameter in MODEL.parameters():
        parameter.grad = torch.zeros_like(parameter)
    yield
    MODEL.zero_grad()


@pytest.mark.parametrize("event", ASKED)
def test_an_event_of_a_plain_step_is_taken(event: str) -> None:
    """And nothing else is called."""
    fake = fake_for(event)
    assert getattr(Plan, event)(fake, *ARGUMENTS[event]) is True
    assert fake.calls == (["ask"] if event == "batch_begins" else [])


@pytest.mark.parametrize(("event", "name"), [(event, name) for event, (_, asked) in ASKED.items() for name in asked])
def test_what_goes_on_around_an_event_ends_the_plan_or_is_another_threads(
    event: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread, a compiled frame, modes, a backward, tracing, transforms, no gradients."""
    monkeypatch.setattr(plan, name, AROUND[name])
    fake = fake_for(event)
    assert getattr(Plan, event)(fake, *ARGUMENTS[event]) is False
    assert fake.calls == (["unexpected"] if ASKED[event][1][name] else [])


TAKEN_IN = {
    "batch_begins": {START, DONE}, "forward_begins": {START, DONE}, "backward_begins": {LOSS}, "step_begins": {READY},
    "clip_grad_norm_": {READY}, "zero_grad": STATES - {BACKWARD, READY, STEPPING},
}  # fmt: skip


@pytest.mark.parametrize("event", TAKEN_IN)
def test_an_event_in_another_place_of_the_step_ends_the_plan(event: str) -> None:
    """Each is expected in some of them only."""
    for state in STATES:
        fake = fake_for(event, state=state)
        taken = getattr(Plan, event)(fake, *ARGUMENTS[event])
        assert (taken, "unexpected" in fake.calls) == (state in TAKEN_IN[event], state not in TAKEN_IN[event])
        assert ("close" in fake.calls) == (state == DONE and event in {"batch_begins", "forward_begins"})


@pytest.mark.parametrize("event", ["batch_begins", "forward_begins", "step_begins"])
def test_who_takes_the_next_step_takes_its_first_event(event: str) -> None:
    """Nobody, or the steps that are left out."""
    closure = event == "step_begins"
    arguments = (OPTIMIZER, True) if closure else ARGUMENTS[event]
    for taker, taken in ((None, False), (SimpleNamespace(**{event: lambda *_: True}), True)):
        fake = fake_for(event, state=DONE, closure=closure)
        fake._close = lambda taker=taker: taker
        assert getattr(Plan, event)(fake, *arguments) is taken
        assert (fake.state, fake.calls) == (DONE, [])


@pytest.mark.parametrize("parts", [{"inside": True}, {"loads": False}])
def test_a_batch_inside_of_a_closure_or_of_no_known_loader_ends_the_plan(parts: dict[str, Any]) -> None:
    """It is not one of the step before."""
    assert refused(Plan.batch_begins, fake_for("batch_begins", **parts), object()) == ["unexpected"]


@pytest.mark.parametrize(("parts", "name"), [({"active": False}, ""), ({}, "ident"), ({}, "looked_at")])
def test_a_batch_is_taken_while_the_plan_is_active(
    parts: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its thread."""
    fake = fake_for("batch_begins")
    assert Plan.batch_ends(fake, (), None) is True
    assert fake.calls == ["take"]
    if name:
        monkeypatch.setattr(plan, name, AROUND[name])
    assert refused(Plan.batch_ends, fake_for("batch_begins", **parts), (), None) == []


ODD_FORWARDS: dict[str, tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]]] = {
    "another count": ({"count": 2}, (GIVEN,), {}),
    "a tensor by name": ({"count": 2}, (GIVEN,), {"mask": GIVEN}),
    "only by name": ({}, (), {"flag": True}),
    "inside": ({"inside": True}, (GIVEN,), {}),
    "before a closure runs": ({"closure": True}, (GIVEN,), {}),
    "no plain tensor": ({}, (nn.Parameter(GIVEN),), {}),
    "sparse": ({}, (GIVEN.to_sparse(),), {}),
    "a vector": ({}, (GIVEN[0],), {}),
    "without values": ({}, (GIVEN.to("meta"),), {}),
    "no examples": ({}, (GIVEN[:0],), {}),
}


@pytest.mark.parametrize("name", ODD_FORWARDS)
def test_a_forward_of_another_kind_ends_the_plan(name: str) -> None:
    """By its arguments or where it stands."""
    parts, args, kwargs = ODD_FORWARDS[name]
    fake = fake_for("forward_begins", **parts)
    assert Plan.forward_begins(fake, MODEL, args, kwargs) is False
    assert (fake.calls, fake.state) == (["unexpected"], START)


def test_a_forward_in_eval_mode_ends_the_plan() -> None:
    """Another module may belong to nobody, and then does not."""
    MODEL.eval()
    fake = fake_for("forward_begins")
    assert Plan.forward_begins(fake, *ARGUMENTS["forward_begins"]) is False
    MODEL.train()
    assert fake.calls == ["unexpected"]
    other = nn.Linear(2, 1)
    assert refused(Plan.forward_begins, fake_for("forward_begins"), other, (GIVEN,), {}) == ["unexpected"]
    for told in (False, None):
        fake = fake_for("forward_begins")
        fake.of_another = lambda _, told=told: told
        assert Plan.forward_begins(fake, other, (GIVEN,), {}) is told
        assert fake.calls == []


def test_a_forward_keeps_what_the_model_is_given() -> None:
    """With the examples of it, which are worked out once a shape where no loader tells; switches may be named."""
    fake = fake_for("forward_begins", count=3)
    assert Plan.forward_begins(fake, MODEL, (GIVEN,), {"flag": True, "mask": None}) is True
    assert (fake.args, fake.batch, fake.state) == ((GIVEN,), 3, FORWARDING)
    assert fake.given is GIVEN
    assert fake.sizes == {GIVEN.shape: 3}
    fake = fake_for("forward_begins", sizes={GIVEN.shape: 7})
    assert Plan.forward_begins(fake, MODEL, (GIVEN,), {}) is True
    assert fake.batch == 7
    fake = fake_for("forward_begins", loads=True)
    assert Plan.forward_begins(fake, MODEL, (GIVEN,), {}) is True
    assert (fake.sizes, fake.calls) == ({}, ["drawn"])
    fake = fake_for("forward_begins", sizes={(n,): n for n in range(64)})
    assert Plan.forward_begins(fake, MODEL, (GIVEN,), {}) is True
    assert len(fake.sizes) == 64


@pytest.mark.parametrize(("loads", "drawn", "known"), [(False, True, False), (True, False, False), (True, True, False)])
def test_an_input_that_no_loader_gave_is_remembered(*, loads: bool, drawn: bool, known: bool) -> None:
    """Unless it is already."""
    for remembers in (known, True):
        fake = fake_for("forward_begins", loads=loads)
        fake._is_drawn = lambda: drawn
        fake.sources.remembers = lambda _, remembers=remembers: remembers
        assert Plan.forward_begins(fake, MODEL, (GIVEN,), {}) is True
        assert fake.calls == ([] if remembers or (loads and drawn) else ["remember"])


@pytest.mark.parametrize(
    ("train", "drawn", "given"), [(None, 0, False), (None, 1, True), (object(), 0, True), (object(), 2, True)]
)
def test_a_batch_is_drawn_where_a_loader_trains_or_has_just_given_one(
    train: object, drawn: int, *, given: bool
) -> None:
    """The epoch is noted."""
    noted: list[dict[str, bool]] = []
    timing = SimpleNamespace(note_epoch=lambda **told: noted.append(told))
    fake = Fake(timing=timing, sources=SimpleNamespace(train=lambda: train, _drawn=drawn))
    assert Plan._is_drawn(fake) is given
    assert noted == [{"grad": True, "training": True}]


@pytest.mark.parametrize(
    ("parts", "output", "calls"),
    [
        ({}, GIVEN, []),
        ({}, GIVEN[0], ["leave", "long"]),
        ({}, (GIVEN,), ["leave", "long"]),
        ({}, nn.Parameter(GIVEN), ["leave", "long"]),
        ({"active": False}, GIVEN, ["long"]),
        ({"state": READY}, GIVEN, ["long"]),
    ],
)
def test_what_a_model_gives_is_taken_where_it_is_a_table(parts: Any, output: Any, calls: list[str]) -> None:
    """Else the long way takes it."""
    fake = Fake(**{"state": FORWARDING, "loads": True} | parts)
    sequence = SimpleNamespace(_drawn=1)
    fake.shortcuts = SimpleNamespace(forward_ends=fake.noting("long"), _sequence=sequence)
    Plan.forward_ends(fake, MODEL, (), {}, output)
    assert fake.calls == calls
    assert (fake.state == FORWARD, sequence._drawn) == (not calls, None if not calls else 1)


def test_a_model_that_cares_about_its_mode_has_to_be_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked only of one that cares."""
    for cares, learns, state in ((False, False, FORWARD), (True, True, FORWARD), (True, False, FORWARDING)):
        monkeypatch.setattr(plan, "learns", lambda _, learns=learns: learns)
        fake = Fake(state=FORWARDING, cares=cares)
        fake.shortcuts = SimpleNamespace(forward_ends=fake.noting("long"))
        Plan.forward_ends(fake, MODEL, (), {}, GIVEN)
        assert fake.state == state


@pytest.mark.parametrize(
    ("state", "kind", "count", "taken"),
    [
        (FORWARD, "mse_loss", 2, True),
        (LOSING, "mse_loss", 2, None),
        (FORWARD, "l1_loss", 2, False),
        (FORWARD, "mse_loss", 3, False),
        (START, "mse_loss", 2, False),
        (LOSS, "mse_loss", 2, False),
    ],
)
def test_the_loss_of_the_step_is_the_one_that_is_expected(state: int, kind: str, count: int, taken: Any) -> None:
    """Inside of it others are nobody's."""
    for one in (Plan, LeftOutSteps):
        fake = Fake(state=state)
        assert one.loss_begins(fake, kind, count) is taken
        assert fake.state == (LOSING if taken else state)
        assert bool(fake.calls) == (taken is False)


def test_the_loss_of_a_frameworks_object_is_that_of_the_step_before() -> None:
    """Called in a plain way."""
    told = object()
    for one in (Plan, LeftOutSteps):
        for parts, given, plain, taken in (
            ({}, told, True, True), ({}, told, False, False), ({}, object(), True, False),
            ({"told": None}, None, True, False), ({"state": LOSS}, told, True, False),
        ):  # fmt: skip
            fake = Fake(**{"state": FORWARD, "told": lambda: told} | parts)
            assert one.told_loss_begins(fake, given, plain) is taken
            assert (fake.state == LOSING, bool(fake.calls)) == (taken, not taken)


def test_a_loss_that_has_raised_may_be_called_again() -> None:
    """In any other place nothing changes."""
    for one in (Plan, LeftOutSteps):
        for state, left in ((LOSING, FORWARD), (LOSS, LOSS), (START, START)):
            fake = Fake(state=state)
            one.loss_failed(fake)
            assert fake.state == left


def _frames() -> tuple[Any, Any]:
    """Return a frame and the one behind it, neither of which runs on."""
    outer = SimpleNamespace(f_code=object(), f_lasti=8, f_back=None)
    return SimpleNamespace(f_code=object(), f_lasti=4, f_back=outer), outer


def test_a_loss_is_computed_where_it_was_before() -> None:
    """By its own line and the one behind it, reduced alike."""
    inner, outer = _frames()
    places = [(0, inner.f_code, inner.f_lasti), (1, outer.f_code, outer.f_lasti)]
    for one in (Plan, LeftOutSteps):
        fake = Fake(state=LOSING, frames=places)
        assert one.loss(fake, inner, {"reduction": "mean"}, RESULT) is True
        assert (fake.result is RESULT, fake.state) == (True, LOSS)
        for frames, kwargs in (
            ([(0, inner.f_code, inner.f_lasti + 2)], {}), ([(0, outer.f_code, inner.f_lasti)], {}),
            ([(1, inner.f_code, inner.f_lasti)], {}), ([(0, inner.f_code, inner.f_lasti)], {"reduction": "sum"}),
        ):  # fmt: skip
            fake = Fake(state=LOSING, frames=frames, result=None)
            assert one.loss(fake, inner, kwargs, RESULT) is False
            assert fake.result is None
    fake = Fake(state=LOSING, result=None)
    assert Plan.loss(fake, inner, {}, (RESULT,)) is False
    assert fake.result is None
    assert refused(Plan.loss, Fake(state=LOSING, active=False), inner, {}, RESULT) == []


@pytest.mark.parametrize(
    ("parts", "tensor"),
    [
        ({"cleared": False}, RESULT),
        ({"modules": 0}, RESULT),
        ({"scaled": True}, RESULT),
        ({"scaled": True}, RESULT.exp()),
        ({}, RESULT * 2),
        ({"jumps": SimpleNamespace(_times=1.5, _usual=1.0)}, RESULT),
        ({"result": torch.tensor(-2.0), "jumps": SimpleNamespace(_times=1.5, _usual=1.0)}, None),
        ({"result": torch.tensor(torch.nan)}, None),
    ],
)
def test_a_backward_of_another_kind_ends_the_plan(parts: dict[str, Any], tensor: Any) -> None:
    """Of another tensor, of a loss that has jumped, with gradients left, after an import."""
    fake = fake_for("backward_begins", **parts)
    assert Plan.backward_begins(fake, fake.result if tensor is None else tensor) is False
    assert (fake.calls, fake.state) == (["unexpected"], LOSS)


def test_a_backward_reads_the_loss() -> None:
    """By its size the usual one moves a tenth of the way; a multiple is differentiated where it was before."""
    for value in (2.0, -2.0):
        result = torch.tensor(value, requires_grad=True)
        fake = fake_for("backward_begins", result=result, loads=True)
        assert Plan.backward_begins(fake, (result,)) is True
        assert (fake.value, fake.state, fake.args, fake.jumps._usual) == (value, BACKWARD, (), 1.1)
        assert fake.root is result
        assert (fake.order._batch_came, fake.calls) == (False, ["count"])
    half = RESULT / 2
    fake = fake_for("backward_begins", scaled=True)
    assert Plan.backward_begins(fake, half) is True
    assert (fake.root is half, fake.value, fake.order._batch_came) == (True, 2.0, True)
    fake = fake_for("backward_begins", jumps=SimpleNamespace(_times=2.0, _usual=1.0))
    assert Plan.backward_begins(fake, RESULT) is True


def test_the_rows_of_a_step_are_taken_while_they_are_wanted() -> None:
    """With the number of the model."""
    taken: list[Any] = []
    for wanted in (True, False):
        rows = SimpleNamespace(take=lambda *given: taken.append(given), wants=lambda _, wanted=wanted: wanted)
        fake = fake_for("backward_begins", collects=True, given=GIVEN)
        fake.shortcuts._rows = rows
        assert Plan.backward_begins(fake, RESULT) is True
        assert fake.collects is wanted
    assert [(number, given is GIVEN) for number, given in taken] == [(0, True), (0, True)]


@pytest.mark.parametrize("parts", [{"active": False}, {"state": READY}])
def test_a_backward_that_the_plan_has_not_begun_is_not_its(parts: dict[str, Any]) -> None:
    """It goes the long way."""
    assert refused(Plan.backward_ends, fake_for("backward_begins", **{"state": BACKWARD} | parts)) == []


def test_a_backward_that_left_no_gradient_ends_the_plan() -> None:
    """Or whose parameter is gone."""
    assert refused(Plan.backward_ends, fake_for("backward_ends", held=lambda: None)) == ["unexpected"]
    MODEL.weight.grad = None
    assert refused(Plan.backward_ends, fake_for("backward_ends")) == ["unexpected"]


def test_a_backward_lets_go_of_the_loss() -> None:
    """And notes the time, the version of a parameter, and how long the batch was waited for."""
    for loads, waited in ((True, 2.0), (False, 9.0)):
        fake = fake_for("backward_ends", loads=loads, waited=9.0)
        assert Plan.backward_ends(fake) is True
        assert (fake.result, fake.root, fake.given, fake.state) == (None, None, None, READY)
        assert fake.version == MODEL.weight._version
        assert fake.cost.entered == fake.trained > 0
        assert fake.waited == waited


def _step_with(**parts: Any) -> list[Any]:
    return refused(Plan.step_begins, fake_for("step_begins", **parts), OPTIMIZER)


def test_a_step_of_another_optimizer_or_kind_ends_the_plan() -> None:
    """Of other parameters, without gradients, with a rate that is no plain number."""
    for parts in ({"key": 0}, {"inside": True}, {"closure": True}, {"size": 3}):
        assert _step_with(**parts) == ["unexpected"]
    assert refused(Plan.step_begins, fake_for("step_begins"), OPTIMIZER, object()) == ["unexpected"]
    OPTIMIZER.param_groups[0]["lr"] = torch.tensor(0.5)
    assert _step_with() == ["unexpected"]
    OPTIMIZER.param_groups[0]["lr"] = 0.5
    MODEL.weight.grad = None
    assert _step_with() == ["unexpected"]


def test_a_step_notes_its_rates() -> None:
    """And that it was tried; with a closure all of it is to come."""
    fake = fake_for("step_begins")
    assert Plan.step_begins(fake, OPTIMIZER) is True
    assert (fake.rates, fake.tried, fake.state, fake.inside) == ([0.5], [1], STEPPING, False)
    MODEL.weight.grad = None
    for state, closes in ((START, []), (DONE, ["close"])):
        fake = fake_for("step_begins", state=state, closure=True)
        fake._close = lambda fake=fake: fake.calls.append("close") or vars(fake).update(state=START) or fake
        assert Plan.step_begins(fake, OPTIMIZER, closure=True) is True
        assert (fake.rates, fake.tried, fake.state, fake.inside, fake.calls) == ([0.5], [0], START, True, closes)


@pytest.mark.parametrize(
    ("state", "inside", "key", "grad", "taken"),
    [
        (STEPPING, False, 0, True, True),
        (STEPPING, False, 0, False, True),
        (READY, True, 0, True, True),
        (READY, True, 0, False, False),
        (READY, False, 0, True, False),
        (STEPPING, True, 0, True, False),
        (STEPPING, False, 1, True, False),
    ],
)
def test_the_end_of_a_step_uses_the_gradients_up(
    state: int, key: int, *, inside: bool, grad: bool, taken: bool
) -> None:
    """Of a closure only where it left some."""
    if not grad:
        MODEL.weight.grad = None
    fake = Fake(state=state, inside=inside, key=id(OPTIMIZER) + key)
    assert Plan.step_ends(fake, OPTIMIZER) is taken
    assert fake.calls == ([] if taken else ["unexpected"])
    if taken:
        assert (fake.cleared, fake.inside, fake.state) == (False, False, DONE)
        assert fake.ended > 0


@pytest.mark.parametrize(("made", "keeps"), [(1, []), (2, ["keep"])])
def test_weights_are_kept_where_an_optimizer_of_the_line_came_before(
    made: int, keeps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a plan and in a step that is left out."""
    for one, module in ((Plan, plan), (LeftOutSteps, left_out_steps)):
        fake = Fake(
            state=STEPPING, line=SimpleNamespace(made=made), plan=SimpleNamespace(line=SimpleNamespace(made=made))
        )
        monkeypatch.setattr(module, "keep", fake.noting("keep"))
        assert one.step_ends(fake, OPTIMIZER) is True
        assert fake.calls == keeps


def test_cleared_gradients_and_clippings_are_noted() -> None:
    """As they are given."""
    fake = fake_for("zero_grad", cleared=False)
    assert Plan.zero_grad(fake) is True
    assert (fake.cleared, fake.zeros) == (True, 1)
    fake = fake_for("clip_grad_norm_")
    assert Plan.clip_grad_norm_(fake, (), {}, None) is True
    assert fake.clip == (1.0, 2.0)
    fake = fake_for("clip_grad_norm_")
    fake.shortcuts.read_clip = lambda *_: None
    assert refused(Plan.clip_grad_norm_, fake, (), {}, None) == ["unexpected"]


@pytest.mark.parametrize("state", STATES)
def test_a_scheduler_steps_outside_of_backward_and_step(state: int) -> None:
    """Where the shortcut takes it."""
    for known in (True, False):
        fake = Fake(state=state)
        fake.shortcuts = SimpleNamespace(scheduler_step=lambda *_, known=known: known)
        taken = known and not BACKWARD <= state <= STEPPING
        assert Plan.scheduler_step(fake, (), {}, None) is taken
        assert fake.calls == ([] if taken else ["unexpected"])


@pytest.mark.parametrize(
    ("module", "discover", "plain", "told"),
    [
        (nn.MSELoss(), False, False, None),
        (nn.MSELoss(), True, True, None),
        (nn.MSELoss(), True, False, False),
        (nn.Linear(1, 1), False, True, False),
    ],
)
def test_a_loss_that_is_a_module_is_told_to_nobody(
    module: nn.Module, told: Any, *, discover: bool, plain: bool
) -> None:
    """Another module is where it is known."""
    objects = SimpleNamespace(_plain={id(module)} if plain else set(), _owner={})
    fake = Fake(recorder=SimpleNamespace(discover=discover), objects=objects)
    assert Plan.of_another(fake, module) is told
    objects._owner[id(module)] = 1
    assert Plan.of_another(fake, module) is (None if told is None else True)


LEFT_OUT = {
    "batch_begins": (START, ["ident"]), "batch_ends": (START, ["ident"]), "forward_begins": (START, ["_grad_enabled"]),
    "loss_begins": (FORWARD, ["ident"]), "loss": (LOSING, ["ident"]), "zero_grad": (START, ["ident"]),
    "backward_begins": (LOSS, ["ident", "function_modes", "dispatch_modes"]), "backward_ends": (BACKWARD, []),
    "step_begins": (READY, []), "step_ends": (STEPPING, []),
    "clip_grad_norm_": (READY, ["ident", "function_modes", "dispatch_modes"]),
}  # fmt: skip
GIVEN_TO = ARGUMENTS | {"batch_ends": ((), None), "loss_begins": ("mse_loss", 2), "step_ends": (OPTIMIZER,)}


def left_out_for(event: str, **parts: Any) -> Fake:
    """Return steps that are left out and take an event."""
    fake = fake_for("loss", **{"tried": 0, "state": LEFT_OUT[event][0], "loads": event.startswith("batch")} | parts)
    fake.shortcuts._passes_open = False
    fake.plan = SimpleNamespace(shortcuts=fake.shortcuts, line=fake.line, unexpected=fake.unexpected)
    return fake


@pytest.mark.parametrize("event", LEFT_OUT)
def test_an_event_of_a_step_that_is_left_out_is_taken(event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another thread, under modes and without gradients the plan gets it."""
    fake = left_out_for(event)
    assert getattr(LeftOutSteps, event)(fake, *GIVEN_TO[event]) is True
    assert fake.calls == []
    for name in LEFT_OUT[event][1]:
        with monkeypatch.context() as patch:
            patch.setattr(left_out_steps, name, AROUND[name])
            assert refused(getattr(LeftOutSteps, event), left_out_for(event), *GIVEN_TO[event]) == [event]


LEFT_OUT_IN = {
    "batch_begins": {START, DONE}, "batch_ends": {START}, "backward_begins": {LOSS}, "backward_ends": {BACKWARD},
    "step_ends": {STEPPING}, "clip_grad_norm_": {READY}, "zero_grad": STATES - {BACKWARD, READY, STEPPING},
}  # fmt: skip


@pytest.mark.parametrize("event", LEFT_OUT_IN)
def test_in_another_place_of_such_a_step_the_plan_gets_the_event(event: str) -> None:
    """Each is expected in some of them only."""
    for state in STATES:
        fake = left_out_for(event, state=state)
        taken = getattr(LeftOutSteps, event)(fake, *GIVEN_TO[event])
        assert (taken, event in fake.calls) == (state in LEFT_OUT_IN[event], state not in LEFT_OUT_IN[event])


@pytest.mark.parametrize(
    ("event", "parts"),
    [
        ("batch_begins", {"loads": False}),
        ("batch_begins", {"drawn": 1}),
        ("batch_ends", {"drawn": 1}),
        ("forward_begins", {"count": 2}),
        ("forward_begins", {"inside": True}),
        ("forward_begins", {"loads": True}),
        ("backward_begins", {"cleared": False}),
        ("backward_begins", {"scaled": True}),
        ("backward_begins", {"limit": 1.5}),
        ("step_begins", {"key": 0}),
        ("step_begins", {"closure": True}),
        ("step_begins", {"state": STEPPING}),
        ("step_ends", {"key": 0}),
    ],
)
def test_what_is_not_as_before_is_the_plans(event: str, parts: dict[str, Any]) -> None:
    """Nothing is taken of it."""
    assert refused(getattr(LeftOutSteps, event), left_out_for(event, **parts), *GIVEN_TO[event]) == [event]


def test_a_negative_loss_has_the_same_limit() -> None:
    """And the limit itself is none too large."""
    for value, taken in ((-1.5, True), (1.5, True), (-1.6, False), (1.6, False)):
        result = torch.tensor(value)
        assert LeftOutSteps.backward_begins(left_out_for("backward_begins", limit=1.5, result=result), result) is taken


def test_the_shape_of_what_a_model_is_given_is_kept() -> None:
    """In training, of a table, with switches by name only."""
    fake = left_out_for("forward_begins", count=2)
    assert LeftOutSteps.forward_begins(fake, MODEL, (GIVEN,), {"flag": True}) is True
    assert (fake.args, fake.shape, fake.state) == ((GIVEN,), GIVEN.shape, FORWARDING)
    for args, kwargs, count in (((GIVEN,), {"mask": GIVEN}, 2), ((GIVEN[0],), {}, 1), ((), {"x": True}, 1)):
        fake = left_out_for("forward_begins", count=count)
        assert LeftOutSteps.forward_begins(fake, MODEL, args, kwargs) is False
        assert fake.calls == ["forward_begins"]
    fake = left_out_for("forward_begins", loads=True, drawn=1)
    assert LeftOutSteps.forward_begins(fake, MODEL, (GIVEN,), {}) is True
    for state in STATES - {START, DONE}:
        fake = left_out_for("forward_begins", state=state)
        assert LeftOutSteps.forward_begins(fake, MODEL, (GIVEN,), {}) is False
        assert fake.calls == ["another"]


def test_a_step_that_is_left_out_ends_where_the_next_begins() -> None:
    """At its batch, its forward or its closure; after the last one the plan goes on."""
    for event, arguments in (
        ("batch_begins", (1,)),
        ("forward_begins", (MODEL, (GIVEN,), {})),
        ("step_begins", (OPTIMIZER, True)),
    ):
        for more in (True, False):
            fake = left_out_for(
                "batch_begins", state=DONE, loads=event == "batch_begins", closure=event == "step_begins"
            )
            if event == "forward_begins":
                fake.closure = fake.inside = False
            fake._close = lambda more=more: more
            assert getattr(LeftOutSteps, event)(fake, *arguments) is more
            assert fake.calls == ([] if more else [event])


def test_steps_are_counted_down() -> None:
    """Each has the number after the one before, in every thread."""
    fake = Fake(left=2, number=7, ended=3.0, step=SimpleNamespace(number=7), recorder=SimpleNamespace(step_number=7))
    assert LeftOutSteps._close(fake) is True
    assert (fake.number, fake.step.number, fake.recorder.step_number, fake.left, fake.begun) == (8, 8, 8, 1, 3.0)
    assert (fake.state, fake.clip, fake.shape) == (START, None, None)
    assert LeftOutSteps._close(fake) is False
    assert fake.number == 9


def test_rates_of_a_step_that_is_left_out_are_kept_as_they_are() -> None:
    """Of one group and of several; what was tried is counted."""
    rate = torch.tensor(0.5)
    for groups, rates in (([{"lr": rate}], [rate]), ([{"lr": 0.1}, {"lr": 0.2}], [0.1, 0.2])):
        optimizer = SimpleNamespace(param_groups=groups)
        fake = left_out_for("step_begins", key=id(optimizer), tried=4)
        assert LeftOutSteps.step_begins(fake, optimizer) is True
        assert (fake.rates, fake.tried, fake.state) == (rates, 5, STEPPING)


def test_another_module_in_a_step_that_is_left_out_is_told_as_by_the_plan() -> None:
    """Nobody is told of one that the plan does not know."""
    for told, calls in ((None, []), (False, []), (True, ["forward_begins"])):
        fake = left_out_for("forward_begins")
        fake.plan.of_another = lambda _, told=told: told
        assert LeftOutSteps._of_another(fake, nn.Linear(1, 1), (), {}) is (told if told is not True else False)
        assert fake.calls == calls
    for parts in ({}, {"state": OFF}):
        fake = left_out_for("forward_begins", **parts)
        assert LeftOutSteps._of_another(fake, MODEL, (), {}) is False
        assert fake.calls == ["forward_begins"]


@pytest.mark.parametrize("name", ["ident", "graph_task"])
def test_another_module_in_another_thread_or_backward_goes_the_long_way(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step goes on."""
    monkeypatch.setattr(left_out_steps, name, AROUND[name])
    assert refused(LeftOutSteps._of_another, left_out_for("forward_begins"), nn.Linear(1, 1), (), {}) == []


CLIPPED = (([], 2.0), {}, torch.tensor(3.0))


def _clips(**parts: Any) -> Any:
    step = SimpleNamespace(number=9, micro=1, done=False, fields={})
    recorder = SimpleNamespace(step=step, scale=SimpleNamespace(reading=None), values=clips.HostValues())
    jumps = SimpleNamespace(_times=10.0, _usual=1.0, _steady_after=3)
    return SimpleNamespace(
        **{
            "_thread": get_ident(), "_recorder": recorder, "_clipping": SimpleNamespace(_stepped=False),
            "_cost": SimpleNamespace(entered=0.0, spent=0.0), "_clips": SimpleNamespace(_jumps=jumps),
            "_counts": {"clip_calls": 0, "clips_before_step": 0}, "read_clip": lambda *_: (2.0, 3.0),
        } | parts
    )  # fmt: skip


def test_a_clipping_between_backward_and_step_is_a_shortcut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, not after, not of scaled gradients, not in other surroundings."""
    fake = _clips()
    assert Clips.clip_grad_norm_(fake, *CLIPPED) is True
    assert fake._recorder.step.fields == {"clip_max": 2.0, "clip_norm": 3.0}
    assert fake._cost.spent > 0
    for change in (
        lambda one: vars(one._recorder.step).update(micro=0),
        lambda one: vars(one._recorder.step).update(done=True),
        lambda one: vars(one._clipping).update(_stepped=True),
        lambda one: vars(one._recorder.scale).update(reading=1),
        lambda one: vars(one).update(read_clip=lambda *_: None),
    ):
        fake = _clips()
        change(fake)
        assert Clips.clip_grad_norm_(fake, *CLIPPED) is False
        assert fake._recorder.step.fields == {}
    for name in ("ident", "looked_at", "function_modes", "dispatch_modes"):
        with monkeypatch.context() as patch:
            patch.setattr(clips, name, AROUND[name])
            assert Clips.clip_grad_norm_(_clips(), *CLIPPED) is False


@pytest.mark.parametrize(
    ("args", "kwargs", "norm", "step", "read"),
    [
        (([], 2.0), {}, 3.0, 9, (2.0, 3.0)),
        (([], 2), {}, 3.0, 9, (2.0, 3.0)),
        (([],), {"max_norm": 0.5}, 10.0, 4, (0.5, 10.0)),
        (([],), {}, 3.0, 9, None),
        (([], True), {}, 3.0, 9, None),
        (([], 2.0), {}, 10.5, 9, None),
        (([], 2.0), {}, torch.nan, 9, None),
        (([], 2.0), {}, 3.0, 3, None),
        (([], 2.0), {}, [3.0], 9, None),
    ],
)
def test_an_unusual_norm_goes_the_long_way(args: Any, kwargs: Any, norm: Any, step: int, read: Any) -> None:
    """A usual one moves the usual norm a tenth of the way."""
    fake = _clips()
    assert Clips.read_clip(fake, step, args, kwargs, torch.tensor(norm)) == read
    assert fake._counts["clip_calls"] == (read is not None)
    assert fake._clips._jumps._usual == (1.0 if read is None else pytest.approx(1.0 + 0.1 * (read[1] - 1.0)))


@pytest.mark.parametrize(("limit", "counted"), [(2.0, 1), (float("inf"), 0), (clips.NO_LIMIT, 0)])
def test_a_limit_that_is_one_is_counted_before_the_step(limit: float, counted: int) -> None:
    """Infinity only asks for the norm."""
    fake = _clips()
    assert Clips.read_clip(fake, 9, ([], limit), {}, torch.tensor(3.0)) is not None
    assert fake._counts == {"clip_calls": 1, "clips_before_step": counted}


@pytest.mark.parametrize("norm", [3.0, nn.Parameter(torch.tensor(3.0)), torch.zeros((), device="meta")])
def test_a_norm_that_cannot_be_read_at_once_goes_the_long_way(norm: Any) -> None:
    """Nor one that the device holds."""
    assert Clips.read_clip(_clips(), 9, ([], 2.0), {}, norm) is None
    fake = _clips()
    fake._recorder.values = object()
    assert Clips.read_clip(fake, 9, ([], 2.0), {}, torch.tensor(3.0)) is None


def _steps(**parts: Any) -> Any:
    step = SimpleNamespace(number=201, micro=1, stepped=[], done=False, fields={}, ended=None)
    fact = {"id": 4}
    line = SimpleNamespace(steps=0, made=1, empty=False)
    found = SimpleNamespace(
        _thread=get_ident(), _recorder=SimpleNamespace(step=step, values=optimizer_steps.HostValues()),
        _order=SimpleNamespace(_tried={id(OPTIMIZER): [0]}, _left={id(OPTIMIZER): False, 3: True}, _closure=None,
                               _schedulers={}),
        _objects=SimpleNamespace(optimizers={id(OPTIMIZER): fact}, _numbers={}, _told_schedulers=set()),
        _cost=SimpleNamespace(entered=0.0, spent=0.0), _coverage=SimpleNamespace(_sizes={4: 2}),
        _timing=SimpleNamespace(_closure=None), _stepping=None, _stepped=None, line=line,
        _boundaries=SimpleNamespace(in_step=False, stepping=lambda: None), _clipping=SimpleNamespace(_stepped=False),
        _renewed=SimpleNamespace(_line_of={4: line}), _counts={"step": 0, "zero_grad": 0}, _close=lambda: True,
    )  # fmt: skip
    found._number_in = lambda rate: OptimizerSteps._number_in(found, rate)
    for name, value in parts.items():
        setattr(found, name, value)
    return found


def test_a_step_by_the_shortcut_notes_rates_and_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind those of another optimizer; a closure is no try, and needs no gradient yet."""
    fake = _steps()
    assert OptimizerSteps.step_begins(fake, OPTIMIZER) is True
    assert (fake._recorder.step.fields, fake._order._tried[id(OPTIMIZER)]) == ({"lr": [0.5]}, [1])
    assert (fake._timing._closure, fake._boundaries.in_step, fake._stepping) == (False, True, id(OPTIMIZER))
    assert (fake._order._closure, fake._cost.spent > 0) == (False, True)
    assert OptimizerSteps.step_begins(fake, OPTIMIZER) is True
    assert fake._recorder.step.fields == {"lr": [0.5, 0.5]}
    MODEL.weight.grad = None
    fake = _steps()
    assert OptimizerSteps.step_begins(fake, OPTIMIZER) is False
    assert OptimizerSteps.step_begins(fake, OPTIMIZER, closure=True) is True
    assert (fake._order._tried[id(OPTIMIZER)], fake._order._closure) == ([0], True)
    for name in ("ident", "looked_at", "function_modes"):
        with monkeypatch.context() as patch:
            patch.setattr(optimizer_steps, name, AROUND[name])
            assert OptimizerSteps.step_begins(_steps(), OPTIMIZER, closure=True) is False


def test_a_step_that_is_not_plain_goes_the_long_way() -> None:
    """Of an optimizer that is new, was never tried, has other parameters, or in a step that checks them."""
    for change in (
        lambda one: one._objects.optimizers.clear(),
        lambda one: one._order._tried.clear(),
        lambda one: one._coverage._sizes.update({4: 3}),
        lambda one: vars(one._recorder.step).update(number=0),
        lambda one: vars(one._recorder.step).update(stepped=[4]) or vars(one._boundaries).update(in_step=True),
        lambda one: vars(one._recorder.step).update(stepped=[4]) or vars(one).update(_close=lambda: False),
    ):
        fake = _steps()
        change(fake)
        assert OptimizerSteps.step_begins(fake, OPTIMIZER) is False
        assert fake._recorder.step.fields == {}
    fake = _steps()
    fake._recorder.step.stepped = [4]
    assert OptimizerSteps.step_begins(fake, OPTIMIZER) is True


@pytest.mark.parametrize(
    ("rate", "read"),
    [
        (torch.tensor(0.25), 0.25),
        (nn.Parameter(torch.tensor(0.25)), 0.25),
        (torch.ones(1), None),
        (torch.zeros((), device="meta"), None),
        (0.25, None),
        (None, None),
    ],
)
def test_a_rate_in_a_tensor_is_read_where_it_can_be_at_once(rate: Any, read: float | None) -> None:
    """On the host."""
    fake = _steps()
    assert OptimizerSteps._number_in(fake, rate) == read
    fake._recorder.values = object()
    assert OptimizerSteps._number_in(fake, rate) is None


def test_the_end_of_a_step_by_the_shortcut_is_counted() -> None:
    """And the gradients are left."""
    fake = _steps(_stepping=id(OPTIMIZER))
    fake._boundaries.in_step = True
    assert OptimizerSteps.step_ends(fake, OPTIMIZER) is True
    step = fake._recorder.step
    assert (step.stepped, step.ended, fake.line.steps, fake._counts["step"]) == ([4], fake._cost.entered, 1, 1)
    assert (fake._order._left[id(OPTIMIZER)], fake._clipping._stepped, fake._boundaries.in_step) == (True, True, False)
    assert (fake._stepping, fake._stepped) == (None, id(OPTIMIZER))


def test_the_end_of_another_step_goes_the_long_way() -> None:
    """One that did not begin so, of an optimizer that is unknown or holds nothing, of a closure without gradients."""
    fake = _steps(_stepping=1)
    assert OptimizerSteps.step_ends(fake, OPTIMIZER) is False
    assert fake._stepping == 1
    for change in (
        lambda one: one._objects.optimizers.clear(),
        lambda one: one._renewed._line_of.clear(),
        lambda one: vars(one.line).update(empty=True),
        lambda one: vars(one._order).update(_closure=True) or vars(MODEL.weight).update() or MODEL.zero_grad(),
    ):
        fake = _steps(_stepping=id(OPTIMIZER))
        change(fake)
        assert OptimizerSteps.step_ends(fake, OPTIMIZER) is False
        assert (fake._stepping, fake._stepped, fake._counts["step"]) == (None, id(OPTIMIZER), 0)


def test_gradients_of_an_optimizer_or_of_all_are_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the steps; of nothing else."""
    for cleared, left in ((OPTIMIZER, [False, True]), (MODEL, [False, False])):
        fake = _steps()
        fake._recorder.step.micro, fake._order._left[id(OPTIMIZER)] = 0, True
        assert OptimizerSteps.zero_grad(fake, cleared) is True
        assert (list(fake._order._left.values()), fake._counts["zero_grad"]) == (left, 1)
    fake = _steps()
    assert OptimizerSteps.zero_grad(fake, OPTIMIZER) is False
    fake._recorder.step.stepped = [4]
    assert OptimizerSteps.zero_grad(fake, OPTIMIZER) is True
    assert OptimizerSteps.zero_grad(fake, object()) is False
    for name in ("ident", "looked_at"):
        with monkeypatch.context() as patch:
            patch.setattr(optimizer_steps, name, AROUND[name])
            assert OptimizerSteps.zero_grad(fake, OPTIMIZER) is False


def test_a_known_scheduler_steps_after_its_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or before the backward."""
    scheduler = torch.optim.lr_scheduler.ConstantLR(OPTIMIZER)
    OPTIMIZER.param_groups[0]["lr"] = 0.5

    def fake_with(*, told: bool = True, micro: int = 0, done: bool = False, thing: Any = scheduler) -> Any:
        fake = _steps()
        fake._objects._numbers[("scheduler", id(thing))] = 2
        fake._objects._told_schedulers = {2} if told else set()
        fake._order._schedulers = {2: 0}
        fake._recorder.step.micro, fake._recorder.step.done = micro, done
        return fake

    for micro, done, taken in ((0, False, True), (1, True, True), (1, False, False)):
        fake = fake_with(micro=micro, done=done)
        assert OptimizerSteps.scheduler_step(fake, (scheduler,), {}, None) is taken
        assert fake._order._schedulers == {2: int(taken)}
    other = object()
    assert OptimizerSteps.scheduler_step(fake_with(told=False), (scheduler,), {}, None) is False
    assert OptimizerSteps.scheduler_step(fake_with(), (other,), {}, None) is False
    assert OptimizerSteps.scheduler_step(fake_with(thing=other), (other,), {}, None) is False
    for name in ("ident", "looked_at"):
        with monkeypatch.context() as patch:
            patch.setattr(optimizer_steps, name, AROUND[name])
            assert OptimizerSteps.scheduler_step(fake_with(), (scheduler,), {}, None) is False


def _batches(**parts: Any) -> Any:
    calls: list[str] = []
    found = SimpleNamespace(
        calls=calls, _thread=get_ident(), _boundaries=SimpleNamespace(in_step=False),
        _recorder=SimpleNamespace(step=SimpleNamespace(stepped=[])), _cost=SimpleNamespace(entered=0.0, spent=0.0),
        _timing=SimpleNamespace(_asked=0.0), _close=lambda: calls.append("close") or True,
        _evaluation=SimpleNamespace(sources=SimpleNamespace(ask=lambda _: calls.append("ask"))),
        _take_batch=lambda *_: calls.append("take"),
    )  # fmt: skip
    vars(found).update(parts)
    return found


def test_a_batch_by_the_shortcut_closes_the_step_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one is done; inside of a step, in another thread or frame it goes the long way."""
    fake = _batches()
    assert Batches.batch_begins(fake, object()) is True
    assert (fake.calls, fake._timing._asked > 0, fake._cost.spent > 0) == (["ask"], True, True)
    assert Batches.batch_ends(fake, (), None) is True
    assert fake.calls == ["ask", "take"]
    stepped = SimpleNamespace(step=SimpleNamespace(stepped=[1]))
    fake = _batches(_recorder=stepped)
    assert Batches.batch_begins(fake, object()) is True
    assert fake.calls == ["close", "ask"]
    assert Batches.batch_begins(_batches(_recorder=stepped, _close=lambda: False), object()) is False
    assert Batches.batch_begins(_batches(_boundaries=SimpleNamespace(in_step=True)), object()) is False
    for name in ("ident", "looked_at"):
        with monkeypatch.context() as patch:
            patch.setattr(batches, name, AROUND[name])
            assert Batches.batch_begins(_batches(), object()) is False
            assert Batches.batch_ends(_batches(), (), None) is False


def test_a_plan_that_is_armed_by_the_end_of_a_step_takes_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or leaves it to the shortcut."""
    stepped = SimpleNamespace(step=SimpleNamespace(stepped=[1]))
    for taken, calls in ((True, ["close"]), (False, ["close", "ask"])):
        armed = SimpleNamespace(batch_begins=lambda _, taken=taken: taken)
        monkeypatch.setattr(batches, "slot", SimpleNamespace(plan=armed))
        fake = _batches(_recorder=stepped)
        assert Batches.batch_begins(fake, object()) is True
        assert (fake.calls, fake._cost.spent > 0) == (calls, True)


def test_a_clock_counts_what_a_step_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice what it sees; a step that was held up counts three times the usual at most; then others go on."""
    booked: list[Any] = []
    budget = SimpleNamespace(book_plain=lambda *given: booked.append(given), share=1.0)
    fake = SimpleNamespace(
        own=[0.0, 0.0], seconds=9.0, cost=SimpleNamespace(budget=budget), book=lambda: booked.append("book"),
        number=5, wanted=None, leave=lambda: booked.append("leave"),
    )  # fmt: skip
    taker = SimpleNamespace(key=3, module="m", failed=lambda _: 1, loss_failed=lambda: booked.append("lost"))
    clock = Clock(fake, taker, 0)
    slot = SimpleNamespace(plan=clock)
    monkeypatch.setattr("trainadvisor.record.shortcuts.clock.slot", slot)
    clock.end(2.0)
    assert (fake.own, booked, fake.wanted, slot.plan) == ([4.0, 0.0], [(9.0, 4.0), "book"], 0, taker)
    clock.end(100.0)
    assert fake.own == [0.75 * 4 + 0.25 * 12, 0.0]
    other = Clock(fake, taker, 1)
    booked.clear()
    slot.plan = clock
    other.end(1.0)
    assert (fake.own[1], booked, slot.plan) == (2.0, ["book"], clock)
    assert (clock.key, clock.module, clock.failed(ValueError())) == (3, "m", True)
    clock.loss_failed()
    clock.leave()
    assert booked == ["book", "lost", "leave"]


def test_a_clock_ends_with_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the event that closes it; the others add up."""
    times = iter([10.0, 11.0, 20.0, 22.0, 30.0, 34.0])
    monkeypatch.setattr("trainadvisor.record.shortcuts.clock.now", lambda: next(times))
    taker = SimpleNamespace(number=1, zero_grad=lambda: True, forward_begins=lambda: None)
    clock = Clock(SimpleNamespace(), taker, 0)
    ended: list[float] = []
    monkeypatch.setattr(Clock, "end", lambda _, spent: ended.append(spent))
    assert clock.begin() is clock
    assert clock.zero_grad() is True
    assert clock.forward_begins() is None
    assert (clock.spent, ended) == (3.0, [])

    def closing(_: object) -> bool:
        taker.number = 2
        return False

    taker.batch_begins = closing
    assert clock.batch_begins(1) is False
    assert ended == [7.0]
    assert clock.begin().spent == 0.0
