"""Standard losses in a sum that one of them rules: whether the others were learned beside it."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.trivial_predictor import BESIDE, main_loss, trivial_of

NEEDS = {
    "needs": "a loss that is a sum of standard losses, of which one makes up nearly all",
    "zh": "由多个标准损失相加、且其中一个几乎占全部的损失",
}
Loss = dict[str, Any]
MOSTLY = 0.5  # of the steps: at the end the part that rules may have come near the others


@remembered
def _beside(log: RunLog) -> tuple[Loss, Loss, float] | None:
    """The part that rules the sum, the one beside it that was learned least, and its skill."""
    whole, ruling = main_loss(log), _ruling(log)
    if whole is None or ruling is None or not trivial_of(ruling):
        return None
    others = [loss for loss in log.losses if loss.get("id") in (whole.get("parts") or []) and loss is not ruling]
    skills = [(_skill(loss), loss) for loss in others if trivial_of(loss)]
    known = [(skill, loss) for skill, loss in skills if skill is not None]
    skill, loss = min(known, key=lambda pair: pair[0], default=(None, None))
    return (ruling, loss, skill) if loss is not None and skill is not None else None


def _ruling(log: RunLog) -> Loss | None:
    """Return the part that was told with each sum, where it makes up nearly all of most sums."""
    sums, parts, ids = log.column("loss"), log.column("part"), robust_statistics.finite(log.column("part_id"))
    near = np.abs(sums - parts) <= BESIDE * np.abs(sums)
    if not ids.size or np.ptp(ids) or not near.sum() > MOSTLY * np.isfinite(sums).sum():
        return None
    return next((loss for loss in log.losses if loss.get("id") == ids[0]), None)


def _skill(loss: Loss) -> float | None:
    late, trivial = number(loss.get("late_value")), trivial_of(loss)
    return 1 - late / trivial if late is not None and trivial else None


@signal(unit="share", **NEEDS)
def unlearned_skill(log: RunLog) -> float | None:
    """Share of the loss of a constant answer that is gone at the end, of the part learned least."""
    found = _beside(log)
    return found[2] if found else None


@signal(unit="share", **NEEDS)
def ruling_skill(log: RunLog) -> float | None:
    """Share of the loss of a constant answer that is gone at the end, of the part that rules the sum."""
    found = _beside(log)
    return _skill(found[0]) if found else None


@signal(unit="ratio", **NEEDS)
def unlearned_beside(log: RunLog) -> float | None:
    """Loss of a constant answer in the part that rules the sum, over that in the one learned least; 0 without such."""
    found = _beside(log)
    if found is None:
        return 0.0 if log.losses else None
    ruling, other = trivial_of(found[0]), trivial_of(found[1])
    return ruling / other if ruling and other else None


@signal(unit="name", **NEEDS)
def unlearned_part(log: RunLog) -> str | None:
    """The part learned least, with its line."""
    found = _beside(log)
    return _named(found[1]) if found else None


@signal(unit="name", **NEEDS)
def ruling_part(log: RunLog) -> str | None:
    """The part that makes up nearly all of the sum, with its line."""
    found = _beside(log)
    return _named(found[0]) if found else None


def _named(loss: Loss) -> str:
    site = loss.get("site") or {}
    place = f" ({site['file']}:{site['line']})" if site.get("file") and site.get("line") else ""
    return f"{loss.get('name') or loss['kind']}{place}"
