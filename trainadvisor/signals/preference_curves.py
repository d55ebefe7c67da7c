"""The rewards of chosen and rejected answers in the log of a preference training: DPO and its kin."""

import math
import re

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import curves, robust_statistics, signal
from trainadvisor.signals.curves import SOME
from trainadvisor.signals.policy_curves import early, figure, late
from trainadvisor.signals.robust_statistics import Series

NEEDS = {
    "needs": "the log of a preference training with the rewards of chosen and rejected answers",
    "zh": "偏好训练的日志，且含被选与被拒回答的奖励",
}
CHOSEN = re.compile(r"^(train[/_])?(rewards/chosen|chosen_rewards?)$")
REJECTED = re.compile(r"^(train[/_])?(rewards/rejected|reject(ed)?_rewards?)$")
MARGIN = re.compile(r"^(train[/_])?rewards/margins?$")
ACCURACY = re.compile(r"^(train[/_])?rewards/accurac(y|ies)$")


def _rewards(log: RunLog) -> tuple[Series, Series]:
    return figure(log, CHOSEN), figure(log, REJECTED)


@signal(unit="reward", **NEEDS)
def preference_reward_largest(log: RunLog) -> float | None:
    """Largest reward of chosen or rejected answers over the whole run, without sign; 0 where policy = reference."""
    both = np.concatenate(_rewards(log))
    return float(np.abs(both).max()) if both.size else None


@signal(unit="nats", **NEEDS)
def preference_loss_from_even(log: RunLog) -> float | None:
    """Largest distance of the loss from ln 2, which it is where policy and reference agree."""
    loss = curves.training(log)[1]
    return float(np.abs(loss - math.log(2)).max()) if loss.size >= 2 * SOME and _rewards(log)[0].size else None


@signal(unit="norm", **NEEDS)
def preference_gradient(log: RunLog) -> float | None:
    """Largest gradient norm of a preference training."""
    norms = robust_statistics.finite(log.column("grad_norm"))
    return float(norms.max()) if norms.size >= SOME and _rewards(log)[0].size else None


@signal(unit="reward", **NEEDS)
def preference_first_reward(log: RunLog) -> float | None:
    """Larger reward of chosen or rejected answers at the first step, without sign; absent where that was not logged."""
    chosen, rejected = _rewards(log)
    if not chosen.size or not rejected.size or int(log.steps[0]) > 1:
        return None
    return float(max(abs(chosen[0]), abs(rejected[0])))


@signal(unit="reward", **NEEDS)
def preference_chosen_late(log: RunLog) -> float | None:
    """Reward of the chosen answers in the last third of the run."""
    return late(_rewards(log)[0])


@signal(unit="reward", **NEEDS)
def preference_rejected_late(log: RunLog) -> float | None:
    """Reward of the rejected answers in the last third of the run."""
    return late(_rewards(log)[1])


def _margins(log: RunLog) -> Series:
    chosen, rejected = _rewards(log)
    told = figure(log, MARGIN)
    return told if told.size or chosen.size != rejected.size else chosen - rejected


@signal(unit="reward", **NEEDS)
def preference_margin_early(log: RunLog) -> float | None:
    """Reward of the chosen answers less that of the rejected ones in the first third of the run."""
    return early(_margins(log))


@signal(unit="reward", **NEEDS)
def preference_margin_late(log: RunLog) -> float | None:
    """Reward of the chosen answers less that of the rejected ones in the last third of the run."""
    return late(_margins(log))


@signal(unit="share", **NEEDS)
def preference_accuracy_late(log: RunLog) -> float | None:
    """Share of pairs whose chosen answer has the higher reward, in the last third of the run."""
    return late(figure(log, ACCURACY))


@signal(unit="share", needs="evaluations with the accuracy of the rewards", zh="含奖励准确率的评估")
def preference_accuracy_held_out(log: RunLog) -> float | None:
    """Share of held-out pairs whose chosen answer has the higher reward, at the last evaluation."""
    names = {name for record in log.evals for name in record["metrics"]} if curves.imported(log) else set()
    name = next((name for name in sorted(names) if re.search(r"eval[/_]rewards/accuracies$", name)), None)
    values = curves.series(log, name)[1] if name else np.zeros(0)
    return float(values[-1]) if values.size else None
