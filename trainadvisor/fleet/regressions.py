"""What got worse: the runs of a script in the last days against those before."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from trainadvisor.fleet.differences import ALLOWED, FEWEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.fleet.entry import Entry

DAYS = 7.0
BAD = "bad runs"
# Metrics of which more is better; of the others less is.
MORE_IS_BETTER = ("val_accuracy_best", "train_accuracy_final")


@dataclass(frozen=True)
class Regression:
    """What was worse lately: the share of bad runs, or the median of a metric."""

    script: str
    what: str
    p: float
    before: float
    lately: float
    runs_before: int
    runs_lately: int


def regressions(entries: Iterable[Entry], days: float = DAYS) -> list[Regression]:
    """Return what got worse in the days before the newest run, the surest first, corrected for all that was tested."""
    from scipy.stats import false_discovery_control

    dated = [(began, entry) for entry in entries if entry.script and (began := _began(entry)) is not None]
    if not dated:
        return []
    border = max(began for began, _ in dated) - timedelta(days=days)
    groups: dict[str, tuple[list[Entry], list[Entry]]] = defaultdict(lambda: ([], []))
    for began, entry in dated:
        groups[entry.script][began > border].append(entry)
    tested = [item for script, parts in sorted(groups.items()) for item in _tested(script, *parts)]
    if not tested:
        return []
    corrected = false_discovery_control([item.p for item in tested])
    found = [replace(item, p=float(p)) for item, p in zip(tested, corrected, strict=True) if p <= ALLOWED]
    return sorted(found, key=lambda item: (item.p, item.script, item.what))


def _began(entry: Entry) -> datetime | None:
    if entry.state in ("unreadable", "no-log") or entry.running:
        return None
    try:
        began = datetime.fromisoformat(entry.created)
    except ValueError:
        return None
    return began if began.tzinfo else began.replace(tzinfo=UTC)


def _tested(script: str, before: list[Entry], lately: list[Entry]) -> Iterator[Regression]:
    if min(len(before), len(lately)) < FEWEST:
        return
    yield _bad_runs(script, before, lately)
    for metric in sorted({entry.metric for entry in lately if entry.metric}):
        old, new = _values(before, metric), _values(lately, metric)
        if min(len(old), len(new)) >= FEWEST and len({*old, *new}) > 1:
            yield _metric(script, metric, old, new)


def _values(entries: list[Entry], metric: str) -> list[float]:
    return [
        entry.value for entry in entries
        if entry.metric == metric and entry.value is not None and math.isfinite(entry.value)
    ]  # fmt: skip


def _bad_runs(script: str, before: list[Entry], lately: list[Entry]) -> Regression:
    from scipy.stats import fisher_exact

    old, new = (sum(entry.bad for entry in part) for part in (before, lately))
    p = fisher_exact([[new, len(lately) - new], [old, len(before) - old]], alternative="greater").pvalue
    return Regression(script, BAD, float(p), old / len(before), new / len(lately), len(before), len(lately))


def _metric(script: str, metric: str, old: list[float], new: list[float]) -> Regression:
    import numpy as np
    from scipy.stats import mannwhitneyu

    worse = "less" if metric in MORE_IS_BETTER else "greater"
    p = float(mannwhitneyu(new, old, alternative=worse).pvalue)
    return Regression(script, metric, p, float(np.median(old)), float(np.median(new)), len(old), len(new))
