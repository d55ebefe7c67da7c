"""The shortcuts of forwards, losses and backwards, one by one: what each asks, and what it changes."""

from __future__ import annotations

import math
import sys
from threading import get_ident
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.record.losses.loss_graph import LAST_GRAPH_STEP
from trainadvisor.record.shortcuts import arming, forwards, losses
from trainadvisor.record.shortcuts.forwards import Forwards
from trainadvisor.record.shortcuts.left_out_count import left_out
from trainadvisor.record.shortcuts.losses import Losses

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = nn.Linear(2, 1)
GIVEN = torch.ones(3, 2)
AROUND: dict[str, Callable[[], Any]] = {
    "ident": lambda: -1, "looked_at": lambda: 1, "function_modes": lambda: 1, "dispatch_modes": lambda: 1,
    "graph_task": lambda: 0, "tracing_state": lambda: 1, "transform": lambda: 1, "_grad_enabled": lambda: False,
    "_inference": lambda: True,
}  # fmt: skip


class Parts(SimpleNamespace):
    """Stands for the shortcuts; a method that a test does not give is theirs."""

    owner: Any = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(type(self).owner, name)
        return found.__get__(self)


class OfForwards(Parts):
    """Those of forwards."""

    owner = Forwards


class OfLosses(Parts):
    """Those of losses."""

    owner = Losses


def _forwards(**parts: Any) -> Any:
    calls: list[Any] = []
    model = SimpleNamespace(number=0, lazy=False, layer_names={}, entrance=lambda: MODEL, cares=[], alive=[])
    step = SimpleNamespace(number=9, stepped=[], micro=0, models=[], fields={})
    sources = SimpleNamespace(
        train=lambda: None, _drawn=0, remembers=lambda _: False, remember=lambda _: calls.append("remember")
    )
    return OfForwards(
        **{
            "calls": calls, "_thread": get_ident(), "model": model, "step": step,
            "_objects": SimpleNamespace(_owner={id(MODEL): model}),
            "_routine": SimpleNamespace(models={0: 1}), "_losses": SimpleNamespace(_pending=[]),
            "_recorder": SimpleNamespace(step=step, on=lambda event, call: calls.append((event, call.module))),
            "_cost": SimpleNamespace(entered=0.0, spent=0.0),
            "_boundaries": SimpleNamespace(in_step=False, may_close=lambda: False),
            "_timing": SimpleNamespace(_last_loader=None, _epoch=None, _time_major={0: False},
                                       note_epoch=lambda **_: calls.append("epoch"), examples=lambda *_: 7),
            "_evaluation": SimpleNamespace(
                sources=sources, _returned=SimpleNamespace(offer=lambda *_: calls.append("offer"))
            ),
            "_nonfinite": SimpleNamespace(_done=False, _inputs=()), "_rows_open": False,
            "_rows": SimpleNamespace(begin_training=lambda *_: calls.append("rows")),
            "_sequence": SimpleNamespace(_called=[1], _inside=False, _names=None, _drawn=1),
            "_running": None, "_close": lambda: calls.append("close") or True, "_ends_long": False,
            "_twins": SimpleNamespace(_known={0: SimpleNamespace(last=8, steps=4)}),
            "_counts": {"forward": 0, "train_forward": 0}, "_order": SimpleNamespace(_modes=[]),
        } | parts
    )  # fmt: skip


def _begins(fake: Any, args: tuple[Any, ...] = (GIVEN,), kwargs: dict[str, Any] | None = None) -> bool:
    return Forwards.forward_begins(fake, MODEL, args, kwargs or {})


def test_a_forward_as_before_is_a_shortcut() -> None:
    """What it is given is kept for what may come of it."""
    fake = _forwards()
    assert _begins(fake) is True
    assert fake._running == (fake.model, GIVEN)
    assert (fake.calls, fake.step.models, fake._cost.spent > 0) == (["remember"], [fake.model], True)
    assert (fake._nonfinite._inputs[0][0] is GIVEN, fake._nonfinite._inputs[1]) == (True, {})
    assert (fake._sequence._called, fake._sequence._inside, fake._sequence._names) == ([], True, {})
    assert _begins(fake) is True
    assert fake.step.models == [fake.model]


def test_a_forward_may_be_given_its_input_by_name_or_in_a_dictionary() -> None:
    """The first of either."""
    for args, kwargs in (((), {"x": GIVEN}), (({"x": GIVEN},), {}), ((), {"x": {"y": GIVEN}})):
        fake = _forwards()
        assert _begins(fake, args, kwargs) is True
        assert fake._running[1] is GIVEN
    for args in (
        ({},),
        ([GIVEN],),
        (nn.Parameter(GIVEN),),
        (torch.ones(()),),
        (GIVEN.to("meta"),),
        (GIVEN.to_sparse(),),
    ):
        assert _begins(_forwards(), args) is False
    assert _begins(_forwards(_routine=SimpleNamespace(models={0: 0})), ()) is False


@pytest.mark.parametrize("name", AROUND)
def test_a_forward_in_other_surroundings_goes_the_long_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread, a compiled frame, modes, a backward, tracing, transforms, no gradients."""
    monkeypatch.setattr(forwards, name, AROUND[name])
    fake = _forwards()
    assert _begins(fake) is False
    assert (fake.calls, fake._running) == ([], None)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one._objects._owner.clear(),
        lambda one: one._routine.models.update({0: 2}),
        lambda one: vars(one.model).update(entrance=lambda: None),
        lambda one: vars(one.model).update(lazy=True),
        lambda one: one._losses._pending.append(1),
        lambda one: vars(one.step).update(micro=1) or vars(one._boundaries).update(may_close=lambda: True),
        lambda one: vars(one.step).update(stepped=[1]) or vars(one._boundaries).update(in_step=True),
        lambda one: vars(one.step).update(stepped=[1]) or vars(one).update(_close=lambda: False),
    ],
)
def test_a_forward_of_something_else_goes_the_long_way(change: Any) -> None:
    """Of an unknown or lazy model or a part of it, behind a loss, inside of a step, where a step may end."""
    fake = _forwards()
    change(fake)
    assert _begins(fake) is False
    assert fake._running is None
    MODEL.eval()
    assert _begins(_forwards()) is False
    MODEL.train()


def test_a_forward_after_a_step_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that this arms may take the forward; micro-batches go on."""
    for taken, rest in ((None, ["close", "remember"]), (False, ["close", "remember"]), (True, ["close"])):
        plan = None if taken is None else SimpleNamespace(forward_begins=lambda *_, taken=taken: taken)
        monkeypatch.setattr(slot, "plan", plan)
        fake = _forwards()
        fake.step.stepped = [1]
        assert _begins(fake) is True
        assert (fake.calls, fake._running is None, fake._cost.spent > 0) == (rest, bool(taken), True)
    fake = _forwards()
    fake.step.micro = 1
    assert _begins(fake) is True
    assert fake.calls == ["remember"]


@pytest.mark.parametrize(
    ("parts", "calls"),
    [
        ({"_timing": SimpleNamespace(_last_loader=1, _epoch=None)}, ["epoch", "remember"]),
        ({"_timing": SimpleNamespace(_last_loader=None, _epoch=0)}, ["epoch", "remember"]),
        ({"_rows_open": True}, ["remember", "rows"]),
    ],
)
def test_what_goes_on_beside_a_forward_is_told(parts: dict[str, Any], calls: list[str]) -> None:
    """The epoch of a loader or framework, and rows that are taken."""
    fake = _forwards(**parts)
    if "_timing" in parts:
        parts["_timing"].note_epoch = lambda **given: fake.calls.append("epoch" if all(given.values()) else "none")
    assert _begins(fake) is True
    assert fake.calls == calls


@pytest.mark.parametrize(
    ("sources", "calls"),
    [({"train": object}, []), ({"_drawn": 1}, []), ({"remembers": lambda _: True}, []), ({}, ["remember"])],
)
def test_an_input_is_remembered_where_no_loader_gave_it(sources: dict[str, Any], calls: list[str]) -> None:
    """Once."""
    fake = _forwards()
    vars(fake._evaluation.sources).update(sources)
    assert _begins(fake) is True
    assert fake.calls == calls
    fake = _forwards(_nonfinite=SimpleNamespace(_done=True, _inputs=3))
    assert _begins(fake) is True
    assert fake._nonfinite._inputs == 3


def _ended(output: Any = GIVEN, monkeypatch: Any = None, **parts: Any) -> Any:
    fake = _forwards(**parts)
    fake._running, fake._sequence._called = (fake.model, GIVEN), parts.get("called", [])
    monkeypatch.setattr(slot, "now", fake)
    Forwards.forward_ends(fake, MODEL, (GIVEN,), {}, output)
    assert fake._running is None
    return fake


def test_the_end_of_a_forward_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the size of the batch, as one in training, once for the model in a step."""
    fake = _ended(monkeypatch=monkeypatch)
    assert (fake.step.fields, fake._counts) == ({"batch": 3}, {"forward": 1, "train_forward": 1})
    assert (fake._order._modes, fake.calls) == ([False], [])
    assert vars(fake._twins._known[0]) == {"last": 9, "steps": 5}
    assert (fake._sequence._inside, fake._sequence._drawn, fake._cost.spent > 0) == (False, None, True)
    fake = _ended(monkeypatch=monkeypatch, _twins=SimpleNamespace(_known={0: SimpleNamespace(last=9, steps=4)}))
    assert fake._twins._known[0].steps == 4
    for output, calls in ((GIVEN[0], ["offer"]), ((GIVEN,), ["offer"]), (nn.Parameter(GIVEN), ["offer"]), (GIVEN, [])):
        assert _ended(output, monkeypatch).calls == calls


@pytest.mark.parametrize(
    "parts",
    [{"_ends_long": True}, {"_twins": SimpleNamespace(_known={})}, {"called": [1]}],
    ids=["long", "new", "called"],
)
def test_the_end_of_an_odd_forward_goes_the_long_way(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does one whose layers may not be in the mode for training."""
    fake = _ended(monkeypatch=monkeypatch, **parts)
    assert (fake.calls, fake._counts["forward"]) == ([("forward_ends", MODEL)], 0)
    layer = nn.BatchNorm1d(2)
    for training, count in ((True, 1), (False, 0)):
        layer.train(training)
        caring = SimpleNamespace(number=0, cares=[lambda: layer], alive=[1], layer_names={})
        fake = _forwards(model=caring)
        fake._running, fake._sequence._called = (caring, GIVEN), []
        monkeypatch.setattr(slot, "now", fake)
        Forwards.forward_ends(fake, MODEL, (GIVEN,), {}, GIVEN)
        assert fake._counts["forward"] == count
    monkeypatch.setattr(slot, "now", None)
    fake = _forwards()
    fake._running, fake._sequence._called = (fake.model, GIVEN), []
    Forwards.forward_ends(fake, MODEL, (GIVEN,), {}, GIVEN)
    assert fake._counts["forward"] == 0
    fake = _forwards()
    Forwards.forward_ends(fake, MODEL, (GIVEN,), {}, GIVEN)
    assert (fake.calls, fake._counts["forward"]) == ([], 0)


@pytest.mark.parametrize(
    ("layer", "alive", "does"),
    [
        (nn.Dropout(), 1, True),
        (nn.Dropout().eval(), 1, False),
        (nn.Dropout(), 2, False),
        (None, 1, False),
        (nn.BatchNorm1d(2), 1, True),
        (nn.BatchNorm1d(2, affine=False), 1, False),
        (nn.BatchNorm1d(2).requires_grad_(requires_grad=False), 1, False),
    ],
)
def test_a_model_learns_where_the_layer_that_cares_is_in_the_mode_for_it(layer: Any, alive: int, *, does: bool) -> None:
    """A norm may be frozen; of a model in several parts one cannot tell."""
    assert forwards.learns(SimpleNamespace(cares=[lambda: layer], alive=[0] * alive)) is does  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loader", "major", "given", "before", "size"),
    [
        (None, {0: False}, GIVEN, None, 3),
        (None, {0: False}, GIVEN, 9, 9),
        (None, {0: True}, GIVEN, None, 7),
        (None, {}, GIVEN, None, 7),
        (1, {0: False}, GIVEN, None, 7),
        (None, {0: False}, GIVEN[0], None, 7),
    ],
)
def test_the_batch_of_a_step_is_its_largest(loader: Any, major: Any, given: Any, before: int | None, size: int) -> None:
    """The rows, where no loader and no layout says otherwise."""
    timing = SimpleNamespace(_last_loader=loader, _time_major=major, examples=lambda *_: 7)
    fields = {} if before is None else {"batch": before}
    Forwards._note_size(_forwards(_timing=timing), fields, SimpleNamespace(number=0), given)  # type: ignore[arg-type]
    assert fields == {"batch": size}


RESULT = torch.tensor(1.0, requires_grad=True) * 2


def _entry(**parts: Any) -> Any:
    fact = {"reduction": parts.pop("reduction", "mean")}
    return SimpleNamespace(
        **{"straight": True, "scaled": False, "fact": fact, "number": 3, "graph": {"parameters": []}} | parts
    )


def _losses(**parts: Any) -> Any:
    calls: list[str] = []
    model = SimpleNamespace(entrance=lambda: MODEL)
    step = SimpleNamespace(number=LAST_GRAPH_STEP + 1, models=[model], stepped=[], micro=0, losses=[], fields={})
    probe = SimpleNamespace(
        _pending=[], _serial=5, _entries={}, _is_looked_at=lambda *_: False,
        _jumps=SimpleNamespace(_times=10.0, _usual=1.0, _steady_after=3),
    )  # fmt: skip
    return OfLosses(
        **{
            "calls": calls, "_thread": get_ident(), "step": step, "_losses": probe,
            "_recorder": SimpleNamespace(step=step, scale=SimpleNamespace(reading=None), values=losses.HostValues(),
                                         losses=SimpleNamespace(last=1), step_number=9),
            "_routine": SimpleNamespace(kinds={"mse_loss"}), "_policy": SimpleNamespace(_first={3: 0}),
            "_counts": type("Counts", (dict,), {"divided": None})(backward=0),
            "_evaluation": SimpleNamespace(
                _trained={}, _current=1, sources=SimpleNamespace(go_on=lambda: calls.append("go on")),
                _returned=SimpleNamespace(offered=[], match=lambda *given: calls.append(f"match {given[1]}")),
            ),
            "_boundaries": SimpleNamespace(may_close=lambda: False, _unstepped=0,
                                           _implicit=SimpleNamespace(_parameter=lambda: MODEL.weight, version=-1)),
            "_order": SimpleNamespace(_left={1: False}, _batch_came=True),
            "_framework": SimpleNamespace(modules_seen=len(sys.modules)),
            "_cost": SimpleNamespace(entered=0.0, spent=0.0), "_sites": {},
            "_clipping": SimpleNamespace(_stepped=True), "_nonfinite": SimpleNamespace(_inputs=1),
            "_rows": SimpleNamespace(_loader=None, _open=None, on_backward_begins=lambda: calls.append("rows")),
            "_timing": SimpleNamespace(_trained=None, _wait=4.0),
        } | parts
    )  # fmt: skip


def test_a_result_may_be_held_as_the_loss_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain tensor with a gradient, behind the forward of a model, with nothing held yet."""
    assert Losses._may_hold(_losses(), RESULT) is True
    for result in (torch.tensor(2.0), nn.Parameter(RESULT.detach()), 2.0):
        assert Losses._may_hold(_losses(), result) is False
    for change in (lambda one: one.step.models.clear(), lambda one: one._losses._pending.append(1)):
        fake = _losses()
        change(fake)
        assert Losses._may_hold(fake, RESULT) is False
    for name in set(AROUND) - {"graph_task", "_inference"}:
        with monkeypatch.context() as patch:
            patch.setattr(losses, name, AROUND[name])
            assert Losses._may_hold(_losses(), RESULT) is False


LABELS = torch.tensor([1, 0])


@pytest.mark.parametrize(
    ("entry", "target", "held", "labels"),
    [
        (_entry(), None, True, None),
        (_entry(straight=False, scaled=True), None, True, None),
        (_entry(straight=False), None, False, None),
        (_entry(reduction="sum"), LABELS, True, LABELS),
        (_entry(reduction="sum"), LABELS.float(), False, None),
        (_entry(reduction="sum"), None, False, None),
        (_entry(reduction="sum"), nn.Parameter(LABELS.float()), False, None),
    ],
)
def test_a_loss_is_held_where_its_value_is_what_counts(entry: Any, target: Any, labels: Any, *, held: bool) -> None:
    """Of a sum with the labels that it counts."""
    fake = _losses()
    assert Losses._holds(fake, entry, RESULT, target) is held
    assert fake._losses._serial == 5 + held
    if held:
        (call,) = fake._losses._pending
        assert (call.entry, call.value, call.serial, call.held, call.labels) == (entry, RESULT, 6, True, labels)
        assert call.training
    else:
        assert fake._losses._pending == []


def test_a_loss_of_a_model_in_eval_mode_is_not_held() -> None:
    """Nor of one that is gone, nor a fake one."""
    MODEL.eval()
    assert Losses._holds(_losses(), _entry(), RESULT) is False
    MODEL.train()
    gone = _losses()
    gone.step.models = [SimpleNamespace(entrance=lambda: None)]
    assert Losses._holds(gone, _entry(), RESULT) is False
    assert Losses._holds(_losses(), _entry(), RESULT.to("meta")) is False


@pytest.mark.parametrize(
    ("kind", "looked", "known"), [("mse_loss", False, True), ("l1_loss", False, False), ("mse_loss", True, False)]
)
def test_a_loss_is_known_by_kind_reduction_and_place(kind: str, *, looked: bool, known: bool) -> None:
    """Where the routine has it and nobody looks at it now."""
    fake, entry = _losses(), _entry()
    fake._losses._entries = {(kind, "mean", ("a.py", 3)): entry}
    fake._losses._is_looked_at = lambda *_: looked
    assert Losses._known_entry(fake, kind, "mean", ("a.py", 3)) is (entry if known else None)
    assert Losses._known_entry(fake, kind, "sum", ("a.py", 3)) is None


def _backward(fake: Any, tensor: Any = RESULT, **call: Any) -> bool:
    entry = call.pop("entry", _entry())
    fake._losses._pending = [SimpleNamespace(**{"held": True, "entry": entry, "value": RESULT, "labels": None} | call)]
    return Losses.backward_begins(fake, (tensor,))


def test_the_value_of_a_loss_is_read_at_its_backward() -> None:
    """Those of micro-batches are averaged; the training goes on."""
    fake = _losses()
    assert _backward(fake, (RESULT,)) is True
    assert fake.step.fields == {"loss_id": 3, "loss": 2.0}
    assert (fake.step.micro, fake.step.losses, fake._losses._jumps._usual) == (1, [2.0], 1.1)
    assert (fake._recorder.losses.last is RESULT, fake._counts.divided) == (True, False)
    assert (fake._evaluation._trained, fake._evaluation._current, fake._losses._pending) == ({3: None}, None, [])
    assert (fake._counts["backward"], fake._order._batch_came, fake._clipping._stepped) == (1, False, False)
    assert (fake._nonfinite._inputs, fake.calls, fake._cost.spent > 0) == ((), ["go on"], True)
    other = torch.tensor(2.0, requires_grad=True) * 3
    assert _backward(fake, other, value=other) is True
    assert fake.step.fields["loss"] == (2.0 + 6.0) / 2
    fake = _losses(_rows=SimpleNamespace(_loader=1, _open=None, on_backward_begins=lambda: fake.calls.append("rows")))
    fake._evaluation._returned.offered = [1]
    assert _backward(fake) is True
    assert fake.calls == ["match 3", "go on", "rows"]


def test_a_multiple_of_a_loss_is_read_where_it_was_differentiated_before() -> None:
    """Of a sum its quotient; sums that share their divisor add up."""
    fake = _losses()
    assert _backward(fake, RESULT / 2, entry=_entry(scaled=True)) is True
    assert (fake.step.fields["loss"], fake._counts.divided) == (2.0, True)
    assert _backward(_losses(), RESULT / 2) is False
    assert _backward(_losses(), RESULT, labels=LABELS) is False
    fake = _losses()
    fact = {"reduction": "sum", "divisor": 8, "terms": 4}
    for count, value in ((1, 0.5), (2, 1.0)):
        assert _backward(fake, RESULT / 4, entry=_entry(scaled=True, fact=fact), labels=LABELS) is True
        assert (len(fake.step.losses), fake.step.fields["loss"]) == (count, value)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.step.models.clear(),
        lambda one: one.step.stepped.append(1),
        lambda one: vars(one.step).update(micro=1) or vars(one._boundaries).update(may_close=lambda: True),
        lambda one: one._order._left.update({2: True}),
        lambda one: vars(one._framework).update(modules_seen=0),
        lambda one: vars(one._recorder.scale).update(reading=1),
        lambda one: vars(one._recorder).update(values=object()),
        lambda one: one._policy._first.clear(),
        lambda one: vars(one.step).update(number=LAST_GRAPH_STEP),
        lambda one: vars(one._losses._jumps).update(_usual=0.1),
        lambda one: vars(one._losses._jumps).update(_steady_after=LAST_GRAPH_STEP + 1),
    ],
)
def test_a_backward_of_another_kind_goes_the_long_way(change: Any) -> None:
    """Nothing is read of it."""
    fake = _losses()
    change(fake)
    assert _backward(fake) is False
    assert (fake.step.fields, fake.step.losses) == ({}, [])


@pytest.mark.parametrize(
    ("call", "tensor"),
    [
        ({"held": False}, RESULT),
        ({"entry": _entry(graph=None)}, RESULT),
        ({}, RESULT * 1),
        ({"value": RESULT * math.inf}, None),
        ({"value": RESULT * math.nan}, None),
    ],
)
def test_a_loss_that_is_not_held_or_not_finite_goes_the_long_way(call: dict[str, Any], tensor: Any) -> None:
    """So does one whose graph was never read."""
    assert _backward(_losses(), call.get("value") if tensor is None else tensor, **call) is False
    fake = _losses()
    assert Losses.backward_begins(fake, (RESULT,)) is False
    fake._losses._pending = [1, 2]
    assert Losses.backward_begins(fake, ()) is False


@pytest.mark.parametrize("name", ["ident", "looked_at", "function_modes", "dispatch_modes"])
def test_a_backward_in_other_surroundings_goes_the_long_way(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread, a compiled frame, modes."""
    monkeypatch.setattr(losses, name, AROUND[name])
    assert _backward(_losses()) is False


def test_the_end_of_a_backward_notes_time_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its parameter has a gradient and optimizers step; else the long way looks for who steps."""
    MODEL.weight.grad = torch.zeros(1, 2)
    fake = _losses()
    assert Losses.backward_ends(fake) is True
    assert (fake._timing._trained, fake._recorder.losses.last) == ((fake._cost.entered, 4.0), None)
    assert (fake._boundaries._implicit.version, fake._boundaries._unstepped) == (MODEL.weight._version, 1)
    for unstepped, taken in ((99, True), (100, False)):
        fake = _losses()
        fake._boundaries._unstepped = unstepped
        assert Losses.backward_ends(fake) is taken
    for name in ("ident", "function_modes"):
        with monkeypatch.context() as patch:
            patch.setattr(losses, name, AROUND[name])
            assert Losses.backward_ends(_losses()) is False
    for parameter in (None, lambda: None, lambda: torch.zeros(1)):
        fake = _losses()
        fake._boundaries._implicit._parameter = parameter
        assert Losses.backward_ends(fake) is False
    MODEL.weight.grad = None
    assert Losses.backward_ends(_losses()) is False


@pytest.mark.parametrize(
    ("number", "recorded", "passed", "left"),
    [
        (999, 3.0, 0.5, 0), (1000, 1.0, 0.5, 0), (1000, 3.0, 0.5, 4), (1000, 3.2, 0.5, 5), (1000, 4.4, 0.5, 7),
        (1000, 100.0, 0.5, 7), (1000, 3.0, 1.0, 7), (1999, 100.0, 0.5, 7), (2000, 100.0, 0.5, 8),
        (2250, 5.2, 0.5, 9), (100_000, 100.0, 0.5, 31),
    ],
)  # fmt: skip
def test_so_many_steps_are_left_out_that_all_together_cost_their_share(
    number: int, recorded: float, passed: float, left: int
) -> None:
    """None in the first thousand, nor where several processes train; seven at most, later more."""

    def plan(processes: int) -> Any:
        budget = SimpleNamespace(share=0.25)
        return SimpleNamespace(
            number=number, recorder=SimpleNamespace(processes=processes), own=[recorded, passed], seconds=4.0,
            cost=SimpleNamespace(budget=budget),
        )  # fmt: skip

    assert left_out(plan(1)) == left
    assert left_out(plan(2)) == 0


@pytest.mark.parametrize(
    ("change", "plain"),
    [
        ({}, True),
        ({"micro": 2}, False),
        ({"stepped": []}, False),
        ({"models": [1, 2]}, False),
        ({"losses": []}, False),
        ({"fields": {"mode": "eval"}}, False),
        ({"fields": {"mode": "train", "skipped": True}}, False),
    ],
)
def test_a_step_is_plain_where_each_part_is_there_once(change: dict[str, Any], *, plain: bool) -> None:
    """In train mode, with nothing that a plan would not write."""
    closed = SimpleNamespace(
        **{"micro": 1, "stepped": [0], "models": [0], "losses": [0], "fields": {"mode": "train"}} | change
    )
    assert arming.Arming._is_plain(SimpleNamespace(), closed) is plain  # type: ignore[arg-type]


def test_a_plan_that_is_left_at_once_has_to_wait() -> None:
    """Ever longer, up to 256 steps; one that has closed a step need not."""
    fake: Any = SimpleNamespace(_wait=0, _from=0, _shortcuts=SimpleNamespace(_recorder=SimpleNamespace(step_number=10)))
    waits = []
    for _ in range(10):
        arming.Arming.left(fake, 0)
        waits.append(fake._wait)
        assert fake._from == 10 + fake._wait
    assert waits == [1, 3, 7, 15, 31, 63, 127, 255, 256, 256]
    arming.Arming.left(fake, 1)
    assert (fake._wait, fake._from) == (0, 10)
    assert arming.Arming.wants(fake, 10)
    assert not arming.Arming.wants(fake, 9)


@pytest.mark.parametrize(
    ("parts", "reduction", "followed"),
    [
        ({}, "mean", True),
        ({}, "sum", True),
        ({"straight": False, "scaled": True}, "mean", True),
        ({"straight": False, "scaled": True}, "sum", False),
        ({"scaled": True}, "mean", False),
        ({"straight": False}, "mean", False),
        ({"graph": None}, "mean", False),
    ],
)
def test_a_loss_can_be_followed_where_it_is_one_number(
    parts: dict[str, Any], reduction: str, *, followed: bool
) -> None:
    """Its own, or that of a mean that is scaled afterwards."""
    assert arming._is_followed(_entry(**parts), reduction) is followed
