"""The trivial loss that a log yields, beside the best constant prediction found by descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import trainadvisor
from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Objective = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

BATCHES, BATCH = 8, 64


def _recorded(folder: Path, objective: Objective, targets: torch.Tensor, outputs: int) -> Signals:
    model = nn.Linear(4, outputs)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with trainadvisor.watch(model, optimizer, log=folder / "log.json"):
        for batch in targets.split(BATCH):
            optimizer.zero_grad()
            objective(model(torch.randn(len(batch), 4)), batch).backward()
            optimizer.step()
    return Signals(read_log(folder / "log.json"))


def _best_constant(objective: Objective, targets: torch.Tensor, outputs: int) -> float:
    answer = torch.zeros(outputs, requires_grad=True)
    optimizer = torch.optim.LBFGS([answer], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = objective(answer.expand(len(targets), outputs), targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(closure().detach())


def _targets(kind: str) -> torch.Tensor:
    torch.manual_seed(3)
    shape = torch.randn(BATCHES * BATCH, 3) * torch.tensor([0.5, 1.0, 2.0])
    return {
        "counts": torch.poisson(shape[:, :1].exp()),
        "values": 3 * shape,
        "classes": (shape + torch.tensor([0.0, 0.5, 1.0])).argmax(1),
        "soft": (2 * shape).softmax(1),
        "rare": (shape[:, :1] > 0.6).float(),
        "shares": (shape - 1).sigmoid(),
    }[kind]


CASES: dict[str, tuple[str, int, Any]] = {
    "poisson": ("counts", 1, F.poisson_nll_loss),
    "huber": ("values", 3, lambda p, y: F.huber_loss(p, y, delta=0.5)),
    "smooth l1": ("values", 3, lambda p, y: F.smooth_l1_loss(p, y, beta=2.0)),
    "class weights": ("classes", 3, lambda p, y: F.cross_entropy(p, y, weight=torch.tensor([1.0, 2.0, 5.0]))),
    "soft labels": ("soft", 3, F.cross_entropy),
    "positive weight": (
        "rare",
        1,
        lambda p, y: F.binary_cross_entropy_with_logits(p, y, pos_weight=torch.tensor(8.0)),
    ),
    "soft pixels": ("shares", 3, F.binary_cross_entropy_with_logits),
    "sum divided by the batch": ("classes", 3, lambda p, y: F.cross_entropy(p, y, reduction="sum") / len(y)),
}


@pytest.mark.parametrize("case", CASES)
def test_trivial_loss_is_that_of_the_best_constant_prediction(tmp_path: Path, case: str) -> None:
    """Descent over one constant output finds what the log's facts give, within the noise of per-batch medians."""
    kind, outputs, objective = CASES[case]
    targets = _targets(kind)
    seen = _recorded(tmp_path, objective, targets, outputs)
    assert seen["trivial_loss"] == pytest.approx(_best_constant(objective, targets, outputs), rel=0.02)


def test_floor_of_soft_targets_is_the_loss_of_predicting_the_target_itself(tmp_path: Path) -> None:
    """Entropy remains when targets are probabilities; counts leave y - y ln y."""
    shares, counts = _targets("shares"), _targets("counts")
    soft = _recorded(tmp_path, CASES["soft pixels"][2], shares, 3)
    assert soft["loss_floor"] == pytest.approx(float(F.binary_cross_entropy(shares, shares)), rel=0.01)
    poisson = _recorded(tmp_path, CASES["poisson"][2], counts, 1)
    assert poisson["loss_floor"] == pytest.approx(
        float(F.poisson_nll_loss(counts, counts, log_input=False, eps=1e-8)), rel=0.01
    )


def test_hard_binary_targets_leave_no_floor(tmp_path: Path) -> None:
    """Zeros and ones can be predicted exactly."""
    assert _recorded(tmp_path, CASES["positive weight"][2], _targets("rare"), 1)["loss_floor"] == 0.0


def test_composite_loss_is_graded_by_its_only_standard_part(tmp_path: Path) -> None:
    """Cross-entropy plus a penalty: skill is that of the cross-entropy, the trivial loss of the sum stays unknown."""
    targets = _targets("classes")

    def objective(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(prediction, target) + 100 + prediction.pow(2).mean()

    seen = _recorded(tmp_path, objective, targets, 3)
    assert seen["trivial_loss"] is None
    assert -1 < seen["skill"] < 1


def test_composite_loss_with_two_standard_parts_is_not_graded(tmp_path: Path) -> None:
    """Nobody knows what a sum of two tasks can reach."""
    targets = _targets("values")
    seen = _recorded(tmp_path, lambda p, y: F.mse_loss(p, y) + F.l1_loss(p, y), targets, 3)
    assert seen["skill"] is None


def test_a_sum_is_graded_by_the_part_that_makes_up_nearly_all_of_it(tmp_path: Path) -> None:
    """Wherever it stands in the sum; both targets are judged by the part's own trivial answer."""
    targets = 1000 * _targets("values")

    def objective(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.l1_loss(prediction, prediction.detach() + 1) + F.mse_loss(prediction, target)

    seen = _recorded(tmp_path, objective, targets, 3)
    assert seen["skill"] == pytest.approx(0, abs=0.1)
    assert (seen["regressing"], seen["trivial_loss"]) == (True, None)
    assert seen["target_scale"] == pytest.approx(float(targets.pow(2).mean().sqrt()), rel=0.1)


HANDWRITTEN: dict[str, Any] = {
    "square": lambda p, y: ((p - y) ** 2).mean(),
    "half a square": lambda p, y: torch.square(p - y).mean() / 2,
    "absolute": lambda p, y: (p - y).abs().sum(1).mean(),
}


@pytest.mark.parametrize("case", HANDWRITTEN)
def test_a_difference_that_is_written_out_has_a_trivial_loss_too(tmp_path: Path, case: str) -> None:
    """Read off the graph in the first steps, when the model knows nothing yet."""
    targets = _targets("values") + 5
    seen = _recorded(tmp_path, HANDWRITTEN[case], targets, 3)
    assert seen["trivial_loss"] == pytest.approx(_best_constant(HANDWRITTEN[case], targets, 3), rel=0.15)


def test_an_answer_beside_the_net_leaves_a_difference_without_a_yardstick(tmp_path: Path) -> None:
    """What a preconditioned denoiser takes from its input is not known to be a constant."""
    passed = torch.randn(BATCH, 3)
    seen = _recorded(tmp_path, lambda p, y: ((0.5 * passed + p - y) ** 2).mean(), _targets("values"), 3)
    assert seen["trivial_loss"] is None


def test_a_penalty_on_weights_is_no_difference(tmp_path: Path) -> None:
    """A square whose base is not a difference says nothing about targets."""
    assert _recorded(tmp_path, lambda p, _: (p**2).mean(), _targets("values"), 3)["trivial_loss"] is None
