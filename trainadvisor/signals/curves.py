"""The curves of another tool's log: points that stand for many steps, and evaluations, without anything beside them.

Nothing is known of the steps between two points, so no threshold of a step holds here: a level is compared with
another level of the same curve, window by window.
"""

import re
from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import Series, median

NEEDS = {"needs": "the log of another tool", "zh": "其他工具的日志"}
SOURCE = "import"

FEW, SOME = 3, 5
FLOOR = 1e-3  # of a level: digits that a writer cut off are no noise

REWARDS = re.compile(
    r"^(?!.*std)(.*ep_rew_mean|.*(mean|avg|average)[_ ]?(ep(isode)?[_ ]?)?(reward|return|ret)s?$"
    r"|(.*[/ ])?rewards?(/mean)?$|.*episode.?reward|.*episod(e|ic).?return|.*ep_return)",
    re.IGNORECASE,
)
ACTING = re.compile(
    r"approx_?kl|policy_(gradient_)?loss|entropy_loss|value_loss|clip_?frac|ep_rew|ep_len|explained_var"
)
PREFERRING = re.compile(r"(^|[/_])rewards/(chosen|rejected|margins)$|(chosen|reject(ed)?)_rewards?$")
SIDE = "(d|g|disc|gen|discriminator|generator)"
OPPOSING = re.compile(rf"(^|[/_. ]){SIDE}(_| )?loss|(^|[/_. ])loss(_| )?{SIDE}(_|$)", re.IGNORECASE)


def imported(log: RunLog) -> bool:
    """Whether another tool wrote the log."""
    return log.header.get("source") == SOURCE


def fact(log: RunLog, name: str) -> Any:
    """What an importer tells in the header about the file."""
    facts = log.header.get("imported")
    return facts.get(name) if imported(log) and isinstance(facts, dict) else None


def training(log: RunLog) -> tuple[Series, Series]:
    """Steps and values of the points with a finite training loss; none in a log of ours."""
    values = log.column("loss") if imported(log) else np.zeros(0)
    known = np.isfinite(values)
    return np.asarray(log.steps, dtype=np.float64)[known] if known.size else values, values[known]


@remembered
def held_out(log: RunLog) -> tuple[Series, Series]:
    """Steps and values of the evaluations with a finite loss; none in a log of ours."""
    return series(log, "loss")


def series(log: RunLog, name: str) -> tuple[Series, Series]:
    """Steps and values of one figure of the evaluations where it is finite."""
    evals = log.evals if imported(log) else []
    pairs = [(e["step"], number(e.get("loss") if name == "loss" else e["metrics"].get(name))) for e in evals]
    known = [(step, value) for step, value in pairs if value is not None and np.isfinite(value)]
    array = np.array(known, dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def noise(values: Series) -> float:
    """Noise of one point, free of any trend; what the writer's digits hide counts as noise."""
    return max(robust_statistics.step_noise(values), FLOOR * float(np.max(np.abs(values), initial=0.0)), 1e-300)


def final(values: Series) -> float:
    """Level at the end: the median of the last three of many values, else the last."""
    return median(values[-FEW:]) if values.size >= 2 * SOME else float(values[-1])


def near(log: RunLog, step: float) -> float | None:
    """Level of the training loss up to a step."""
    steps, values = training(log)
    end = int(np.searchsorted(steps, step, side="right"))
    return median(values[max(end - FEW, 0) : end]) if end else None


@remembered
def reward(log: RunLog) -> tuple[Series, Series]:
    """Steps and values of the reward: of training, else of evaluations."""
    for name in log.more_columns if imported(log) else ():
        if REWARDS.search(name):
            values = log.column(name)
            known = np.isfinite(values)
            if known.sum() >= SOME:
                return np.asarray(log.steps, dtype=np.float64)[known], values[known]
    names = {name for record in (log.evals if imported(log) else []) for name in record["metrics"]}
    return next((series(log, name) for name in sorted(names) if REWARDS.search(name)), (np.zeros(0), np.zeros(0)))


# -- what kind of curves these are


@signal(unit="points", **NEEDS)
def curve_points(log: RunLog) -> int | None:
    """Points with a finite training loss."""
    return int(training(log)[1].size) if imported(log) else None


@signal(unit="evaluations", **NEEDS)
def curve_evals(log: RunLog) -> int | None:
    """Evaluations with a finite loss."""
    return int(held_out(log)[1].size) if imported(log) else None


@signal(unit="step", **NEEDS)
def curve_last_step(log: RunLog) -> int | None:
    """The last step (or epoch) of which the log tells, in training or evaluation; what its writer counted last."""
    if not imported(log):
        return None
    known = [*log.steps[-1:].tolist(), *(e["step"] for e in log.all_evals[-1:])]
    return max([*known, whole(_setting(log, "global_step")) or 0], default=None)


def _setting(log: RunLog, name: str) -> Any:
    settings = fact(log, "config")
    return settings.get(name) if isinstance(settings, dict) else None


@signal(unit="share", **NEEDS)
def curve_plan_share(log: RunLog) -> float | None:
    """The last step over the steps that were planned."""
    planned, last = whole(log.header.get("planned_steps")), curve_last_step(log)
    return last / planned if imported(log) and planned and last is not None else None


@signal(unit="steps", **NEEDS)
def curve_logging_every(log: RunLog) -> int | None:
    """Steps from one logged point to the next, as the training was told."""
    return whole(_setting(log, "logging_steps")) if imported(log) else None


@signal(unit="steps", **NEEDS)
def curve_planned(log: RunLog) -> int | None:
    """Steps that were planned."""
    return whole(log.header.get("planned_steps")) if imported(log) else None


def _names(log: RunLog) -> list[str]:
    metrics = {name for record in log.all_evals for name in record["metrics"]}
    taken = fact(log, "columns")
    return [*log.more_columns, *sorted(metrics), *(map(str, taken) if isinstance(taken, list) else ())]


@signal(unit="word", **NEEDS)
def curve_kind(log: RunLog) -> str | None:
    """What the columns say of the training: preference, reinforcement, adversarial, or supervised."""
    if not imported(log):
        return None
    names = _names(log)
    if any(PREFERRING.search(name) for name in names):
        return "preference"
    if sum(bool(ACTING.search(name)) for name in names) >= 2 or reward(log)[1].size:
        return "reinforcement"
    return "adversarial" if sum(bool(OPPOSING.search(name)) for name in names) >= 2 else "supervised"
