"""Many short trainings in one process are distinguished from one training, whatever its phases and optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import event, log_of, make_loss, make_optimizer

from trainadvisor.log import training_views
from trainadvisor.log.short_trainings import Trainings, many_short

if TYPE_CHECKING:
    from pathlib import Path


def _found(tmp_path: Path, turns: list[list[int]], *, shared: bool = False) -> Trainings | None:
    """Return what is found where optimizers step in this order, each with a parameter of its own or all with one."""
    numbers = sorted({number for used in turns for number in used})
    optimizers = [make_optimizer(id=number, parameters=[0 if shared else number]) for number in numbers]
    return many_short(log_of(tmp_path, steps=[{"opt": used} for used in turns], optimizers=optimizers))


def _one_after_another(count: int, steps: int) -> list[list[int]]:
    return [[number] for number in range(count) for _ in range(steps)]


@pytest.mark.parametrize(("count", "steps"), [(5, 60), (20, 30), (40, 1), (3000, 2)])
def test_short_trainings_one_after_another_are_counted(tmp_path: Path, count: int, steps: int) -> None:
    """Folds, a search, tests that step once, and more of them than the steps of each are counted of."""
    assert _found(tmp_path, _one_after_another(count, steps)) == Trainings(count, steps)


def test_inner_loops_are_counted_around_the_steps_of_an_outer_optimizer(tmp_path: Path) -> None:
    """Meta-learning: five steps of a clone, then one of the model that is learned."""
    turns = [used for task in range(1, 151) for used in [*[[task]] * 5, [0]]]
    assert _found(tmp_path, turns) == Trainings(150, 5)


@pytest.mark.parametrize(
    ("turns", "shared"),
    [
        ([[0]] * 300, False),
        (_one_after_another(5, 101), False),
        (_one_after_another(4, 60), False),
        (_one_after_another(20, 30), True),
        ([[k % 2] for k in range(400)], False),
        ([*_one_after_another(6, 20), *[[6]] * 130], False),
        ([], False),
    ],
    ids=["one", "phases of full size", "few", "one model's", "opponents", "mostly one", "no step"],
)
def test_other_trainings_are_judged_as_one(tmp_path: Path, turns: Any, *, shared: bool) -> None:
    """One model that gets another optimizer every epoch is one training, and so is what mostly is one."""
    assert _found(tmp_path, turns, shared=shared) is None


def _kinds_of_phases(tmp_path: Path, *, auxiliary: int | None) -> list[list[str]]:
    """Return the losses of teacher and student; an auxiliary loss is first called at a step and never minimized."""
    steps = [{"opt": [0], "loss_id": 0}] * 200 + [{"opt": [1], "loss_id": 1}] * 200
    later = [event("loss", make_loss("kl_div") | {"id": 1}, step=200)]
    later += [] if auxiliary is None else [event("loss", make_loss("mse_loss") | {"id": 2}, step=auxiliary)]
    log = log_of(
        tmp_path,
        steps=steps,
        losses=[make_loss("cross_entropy") | {"id": 0}],
        optimizers=[make_optimizer(id=0, parameters=[0]), make_optimizer(id=1, parameters=[1])],
        events=later,
    )
    return [[loss["kind"] for loss in view.losses] for view in training_views.trainings(log)]


def test_a_training_has_its_own_losses(tmp_path: Path) -> None:
    """The student's divergence is no loss of the teacher, nor the teacher's cross-entropy one of the student."""
    assert _kinds_of_phases(tmp_path, auxiliary=None) == [["cross_entropy"], ["kl_div"]]


@pytest.mark.parametrize(
    ("first", "kinds"),
    [
        (10, [["cross_entropy", "mse_loss"], ["kl_div", "mse_loss"]]),
        (210, [["cross_entropy"], ["kl_div", "mse_loss"]]),
    ],
)
def test_what_no_training_minimizes_is_theirs_from_its_first_call(tmp_path: Path, first: int, kinds: Any) -> None:
    """A term of a total belongs to the phases in which it may have been called."""
    assert _kinds_of_phases(tmp_path, auxiliary=first) == kinds


def test_of_many_trainings_the_longest_ten_are_judged(tmp_path: Path) -> None:
    """In the order in which they ran."""
    lengths = [130, 230, 110, *(140 + 10 * number for number in range(9))]
    turns = [[number] for number, length in enumerate(lengths) for _ in range(length)]
    optimizers = [make_optimizer(id=number, parameters=[number]) for number in range(len(lengths))]
    log = log_of(tmp_path, steps=[{"opt": used} for used in turns], optimizers=optimizers)
    assert [view.phase.stop - view.phase.start for view in training_views.trainings(log)] == [230, *lengths[3:]]


@pytest.mark.parametrize(
    ("rates", "counted"),
    [
        ([1e-5 * 1.15**k for k in range(100)], [(100, 399)]),
        # factors of one decade alone; the rise of a warm-up; one rate
        ([1e-5 * 1.015**k for k in range(100)], [(0, 99), (100, 399)]),
        ([1e-5 * (k + 1) for k in range(100)], [(0, 99), (100, 399)]),
        ([1e-3] * 100, [(0, 99), (100, 399)]),
    ],
    ids=["range test", "one decade", "warm-up", "constant"],
)
def test_a_range_test_before_a_training_is_none(tmp_path: Path, rates: list[float], counted: Any) -> None:
    """Its rate grows by one factor from step to step, over decades; on its own it is judged as what it is."""
    optimizers = [make_optimizer(id=0, parameters=[0]), make_optimizer(id=1, parameters=[1])]
    first = [{"opt": [0], "lr": rate} for rate in rates]
    both = log_of(tmp_path, steps=[*first, *[{"opt": [1], "lr": 0.01}] * 300], optimizers=optimizers)
    assert [(view.phase.first, view.phase.last) for view in training_views.trainings(both)] == counted
    alone = log_of(tmp_path, steps=first, optimizers=optimizers[:1])
    assert [(view.phase.first, view.phase.last) for view in training_views.trainings(alone)] == [(0, 99)]
