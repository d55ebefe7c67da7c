"""What nodes of a graph have computed, and which places of a sequence its rows are of: read off graphs of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trainadvisor.record.losses import loss_region, masked_rows, node_values, row_places
from trainadvisor.record.losses.loss_terms import reach, take_apart
from trainadvisor.record.losses.mixed_reductions import mixed
from trainadvisor.record.losses.sequence_graph import shape_of
from trainadvisor.record.losses.shared_divisor import shares_divisor
from trainadvisor.record.losses.signed_terms import signed_terms
from trainadvisor.record.losses.step_lookups import read_in_steps
from trainadvisor.record.losses.whole_graph import WholeGraph

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = nn.Linear(3, 4)
INPUTS = torch.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "made",
    [
        lambda out: out,
        lambda out: out.exp(),
        lambda out: out.softmax(1),
        lambda out: out.log_softmax(0),
        lambda out: out.sigmoid(),
        lambda out: out.tanh(),
        lambda out: out.relu(),
        lambda out: out.view(4, 2),
        lambda out: out.reshape(8),
        lambda out: out.unsqueeze(1),
        lambda out: out.unsqueeze(1).squeeze(1),
        lambda out: out[:, 1],
        lambda out: out[:, -1],
        lambda out: out[1],
        lambda out: out.exp()[:, 2].view(2, 1),
    ],
)
def test_a_value_is_computed_from_what_the_graph_has_kept(made: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """A head's outputs, a saved result, a view or a column of them."""
    value = made(HEAD(INPUTS))
    found = node_values.value_of(value.grad_fn)
    assert found is not None
    torch.testing.assert_close(found, value.detach(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "made",
    [
        lambda out: out * 2,
        lambda out: (out * 2)[:, 1],
        lambda out: out.sum(1),
        lambda out: torch.addmm(out, torch.ones(2, 2), out),
        lambda _: torch.addmm(HEAD.bias, INPUTS, INPUTS.t() @ HEAD.weight.t()[:2]),
        lambda _: nn.Parameter(torch.ones(2, 3))[0],
    ],
)
def test_a_value_of_anything_else_is_not_known(made: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Nor of a product whose bias or weight is computed."""
    assert node_values.value_of(made(HEAD(INPUTS)).grad_fn) is None


def test_a_value_that_the_backward_has_freed_is_gone() -> None:
    """Of a head, and of a result."""
    for made in (lambda out: out, lambda out: out.exp()):
        out = made(HEAD(INPUTS.clone().requires_grad_()))
        out.sum().backward()
        assert node_values.value_of(out.grad_fn) is None


LOGITS = nn.Linear(4, 5)
KEEP = torch.tensor([[True, False, True], [False, True, True]])


@pytest.mark.parametrize(
    ("made", "places"),
    [
        (lambda out: out, [[0, 1, 2], [3, 4, 5]]),
        (lambda out: out[:, 1:], [[1, 2], [4, 5]]),
        (lambda out: out[:, :-1], [[0, 1], [3, 4]]),
        (lambda out: out[:, ::2], [[0, 2], [3, 5]]),
        (lambda out: out[1:, 1:], [[4, 5]]),
        (lambda out: out[:, 1:].reshape(-1, 5), [1, 2, 4, 5]),
        (lambda out: out[:, 1:].transpose(1, 2), [[1, 2], [4, 5]]),
        (lambda out: out[:, 1:].permute(0, 2, 1), [[1, 2], [4, 5]]),
        (lambda out: out[:, 1:].permute(0, -1, -2), [[1, 2], [4, 5]]),
        (lambda out: out[:, 1:].transpose(0, 1), [[1, 4], [2, 5]]),
        (lambda out: out[:, -1], [2, 5]),
        (lambda out: out[1], [3, 4, 5]),
        (lambda out: out[:, 1:][1].log_softmax(-1) / 2, [4, 5]),
        (lambda out: out[KEEP], [0, 2, 4, 5]),
        (lambda out: out[:, 1:, :5], [[1, 2], [4, 5]]),
        (lambda out: out[:, 1:, :4], None),
        (lambda out: out[:, 1:].unsqueeze(0), [[[1, 2], [4, 5]]]),
        (lambda out: out[:, 1:, 0], None),
        (lambda out: out.sum(1), None),
        (lambda out: out[:, 1:] + out[:, :-1], None),
    ],
)
def test_each_row_of_a_prediction_is_of_a_place(made: Any, places: Any) -> None:
    """Numbered row by row; none where more was done than to view, cut, move and scale."""
    prediction = made(LOGITS(torch.randn(2, 3, 4)))
    found = row_places.places_of(row_places.head_of(prediction), 2, 3)
    assert (None if found is None else found.tolist()) == places


@pytest.mark.parametrize(
    ("shape", "places"),
    [
        ([2, 3, 5], [[[0], [1], [2]], [[3], [4], [5]]]),
        ([3, 2, 5], [[[0], [3]], [[1], [4]], [[2], [5]]]),
        ([2, 5, 3], [[[0, 1, 2]], [[3, 4, 5]]]),
        ([6, 5], [[0], [1], [2], [3], [4], [5]]),
        ([5, 6], None),
        ([6, 5, 1], None),
        ([6], None),
    ],
)
def test_the_shape_of_a_head_shows_where_the_places_lie(shape: list[int], places: Any) -> None:
    """Rows first, time first, or classes between; both in one."""
    found = row_places._start(shape, 2, 3)
    assert (None if found is None else found.index.tolist()) == places
    if found is not None:
        assert (found.axis, found.classes) == (found.index.ndim - 1 if shape[-1] == 5 else 1, 5)


def test_a_head_ends_where_more_than_views_begins() -> None:
    """Forty operations of it are followed."""
    out = LOGITS(torch.randn(2, 3, 4))
    assert [loss_region.bare(node) for node in row_places.head_of(out[:, 1:].exp()[:, 1:])] == ["Slice", "Exp"]
    for _ in range(50):
        out = out / 2
    assert len(row_places.head_of(out)) == 40
    assert shape_of(row_places.head_of(out)[0]) == [2, 3, 5]


SCORES = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
MASK = torch.tensor([[True, True], [True, False], [True, True]])
HIDE = torch.zeros(3, 2).masked_fill(MASK, -torch.inf)


def _scores() -> torch.Tensor:
    return SCORES.clone().requires_grad_() * 1.0


@pytest.mark.parametrize(
    ("made", "rows"),
    [
        (lambda: _scores().masked_fill(MASK, -torch.inf).softmax(1), 2),
        (lambda: _scores().masked_fill(MASK, -torch.inf).softmax(-1).mean(), 2),
        (lambda: (_scores() + HIDE).softmax(1), 2),
        (lambda: torch.where(MASK, -torch.inf, _scores()).softmax(1) * 2, 2),
        (lambda: (_scores() + torch.full((3, 2), -torch.inf)).softmax(1), 0),
        (lambda: (_scores() * torch.tensor([[torch.nan], [1], [1]])).softmax(1), 0),
        (lambda: (_scores() * torch.nan).masked_fill(~MASK, 0).softmax(1), 2 - 2),
        (lambda: _scores().masked_fill(~MASK, -torch.inf).softmax(1), 0),
        (lambda: _scores().exp(), 0),
        (lambda: (SCORES.clone().requires_grad_() + 0).softmax(1), 0),
        (lambda: nn.Parameter(HIDE).softmax(1), 0),
    ],
)
def test_rows_of_which_everything_is_masked_are_counted(made: Any, rows: int) -> None:
    """By a mask that is kept, or by an added one where others are sound; other causes of NaN are no mask."""
    assert masked_rows.masked_rows(made().grad_fn) == rows


def _decoded(*, teacher: bool, steps: int = 3, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the joined answers of a decoder and its ids, looked up one step at a time or all before."""
    torch.manual_seed(0)
    table, ids = nn.Embedding(9, 4), torch.arange(steps * batch).reshape(batch, steps)
    looked = [table(ids[:, step]) for step in range(steps)] if teacher else None
    state, answers = torch.zeros(batch, 4), []
    for step in range(steps):
        state = torch.tanh(state + (looked[step] if looked else table(ids[:, step])))
        answers.append(state.exp())
    return torch.stack(answers, 1), ids


def test_ids_that_are_looked_up_step_by_step_are_put_together() -> None:
    """Rows by steps."""
    answer, ids = _decoded(teacher=False)
    assert [found.tolist() for found in read_in_steps(WholeGraph(answer.grad_fn).nodes)] == [ids.tolist()]
    single, ids = _decoded(teacher=False, batch=1)
    assert [found.tolist() for found in read_in_steps(WholeGraph(single.grad_fn).nodes)] == [ids.tolist()]


def test_ids_that_are_looked_up_before_the_answers_are_not_read_in_steps() -> None:
    """Nor two of them."""
    for answer, _ in (_decoded(teacher=True), _decoded(teacher=False, steps=2)):
        assert read_in_steps(WholeGraph(answer.grad_fn).nodes) == []


@pytest.mark.parametrize(
    ("fact", "micro", "shared"),
    [
        ({"divisor": 40, "terms": 10}, 4, True),
        ({"divisor": 24, "terms": 10}, 4, True),
        ({"divisor": 23, "terms": 10}, 4, False),
        ({"divisor": 64, "terms": 10}, 4, True),
        ({"divisor": 65, "terms": 10}, 4, False),
        ({"divisor": 10, "terms": 10}, 4, False),
        ({"divisor": 20, "terms": 10}, 2, True),
        ({"divisor": 10, "terms": 10}, 1, False),
        ({"divisor": 0, "terms": 10}, 4, False),
        ({"divisor": 40, "terms": 0}, 4, False),
        ({"terms": 10}, 4, False),
        ({"divisor": 40}, 4, False),
    ],
)
def test_a_divisor_is_shared_where_it_counts_the_terms_of_all_micro_batches(
    fact: dict[str, Any], micro: int, *, shared: bool
) -> None:
    """From 0.6 to 1.6 times as many; then the fact says so."""
    before = dict(fact)
    assert shares_divisor(fact, micro) is shared
    assert fact == (before | {"divided_in": micro} if shared else before)


A, B = nn.Parameter(torch.ones(3)), nn.Parameter(torch.full((3,), 2.0))


@pytest.mark.parametrize(
    ("made", "weights"),
    [
        (lambda: A.sum() + B.sum(), [1.0, 1.0]),
        (lambda: A.sum() - B.sum(), [-1.0, 1.0]),
        (lambda: 3 * A.sum() - B.sum() / 4, [-0.25, 3.0]),
        (lambda: -(A.sum() * 2 - 0.5 * B.sum()), [-2.0, 0.5]),
        (lambda: 1 - A.sum(), [-1.0]),
        (lambda: (A + B).mean().view(1).squeeze(), [1.0, 1.0]),
        (lambda: A.sum() * B.sum(), [1.0]),
        (lambda: A.sum() / torch.tensor(2.0), [0.5]),
    ],
)
def test_terms_have_the_numbers_that_they_are_weighted_with(made: Any, weights: list[float]) -> None:
    """With their signs; of a product of two one is taken."""
    found = list(signed_terms(made().grad_fn, lambda _: False))
    assert sorted(weight for _, weight in found) == weights


def _factors(made: torch.Tensor) -> list[float]:
    return sorted(float(term.scaled(torch.ones(()))) for term in take_apart(made.grad_fn).terms)


@pytest.mark.parametrize(
    ("made", "factors", "constant"),
    [
        (lambda: A.sum() * 1, [1.0], False),
        (lambda: A.sum() - B.sum(), [-1.0, 1.0], False),
        (lambda: 2 * A.sum() + B.sum() / 4, [0.25, 2.0], False),
        (lambda: -(3 * A.sum() - B.sum()).view([]), [-3.0, 1.0], False),
        (lambda: A.sum() + torch.tensor(5.0), [1.0], True),
        (lambda: (A.sum() + B.sum()) / torch.tensor(4.0), [0.25, 0.25], False),
    ],
)
def test_a_loss_is_the_weighted_sum_of_its_terms(made: Any, factors: list[float], *, constant: bool) -> None:
    """A number that is added has no gradient."""
    total = made()
    assert _factors(total) == factors
    assert take_apart(total.grad_fn).constant is constant


def test_twelve_terms_are_told_apart() -> None:
    """What is left is one more."""
    for count, told in ((11, 11), (13, 13), (14, 13), (20, 13)):
        total = A.sum()
        for _ in range(count - 1):
            total = total + B.sum()
        assert len(take_apart(total.grad_fn).terms) == told


def test_a_gradient_does_not_pass_a_step_in_value() -> None:
    """It reaches the parameters before others, of both factors."""
    assert reach((A.round() + B).sum().grad_fn).tensors.keys() == {id(B)}
    found = reach((A * B).sum().grad_fn)
    assert (found.tensors.keys(), found.opaque) == ({id(A), id(B)}, False)
    assert not reach(A.round().sum().grad_fn).tensors


ROWS = nn.Linear(3, 2)(torch.ones(8, 3))


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: F.mse_loss(ROWS, torch.zeros(8, 2)) + ROWS.exp().sum(), (0, 1, 8, 8.0, 1)),
        (lambda: ROWS.exp().sum() + F.mse_loss(ROWS, torch.zeros(8, 2)), (1, 0, 8, 8.0, 1)),
        (lambda: 4 * ROWS.mean() + 0.5 * ROWS.exp().sum(), (0, 1, 8, 1.0, 1)),
        (lambda: ROWS.mean() - ROWS.exp().sum() / 8, (0, 1, 8, 1.0, 1)),
        (lambda: ROWS.mean() + ROWS.exp().mean(), None),
        (lambda: ROWS.sum() + ROWS.exp().sum(), None),
        (lambda: ROWS.mean() + ROWS[:4].exp().sum(), None),
        (lambda: ROWS.mean() + A.pow(2).sum(), None),
        (lambda: ROWS.mean() + (ROWS.exp().sum(1) / 2).mean(), (0, 1, 8, 2.0, 2)),
        (lambda: F.cross_entropy(ROWS, torch.zeros(8).long()) + ROWS.sum() * 2, (0, 1, 8, 16.0, 1)),
    ],
)
def test_a_mean_beside_a_sum_weighs_examples_unevenly(made: Any, told: Any) -> None:
    """So many times as much, with the factors of both; alike where both are reduced alike, or of weights alone."""
    terms = take_apart(made().grad_fn).terms
    found = mixed(terms)
    if told is None:
        assert found is None
        return
    averaged, summed, examples, times, values = told
    assert found is not None
    assert (found.averaged, found.summed, found.examples, found.values) == (averaged, summed, examples, values)
    assert found.times == pytest.approx(times)
