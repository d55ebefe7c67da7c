"""Runs that differ in nothing but their seed: how far a figure scatters from run to run."""

from __future__ import annotations

import math
from statistics import variance
from typing import TYPE_CHECKING, Any

from trainadvisor.compare import FIGURES, Noise
from trainadvisor.compared_settings import SETTINGS, arguments, fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.judge.result import Diagnosis

# Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom, and for more than are listed.
STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)
MANY = 2.0
# Facts that two repeats have in common, besides the arguments of the script without their seed.
COMMON = sorted({*SETTINGS.values(), "script", "steps"} - {"seed"})


def noise(runs: Sequence[Diagnosis]) -> Noise | None:
    """Return how far two of these runs may differ by chance in each figure, None where none is repeated."""
    groups: dict[str, list[Diagnosis]] = {}
    for run in runs:
        groups.setdefault(repr(_settings(run)), []).append(run)
    repeated = [group for group in groups.values() if _seeds(group) > 1]
    margins = {key: _margin([_known(group, name) for group in repeated]) for key, (name, _) in FIGURES.items()}
    known = {key: margin for key, margin in margins.items() if margin is not None}
    return Noise(sum(map(len, repeated)), known) if known else None


def _settings(run: Diagnosis) -> list[Any]:
    return [*(run.run.get(name) for name in COMMON), arguments(run)]


def _seeds(group: Sequence[Diagnosis]) -> int:
    """Return how many seeds runs of one model have; without a model there is no telling that they are repeats."""
    return len({run.run.get("seed") for run in group if run.run.get("model_hash")})


def _known(group: Sequence[Diagnosis], name: str) -> list[float]:
    return [value for run in group if (value := fact(run, name)) is not None and math.isfinite(value)]


def _margin(groups: Sequence[Sequence[float]]) -> float | None:
    """Return the largest difference of two runs that chance explains, by the scatter within the groups."""
    several = [values for values in groups if len(values) > 1]
    degrees = sum(len(values) - 1 for values in several)
    if not degrees:
        return None
    pooled = sum(variance(values) * (len(values) - 1) for values in several) / degrees
    return (STUDENT[degrees - 1] if degrees <= len(STUDENT) else MANY) * math.sqrt(2 * pooled)
