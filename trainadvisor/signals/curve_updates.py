"""Whether the steps of another tool's training move anything: gradients that stay not finite, a rate that is 0."""

import numpy as np

from trainadvisor.log.cleaning import whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import FEW, FLOOR, NEEDS, SOME, fact, imported, training
from trainadvisor.signals.robust_statistics import Series

KIND = "nonfinite-gradients"
# Changes of the mean, in standard errors, that chance hardly makes.
MOVED = 4.0
PRINTED = "printed lines"
# Digits to which writers round: mmcv's JSON 5, so that a rate of 1e-6 is written as 0.
DIGITS = 5


def _since(log: RunLog) -> int | None:
    """Return the step from which on no gradient norm is finite."""
    return next((event["step"] for event in log.events if event["kind"] == KIND), None) if imported(log) else None


def moved(values: Series) -> float | None:
    """Fall from the first part of a curve to the last, in standard errors by the scatter within both."""
    width = max(values.size // 4, FEW)
    if values.size < SOME:
        return None
    first, last = values[:width], values[-width:]
    scatter = max(float(np.sqrt((first.var() + last.var()) / 2)), FLOOR * abs(float(first.mean())), 1e-300)
    return float(np.clip((first.mean() - last.mean()) / (scatter * np.sqrt(2 / width)), -1e6, 1e6))


def _rounds(log: RunLog) -> bool:
    """Whether no figure of a log has more digits than a writer leaves who rounds them all."""
    figures = [log.column(name) for name in ("loss", "grad_norm", *log.more_columns)]
    held_out = [value for record in log.evals for value in (record.get("loss"), *record["metrics"].values())]
    known = [value for values in figures for value in values[np.isfinite(values)].tolist()]
    known += [value for value in held_out if isinstance(value, float)]
    return all(round(value, DIGITS) == value for value in known)


@signal(unit="points", **NEEDS)
def curve_dead_norms(log: RunLog) -> int | None:
    """Points at the end of the log whose gradient norm is NaN or infinite, without a finite one after them."""
    for event in log.events if imported(log) else ():
        if event["kind"] == KIND:
            return whole(event["detail"].get("count"))
    return 0 if imported(log) and np.isfinite(log.column("grad_norm")).any() else None


@signal(unit="steps", **NEEDS)
def curve_dead_steps(log: RunLog) -> int | None:
    """Steps from the first of these points to the end of the log."""
    since = _since(log)
    return int(log.steps[-1]) - since if since is not None and log.steps.size else None


@signal(unit="step", **NEEDS)
def curve_dead_step(log: RunLog) -> int | None:
    """Step of the first of these points."""
    return _since(log)


@signal(unit="standard errors", **NEEDS)
def curve_dead_fall(log: RunLog) -> float | None:
    """Fall of the training loss since then, in standard errors; a loss that falls shows that the norm is told wrong."""
    since = _since(log)
    steps, values = training(log)
    return None if since is None else moved(values[steps >= since])


@signal(unit="truth", **NEEDS)
def curve_rate_doubted(log: RunLog) -> bool | None:
    """Whether a rate that another tool writes as 0 may be another: it rounds what it prints, or the loss moves.

    Never so in a log of ours, whose rates are those of the optimizer.
    """
    if not imported(log):
        return False
    change = moved(training(log)[1])
    if change is None or abs(change) >= MOVED:
        return True
    return not fact(log, "all_digits") and (fact(log, "source") == PRINTED or _rounds(log))
