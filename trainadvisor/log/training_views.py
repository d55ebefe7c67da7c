"""The trainings of one process, each as a log of its own: pretraining and fine-tuning, teacher and student, folds."""

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.log.short_trainings import many_short
from trainadvisor.log.training_phases import TrainingPhase

if TYPE_CHECKING:
    from trainadvisor.log.reader import RunLog

LEAST_SHARE, LEAST_STEPS, MOST = 0.05, 20, 10
# What the rate of a range test grows by at least, and how alike its factors are: those of a warm-up fall from 2 to 1.
SWEPT, EVENLY = 100.0, 2.0
# What a log derives from its records, and derives anew for another phase or with more records.
DERIVED = (
    "phases", "phase", "_span", "steps", "lr_groups", "lr", "evaluations", "told_evals", "renewed_at", "evals",
    "train_evals", "model", "layers",
)  # fmt: skip
# Events that are a fault of the training in whose steps they lie.
AT_A_STEP = frozenset({"nonfinite"})


def trainings(log: "RunLog") -> list["RunLog"]:
    """Return a view of the log for each training that is long enough to be judged; the log itself where it is one.

    Many short trainings are judged together, and of more than ten the longest ten. A range test of the learning rate
    is none where a training follows.
    """
    least = max(LEAST_STEPS, LEAST_SHARE * sum(phase.stop - phase.start for phase in log.phases))
    fair = [phase for phase in log.phases if phase.stop - phase.start >= least]
    if len(fair) < 2 or many_short(log) is not None:  # noqa: PLR2004 - several are two
        return [log]
    fair = [phase for phase in fair if phase is fair[-1] or not _is_range_test(view_of(log, phase))]
    if len(fair) == 1 and fair[0] == log.phase:
        return [log]
    longest = sorted(fair, key=lambda phase: phase.start - phase.stop)[:MOST]
    return [view_of(log, phase) for phase in fair if phase in longest]


def _is_range_test(view: "RunLog") -> bool:
    """Return whether the learning rate grows by one factor from each step to the next, over several decades."""
    rates = view.lr
    if rates.size < LEAST_STEPS or not (np.isfinite(rates).all() and (rates > 0).all()):
        return False
    growth = np.diff(np.log(rates))
    return bool(growth.min() > 0 and growth.max() < EVENLY * growth.min() and growth.sum() > np.log(SWEPT))


def view_of(log: "RunLog", phase: TrainingPhase) -> "RunLog":
    """Return the log as if one phase were its main one."""
    view = copy.copy(log)
    for name in DERIVED:
        view.__dict__.pop(name, None)
    view.__dict__["phase"] = phase
    view.losses = _losses_within(log, phase) or log.losses
    view.events = [e for e in log.events if e["kind"] not in AT_A_STEP or phase.first <= e["step"] <= phase.last]
    return view


def _losses_within(log: "RunLog", phase: TrainingPhase) -> list[dict[str, Any]]:
    """Return the losses of a phase: known by its end, and not those that only other phases minimize."""
    minimized = log.all_loss_ids()
    here, anywhere = set(minimized[phase.start : phase.stop]), set(minimized)
    known = [loss for loss in log.losses if log.first_called.get(loss["id"], 0) <= phase.last]
    return [loss for loss in known if loss["id"] in here or loss["id"] not in anywhere]
