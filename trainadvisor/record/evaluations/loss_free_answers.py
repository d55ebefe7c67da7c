"""Measures evaluations that call no loss: the model's outputs beside the targets of the batch that was drawn."""

from collections.abc import Iterable

import torch

from trainadvisor.record.evaluations.evaluation_sums import AnswerSums
from trainadvisor.record.losses.loss_arguments import BINARY
from trainadvisor.record.losses.loss_calls import class_hits, counted
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

_MASK_DIMENSIONS = 3
# The label that torch's losses leave out by default.
_NEVER = -100


def measure(sums: AnswerSums, call: Call, batch: object, kinds: set[str]) -> None:
    """Add what one forward's output says, beside the targets of its batch where these are found."""
    prediction = next((t.detach() for t in describe.tensors_in(call.output) if _is_answer(t)), None)
    if prediction is None:
        return
    with torch.no_grad():
        sums.add_spread(prediction)
        for target in _targets(call, batch):
            if _compare(sums, prediction, target.detach().to(prediction.device, non_blocking=True), kinds):
                return


def _is_answer(tensor: torch.Tensor) -> bool:
    return tensor.ndim > 0 and tensor.numel() > 0 and tensor.is_floating_point() and not tensor.is_meta


def _targets(call: Call, batch: object) -> Iterable[torch.Tensor]:
    """Return what a batch holds beside the model's input, the last first."""
    given = list(describe.tensors_in([call.args, call.kwargs]))
    used = {id(tensor) for tensor in given}
    found = [tensor for tensor in describe.tensors_in(batch) if id(tensor) not in used and tensor.numel()]
    if len(found) > 1 and not any(id(tensor) in used for tensor in describe.tensors_in(batch)):
        found = found[1:]  # the input was moved or changed; by custom it comes first
    return [tensor for tensor in reversed(found) if not tensor.is_meta and not tensor.is_sparse]


def _compare(sums: AnswerSums, prediction: torch.Tensor, target: torch.Tensor, kinds: set[str]) -> bool:
    """Add one batch when the target is one: classes, masks, yes or no, or numbers."""
    if target.ndim == prediction.ndim == 2 and target.shape[1] == 1 < prediction.shape[1]:
        target = target[:, 0]
    if not target.is_floating_point() and target.dtype != torch.bool and _classes(sums, prediction, target):
        return True
    if target.numel() != prediction.numel() or target.shape[0] != prediction.shape[0]:
        return False
    prediction = prediction.reshape(target.shape)
    if target.is_floating_point() and not kinds & BINARY and target.ndim < _MASK_DIMENSIONS:
        sums.add_squares(prediction, target)
        return True
    yes = prediction > _border(prediction, kinds)
    if target.ndim >= _MASK_DIMENSIONS:
        sums.overlaps.append(_overlap(yes, target > 0.5))
    elif target.numel() == target.shape[0]:
        sums.right.append(counted(yes == (target > 0.5)))
    return True


def _classes(sums: AnswerSums, prediction: torch.Tensor, target: torch.Tensor) -> bool:
    if prediction.ndim != target.ndim + 1 or prediction.shape[0] != target.shape[0]:
        return False
    if prediction.shape[2:] != target.shape[1:] and prediction.shape[:-1] == target.shape:
        prediction = prediction.movedim(-1, 1)
    if prediction.shape[2:] != target.shape[1:] or prediction.shape[1] < 2:
        return False
    right = class_hits(prediction, target, _NEVER)
    if right is not None:
        sums.right.append(right)
        sums.add_classes(prediction)
    return right is not None


def _border(prediction: torch.Tensor, kinds: set[str]) -> torch.Tensor:
    """Return the value above which an output means yes: 0.5 for probabilities, 0 for logits."""
    if kinds & BINARY:
        border = 0.5 if "binary_cross_entropy" in kinds else 0.0
        return torch.full((), border, dtype=torch.float32, device=prediction.device)
    probabilities = (prediction >= 0).all() & (prediction <= 1).all()
    return torch.where(probabilities, 0.5, 0.0)


def _overlap(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return Dice and intersection over union of two masks; 1 where both are empty."""
    both, sizes = (found & wanted).sum().float(), found.sum().float() + wanted.sum().float()
    empty = sizes == 0
    return torch.stack([torch.where(empty, 1.0, 2 * both / sizes), torch.where(empty, 1.0, both / (sizes - both))])
