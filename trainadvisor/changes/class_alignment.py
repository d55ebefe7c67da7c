"""Fixes classes that validation numbers differently from training."""

from typing import Any

from trainadvisor.changes.applying.change_application import Call, ChangeApplication
from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.changes.declaration import change
from trainadvisor.changes.loss_functions import with_loss

_KINDS = ("cross_entropy", "nll_loss")
_FEWEST = 50
# Share of examples that the new numbers must match, and by how much that must exceed the share of the old ones.
_MATCHED, _GAINED = 0.5, 0.3


@change(
    "align-classes",
    zh="按此前各次评估中预测与标签的对应关系，把验证集的类别编号换成训练集的编号。",
    limits="For cross_entropy and nll_loss under torch.no_grad(), from the second evaluation on, where other numbers "
    "match clearly better; what the script computes by itself stays as it is.",
    limits_zh="适用于 torch.no_grad() 下的 cross_entropy 与 nll_loss，从第二次评估起、且新编号明显更相符时生效；"
    "脚本自行计算的指标不变。",
    alone=True,
)
def align_classes(application: ChangeApplication) -> None:
    """Renumber validation labels as in training, according to what earlier evaluations predicted for them."""
    application.patient = True
    application.never = "no evaluation predicts one class where the labels say another"
    numbers = _Numbers(application)
    with_loss(application, numbers.turn)
    application.when("backward", numbers.decide)


class _Numbers:
    """Counts of each class predicted for each label, and the renumbering that follows from them."""

    def __init__(self, application: ChangeApplication) -> None:
        self._application = application
        self._counts: Any = None
        self._mapped: Any = None

    def turn(self, kind: str, call: Call, named: dict[str, Any]) -> Any:
        """Count predictions, and replace the labels once their numbers are known."""
        scores: Any = named.get("input")
        labels: Any = named.get("target")
        if torch.is_grad_enabled() or kind not in _KINDS or not _classified(scores, labels):
            return call(**named)
        if self._mapped is not None:
            return call(**{**named, "target": self._mapped.to(labels.device)[labels]})
        classes = scores.shape[1]
        if self._counts is None or len(self._counts) != classes:
            self._counts = torch.zeros(classes, classes, dtype=torch.long)
        pairs = (labels * classes + scores.argmax(1)).cpu()
        self._counts += torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        return call(**named)

    def decide(self, *_: object) -> None:
        """Determine, when training resumes, which numbers match the predictions."""
        from scipy.optimize import linear_sum_assignment

        if self._mapped is not None or self._counts is None or int(self._counts.sum()) < _FEWEST:
            return
        total = int(self._counts.sum())
        _, chosen = linear_sum_assignment(self._counts.numpy(), maximize=True)
        matched = int(self._counts[range(len(chosen)), chosen].sum()) / total
        before = int(self._counts.diagonal().sum()) / total
        self._counts = None
        if matched >= _MATCHED and matched - before >= _GAINED:
            self._mapped = torch.as_tensor(chosen)
            self._application.done(
                f"validation labels are renumbered: {before:.0%} -> {matched:.0%} match the predictions"
            )


def _classified(scores: Any, labels: Any) -> bool:
    """Return whether these are class scores with one label per example."""
    tensors = isinstance(scores, torch.Tensor) and isinstance(labels, torch.Tensor)
    return (
        tensors
        and scores.dim() == 2
        and labels.dim() == 1
        and not labels.is_floating_point()
        and bool(((labels >= 0) & (labels < scores.shape[1])).all())
    )
