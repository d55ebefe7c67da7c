"""Scores on data that no reward or loss trains on: what is gained in one place and lost in another."""

import re
from collections.abc import Iterator

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import curves, signal
from trainadvisor.signals.curves import FEW, SOME, imported, noise
from trainadvisor.signals.robust_statistics import Series, median

NEEDS_SCORE = {"needs": "a log with a held-out score beside the reward", "zh": "除奖励外还含留出评分的日志"}
NEEDS_SETS = {"needs": "evaluations on two data sets", "zh": "在两个数据集上的评估"}
HELD_OUT = re.compile(r"(^|[/_. -])(val|valid|validation|eval|evaluation|test|dev|held_?out)([/_. -]|$)", re.IGNORECASE)
RISING = re.compile(r"acc(uracy)?([/_@ ]|$)|reward|score|pass@|win_?rate|success|f1|(^|[/_])em([/_]|$)", re.IGNORECASE)
LOSS = re.compile(r"(^|[/_. -])loss($|[/_. -])", re.IGNORECASE)
# Words for what a model could before: other losses of one evaluation are parts of a whole.
BEFORE = re.compile(
    r"(?<![a-z])(general|wiki(text)?|c4|pile|webtext|mmlu|hellaswag|pretrain(ing)?|base|original|retain|source|old)(?![a-z])",
    re.IGNORECASE,
)
SPREADS = re.compile(r"std|max|min|worst|best", re.IGNORECASE)


def _scores(log: RunLog) -> Iterator[Series]:
    """Yield each held-out figure of merit that has a course."""
    names = {name for record in (log.evals if imported(log) else []) for name in record["metrics"]}
    for name in sorted(names):
        if HELD_OUT.search(name) and RISING.search(name) and not SPREADS.search(name):
            values = curves.series(log, name)[1]
            if values.size >= SOME:
                yield values


def _fallen(values: Series) -> float:
    """Return the fall of a curve from its highest level to its last, in noises of a level of three points."""
    levels = np.convolve(values, np.full(FEW, 1 / FEW), "valid")
    return float((levels.max() - levels[-1]) / (noise(values) / np.sqrt(FEW)))


@signal(unit="standard errors", **NEEDS_SCORE)
def held_out_score_fall(log: RunLog) -> float | None:
    """Fall of the held-out score from its highest level to its last, in noises; of several the smallest fall."""
    falls = [_fallen(values) for values in _scores(log)]
    return min(*falls, 1e6) if falls else None


@signal(unit="share", **NEEDS_SCORE)
def held_out_score_lost(log: RunLog) -> float | None:
    """Share of its highest level that the held-out score has lost at the end; of several the smallest loss."""
    ends = [(float(values.max()), median(values[-FEW:])) for values in _scores(log)]
    return min(((top - last) / abs(top) for top, last in ends if top), default=None)


def _losses(log: RunLog) -> dict[str, Series]:
    """Return the losses of the evaluations by name, that of the whole among them, as far as they have a course."""
    metrics = {name for record in (log.evals if imported(log) else []) for name in record["metrics"]}
    names = ["loss", *sorted(name for name in metrics if LOSS.search(name))]
    known = {name: curves.series(log, name)[1] for name in names}
    return {name: values for name, values in known.items() if values.size >= SOME}


@signal(unit="ratio", **NEEDS_SETS)
def forgotten_rise(log: RunLog) -> float | None:
    """Rise of a held-out loss on general data above its first value, as a share, where that of the task falls."""
    known = _losses(log)
    task = [v for name, v in known.items() if not BEFORE.search(name)]
    falls = any(median(v[-FEW:]) < v[0] - SOME * noise(v) for v in task)
    rises = [float(median(v[-FEW:]) / v[0] - 1) for name, v in known.items() if BEFORE.search(name) and v[0] > 0]
    return max(rises) if falls and rises else None


@signal(unit="standard errors", **NEEDS_SETS)
def forgotten_rise_noises(log: RunLog) -> float | None:
    """Rise of a held-out loss on general data above its first value, in noises of one evaluation."""
    general = [v for name, v in _losses(log).items() if BEFORE.search(name)]
    rises = [(median(v[-FEW:]) - float(v[0])) / noise(v) for v in general]
    return min(max(rises), 1e6) if rises else None
