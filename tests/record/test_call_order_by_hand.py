"""The order of calls by hand: gradients that are cleared, left, lost or never there, and what is counted of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from probekit import ByHand
from torch import nn

from trainadvisor.record.probes import call_order
from trainadvisor.record.probes.call_order import CallOrderProbe
from trainadvisor.record.step import Step


def _made(**parts: Any) -> tuple[CallOrderProbe, Any, torch.optim.Optimizer]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))], lr=0.1)
    lost: list[int] = []
    boundaries = SimpleNamespace(in_step=False, free_running=False, gradients_lost=lambda: lost.append(1))
    objects = SimpleNamespace(alive_optimizers=lambda: [optimizer], models={}, add_scheduler=lambda _: 4)
    context = ByHand(
        boundaries=boundaries, objects=objects, lost=lost, guard=lambda _, function, *args: function(*args)
    )  # fmt: skip
    context.step = Step(0, 0.0, **parts)
    return CallOrderProbe(context), context, optimizer  # type: ignore[arg-type]


def _give(optimizer: torch.optim.Optimizer, value: float | None) -> None:
    for parameter in optimizer.param_groups[0]["params"]:
        parameter.grad = None if value is None else torch.full_like(parameter, value)


@pytest.mark.parametrize(
    ("cleared", "micro", "value", "fields", "counts"),
    [
        (True, 1, 0.0, {"no_grad": True}, (0, 1)), (True, 1, 0.5, {}, (0, 0)), (False, 1, 0.0, {}, (0, 0)),
        (True, 0, 0.0, {}, (0, 0)), (True, 1, None, {"no_grad": True}, (1, 1)),
        (False, 1, None, {"no_grad": True}, (1, 0)),
    ],
)  # fmt: skip
def test_a_step_on_cleared_gradients_is_lost(
    micro: int, value: float | None, fields: Any, counts: tuple[int, int], *, cleared: bool
) -> None:
    """Where they were cleared between its backward and the step, by value or as a whole."""
    probe, context, optimizer = _made(micro=micro)
    probe._cleared_after_backward = cleared
    _give(optimizer, value)
    probe.on_step_begins(optimizer, None)
    assert context.step.fields == fields
    assert (context.counts["step_without_grad"], context.counts["zero_between_backward_and_step"]) == counts
    assert probe._tried[id(optimizer)] == [1, int(value is None)]


def test_an_optimizer_of_frozen_parameters_waits() -> None:
    """Its steps are none that found no gradient."""
    probe, context, optimizer = _made(micro=1)
    for parameter in optimizer.param_groups[0]["params"]:
        parameter.requires_grad_(requires_grad=False)
    probe.on_step_begins(optimizer, None)
    assert (probe._tried[id(optimizer)], context.step.fields) == ([0, 0], {"no_grad": True})
    probe.on_step_begins(optimizer, object())
    assert context.counts["step_without_grad"] == 1


@pytest.mark.parametrize(
    ("parts", "cleared", "in_step", "lost"),
    [
        ({"micro": 1}, False, False, 1), ({}, False, False, 0), ({"micro": 1, "stepped": [0]}, False, False, 0),
        ({"micro": 1, "skipped": True}, False, False, 0), ({"micro": 1}, True, False, 0),
        ({"micro": 1}, False, True, 0),
    ],
)  # fmt: skip
def test_gradients_that_are_cleared_after_their_backward_are_lost(
    parts: dict[str, Any], lost: int, *, cleared: bool, in_step: bool
) -> None:
    """Once, before a step; inside of a closure nothing is lost yet."""
    probe, context, optimizer = _made(**parts)
    probe._cleared_after_backward, context.boundaries.in_step = cleared, in_step
    probe._left = {id(optimizer): True, 5: True}
    probe.on_zero_grad((optimizer,), None, None)
    assert (len(context.lost), probe._left, context.counts["zero_grad"]) == (lost, {id(optimizer): False, 5: True}, 1)
    assert probe._cleared_after_backward is (cleared or bool(lost) or in_step)
    probe.on_zero_grad((nn.Linear(1, 1),), None, None)
    assert probe._left == {id(optimizer): False, 5: False}


def test_a_backward_after_cleared_gradients_is_another_cycle() -> None:
    """Of another batch; the losses of the step are then those of the gradients that it uses."""
    for batch, in_step, value, cycles, losses in (
        (True, False, None, 1, []), (False, False, None, 0, []), (True, True, None, 0, [1.0]),
        (True, False, 1.0, 1, [1.0]),
    ):  # fmt: skip
        probe, context, optimizer = _made(losses=[1.0])
        _give(optimizer, value)
        probe._cleared_after_backward, probe._batch_came, context.boundaries.in_step = True, batch, in_step
        probe.on_backward_begins((), None)
        assert (context.counts["cleared_backwards"], context.step.losses) == (cycles, losses)
        assert (probe._cleared_after_backward, probe._batch_came, context.counts["backward"]) == (False, False, 1)
    probe, context, _ = _made(losses=[1.0])
    probe._batch_came = True
    probe.on_backward_begins((), None)
    assert (context.counts["cleared_backwards"], context.step.losses) == (0, [1.0])


def test_a_wrapper_that_imitates_an_optimizer_clears_the_one_inside() -> None:
    """As the optimizers of Lightning do, which a module takes from `self.optimizers()`; another one stays as it is."""
    probe, _, optimizer = _made(micro=0)
    other = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    probe.on_step_ends(optimizer)
    probe.on_step_ends(other)
    wrapper = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    wrapper.optimizer = optimizer  # type: ignore[attr-defined]
    probe.on_zero_grad((wrapper,), None, None)
    assert probe._left[id(optimizer)] is False
    assert probe._left[id(other)] is True


@pytest.mark.parametrize(("value", "stale"), [(0.5, True), (0.0, False), (None, False)])
def test_gradients_that_are_left_at_the_next_backward_make_a_stale_step(value: float | None, *, stale: bool) -> None:
    """By value, once a step."""
    probe, context, optimizer = _made(micro=1)
    _give(optimizer, value)
    probe.on_step_ends(optimizer)
    assert (context.counts["step"], probe._left) == (1, {id(optimizer): True})
    probe.on_backward_begins((), None)
    assert (id(optimizer) in probe._found) is stale
    assert probe._left == {id(optimizer): stale}
    _give(optimizer, 1.0)
    probe.on_step_begins(optimizer, None)
    assert (context.counts["stale_steps"], context.step.fields) == (int(stale), {"stale": True} if stale else {})
    assert probe._found == {}


def test_a_closure_is_judged_at_its_end() -> None:
    """Whose gradients it has made."""
    for cleared, value, counts in ((False, None, (1, 0)), (True, None, (1, 1)), (True, 1.0, (0, 0))):
        probe, context, optimizer = _made()
        probe.on_step_begins(optimizer, object())
        probe._cleared_after_backward = cleared
        _give(optimizer, value)
        probe.on_step_ends(optimizer)
        found = context.counts["step_without_grad"], context.counts["zero_between_backward_and_step"]
        assert (found, context.step.fields.get("no_grad", False)) == (counts, value is None)


@pytest.mark.parametrize(("root", "steps", "cut"), [(0, 0, 1), (1, 0, 0), (1, 1, 1), (2, 1, 0)])
def test_a_backward_with_no_way_back_is_counted(root: int, steps: int, cut: int) -> None:
    """A leaf at once; where steps find no gradients also one that reaches nothing of a model."""
    probe, context, optimizer = _made()
    held = optimizer.param_groups[0]["params"]
    context.objects.models = {0: SimpleNamespace(parameters=held)}
    roots = [torch.ones(1), torch.ones(1, requires_grad=True) * 2, held[0].sum()]
    context.counts["step_without_grad"] = steps
    probe.on_backward_begins((roots[root],), None)
    assert context.counts["graphless_backwards"] == cut


def test_forwards_in_eval_mode_are_a_mistake_where_what_cares_trains() -> None:
    """All of a step; frozen batch norm is meant."""
    frozen = nn.BatchNorm1d(2).requires_grad_(requires_grad=False)
    for modules, mistaken in (
        ([nn.Dropout().eval()], True), ([nn.Dropout().eval(), nn.Dropout()], False), ([], False),
        ([frozen.eval()], False),
        ([frozen.eval(), nn.Dropout().eval()], True), ([nn.BatchNorm1d(2).eval()], True),
    ):  # fmt: skip
        call: Any = SimpleNamespace(model=SimpleNamespace(caring=modules), grad=True)
        assert call_order._in_eval_by_mistake(call) is mistaken
        probe, context, _ = _made(micro=1)
        probe.on_forward_ends(call)
        probe.on_forward_ends(SimpleNamespace(grad=False))  # type: ignore[arg-type]
        probe.on_close(context.step)
        assert context.step.fields == {"mode": "eval" if mistaken else "train"}
        counts = [context.counts[name] for name in ("forward", "train_forward", "eval_mode_train_forward")]
        assert counts == [2, 1, int(mistaken)]
        good: Any = SimpleNamespace(model=SimpleNamespace(caring=[nn.Dropout()]), grad=True)
        probe.on_forward_ends(call)
        probe.on_forward_ends(good)
        probe.on_close(context.step)
        assert context.step.fields == {"mode": "train"}


def test_counts_are_told_after_some_steps_and_at_the_end() -> None:
    """With what each scheduler has done, and how many micro-batches a step has."""
    probe, context, optimizer = _made(micro=1)
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    for args in ((scheduler,), (object(),)):
        probe.on_scheduler_step(args, None, None)
    assert context.counts["scheduler_before_optimizer"] == 1
    context.step.stepped = [0]
    probe.on_scheduler_step((scheduler,), None, None)
    told = []
    for number in range(25):
        before = len(context.told)
        probe.on_close(Step(number, 0.0, micro=3))
        told += [number] * (len(context.told) - before)
    assert told == [0, 1, 2, 4, 9, 14, 19]
    detail = context.told[-1][2]
    assert (detail["scheduler_steps"], detail["accumulation"], detail["scheduler_before_optimizer"]) == ({"4": 2}, 3, 1)
    assert (detail["accumulated_steps"], detail["manual_updates"], detail["gradless_optimizers"]) == (20, False, 0)
    probe.on_stop("")
    assert len(context.told) == 8


def test_parameters_that_move_without_a_step_are_updated_by_hand() -> None:
    """Where every backward is a step and none was seen."""
    for free, steps, manual in ((True, 0, True), (False, 0, False), (True, 1, False)):
        probe, context, _ = _made()
        context.boundaries.free_running, context.counts["step"] = free, steps
        probe.on_parameters_moved()
        assert probe._manual is manual


def test_an_optimizer_that_never_finds_a_gradient_is_counted_beside_others_that_do() -> None:
    """From twenty steps on, also once it is gone."""
    probe, _, _ = _made()
    probe._tried = {1: [20, 20], 2: [20, 19], 3: [19, 19]}
    assert probe._gradless() == 1
    probe._forget(1)
    assert (probe._gradless(), probe._gone) == (1, {False: 1})
    probe._forget(3)
    assert probe._gone == {False: 1}
    probe._tried = {}
    assert probe._gradless() == 0
