"""Probes that are told of events by hand: what they tell at which of them, and where they stop."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from probekit import ByHand
from torch.utils.data import IterableDataset

from trainadvisor.record.objects.describe import plain
from trainadvisor.record.probes import timing
from trainadvisor.record.probes.batch_partners import BatchPartnersProbe
from trainadvisor.record.probes.clip_calls import ClipCallProbe
from trainadvisor.record.probes.learning_rate import LearningRateProbe
from trainadvisor.record.probes.loss_scaling import LossScalingProbe
from trainadvisor.record.probes.mixed_precision import MixedPrecisionProbe
from trainadvisor.record.probes.replicas import ReplicaProbe, checksum
from trainadvisor.record.probes.timing import TimingProbe
from trainadvisor.record.probes.unrecordable import UnrecordableProbe
from trainadvisor.record.probes.user_metrics import UserMetricsProbe
from trainadvisor.record.probes.worker_copies import WorkerCopiesProbe
from trainadvisor.record.step import Step


class _Iterator:
    """Something that may be the key of a weak dictionary."""


class _Stream(IterableDataset[torch.Tensor]):
    def __iter__(self) -> Any:
        raise NotImplementedError


def _pass(probe: WorkerCopiesProbe, workers: int, batches: list[torch.Tensor], data: Any = None) -> None:
    loader, iterator = SimpleNamespace(num_workers=workers, dataset=data or _Stream()), _Iterator()
    probe.on_loader_iter((loader,), None, iterator)
    for batch in batches:
        probe.on_batch_ends((iterator,), None, batch)


def _rows(seed: int) -> torch.Tensor:
    return torch.randn(4, 12, generator=torch.Generator().manual_seed(seed))


def _copies() -> tuple[ByHand, WorkerCopiesProbe]:
    context = ByHand(objects=SimpleNamespace(loader_number=lambda _: 7))
    return context, WorkerCopiesProbe(context)


def test_two_rounds_of_the_first_three_passes_are_compared() -> None:
    """Each worker but the first with the first; what comes behind is not looked at."""
    context, probe = _copies()
    one, other = _rows(0), _rows(1)
    for _ in range(4):
        _pass(probe, 3, [one, one, other, one, other, one, one, one])
    assert [(detail["compared"], detail["same"]) for _, _, detail in context.told] == [(4, 2), (8, 4), (12, 6)]
    assert context.told[0] == ("worker-copies", "", {"loader": 7, "workers": 3, "compared": 4, "same": 2})


def test_a_pass_that_ends_before_its_second_round_tells_nothing() -> None:
    """What was compared counts in the next pass."""
    context, probe = _copies()
    _pass(probe, 2, [_rows(0), _rows(0), _rows(1)])
    assert context.told == []
    _pass(probe, 2, [_rows(2), _rows(2), _rows(3), _rows(4)])
    assert [detail for _, _, detail in context.told] == [{"loader": 7, "workers": 2, "compared": 3, "same": 2}]


@pytest.mark.parametrize(("workers", "data"), [(1, None), (2, [1, 2])])
def test_one_worker_or_a_data_set_with_indices_is_not_compared(workers: int, data: Any) -> None:
    """No two give the same stream."""
    context, probe = _copies()
    _pass(probe, workers, [_rows(0)] * 4, data)
    assert context.told == []


def _look(
    probe: BatchPartnersProbe, scores: Any, labels: Any, *, kind: str = "cross_entropy", grad: bool = True
) -> None:
    probe.on_loss(kind, (scores, labels), {}, torch.zeros((), requires_grad=grad))


def _order(name: str, size: int = 8) -> torch.Tensor:
    places = torch.arange(size)
    return (places + size // 2) % size if name == "halves" else places ^ 1


@pytest.mark.parametrize(("told", "other"), [("halves", "neighbors"), ("neighbors", "halves")])
def test_partners_are_counted_at_the_first_fourth_and_sixteenth_batch(told: str, other: str) -> None:
    """The nearest example is the named partner, that of the other order, or another one."""
    context = ByHand()
    probe = BatchPartnersProbe(context)
    nearest = _order(told).clone()
    nearest[:2] = _order(other)[:2]
    nearest[2] = 2
    scores = torch.nn.functional.one_hot(nearest, 8).float()
    for _ in range(20):
        _look(probe, scores, _order(told))
    probe.on_stop("")
    assert [detail["examples"] for _, _, detail in context.told] == [8, 32, 128]
    first = {"order": told, "expected": 8 / 7, "examples": 8, "right": 5, "other": 2}
    assert context.told[0] == ("partners", "", first)


def test_partners_since_the_last_time_are_told_at_the_end() -> None:
    """Once."""
    context = ByHand()
    probe = BatchPartnersProbe(context)
    for _ in range(2):
        _look(probe, torch.eye(8), _order("halves"))
    probe.on_stop("")
    probe.on_stop("")
    assert [detail["examples"] for _, _, detail in context.told] == [8, 16]


OTHERS = {
    "odd": (torch.eye(9), torch.arange(9)),
    "few": (torch.eye(6), _order("halves", 6)),
    "many": (torch.zeros(2050, 2050), _order("halves", 2050)),
    "not square": (torch.zeros(8, 9), _order("halves")),
    "shares": (torch.eye(8), torch.eye(8)),
    "numbers": (torch.eye(8), _order("halves").float()),
    "classes": (torch.eye(8), torch.arange(8)),
    "no rows": (torch.zeros(()), torch.zeros((), dtype=torch.long)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_after_three_other_losses_no_partner_is_looked_for(name: str) -> None:
    """After two one still is."""
    for before, expected in ((2, 1), (3, 0)):
        context = ByHand()
        probe = BatchPartnersProbe(context)
        for _ in range(before):
            _look(probe, *OTHERS[name])
        _look(probe, torch.eye(8), _order("halves"))
        assert len(context.told) == expected


@pytest.mark.parametrize("size", [8, 2048])
def test_so_many_examples_are_looked_at(size: int) -> None:
    """Eight at least, 2048 at most."""
    context = ByHand()
    _look(BatchPartnersProbe(context), torch.eye(size), _order("neighbors", size))
    assert [detail["examples"] for _, _, detail in context.told] == [size]


def test_what_is_no_loss_of_a_training_is_no_look() -> None:
    """A regression, an evaluation, and anything but tensors; a second order is another loss."""
    context = ByHand()
    probe = BatchPartnersProbe(context)
    for _ in range(3):
        _look(probe, torch.eye(8), _order("halves"), kind="mse_loss")
        _look(probe, torch.eye(8), _order("halves"), grad=False)
        _look(probe, torch.eye(8), None)
        _look(probe, None, _order("halves"))
    _look(probe, torch.eye(8), _order("halves"))
    for _ in range(3):
        _look(probe, torch.eye(8), _order("neighbors"))
    probe.on_stop("")
    assert [detail["examples"] for _, _, detail in context.told] == [8]


def test_partners_rest_once_nothing_is_left_to_see() -> None:
    """Or where no loss names classes."""
    probe = BatchPartnersProbe(ByHand())
    assert probe.rests_until(SimpleNamespace(kinds={"cross_entropy"}, step=5)) == 5
    assert probe.rests_until(SimpleNamespace(kinds={"mse_loss"}, step=5)) == math.inf
    for _ in range(16):
        assert probe.rests_until(SimpleNamespace(kinds={"cross_entropy"}, step=5)) == 5
        _look(probe, torch.eye(8), _order("halves"))
    assert probe.rests_until(SimpleNamespace(kinds={"cross_entropy"}, step=5)) == math.inf


@pytest.mark.parametrize(
    ("args", "kwargs", "limit"),
    [(([], 2), {}, 2.0), (([],), {"max_norm": 0.5}, 0.5), (([], torch.ones(())), {}, None), (([],), {}, None)],
)
def test_a_clipping_notes_its_limit_and_the_norm_before(args: Any, kwargs: Any, limit: float | None) -> None:
    """The limit by place or name, where it is a number."""
    context = ByHand(step=Step(0, 0.0, micro=1))
    ClipCallProbe(context).on_clip_grad_norm_(args, kwargs, torch.tensor(3.0))
    assert context.step.fields == {"clip_max": limit, "clip_norm": 3.0}


@pytest.mark.parametrize(
    "step", [Step(0, 0.0), Step(0, 0.0, micro=1, stepped=[0]), Step(0, 0.0, micro=1, skipped=True)]
)
def test_a_clipping_before_the_backward_or_after_the_step_is_of_another_training(step: Step) -> None:
    """Nothing is noted."""
    ClipCallProbe(ByHand(step=step)).on_clip_grad_norm_(([], 2), {}, torch.tensor(3.0))
    assert step.fields == {}


def test_a_norm_that_is_no_plain_tensor_is_not_read() -> None:
    """Of a distributed one only all processes together know the value."""
    context = ByHand(step=Step(0, 0.0, micro=1))
    ClipCallProbe(context).on_clip_grad_norm_(([], 2), {}, torch.nn.Parameter(torch.tensor(3.0)))
    assert context.step.fields == {"clip_max": 2.0}


def test_a_norm_ten_times_the_usual_is_looked_at() -> None:
    """From the fourth on."""
    context = ByHand()
    probe = ClipCallProbe(context)
    for number, norm in enumerate([1.0, 1.0, 1.0, 1.0, 11.0]):
        context.step = Step(number, 0.0, micro=1)
        probe.on_clip_grad_norm_(([], 2), {}, torch.tensor(norm))
        assert context.closer == (number == 4)


@pytest.mark.parametrize(
    ("args", "kwargs", "value"), [(([], 2), {}, 2.0), (([],), {"clip_value": 0.5}, 0.5), (([], None), {}, None)]
)
def test_a_limit_of_single_gradients_is_noted(args: Any, kwargs: Any, value: float | None) -> None:
    """By place or name, where it is a number."""
    context = ByHand()
    ClipCallProbe(context).on_clip_grad_value_(args, kwargs, None)
    assert context.step.fields == {"clip_value": value}


def test_each_group_of_each_optimizer_has_its_rate() -> None:
    """A number, a tensor that is read, or neither."""
    context = ByHand()
    probe = LearningRateProbe(context)
    probe.on_step_begins(SimpleNamespace(param_groups=[{"lr": 0.5}, {"lr": torch.tensor(0.25)}, {}]), None)
    probe.on_implicit_step(SimpleNamespace(param_groups=[{"lr": 1}]))
    assert context.step.fields == {"lr": [0.5, 0.25, plain(None), plain(1)]}


def test_the_loss_of_a_script_stands_where_no_backward_has_shown_one() -> None:
    """A tensor by its mean, a number, and NaN for anything else."""
    for given, told in ((torch.tensor([1, 2]), 1.5), (3, 3.0), (torch.tensor(4.0, requires_grad=True), 4.0)):
        context = ByHand()
        UserMetricsProbe(context).on_given_loss(given)
        assert context.step.fields == {"loss": told}
    context = ByHand()
    UserMetricsProbe(context).on_given_loss("low")
    assert math.isnan(context.step.fields["loss"])
    context = ByHand(step=Step(0, 0.0, losses=[1.0]))
    UserMetricsProbe(context).on_given_loss(3)
    assert context.step.fields == {}


def test_a_validation_of_a_script_is_an_evaluation() -> None:
    """After the steps that are done, at once; without a loss it has none."""
    context = ByHand(done=5, last_epoch=2)
    probe = UserMetricsProbe(context)
    probe.on_given_validation(torch.tensor(0.5), {"accuracy": 1, "f1": torch.tensor(0.25)})
    probe.on_given_validation(None, {})
    head = {"record": "eval", "step": 5, "epoch": 2, "given": True, "losses": {}}
    assert context.written == [
        {**head, "metrics": {"accuracy": 1.0, "f1": 0.25}, "loss": 0.5}, {**head, "metrics": {}},
    ]  # fmt: skip
    assert context.drained == 2


@pytest.mark.parametrize(
    ("step", "due"),
    [
        (0, 0),
        (1, 10),
        (10, 10),
        (191, 200),
        (199, 200),
        (200, 200),
        (201, 250),
        (1999, 2000),
        (2000, 2000),
        (2001, 2250),
    ],
)
def test_memory_is_read_ever_more_seldom(step: int, due: int) -> None:
    """Every 10 steps up to 200, every 50 up to 2000, then every 250."""
    assert timing.memory_due_from(step) == due


def test_memory_is_read_where_it_is_due() -> None:
    """And the next such step is told."""
    fields: dict[str, Any] = {}
    assert timing.read_memory(11, fields) == 20
    assert fields == {}
    assert timing.read_memory(10, fields) == 20
    assert fields.keys() == {"memory", "memory_peak"}


def test_a_step_has_the_wait_of_its_loader_and_the_examples_of_its_micro_batches() -> None:
    """No wait without a loader; the backwards of a closure see one batch again and again."""
    probe = TimingProbe(ByHand())
    probe._wait = 3.0
    alone = Step(1, 0.0, micro=2, fields={"batch": 4})
    probe.on_close(alone)
    assert (alone.fields, probe._wait) == ({"batch": 8}, 0.0)
    probe._wait, probe._last_loader = 2.0, lambda: None
    probe.on_step_begins(None, object())
    closure = Step(1, 0.0, micro=2, fields={"batch": 4})
    probe.on_close(closure)
    assert closure.fields == {"batch": 4, "wait": 2.0}
    probe.on_step_begins(None, None)
    for micro, batch in ((1, 4), (3, 12)):
        step = Step(1, 0.0, micro=micro, fields={"batch": 4})
        probe.on_close(step)
        assert step.fields == {"batch": batch, "wait": 0.0}


def test_an_epoch_is_a_pass_that_was_trained_on_before() -> None:
    """Passes that nobody trained on are none; a framework's own number comes first."""
    roles: list[tuple[object, str]] = []
    loader = SimpleNamespace()
    objects = SimpleNamespace(add_loader=lambda one, role: roles.append((one, role)) or 3)
    context = ByHand(objects=objects)
    probe = TimingProbe(context)
    probe._last_loader = lambda: loader
    epochs = []
    for passes in (1, 1, 2, 4, 4, 5):
        context.step = Step(0, 0.0)
        probe._passes[3] = passes
        probe.note_epoch(grad=True, training=True)
        epochs.append(context.step.fields["epoch"])
    assert epochs == [0, 0, 1, 2, 2, 3]
    context.step = Step(0, 0.0)
    probe.on_epoch_begins(9)
    probe.note_epoch(grad=False, training=True)
    assert context.step.fields == {}
    probe.note_epoch(grad=True, training=False)
    assert context.step.fields == {"epoch": 9}
    assert [role for _, role in roles[-3:]] == ["train", "eval", "unknown"]


def test_rows_of_a_loader_may_be_several_an_example() -> None:
    """As its first batch shows; a smaller last batch counts alike, a width that is none of several is no sign."""
    probe = TimingProbe(ByHand())
    loader = torch.utils.data.DataLoader([0] * 8, batch_size=4)
    assert [probe._whole(rows, loader, 4) for rows in (8, 4, 3, 8)] == [4, 2, 2, 4]
    other = torch.utils.data.DataLoader([0] * 8, batch_size=4)
    assert [probe._whole(rows, other, 4) for rows in (6, 8)] == [6, 8]
    empty = torch.utils.data.DataLoader([0] * 8, batch_size=4)
    assert [probe._whole(rows, empty, 4) for rows in (0, 8)] == [0, 8]
    assert (probe._whole(5, None, 4), probe._whole(5, loader, None)) == (5, 5)


def test_examples_lie_along_the_second_axis_of_a_model_that_takes_time_first() -> None:
    """Unless the first one is as long as the loader's batch, or there are more than three."""
    probe = TimingProbe(ByHand())
    first, later = SimpleNamespace(number=0, time_major=False), SimpleNamespace(number=1, time_major=True)
    assert probe.examples(torch.zeros(5), later) == 1
    assert probe.examples(torch.zeros(5, dtype=torch.long), later) == 5
    assert probe.examples(torch.zeros(5, 4, 3), first) == 5
    assert probe.examples(torch.zeros(5, 4, 3), later) == 4
    assert probe.examples(torch.zeros(5, 4, 3, 2), later) == 5
    later.time_major = False
    assert probe.examples(torch.zeros(5, 4, 3), later) == 4
    loader = torch.utils.data.DataLoader([0] * 8, batch_size=5)
    probe._last_loader = lambda: loader
    assert probe.examples(torch.zeros(5, 4, 3), later) == 5


def test_a_fused_optimizer_tells_of_a_skipped_step_by_itself() -> None:
    """Counted once a step; a sound one is not."""
    for found, skips in ((1.0, 1), (0.0, 0)):
        context = ByHand()
        probe = MixedPrecisionProbe(context)
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
        probe.on_step_begins(optimizer, None)
        optimizer.found_inf = torch.tensor(found)  # type: ignore[attr-defined]
        probe.on_step_begins(optimizer, None)
        probe.on_step_begins(optimizer, None)
        assert (context.counts["scaler_skips"], context.step.skipped) == (skips, bool(skips))
        assert context.step.fields == ({"skipped": True} if skips else {})


def _model(*parameters: torch.Tensor, number: int = 0) -> Any:
    return SimpleNamespace(number=number, parameters=list(parameters), fact={"parameters": [{"init_std": 1.0}, {}]})


def test_weights_have_checksums_at_the_start_and_after_common_steps() -> None:
    """Null for a part of a parameter; the start is told once, a step only where an optimizer stepped."""
    whole = torch.ones(3)
    context = ByHand()
    probe = ReplicaProbe(context)
    context.step.models = [_model(whole, torch.zeros(0))]
    probe.on_step_begins()
    probe.on_step_begins()
    sums = [int(checksum(whole)), None]
    start = {"model": 0, "after": 0, "replicated": False, "varied": [True, False], "sums": sums}
    assert context.told == [("weights", "", start)]
    for number, stepped in ((0, []), (0, [0]), (5, [0]), (2, [0])):
        probe.on_close(Step(number, 0.0, stepped=stepped, models=context.step.models))
    assert [detail["after"] for _, _, detail in context.told[1:]] == [1, 6, 3]
    assert context.told[-1][2] == {"model": 0, "after": 3, "replicated": False, "sums": sums}


def test_a_model_of_which_nothing_is_whole_has_no_checksum() -> None:
    """Nor has a step between the common ones."""
    context = ByHand()
    context.step.models = [_model(torch.zeros(0), torch.zeros(2, device="meta"))]
    probe = ReplicaProbe(context)
    probe.on_step_begins()
    probe.on_close(Step(3 - 1 + 100, 0.0, stepped=[0], models=[_model(torch.ones(1))]))
    assert context.told == []


def test_a_checksum_changes_with_a_single_bit() -> None:
    """Of any type."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.int8):
        values = torch.ones(4, dtype=dtype)
        other = values.clone()
        other.view(torch.uint8)[0] ^= 1
        assert checksum(values) != checksum(other)
        assert 0 <= int(checksum(-values)) < 2**24 - 3


def _blind(context: ByHand) -> list[str]:
    return [subject for _, subject, _ in context.told]


def test_the_third_step_without_a_backward_is_told_once() -> None:
    """A closure, a loss without gradients or a backward explains the step."""
    context = ByHand()
    probe = UnrecordableProbe(context)
    for closure, fields, micro in ((object(), {}, 0), (None, {"no_grad": True}, 0), (None, {}, 1)):
        for _ in range(3):
            context.step = Step(0, 0.0, micro=micro, fields=fields)
            probe.on_step_begins(None, closure)
    assert context.told == []
    context.step = Step(0, 0.0)
    for _ in range(2):
        probe.on_step_begins(None, None)
    assert context.told == []
    for _ in range(4):
        probe.on_step_begins(None, None)
    assert context.told == [("blind", "backward", {})]


def test_a_step_of_several_backwards_of_a_closure_is_told() -> None:
    """A single one is not."""
    context = ByHand()
    probe = UnrecordableProbe(context)
    probe.on_step_begins(None, object())
    probe.on_close(Step(0, 0.0, micro=1))
    assert _blind(context) == []
    probe.on_close(Step(0, 0.0, micro=2))
    assert _blind(context) == ["evaluations"]


def test_the_third_backward_of_no_living_model_is_told() -> None:
    """At once where a model without values was called before it."""
    context = ByHand()
    probe = UnrecordableProbe(context)
    gone, alive = SimpleNamespace(alive=[]), SimpleNamespace(alive=[1])
    for step in (Step(0, 0.0, micro=1), Step(0, 0.0, stepped=[0]), Step(0, 0.0, micro=1, stepped=[0], models=[alive])):
        for _ in range(3):
            probe.on_close(step)
    assert _blind(context) == []
    for _ in range(2):
        probe.on_close(Step(0, 0.0, micro=1, stepped=[0], models=[gone]))
    assert _blind(context) == []
    probe.on_close(Step(0, 0.0, micro=1, stepped=[0]))
    assert _blind(context) == ["forward"]
    probe.on_meta_forward("Net")
    probe.on_close(Step(0, 0.0, micro=1, stepped=[0]))
    assert context.told[-1] == ("blind", "meta", {"name": "Net"})


def test_a_compiled_model_that_trains_is_told() -> None:
    """Not one that is only asked."""
    context = ByHand()
    probe = UnrecordableProbe(context)
    for compiled, grad in ((False, True), (True, False)):
        probe.on_forward_ends(SimpleNamespace(model=SimpleNamespace(compiled=compiled, name="Net"), grad=grad))
    assert context.told == []
    probe.on_forward_ends(SimpleNamespace(model=SimpleNamespace(compiled=True, name="Net"), grad=True))
    assert context.told == [("blind", "compiled", {"name": "Net"})]


def _divided(micro: list[int], steps: int = 3) -> list[tuple[int, str]]:
    """Return at which step what is told of means that are divided by eight, again and again."""
    weight = torch.nn.Parameter(torch.ones(8))
    context = ByHand(losses=SimpleNamespace(last_root=None))
    probe = LossScalingProbe(context)
    found = []
    for number in range(steps):
        context.step = Step(number, 0.0, micro=micro[number])
        context.losses.last_root = ((weight * 2).mean() / 8).grad_fn
        probe.on_backward_begins()
        before = len(context.told)
        probe.on_close(context.step)
        found += [(number, kind) for kind, _, _ in context.told[before:]]
    return found


def test_a_mean_that_is_divided_again_is_told_at_the_second_step() -> None:
    """Once, unless it is divided by its micro-batches."""
    assert _divided([1, 1, 1]) == [(1, "mean-divided")]
    assert _divided([8, 8, 8]) == []
    assert _divided([8, 1, 1]) == [(2, "mean-divided")]
