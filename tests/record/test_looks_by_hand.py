"""Probes that look closely, by hand: at inputs, sequences, answers, steps of weights and broken numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.utils.checkpoint
from probekit import ByHand
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainadvisor.instrument import tracing
from trainadvisor.record import failures
from trainadvisor.record.losses import sequence_graph
from trainadvisor.record.probes.model_inputs import ModelInputProbe
from trainadvisor.record.probes.nonfinite import NonfiniteProbe
from trainadvisor.record.probes.repeated_answers import SelfReferenceProbe
from trainadvisor.record.probes.sequence_layers import SequenceAxesProbe
from trainadvisor.record.probes.weight_updates import WeightUpdateProbe
from trainadvisor.record.shortcuts import leaving
from trainadvisor.record.shortcuts.states import BACKWARD, FORWARD, FORWARDING, LOSS, READY
from trainadvisor.record.step import Call, Step

NET = nn.Linear(2, 1)


def _call(*args: Any, grad: bool = True, **model: Any) -> Any:
    known = SimpleNamespace(**{"number": 0, "part": None, "roots": [NET], "layer_names": {}} | model)
    return SimpleNamespace(args=args, kwargs={}, grad=grad, module=NET, model=known, output=torch.zeros(4, 1))


def test_inputs_are_gathered_in_the_first_batches_and_told_when_their_model_goes() -> None:
    """What was told is forgotten with it."""
    context = ByHand()
    probe = ModelInputProbe(context)  # type: ignore[arg-type]
    for _ in range(3):
        probe.on_forward_begins(_call(torch.ones(4, 2)))
    probe.on_forward_begins(_call(torch.ones(4, 2), number=1))
    before = len(context.told)
    probe.on_model_gone(0)
    assert set(probe._gathered) == {(1, "train")}
    assert [detail["batches"] for _, _, detail in context.told[before:]] in ([3], [])
    assert (0, "train") not in probe._dirty
    routine: Any = SimpleNamespace(models={1: 1}, step=9)
    assert probe.rests_until(routine) == 9
    for _ in range(11):
        probe.on_forward_begins(_call(torch.ones(4, 2), number=1))
    assert probe.rests_until(routine) == math.inf
    gathered = probe._gathered[1, "train"]
    probe.on_forward_begins(_call(torch.ones(4, 2), number=1))
    assert gathered.batches == 12
    context.step.sample_layers = True
    probe.on_forward_begins(_call(torch.ones(4, 2), number=1))
    probe.on_forward_begins(_call(torch.ones(4, 3), number=1))
    other = _call(torch.ones(4, 2), number=1)
    other.module = nn.Identity()
    probe.on_forward_begins(other)
    assert (gathered.batches, gathered.examples) == (13, 52)


def _sequences() -> SequenceAxesProbe:
    return SequenceAxesProbe(ByHand(objects=SimpleNamespace(site_of=lambda _: None)))  # type: ignore[arg-type]


def _drawn(probe: SequenceAxesProbe, loader: DataLoader[Any], *batches: Any) -> list[int | None]:
    iterator, found = iter(loader), []
    for batch in batches:
        probe.on_batch_ends((iterator,), None, batch)
        found.append(probe._drawn)
    return found


def test_the_examples_of_a_batch_are_certain_while_its_first_axis_is_as_long() -> None:
    """A last batch may be shorter; one that was ever longer, or of several lengths, is not certain any more."""
    loader = DataLoader(TensorDataset(torch.zeros(10, 3)), batch_size=4)
    four, two, five = torch.zeros(4, 3), torch.zeros(2, 3), torch.zeros(5, 3)
    assert _drawn(_sequences(), loader, [four, four], [two], [four]) == [4, 2, 4]
    assert _drawn(_sequences(), loader, [two], [four]) == [None, None]
    assert _drawn(_sequences(), loader, [four], [five], [four]) == [4, None, None]
    assert _drawn(_sequences(), loader, [four, two], [four]) == [None, None]
    assert _drawn(_sequences(), loader, [torch.zeros(())], [four]) == [None, None]
    one = DataLoader(TensorDataset(torch.zeros(10, 3)), batch_size=1)
    assert _drawn(_sequences(), one, [four, two], [four]) == [None, None]
    bare = DataLoader(TensorDataset(torch.zeros(10, 3)), batch_size=None)
    assert _drawn(_sequences(), bare, four) == [None]


def test_batches_are_asked_for_their_size_until_it_is_clear_that_no_layer_needs_it() -> None:
    """Where one was called, always."""
    loader = DataLoader(TensorDataset(torch.zeros(10, 3)), batch_size=4)
    for heard in (False, True):
        probe = _sequences()
        if heard:
            probe.on_sequence_layer((nn.GRU(1, 1), torch.zeros(1)), {}, None)
        for _ in range(500):
            probe._drawn = None
            _drawn(probe, loader, [torch.zeros(4, 3)])
        assert (probe._drawn == 4) is heard


def test_what_a_layer_reads_is_told_beside_the_shapes_around_it() -> None:
    """Time and batch by its own order; an attention reads its keys."""
    probe = _sequences()
    probe.on_sequence_layer((nn.GRU(3, 3), torch.zeros(5, 4, 3)), {}, None)
    assert probe._called == []  # nothing is held of a layer that is called outside of a model
    probe.on_forward_begins(_call(torch.zeros(5, 4, 3)))
    probe._drawn = 4
    for layer, given, kwargs in (
        (nn.GRU(3, 3), (torch.zeros(5, 4, 3),), {}), (nn.GRU(3, 3, batch_first=True), (torch.zeros(4, 5, 3),), {}),
        (nn.MultiheadAttention(3, 1), (torch.zeros(1, 4, 3), torch.zeros(5, 4, 3)), {}),
        (nn.GRU(3, 3), (), {"input": torch.zeros(5, 4, 3)}), (nn.GRU(3, 3), (torch.zeros(5, 3),), {}),
    ):  # fmt: skip
        probe.on_sequence_layer((layer, *given), kwargs, None)
    assert [(time, batch) for _, time, batch in probe._called] == [(5, 4)] * 4
    probe.on_forward_ends(_call(torch.zeros(5, 4, 3)))
    assert (probe._drawn, probe._inside, len(probe._waiting)) == (None, False, 4)
    row = {"time": 5, "batch": 4, "loader": 4, "input_shape": [5, 4, 3], "output_shape": [4, 1], "target_shape": [4]}
    probe.on_loss("mse_loss", (None, torch.zeros(4)), {}, None)
    assert probe._waiting == []
    assert all(rows == [row] for rows in probe._rows.values())
    probe.on_sequence_layer((nn.GRU(3, 3), torch.zeros(5, 4, 3)), {}, None)
    assert probe._called == []


def _self_reference(step: int) -> tuple[SelfReferenceProbe, ByHand]:
    context = ByHand()
    context.step = Step(step, 0.0)
    return SelfReferenceProbe(context), context  # type: ignore[arg-type]


def test_answers_are_compared_anew_for_each_of_the_first_four_optimizers() -> None:
    """That is made once the first steps are over."""
    probe, context = _self_reference(12)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    probe.on_made(optimizer, None)
    assert (probe._start, probe._trainings) == (0, 1)
    starts = []
    for number in range(13, 200, 13):
        context.step.number = number
        probe.on_made(nn.Identity(), None)
        probe.on_made(optimizer, None)
        starts.append(probe._start)
    assert starts[:4] == [13, 26, 39, 39]
    assert (set(starts), probe._trainings) == ({13, 26, 39}, 4)


@pytest.mark.parametrize(("step", "looks"), [(0, False), (1, True), (12, True), (13, False)])
def test_answers_are_looked_at_from_the_second_step_on(step: int, *, looks: bool) -> None:
    """Up to the thirteenth; not once the optimizer has stepped."""
    probe, context = _self_reference(step)
    assert probe._looking() is looks
    context.step.stepped = [0]
    assert not probe._looking()


def _broken(*inputs: Any, parameters: Any = (), nonfinite: float | None = math.nan, root: Any = None) -> ByHand:
    losses = SimpleNamespace(nonfinite=nonfinite, last_root=root)
    context = ByHand(losses=losses)
    facts = {"parameters": [{"name": f"p{n}"} for n in range(len(parameters))]}
    context.step.models = [SimpleNamespace(fact=facts, parameters=list(parameters), number=0)]  # type: ignore[list-item]
    probe = NonfiniteProbe(context)  # type: ignore[arg-type]
    probe.on_forward_begins(_call(*inputs))
    probe.on_backward_begins()
    probe.on_forward_begins(_call(*inputs))
    probe.on_backward_begins()
    assert probe._inputs == ()
    return context


GOOD, BAD = torch.ones(2), torch.tensor([1.0, math.inf])


@pytest.mark.parametrize(
    ("inputs", "parameters", "told"),
    [
        ((GOOD, BAD), (), [("input", {"name": "input 1", "count": 1, "of": 2})]),
        ((BAD, BAD), (), [("input", {"name": "input 0", "count": 1, "of": 2})]),
        ((torch.tensor([3]), BAD), (), [("input", {"name": "input 0", "count": 1, "of": 2})]),
        ((GOOD,) * 4 + (BAD,), (), []),
        ((BAD.clone().requires_grad_() * 1,), (), []),
        ((GOOD,), (GOOD, BAD, BAD), [("parameter", {"name": "p1"})]),
        ((BAD,), (BAD,), [("input", {"name": "input 0", "count": 1, "of": 2}), ("parameter", {"name": "p0"})]),
        ((GOOD,), (torch.tensor([1]),), []),
    ],
)
def test_the_first_of_each_that_is_not_finite_is_told_once(inputs: Any, parameters: Any, told: Any) -> None:
    """With the loss; what another net that trains has computed is no input."""
    found = [(subject, detail) for _, subject, detail in _broken(*inputs, parameters=parameters).told]
    step = {"step": 0}
    assert found[:-1] == [(subject, detail | step) for subject, detail in told]
    assert found[-1][0] == "loss"
    assert _broken(*inputs, parameters=parameters, nonfinite=None).told == []


def test_an_operation_is_named_where_inputs_and_parameters_are_sound() -> None:
    """Where none is to blame there is only the loss."""
    root = (torch.zeros(2, requires_grad=True) * 1).log().sum().grad_fn
    assert [subject for _, subject, _ in _broken(GOOD, root=root).told] == ["activation", "loss"]
    assert [subject for _, subject, _ in _broken(BAD, root=root).told] == ["input", "loss"]
    sound = (torch.ones(2, requires_grad=True) * 1).exp().sum().grad_fn
    assert [subject for _, subject, _ in _broken(GOOD, root=sound).told] == ["loss"]


@pytest.mark.parametrize(
    ("fields", "step", "told"),
    [
        ({"grad_norm": math.inf}, {}, True), ({"clip_norm": math.nan}, {}, True), ({"grad_norm": 1.0}, {}, False),
        ({"grad_norm": 1.0, "clip_norm": math.inf}, {}, False), ({}, {}, False),
        ({"grad_norm": math.inf}, {"skipped": True}, False),
    ],
)  # fmt: skip
def test_gradients_that_are_not_finite_are_named(fields: Any, step: Any, *, told: bool) -> None:
    """By the norms that were measured, else as they are now; not of a step that a scaler skips."""
    context = ByHand()
    probe = NonfiniteProbe(context)  # type: ignore[arg-type]
    parameters = [nn.Parameter(torch.ones(2)) for _ in range(3)]
    parameters[1].grad = BAD.clone()
    parameters[2].grad = GOOD.clone()
    model = SimpleNamespace(number=0, fact={"parameters": [{"name": f"p{n}"} for n in range(3)]}, parameters=parameters)
    probe.on_close(Step(0, 0.0, fields=fields, models=[model], **step))  # type: ignore[list-item]
    detail = {"name": "p1", "parameters": 1, "step": 0}
    assert context.told == ([("nonfinite", "gradient", detail)] if told else [])
    if told:
        context.told.clear()
        fresh = NonfiniteProbe(context)  # type: ignore[arg-type]
        samples = {"grads": {0: {"grad": [math.inf, None, math.nan]}}}
        fresh.on_close(Step(0, 0.0, fields=fields, models=[model], samples=samples, **step))  # type: ignore[list-item]
        assert context.told[0][2] == {"name": "p0", "parameters": 2, "step": 0}


@pytest.mark.parametrize(
    ("slopes", "columns"), [((-2.0, 4.0), {"alpha": 0.5}), ((1.0, 1.0), {"alpha": -1.0}), ((1.0, 0.0), {})]
)
def test_a_step_that_went_down_a_slope_has_the_point_where_that_ends(slopes: Any, columns: dict[str, float]) -> None:
    """Where there was a slope."""
    probe = WeightUpdateProbe(ByHand())  # type: ignore[arg-type]
    step = Step(0, 0.0)
    sample: Any = SimpleNamespace(model=SimpleNamespace(number=3), slope=torch.tensor(slopes[1]))
    probe._expect_alpha(sample, torch.tensor(slopes[0]), step)
    assert step.samples == {"alpha": {3: columns}}


def test_layers_that_care_are_those_inside_of_what_is_called() -> None:
    """All of them where that is the only root."""
    dropouts = [nn.Dropout(), nn.Dropout()]
    part, other = nn.Sequential(dropouts[0]), nn.Sequential(dropouts[1])
    alive: Any = [lambda: part]
    model: Any = SimpleNamespace(caring=dropouts, alive=alive)
    call = Call(part, model, (), {}, True, True, part)  # noqa: FBT003
    assert call.caring == dropouts
    model.alive = [lambda: part, lambda: other]
    assert call.caring == [dropouts[0]]
    model.alive = [lambda: other]
    assert call.caring == [dropouts[0]]
    model.caring = []
    assert call.caring == []


def test_what_a_checkpoint_hides_is_not_known() -> None:
    """Of the places that a sequence is read at."""
    given = torch.randn(2, 3, 4, requires_grad=True)
    hidden = torch.utils.checkpoint.checkpoint(torch.exp, given, use_reentrant=True)
    assert sequence_graph.sight(hidden.sum().grad_fn, 2, 3) == {sequence_graph.UNKNOWN}
    assert sequence_graph.sight(given.exp().sum().grad_fn, 2, 3) == set()
    assert sequence_graph.sight(hidden.sum().grad_fn, 2, 3, lambda _: False) == set()


def test_a_transform_of_torch_is_seen() -> None:
    """Inside of it, as tracing."""
    seen: list[Any] = []

    def loss(x: torch.Tensor) -> torch.Tensor:
        seen.extend((tracing.transformed(), tracing.now(), tracing.unwrapped(x).shape))
        return x.sum()

    torch.func.grad(loss)(torch.ones(2))
    assert seen == [True, True, (2,)]
    assert (tracing.transformed(), tracing.now(), tracing.in_backward()) == (False, False, False)


@pytest.mark.parametrize(
    ("layer", "form"),
    [
        (nn.Linear(3, 5), "Linear(3, 5)"), (nn.Conv2d(3, 5, 2), "Conv2d(3, 5)"), (nn.Sigmoid(), "Sigmoid"),
        (nn.Dropout(0.5), "Dropout(p=0.5, inplace=False)"), (nn.Sequential(nn.ReLU()), "Sequential"),
        (type("Mine", (nn.Linear,), {"extra_repr": lambda _: 1 / 0})(1, 1), "Mine"),
    ],
)  # fmt: skip
def test_a_layer_that_fails_is_shown_as_it_is_written(layer: nn.Module, form: str) -> None:
    """Without what the script's own class would print."""
    assert failures._form(layer) == form


WORKER = """Caught ValueError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "/somewhere/site-packages/torch/utils/data/worker.py", line 9, in loop
    data = fetch()
  File "{file}", line 12, in __getitem__
    raise ValueError("x")
ValueError: x
"""


@pytest.mark.parametrize(("file", "at"), [("/home/me/data.py", "__getitem__"), ("/x/site-packages/lib/a.py", None)])
def test_an_error_of_a_worker_is_told_by_its_own_traceback(file: str, at: str | None) -> None:
    """With the user's line in it, where there is one."""

    def raises() -> None:
        raise ValueError(WORKER.format(file=file))

    with pytest.raises(ValueError, match="Original") as caught:
        raises()
    told = failures.describe(caught.value)
    assert (told["type"], told["message"]) == ("ValueError", "x")
    if at:
        assert (told["at"], told["site"]["line"]) == (at, 12)
    else:
        assert told["at"] == "raises"


@pytest.mark.parametrize(("length", "kept"), [(3000, 3000), (3001, 3005)])
def test_a_long_message_is_told_by_its_beginning_and_end(length: int, kept: int) -> None:
    """Fifteen hundred letters of each."""
    told = failures.describe(ValueError("a" * (length - 1) + "z"))["message"]
    assert (len(told), told[-1], " ... " in told) == (kept, "z", kept > length)


class Failing(nn.Module):
    """A layer that fails behind its children."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor, mask: Any = None) -> torch.Tensor:
        return self.inner(x) if mask is None else x + mask


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((torch.ones(4, 3),), ("0.inner", "Linear(2, 1)", "Linear", "4 x 3")),
        ((torch.ones(4, 3), torch.ones(2)), ("0", "Failing", "Failing", "4 x 3")),
    ],
)
def test_the_innermost_layer_is_told_with_the_shape_of_what_went_in(args: Any, told: tuple[str, ...]) -> None:
    """By its name in the outermost."""

    class Outer(nn.Sequential):
        def forward(self, *given: Any) -> Any:
            return self[0](*given)

    with pytest.raises(RuntimeError) as caught:
        Outer(Failing())(*args)
    detail = failures.describe(caught.value)
    assert tuple(detail[name] for name in ("layer", "layer_form", "layer_class", "input_shape")) == told
    assert detail["torch_module"] is None or detail["torch_module"].startswith("torch")


def _left(state: int, **parts: Any) -> Any:
    shortcuts = SimpleNamespace(
        _rows=SimpleNamespace(_open=None), _sequence=SimpleNamespace(_called=0, _inside=False, _names=0), _running=None,
        _losses=SimpleNamespace(_serial=6, _pending=[]),
    )  # fmt: skip
    made = {
        "shortcuts": shortcuts, "nonfinite": SimpleNamespace(_done=False, _inputs=()), "args": (GOOD,),
        "collects": True,
        "given": GOOD, "model": SimpleNamespace(number=2, layer_names={1: "a"}), "entry": "entry", "result": BAD,
    }  # fmt: skip
    plan = SimpleNamespace(**made | parts)
    leaving._note_forward(plan, state)
    return plan


@pytest.mark.parametrize("state", [FORWARDING, FORWARD, LOSS, BACKWARD, READY])
def test_a_plan_that_is_left_hands_over_what_waits(state: int) -> None:
    """For the end of a forward, for a backward, for rows that are taken."""
    plan = _left(state)
    before_backward = state < BACKWARD
    assert plan.nonfinite._inputs == (((GOOD,), {}) if before_backward else ())
    assert (plan.shortcuts._rows._open is not None) is before_backward
    running = state == FORWARDING
    assert plan.shortcuts._running == ((plan.model, GOOD) if running else None)
    sequence = plan.shortcuts._sequence
    assert (sequence._called, sequence._inside, sequence._names) == (([], True, {1: "a"}) if running else (0, False, 0))
    pending = plan.shortcuts._losses._pending
    assert len(pending) == (state == LOSS)
    for call in pending:
        assert (call.entry, call.value is BAD, call.training, call.serial, call.held) == ("entry", True, True, 6, True)


def test_what_nobody_takes_is_not_handed_over() -> None:
    """Rows that are not taken, and inputs once a number is known as broken."""
    for parts in ({"collects": False}, {"given": None}):
        assert _left(FORWARD, **parts).shortcuts._rows._open is None
    assert _left(FORWARD, nonfinite=SimpleNamespace(_done=True, _inputs=3)).nonfinite._inputs == 3
    for cleared in (True, False):
        order = SimpleNamespace(_left={1: None})
        leaving._note_clearing(SimpleNamespace(order=order, key=1, cleared=cleared))
        leaving._note_clearing(SimpleNamespace(order=order, key=2, cleared=cleared))
        assert order._left == {1: not cleared}
