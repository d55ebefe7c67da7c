"""Sums of evaluations and small services of the recorder: exact values of each, by hand."""

from __future__ import annotations

import math
import sys
import types
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from probekit import ByHand
from torch import nn

from trainadvisor import background
from trainadvisor.record import overhead, process_rank
from trainadvisor.record.device_readback import DeviceValues, HostValues, Reading, may_ask
from trainadvisor.record.evaluations import loss_free_answers
from trainadvisor.record.evaluations.evaluation_sums import AnswerSums, TargetSums, label_counts
from trainadvisor.record.guarded_layers import GuardedLayers
from trainadvisor.record.implicit_steps import ImplicitSteps
from trainadvisor.record.loss_scale import LossScale
from trainadvisor.record.losses.standard_parts import tell_part
from trainadvisor.record.losses.terms_in_value import _Rest, _Series
from trainadvisor.record.objects.declared_stops import declared_stops
from trainadvisor.record.objects.weight_samples import alike, distance, statistics_of, weights_of
from trainadvisor.record.overhead import Overhead
from trainadvisor.record.rotation import Rotation, is_part
from trainadvisor.record.step import Step


def _told(sums: Any) -> dict[str, Any]:
    record: dict[str, Any] = {"metrics": {}}
    pending: list[Any] = []
    sums.tell(record, HostValues().read, pending)
    for reading, arrived in pending:
        arrived(reading.values)
    return record


def test_answers_of_several_batches_are_put_together() -> None:
    """Right ones, squares, overlaps, spreads, labels that were found, and classes."""
    first, other = AnswerSums(), AnswerSums()
    for sums, right in ((first, [3.0, 4.0]), (other, [1.0, 4.0])):
        sums.right.append(torch.tensor(right))
        sums.add_squares(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        sums.overlaps.append(torch.tensor([right[0] / 4, 0.25]))
        sums.add_spread(torch.tensor([[0.0, 0.0], [2.0, 4.0]]))
        sums.add_found(
            "binary_cross_entropy", torch.tensor([[0.6, 0.5], [0.1, 0.9]]), torch.tensor([[1.0, 1.0], [0, 0]])
        )
        sums.add_classes(torch.eye(3)[[0, 1, 1]])
    first.join(other)
    assert _told(first) == {
        "metrics": {"accuracy": 0.5, "r2": 1 - 8 / (34 - 100 / 4), "dice": 0.5, "iou": 0.25},
        "labels_found": 0.5, "output_spread": 1.5, "majority_share": 4 / 6, "classes_predicted": 2,
    }  # fmt: skip
    empty = AnswerSums()
    empty.join(AnswerSums())
    assert _told(empty) == {"metrics": {}}
    empty.join(first)
    assert empty.predicted is not None
    assert empty.predicted.tolist() == [2, 4, 0]


@pytest.mark.parametrize("target", [[[1.0, 0.5]], [[0.0, 0.0]]])
def test_shares_are_no_labels_and_none_are_not_found(target: Any) -> None:
    """Nothing is told of either."""
    sums = AnswerSums()
    sums.add_found("binary_cross_entropy_with_logits", torch.tensor([[1.0, -1.0]]), torch.tensor(target))
    assert _told(sums) == {"metrics": {}}


@pytest.mark.parametrize("prediction", [torch.ones(2, 1), torch.ones(2), torch.ones(2, 2, 2)])
def test_labels_are_found_in_tables_of_several(prediction: torch.Tensor) -> None:
    """A single one is no table."""
    sums = AnswerSums()
    sums.add_found("binary_cross_entropy", prediction, torch.ones_like(prediction))
    assert sums.found == []


@pytest.mark.parametrize(
    ("shape", "counted"),
    [
        ((2, 8, 8), True), ((2, 1, 8, 8), True), ((2, 2, 8, 8), False), ((2, 7, 8), False), ((2, 8, 7), False),
        ((2, 64), False),
    ],
)  # fmt: skip
def test_marks_are_counted_in_masks_of_one_channel(shape: Any, *, counted: bool) -> None:
    """Of eight places a side at least."""
    sums = AnswerSums()
    prediction = torch.zeros(shape)
    prediction.view(-1)[:3] = 1.0
    sums.add_marks("binary_cross_entropy_with_logits", prediction)
    sums.add_marks("binary_cross_entropy_with_logits", prediction)
    assert (sums.predicted is not None and sums.predicted.tolist()) == (counted and [2 * (prediction.numel() - 3), 6])


@pytest.mark.parametrize(("classes", "counted"), [(1, False), (2, True), (2000, True), (2001, False)])
def test_so_many_classes_are_counted(classes: int, *, counted: bool) -> None:
    """Two at least, two thousand at most."""
    sums = AnswerSums()
    sums.add_classes(torch.zeros(1, classes))
    assert (sums.predicted is not None) is counted
    found = label_counts(torch.zeros(1, classes), torch.zeros(1, dtype=torch.long), -100)
    assert (found is not None) is counted


@pytest.mark.parametrize("prediction", [torch.ones(2), torch.ones(2, 2, dtype=torch.long), torch.ones(0, 2)])
def test_only_tables_of_numbers_have_a_spread(prediction: torch.Tensor) -> None:
    """With anything in them."""
    sums = AnswerSums()
    sums.add_spread(prediction)
    assert sums.spreads == []


def test_labels_that_count_are_counted() -> None:
    """Not the ignored one, nor what is no class."""
    labels = torch.tensor([0, 1, 1, -100, 3, -1, 7])
    found = label_counts(torch.zeros(7, 3), labels, 7)
    assert found is not None
    assert found.tolist() == [1, 2, 0]
    for prediction, target in (
        (torch.zeros(7, 3), labels.float()),
        (torch.zeros(7), labels),
        (torch.zeros(7, 3, 2), labels),
    ):
        assert label_counts(prediction, target, 7) is None


def _entry(kind: str, **fact: Any) -> Any:
    known = {"weighted": False, "label_smoothing": 0.0, "reduction": "mean", "ignore_index": -100}
    return SimpleNamespace(kind=kind, fact=known | fact)


NUMBERS = torch.tensor([[0.0, 1.0], [2.0, 1.0]])
HALF = -2 * 0.5 * math.log(0.5)


@pytest.mark.parametrize(
    ("entry", "prediction", "target", "trivial"),
    [
        (_entry("cross_entropy"), torch.zeros(2, 2), torch.tensor([0, 1]), HALF),
        (_entry("mse_loss"), NUMBERS, NUMBERS, 0.5),
        (_entry("mse_loss", reduction="sum"), NUMBERS, NUMBERS, 1.0),
        (_entry("mse_loss"), NUMBERS[:, 0], NUMBERS[:, 0], 1.0),
        (_entry("binary_cross_entropy"), NUMBERS, NUMBERS.clamp(max=1), HALF / 2),
        (_entry("binary_cross_entropy", reduction="sum"), NUMBERS, NUMBERS.clamp(max=1), HALF),
        (_entry("l1_loss"), NUMBERS, NUMBERS, None),
        (_entry("mse_loss"), NUMBERS[:, :1], NUMBERS, None),
        (_entry("mse_loss", weighted=True), NUMBERS, NUMBERS, None),
        (_entry("cross_entropy", label_smoothing=0.1), torch.zeros(2, 2), torch.tensor([0, 1]), None),
        (_entry("mse_loss"), NUMBERS[:0], NUMBERS[:0], None),
        (_entry("mse_loss"), torch.zeros(1, 4096), torch.zeros(1, 4096), 0.0),
        (_entry("mse_loss"), torch.zeros(1, 4097), torch.zeros(1, 4097), None),
    ],
)
def test_the_best_constant_answer_has_a_loss(entry: Any, prediction: Any, target: Any, trivial: float | None) -> None:
    """The entropy of labels, the variance of numbers; not of weighted or smoothed losses, nor of others."""
    sums = TargetSums()
    sums.add(entry, prediction, target)
    told = _told(sums)
    assert told.keys() == ({"metrics"} if trivial is None else {"metrics", "trivial"})
    assert trivial is None or told["trivial"] == pytest.approx(trivial)


def test_batches_of_other_columns_have_no_constant_answer() -> None:
    """And one that is unknown stays so."""
    sums = TargetSums()
    sums.add(_entry("mse_loss"), NUMBERS, NUMBERS)
    sums.add(_entry("mse_loss"), NUMBERS, NUMBERS)
    assert _told(sums)["trivial"] == 0.5
    sums.add(_entry("mse_loss"), NUMBERS[:, :1], NUMBERS[:, :1])
    sums.add(_entry("mse_loss"), NUMBERS, NUMBERS)
    assert _told(sums) == {"metrics": {}}


MASK = torch.zeros(1, 2, 2)
MASK[0, 0] = 1.0
LOGITS = torch.tensor([[2.0, -1.0], [-1.0, 2.0], [2.0, -1.0]])


@pytest.mark.parametrize(
    ("output", "target", "kinds", "told"),
    [
        (LOGITS, torch.tensor([0, 1, 1]), set(), {"accuracy": 2 / 3}),
        (LOGITS, torch.tensor([[0], [1], [1]]), set(), {"accuracy": 2 / 3}),
        (LOGITS[:, :1], torch.tensor([True, False, False]), set(), {"accuracy": 2 / 3}),
        (LOGITS[:, 0], torch.tensor([1.0, 0.0, 0.0]), {"binary_cross_entropy_with_logits"}, {"accuracy": 2 / 3}),
        (LOGITS[:, 0] / 5, torch.tensor([1.0, 0.0, 0.0]), {"binary_cross_entropy"}, {"accuracy": 2 / 3}),
        (torch.tensor([0.6, 0.4, 0.6]), torch.tensor([True, False, False]), set(), {"accuracy": 2 / 3}),
        (torch.tensor([1.6, 0.4, 0.6]), torch.tensor([True, False, False]), set(), {"accuracy": 1 / 3}),
        (MASK, MASK, set(), {"dice": 1.0, "iou": 1.0}),
        (1 - MASK, MASK, set(), {"dice": 0.0, "iou": 0.0}),
        (MASK * 0 - 1, MASK * 0, set(), {"dice": 1.0, "iou": 1.0}),
        (torch.ones(1, 2, 2), MASK, set(), {"dice": 2 / 3, "iou": 0.5}),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]), set(), {"r2": 1 - 4 / 4.5}),
        (torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]), set(), {"r2": 1 - 4 / 4.5}),
        (torch.zeros(2, 3, 4), torch.zeros(2, 3, dtype=torch.long), set(), {"accuracy": 1.0}),
        (torch.zeros(2, 4, 3), torch.zeros(2, 3, dtype=torch.long), set(), {"accuracy": 1.0}),
        (torch.zeros(2, 3), torch.zeros(3), set(), {}),
        (torch.zeros(3, 2), torch.zeros(2, 3), set(), {}),
        (torch.zeros(0), torch.zeros(0), set(), {}),
    ],
)
def test_answers_are_compared_with_the_targets_of_their_batch(
    output: Any, target: Any, kinds: set[str], told: dict[str, float]
) -> None:
    """Classes, yes or no, masks or numbers, by what both look like."""
    given, sums = torch.ones(len(output), 5), AnswerSums()
    call: Any = SimpleNamespace(output=output, args=(given,), kwargs={})
    loss_free_answers.measure(sums, call, [given, target], kinds)
    assert _told(sums)["metrics"] == pytest.approx(told)


def test_an_input_that_was_moved_comes_first_in_its_batch() -> None:
    """What is behind it is the target, the last first."""
    call: Any = SimpleNamespace(output=LOGITS, args=(torch.ones(3, 5),), kwargs={})
    for batch, told in (
        ([torch.ones(3), torch.tensor([0, 1, 1])], {"accuracy": 2 / 3}),
        ([torch.tensor([0, 1, 1])], {"accuracy": 2 / 3}),
        ([torch.tensor([0, 1, 1]), torch.ones(2)], {}),
    ):  # fmt: skip
        sums = AnswerSums()
        loss_free_answers.measure(sums, call, batch, set())
        assert _told(sums)["metrics"] == pytest.approx(told)


class _Distributed(types.ModuleType):
    def __init__(self, *, available: bool = True, initialized: bool = True) -> None:
        super().__init__("torch.distributed")
        self.is_available, self.is_initialized = lambda: available, lambda: initialized
        self.get_rank, self.get_world_size = lambda: 2, lambda: 4


@pytest.mark.parametrize(
    ("module", "place"),
    [
        (_Distributed(), (2, 4)),
        (_Distributed(available=False), (1, 3)),
        (_Distributed(initialized=False), (1, 3)),
        (None, (1, 3)),
    ],
)
def test_the_rank_is_that_of_the_group_else_of_the_launcher(
    module: Any, place: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where torch has a group."""
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setitem(sys.modules, "torch.distributed", module)
    assert process_rank.place() == place


def _configured(stops: Any) -> nn.Module:
    module = nn.Identity()
    module.config = SimpleNamespace(eos_token_id=stops)
    return module


@pytest.mark.parametrize(
    ("stops", "found"), [(3, {3}), ([3, 5], {3, 5}), ([3, None], {3}), (None, set()), (True, set()), ("3", set())]
)
def test_the_ids_that_end_a_text_are_those_of_the_configuration(stops: Any, found: set[int]) -> None:
    """Of the model or of one that it wraps; the first that names any."""
    assert declared_stops(_configured(stops)) == found
    assert declared_stops(nn.Sequential(nn.Linear(1, 1), _configured(stops))) == found
    assert declared_stops(nn.Sequential(_configured(stops), _configured(9))) == (found or {9})


def test_a_loss_is_brought_back_from_its_scale() -> None:
    """The scaled one is known; gradients are multiplied with the inverse until they are unscaled."""
    scale, loss, scaled, reading = LossScale(), torch.tensor(2.0), torch.tensor(8.0), Reading([4.0])
    scale.begin(scaled, loss, reading)
    assert (scale.before(scaled) is loss, scale.before(loss) is loss, scale.unscaled) == (True, True, False)
    before = scale.unscaling()
    scale.unscaled = True
    assert (before(), scale.unscaling()()) == (0.25, 1.0)
    assert scale.end() is reading
    assert scale.before(scaled) is scaled
    for values in ([], [0.0], None):
        scale.begin(scaled, loss, Reading(values))
        assert (scale.unscaled, scale.unscaling()()) == (False, 1.0)


def test_a_device_is_asked_in_the_first_steps_only() -> None:
    """The host always."""
    device = DeviceValues(lambda one: (one, lambda: True, lambda: None))
    assert [may_ask(device, step) for step in (0, 2, 3)] == [True, True, False]
    assert may_ask(HostValues(), 1000)


class Layers:
    """Notes what it is told; fails where it is to."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.leaves = lambda: self.told.append("leaves")

    def enters(self, module: Any) -> int:
        self.told.append(module)
        return 3

    def saw_layer(self, module: Any, output: Any) -> None:
        self.told.append((module, output))


def test_layers_are_told_under_the_names_of_their_handlers() -> None:
    """The observer is asked whether more is to be told; one that is off wants nothing."""
    asked: list[str] = []

    def guard(name: str, function: Any, *args: object) -> Any:
        asked.append(name)
        return function(*args)

    observer, module = Layers(), nn.Identity()
    guarded = GuardedLayers(observer, guard)  # type: ignore[arg-type]
    assert guarded.enters(module) is True
    guarded.leaves()
    guarded.saw_layer(module, 5)
    assert observer.told == [module, "leaves", (module, 5)]
    assert asked == ["activations.leaf", "activations.leaf", "activations.layer"]
    assert GuardedLayers(observer, lambda *_: None).enters(module) is False  # type: ignore[arg-type]


def _implicit(*parameters: torch.Tensor, optimizers: Any = ()) -> tuple[ImplicitSteps, Any]:
    held = [lambda one=one: one for one in parameters]
    objects = SimpleNamespace(alive_optimizers=lambda: list(optimizers))
    context = ByHand(objects=objects)
    context.step.models = [SimpleNamespace(references=[]), SimpleNamespace(references=held)]  # type: ignore[list-item]
    return ImplicitSteps(context), context  # type: ignore[arg-type]


def test_a_parameter_that_has_changed_since_its_backward_has_been_stepped() -> None:
    """By the latest optimizer that holds it; once."""
    bare, trained = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    trained.grad = torch.ones(2)
    kinds = [[bare], [trained], [bare, trained], [bare]]
    optimizers = [torch.optim.SGD(held, lr=0.1) for held in kinds]
    implicit, _ = _implicit(bare, trained, optimizers=optimizers)
    implicit.on_backward_ends()
    assert (implicit.has_changed(), implicit.changed_by()) == (False, None)
    with torch.no_grad():
        bare.add_(1)
    assert not implicit.has_changed()
    with torch.no_grad():
        trained.add_(1)
    assert implicit.has_changed()
    assert implicit.changed_by() == [optimizers[2]]
    assert (implicit.has_changed(), implicit.changed_by()) == (False, None)


def test_without_a_gradient_no_step_is_seen() -> None:
    """The parameter is chosen anew where the one before has none any more."""
    first, other = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    implicit, _ = _implicit(first, other)
    implicit.on_backward_ends()
    with torch.no_grad():
        first.add_(1)
    assert (implicit.has_changed(), implicit.changed_by()) == (False, None)
    first.grad, other.grad = torch.ones(2), torch.ones(2)
    implicit.on_backward_ends()
    first.grad = None
    implicit.on_backward_ends()
    with torch.no_grad():
        other.add_(1)
    assert implicit.has_changed()
    assert implicit.changed_by() == []


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Put a clock into the recorder's own; other threads do nothing."""
    clock = Time()
    monkeypatch.setattr(overhead, "clocks", clock)
    monkeypatch.setattr(background, "seconds", lambda: 0.0)
    return clock


class Booked:
    """A budget that notes what it is charged with."""

    def __init__(self) -> None:
        self.backed_off, self.booked = False, []

    def book(self, *given: Any) -> None:
        self.booked.append(given)

    def fact(self) -> dict[str, Any]:
        return {"held": self.backed_off}


def test_the_share_is_of_the_time_since_a_model_was_first_called(clock: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what other threads took since the recorder began; never more than all of it."""
    cost = Overhead(Booked(), len)  # type: ignore[arg-type]
    clock.now += 10
    cost.spend(1.0)
    assert cost.share() == 0.1
    cost.entered = clock.now
    cost.begin()
    cost.entered = clock.now = 114.0
    cost.begin()
    assert cost.share() == 0.25
    monkeypatch.setattr(background, "seconds", lambda: 1.0)
    assert cost.share() == 0.5
    cost.spend(100.0)
    assert cost.share() == 1.0
    monkeypatch.setattr(background, "seconds", lambda: -1.0)
    cost.spent = 1.0
    assert cost.share() == 0.25


def test_a_pause_moves_the_beginning(clock: Time) -> None:
    """Of the recorder and, once a model was called, of the training."""
    cost = Overhead(Booked(), len)  # type: ignore[arg-type]
    cost.pause()
    clock.now += 5
    assert cost.resume() == 5
    assert (cost.started, cost._trains_from) == (105.0, 0.0)
    cost.entered = clock.now
    cost.begin()
    cost.pause()
    clock.now += 2
    assert cost.resume() == 2
    assert (cost.started, cost._trains_from) == (107.0, 107.0)
    cost.leave_out(3.0)
    assert cost.entered == 108.0


def test_a_step_is_charged_with_what_it_cost_since_the_one_before(clock: Time) -> None:
    """Without its wait; that samples are held back is told once."""
    told: list[Any] = []
    budget = Booked()
    cost = Overhead(budget, told.append)  # type: ignore[arg-type]
    cost.spent, cost.entered, clock.now = 1.0, 100.0, 100.5
    cost.book(Step(3, 90.0, sample_layers=True, fields={"wait": 2.0}), 100.0)
    cost.entered, clock.now = 101.0, 101.25
    cost.book(Step(4, 100.0, sample_gradients=True), 101.0)
    cost.spent = 4.0
    cost.skip()
    cost.entered = clock.now
    cost.book(Step(5, 101.0), 102.0)
    assert budget.booked == [(3, 8.0, 1.5, False, True), (4, 1.0, -0.25, True, False), (5, 1.0, 0.0, False, False)]
    assert told == []
    budget.backed_off = True
    for _ in range(2):
        cost.book(Step(6, 102.0), 103.0)
    assert told == [{"share": 1.0, "held": True}]


def test_blocks_of_a_deep_model_follow_each_other() -> None:
    """From the second sample on, where all of it is too dear; the last one is shorter, then it begins anew."""
    allowed = [0.5]
    rotation = Rotation(lambda: allowed[0])
    assert rotation.begin(0, 300) == (0, 300, 300)
    assert [rotation.enough(0, rows, seconds) for rows, seconds in ((127, 9.0), (128, 0.5), (128, 0.6))] == [
        False,
        False,
        True,
    ]
    rotation.end(0, (0, 150, 300), 3.0)
    assert not rotation.enough(0, 300, 9.0)
    assert rotation.begin(0, 300) == (128, 256, 300)
    rotation.end(0, (128, 256, 300), 2.56)
    assert rotation.begin(0, 300) == (256, 300, 300)
    rotation.end(0, (256, 300, 300), 0.88)
    assert rotation.begin(0, 300) == (0, 128, 300)
    assert rotation.begin(0, 128) == (0, 128, 128)
    rotation.end(0, (0, 128, 300), 2.56)
    assert rotation.begin(0, 120) == (0, 120, 120)
    assert rotation.begin(0, 129) == (128, 129, 129)
    allowed[0] = 6.0
    assert rotation.begin(0, 300) == (0, 300, 300)
    allowed[0] = 0.5
    rotation.forget(0)
    assert rotation.begin(0, 300) == (0, 300, 300)
    rotation.end(1, (0, 100, 100), 9.0)
    assert rotation.begin(1, 300) == (0, 300, 300)
    assert (is_part((0, 3, 3)), is_part((0, 2, 3)), is_part((1, 3, 3))) == (False, True, True)


def _series(*rounds: tuple[float, float, float]) -> bool:
    series = _Series()
    return [series.add(*numbers) for numbers in rounds][-1]


@pytest.mark.parametrize(
    ("rounds", "found"),
    [
        ([(2.0, 1.0, 5.0), (4.0, 2.0, 5.0), (6.0, 3.0, 5.0), (8.0, 4.0, 5.0)], True),
        ([(2.0, 1.0, 5.0), (4.0, 2.0, 5.0), (6.0, 3.0, 5.0)], False),
        ([(-2.0, 1.0, 5.0), (-4.0, 2.0, 5.0), (-6.0, 3.0, 5.0), (-8.0, 4.0, 5.0)], True),
        ([(2.0, 1.0, 5.0), (4.0, 2.0, 5.0), (6.0, 3.0, 5.0), (8.1, 4.0, 5.0)], False),
        ([(2.0, 1.0, 5.0), (2.0, 1.0, 5.0), (2.0, 1.0, 5.0), (2.0, 1.0, 5.0)], False),
        ([(2.0, 0.0, 5.0), (4.0, 2.0, 5.0), (6.0, 3.0, 5.0), (8.0, 4.0, 5.0), (2.0, 1.0, 5.0)], False),
        ([(1e-5, 1.0, 5.0), (4.0, 2.0, 5.0), (6.0, 3.0, 5.0), (8.0, 4.0, 5.0), (2.0, 1.0, 5.0)], False),
        ([(0.02, 0.01, 300.0), (4.0, 2.0, 5.0), (6.0, 3.0, 5.0), (8.0, 4.0, 5.0), (2.0, 1.0, 5.0)], False),
    ],
)
def test_the_rest_of_a_total_is_the_same_multiple_of_a_loss(rounds: Any, *, found: bool) -> None:
    """Four times, of one that moves; once refuted it stays so."""
    assert _series(*rounds) is found


@pytest.mark.parametrize(
    ("rests", "total", "found"),
    [
        ([1.0, 1.1, 1.2, 1.3], 5.0, True),
        ([-1.0, -1.1, -1.2, -1.3], 5.0, True),
        ([1.0, 1.1, 1.2], 5.0, False),
        ([1.0, 1.1, 1.2, 1.2], 5.0, False),
        ([1.0, 1.1, -1.2, 1.3, 1.4], 5.0, False),
        ([1.0, 1.1, 0.2, 1.3, 1.4], 5.0, False),
        ([1.0, 1.001, 1.002, 1.003], 5.0, False),
        ([0.0, 1.1, 1.2, 1.3, 1.4], 0.0, False),
    ],
)
def test_a_rest_that_no_call_explains_moves_and_is_of_one_sign(
    rests: list[float], total: float, *, found: bool
) -> None:
    """Noticeable in every step, and never the same."""
    rest = _Rest()
    assert [rest.add(value, total) for value in rests][-1] is found


def _part(number: int, value: float) -> Any:
    return SimpleNamespace(entry=SimpleNamespace(number=number), value=torch.tensor(value))


@pytest.mark.parametrize(
    ("values", "total", "lead"),
    [([1.0, 5.0], 5.2, 1), ([5.0, 1.0], 5.5, 0), ([1.0, 5.0], 5.6, 0), ([2.0, 5.0], 7.0, 0)],
)
def test_the_part_that_makes_up_nearly_all_of_a_sum_leads(values: list[float], total: float, lead: int) -> None:
    """Within a tenth; else the first. What leads is told from then on."""
    whole: Any = SimpleNamespace(lead=None)
    parts = [_part(number + 7, value) for number, value in enumerate(values)]
    for _ in range(2):
        step = Step(0, 0.0)
        tell_part(whole, parts, torch.tensor(total), HostValues(), step)
        assert (whole.lead, step.fields) == (lead + 7, {"part": values[lead], "part_id": lead + 7})
    alone = Step(0, 0.0)
    tell_part(whole, [parts[1 - lead]], torch.tensor(total), HostValues(), alone)
    assert alone.fields == {}


def test_two_parts_of_one_call_lead_nothing() -> None:
    """As of mixup; a single part leads at once, one of several numbers never."""
    whole: Any = SimpleNamespace(lead=None)
    twins = [_part(7, 1.0), _part(7, 2.0)]
    twins[1].entry = twins[0].entry
    step = Step(0, 0.0)
    tell_part(whole, twins, torch.tensor(3.0), HostValues(), step)
    assert (whole.lead, step.fields) == (None, {})
    wide = _part(8, 1.0)
    wide.value = torch.ones(2)
    tell_part(whole, [wide], torch.tensor(3.0), HostValues(), step)
    assert (whole.lead, step.fields) == (None, {})
    tell_part(whole, [_part(9, 1.0), wide], torch.tensor(3.0), HostValues(), step)
    assert (whole.lead, step.fields) == (9, {"part": 1.0, "part_id": 9})


def _model(*parameters: torch.Tensor, roots: Any = ()) -> Any:
    return SimpleNamespace(parameters=list(parameters), roots=list(roots))


def test_a_model_is_known_by_its_first_and_last_matrix() -> None:
    """By what it has where it has none, and by running means."""
    bias, first, last = torch.ones(3), torch.eye(2), torch.eye(2) * 2
    assert [one.tolist() for one in weights_of(_model(bias, first, torch.zeros(0, 2), last, bias))] == [
        [1, 0, 0, 1], [2, 0, 0, 2],
    ]  # fmt: skip
    assert [one.tolist() for one in weights_of(_model(bias))] == [[1, 1, 1], [1, 1, 1]]
    assert weights_of(_model()) == []
    norms = nn.Sequential(nn.BatchNorm1d(1), nn.BatchNorm1d(1), nn.BatchNorm1d(1))
    for number, norm in enumerate(norms):
        norm.running_mean.fill_(number)  # type: ignore[operator, union-attr]
    assert [one.tolist() for one in statistics_of(_model(roots=[norms]))] == [[0], [2]]
    assert statistics_of(_model(roots=[nn.Linear(1, 1)])) == []


def test_samples_of_weights_are_compared() -> None:
    """To the last bit, or by how far they are apart; of other shapes they are neither."""
    ones, others = [torch.zeros(2), torch.zeros(1)], [torch.tensor([3.0, 0.0]), torch.tensor([4.0])]
    assert (alike(ones, ones), alike(ones, others), alike(ones, ones[:1])) == (True, False, False)
    assert (distance(ones, others), distance(ones, ones[:1]), distance([], [])) == (5.0, None, None)
    assert distance(ones, [torch.zeros(2), torch.zeros(2)]) is None
    assert alike([], [])
