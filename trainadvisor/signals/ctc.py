"""Connectionist temporal classification: whether the labels can be emitted, and whether they are."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

CTC = {"needs": "CTC losses of the training", "zh": "训练中的 CTC 损失", "about": "no-ctc"}
LEAST_SAMPLES = 3


def _told(log: RunLog) -> dict[str, Any] | None:
    return next((event["detail"] for event in reversed(log.events) if event["kind"] == "ctc"), None)


def _is_other(log: RunLog) -> bool:
    """Return whether the losses are known and none is CTC."""
    return _told(log) is None and bool(log.losses) and all(loss["kind"] != "ctc_loss" for loss in log.losses)


def _ratio(log: RunLog, above: str, below: str) -> float | None:
    told = _told(log)
    one, other = (number(told.get(name)) for name in (above, below)) if told else (None, None)
    return one / other if one is not None and other else None


@signal(unit="share", **CTC)
def ctc_infeasible_share(log: RunLog) -> float | None:
    """Share of the examples with fewer frames than labels, repeated labels counted twice: CTC has no path for them.

    0 for other losses.
    """
    return 0.0 if _is_other(log) else _ratio(log, "infeasible", "examples")


@signal(unit="share", **CTC)
def ctc_blank_label_share(log: RunLog) -> float | None:
    """Share of the labels in the targets that are the blank, which no path can emit; 0 for other losses."""
    return 0.0 if _is_other(log) else _ratio(log, "blank_labels", "target_labels")


@signal(unit="share", **CTC)
def ctc_open_share(log: RunLog) -> float | None:
    """Share of the frames whose probabilities do not sum to 1, as scores without log_softmax; 0 for other losses."""
    return 0.0 if _is_other(log) else _ratio(log, "open_frames", "input_frames")


@signal(unit="frames", **CTC)
def ctc_frames(log: RunLog) -> float | None:
    """Mean number of frames of an example at the loss."""
    return _ratio(log, "input_frames", "examples")


@signal(unit="labels", **CTC)
def ctc_labels(log: RunLog) -> float | None:
    """Mean number of labels of an example."""
    return _ratio(log, "target_labels", "examples")


@signal(unit="ratio", **CTC)
def ctc_emitted(log: RunLog) -> float | None:
    """Labels that the best path emits for each label of the targets: most of any sample after the first quarter.

    1 for other losses.
    """
    if _is_other(log):
        return 1.0
    if "ctc_emitted" not in log.more_columns or not log.steps.size:
        return None
    values, done = log.column("ctc_emitted"), log.steps - log.steps[0]
    late = values[np.isfinite(values) & (done >= done[-1] / 4)]
    return float(late.max()) if late.size >= LEAST_SAMPLES else None
