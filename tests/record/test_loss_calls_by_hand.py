"""What a call of a loss function says: right answers, labels that count, divisors, multiples, shapes and counts."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainadvisor.record.losses import loss_arguments, loss_calls
from trainadvisor.record.losses.loss_arguments import LossArguments
from trainadvisor.record.losses.loss_calls import LossCall
from trainadvisor.record.objects.known_tensor import KnownTensor
from trainadvisor.record.probes.term_gradients import LossTermsProbe, _Round, _Share

SCORES = torch.tensor([[2.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
CLASSES = torch.tensor([0, 0, -100])
ONE = SCORES[:, 0] - 1.5


def _call(
    kind: str, prediction: torch.Tensor, target: Any, value: torch.Tensor | None = None, reduction: str = "mean"
) -> LossCall:
    entry: Any = SimpleNamespace(kind=kind, fact={"ignore_index": -100, "reduction": reduction})
    return LossCall(entry, prediction, target, True, None, torch.zeros(()) if value is None else value, 1)  # noqa: FBT003


@pytest.mark.parametrize(
    ("kind", "prediction", "target", "hits"),
    [
        ("cross_entropy", SCORES, CLASSES, [1, 2]),
        ("cross_entropy", SCORES[0], torch.tensor(0), [1, 1]),
        ("cross_entropy", SCORES.T[None], torch.tensor([[0, 1, -100]]), [2, 2]),
        ("cross_entropy", SCORES, SCORES, None),
        ("cross_entropy", SCORES, CLASSES[:, None], None),
        ("cross_entropy", SCORES, 3, None),
        ("mse_loss", SCORES, SCORES, None),
        ("binary_cross_entropy_with_logits", ONE, torch.tensor([1.0, 1.0, 0.0]), [1, 3]),
        ("binary_cross_entropy_with_logits", ONE[:, None], torch.tensor([[1.0], [1.0], [0.0]]), [1, 3]),
        ("binary_cross_entropy", torch.tensor([0.6, 0.4]), torch.tensor([1.0, 1.0]), [1, 2]),
        ("binary_cross_entropy", torch.tensor([0.6, 0.5]), torch.tensor([1.0, 0.5]), [2, 2]),
        ("binary_cross_entropy", torch.tensor(0.6), torch.tensor(1.0), [1, 1]),
        ("binary_cross_entropy_with_logits", SCORES, SCORES, None),
        ("binary_cross_entropy_with_logits", ONE, torch.ones(2), None),
        ("binary_cross_entropy_with_logits", ONE[:, None, None], torch.ones(3, 1, 1), None),
    ],
)
def test_right_answers_are_counted_where_there_is_one_an_example(
    kind: str, prediction: torch.Tensor, target: Any, hits: list[float] | None
) -> None:
    """Of classes and of yes or no."""
    found = loss_calls.hits(_call(kind, prediction, target))
    assert (None if found is None else found.tolist()) == hits


@pytest.mark.parametrize(("target", "fields"), [(CLASSES, {"accuracy": 0.5}), (CLASSES * 0 - 100, {}), (SCORES, {})])
def test_the_accuracy_of_a_step_is_that_of_labels_that_count(target: torch.Tensor, fields: dict[str, float]) -> None:
    """Without any there is none."""
    found: dict[str, Any] = {}

    def read(tensor: torch.Tensor) -> Any:
        return tensor.tolist()

    loss_calls.read_accuracy(_call("cross_entropy", SCORES, target), read, lambda values, then: then(values), found)
    assert found == fields


@pytest.mark.parametrize(
    ("kind", "prediction", "target", "count"),
    [
        ("cross_entropy", SCORES, CLASSES, 2.0),
        ("cross_entropy", SCORES, SCORES, 3.0),
        ("cross_entropy", SCORES, None, 3.0),
        ("mse_loss", SCORES, SCORES, 3.0),
        ("mse_loss", torch.tensor(1.0), torch.tensor(1.0), 1.0),
    ],
)
def test_a_sum_adds_up_the_labels_that_count_else_the_rows(
    kind: str, prediction: torch.Tensor, target: Any, count: float
) -> None:
    """One where there is no row."""
    assert loss_calls.terms(_call(kind, prediction, target)).item() == count


@pytest.mark.parametrize(("divided", "divisor"), [(2.0, 4.0), (0.0, None), (3.0, 2.66667)])
def test_the_divisor_of_a_sum_is_its_quotient(divided: float, divisor: float | None) -> None:
    """To six digits."""
    call = _call("cross_entropy", SCORES, CLASSES, torch.tensor(8.0), "sum")
    loss_calls.find_divisor(call, torch.tensor(divided), lambda one: one.tolist(), lambda values, then: then(values))  # type: ignore[arg-type, return-value]
    assert call.entry.fact["divisor"] == divisor


LEAF = torch.tensor(3.0, requires_grad=True)
VALUE = LEAF * 2
OTHER = LEAF.exp()


@pytest.mark.parametrize(
    ("tensor", "value", "scaled"),
    [
        (VALUE / 2, VALUE, True),
        (VALUE * 2 / 3, VALUE, True),
        (VALUE / 2 / 2 / 2 / 2, VALUE, True),
        (VALUE / 2 / 2 / 2 / 2 / 2, VALUE, False),
        (VALUE, VALUE, False),
        (VALUE + 0, VALUE, False),
        (VALUE * OTHER, VALUE, False),
        (OTHER / 2, VALUE, False),
        ((VALUE / 2)[None], VALUE, False),
        (torch.nn.Parameter(torch.tensor(1.0)), VALUE, False),
        (torch.tensor(1.0), VALUE, False),
        (3.0, VALUE, False),
    ],
)
def test_a_multiple_is_made_by_dividing_and_multiplying_alone(tensor: Any, value: Any, *, scaled: bool) -> None:
    """Up to four times."""
    assert loss_calls.is_scaled(tensor, value) is scaled


def test_a_root_has_a_value_where_it_is_one_number_with_a_graph() -> None:
    """Of this process."""
    for tensor, has in (
        (VALUE, True),
        (VALUE[None], True),
        (LEAF, False),
        (VALUE.expand(2), False),
        (VALUE.to("meta"), False),
    ):
        assert loss_calls.has_value(tensor) is has
    kind = type("DTensor", (torch.Tensor,), {"to_local": None})
    assert loss_calls.has_value(VALUE.as_subclass(kind)) is False


@pytest.mark.parametrize(
    ("change", "mean", "number"),
    [
        ({}, True, True),
        ({"training": False}, False, False),
        ({"reduction": "sum"}, False, True),
        ({"reduction": "none"}, False, False),
        ({"kind": "mse_loss", "reduction": "sum"}, False, False),
        ({"kind": "mse_loss"}, True, True),
    ],
)
def test_a_loss_is_followed_as_a_mean_or_as_a_number(change: dict[str, Any], *, mean: bool, number: bool) -> None:
    """In training; of a sum of labels only its quotient."""
    call = _call(change.get("kind", "cross_entropy"), SCORES, CLASSES, VALUE, change.get("reduction", "mean"))
    call.training = change.get("training", True)
    assert loss_calls.is_plain_mean(call, VALUE) is mean
    assert loss_calls.is_plain_mean(call, OTHER) is False
    assert loss_calls.is_scaled_number(call, OTHER) is number
    assert loss_calls.is_scaled_number(call, OTHER[None]) is False
    call.value = VALUE[None]
    assert loss_calls.is_plain_mean(call, VALUE[None]) is False
    assert loss_calls.is_scaled_number(call, OTHER) is False
    call.value = LEAF.detach()
    assert loss_calls.is_plain_mean(call, call.value) is False


def test_a_held_call_lets_its_graph_go() -> None:
    """With a mark in it, and the labels of a sum counted."""
    value = LEAF * 5
    call = _call("cross_entropy", SCORES, CLASSES, value, "sum")
    call.held, call.labels, call.serial = True, CLASSES, 7
    assert call.gave(value)
    call.let_go()
    assert (call.held, call.value.grad_fn, call.labels, call.terms) == (False, None, None, torch.tensor(2.0))
    assert isinstance(call.result, KnownTensor)
    assert (call.gave(value), call.gave(call.value)) == (True, False)
    assert value.grad_fn is not None
    assert value.grad_fn.metadata[loss_calls.MARK] == 7
    before = call.result
    call.let_go()
    assert call.result is before


@pytest.mark.parametrize(
    ("kind", "prediction", "target", "shapes"),
    [
        ("cross_entropy", (2, 3), (2,), [(2, 3), (2,)]),
        ("cross_entropy", (3,), (), [(1, 3), (1,)]),
        ("cross_entropy", (3,), (3,), [(1, 3), (1, 3)]),
        ("cross_entropy", (3,), None, [(1, 3), None]),
        ("cross_entropy", (3,), (2, 3), [(1, 3), (2, 3)]),
        ("mse_loss", (3,), (3,), [(3,), (3,)]),
        ("mse_loss", (), (), [(1,), (1,)]),
        ("mse_loss", (), (3,), [(1,), (3,)]),
    ],
)
def test_a_single_example_is_a_batch_of_one(kind: str, prediction: Any, target: Any, shapes: Any) -> None:
    """Where it has no axis for examples."""
    given = None if target is None else torch.zeros(target)
    found = loss_arguments.batched(kind, torch.zeros(prediction), given)
    assert [None if one is None else tuple(one.shape) for one in found] == shapes


@pytest.mark.parametrize(
    ("kind", "target", "classes", "counts"),
    [
        ("cross_entropy", torch.tensor([0, 2, 2, -100, 5]), 3, [1.0, 0.0, 2.0]),
        ("cross_entropy", torch.tensor([0] * 3000 + [2, -100, 5]), 3, [3000.0, 0.0, 1.0]),
        ("cross_entropy", torch.tensor([[0.25, 0.75], [1.0, 0.0]]), 2, [1.25, 0.75]),
        ("cross_entropy", torch.tensor([0.5, 0.5]), 2, None),
        ("cross_entropy", torch.tensor([0, 0]), 1, None),
        ("binary_cross_entropy", torch.tensor([0.0, 0.5, 0.6, 1.0]), 0, [2.0, 2.0]),
        ("mse_loss", torch.tensor([0, 1]), 3, None),
    ],
)
def test_labels_of_a_batch_are_counted_by_class(kind: str, target: Any, classes: int, counts: Any) -> None:
    """Few and many alike; shares add up."""
    found = loss_arguments._counts(kind, target, classes, -100)
    assert (found.tolist() if isinstance(found, torch.Tensor) else found) == counts


@pytest.mark.parametrize(
    ("counts", "batch", "expected"),
    [
        ([1.0, 1.0], 1, 0.0),
        ([1.0, 1.0], 2, 0.5 * math.log(2)),
        ([4.0, 0.0], 8, 0.0),
        ([0.0, 0.0], 8, 0.0),
        ([1.0, 1.0], 0, math.log(2)),
        ([1.0, 1.0], 40_000, math.log(2) - 1 / 80_000),
        ([1.0, 3.0], 25_000, None),
    ],
)
def test_the_entropy_of_a_batch_is_below_that_of_the_labels(
    counts: list[float], batch: int, expected: float | None
) -> None:
    """By what chance takes away; of large batches by the usual correction, which agrees where both are used."""
    if expected is None:
        corrected = loss_arguments.entropy(counts) - 1 / (2 * batch)
        assert loss_arguments.expected_entropy(counts, batch) == pytest.approx(corrected, abs=1e-9)
    else:
        assert loss_arguments.expected_entropy(counts, batch) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("prediction", "target", "told"),
    [
        ((4,), (4, 1), [[4], [4, 1]]),
        ((4, 1), (4,), [[4, 1], [4]]),
        ((4, 1), (4, 1), None),
        ((4, 2), (8,), None),
        ((4, 1, 1), (4, 1), [[4, 1, 1], [4, 1]]),
        ((1, 4), (4,), None),
        ((4,), (3,), [[4], [3]]),
    ],
)
def test_shapes_that_grow_are_told(prediction: Any, target: Any, told: Any) -> None:
    """Of as many numbers where they spread to more, and of other numbers."""
    arguments = LossArguments("mse_loss")
    arguments.add(
        torch.zeros(prediction), torch.zeros(target), -100, lambda one: one.reshape(-1).tolist(),  # type: ignore[arg-type, return-value]
        lambda values, then: then(values),  # type: ignore[arg-type]
    )  # fmt: skip
    assert arguments.fact()["broadcast"] == told
    assert arguments.fact()["target"]["live"] is False


def _terms_probe(step: int) -> LossTermsProbe:
    return LossTermsProbe(SimpleNamespace(step_number=step))  # type: ignore[arg-type]


def test_six_backwards_of_each_loss_are_looked_at_in_the_first_sixty_steps() -> None:
    """And those of some later steps."""
    probe = _terms_probe(3)
    assert [probe._is_due(1) for _ in range(8)] == [True] * 6 + [False] * 2
    assert probe._is_due(2)
    for step, due in ((59, True), (60, False), (100, True), (150, False), (200, True)):
        assert _terms_probe(step)._is_due(1) is due
    probe._context.step_number = 10  # type: ignore[attr-defined, misc]
    assert probe._is_due(1)


@pytest.mark.parametrize(
    ("shares", "step", "settled"),
    [
        ([], 3, True),
        ([_Share("a", None, {1}, used=True), _Share("b", None, set())], 3, True),
        ([_Share("a", None, {1})], 8, False),
        ([_Share("a", None, {1}), _Share("b", None, set())], 8, False),
        ([_Share("a", None, {1})], 9, True),
    ],
)
def test_terms_are_settled_once_each_was_used_or_lost(shares: list[_Share], step: int, *, settled: bool) -> None:
    """Or after five steps."""
    assert _Round(3, shares).settled(step) is settled
