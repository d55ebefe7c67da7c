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
from trainadvisor.signals.robust_statistics import Series

NEEDS = {"needs": "the log of another tool", "zh": "其他工具的日志"}
NEEDS_EVALS = {"needs": "a log of another tool with a validation loss", "zh": "其他工具的日志，且含验证损失"}
NEEDS_METRIC = {"needs": "a log of another tool with a metric of held-out data", "zh": "其他工具的日志，且含验证指标"}
NEEDS_REWARD = {"needs": "a log of another tool with a reward", "zh": "其他工具的日志，且含奖励"}
SOURCE = "import"

FEW, SOME = 3, 5
WINDOW = 10  # parts of a curve: a level is that of one part
FLOOR = 1e-3  # of a level: digits that a writer cut off are no noise

METRICS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"map50-95|map_50_95", r"overall_f1|macro_f1|(^|[/_ ])f1", r"\bm?ap\b|map", r"bleu|rouge-?l|rouge",
        r"miou|iou|dice", r"acc", r"auc|auroc", r"success", r"exact|\bem\b", r"r2", r"precision|recall", r"psnr|ssim",
    )
)  # fmt: skip
PLAIN = re.compile(r"loss|number|len|count|support|runtime|second", re.IGNORECASE)
REWARDS = re.compile(r"ep_rew_mean|mean_reward|(^|/)rewards?(/mean)?$|episode.?reward|episode.?return|ep_return", re.I)
ACTING = re.compile(
    r"approx_?kl|policy_(gradient_)?loss|entropy_loss|value_loss|clip_?frac|ep_rew|ep_len|explained_var"
)
OPPOSING = re.compile(r"(^|[/_])(d|g|disc|gen|discriminator|generator)_?loss|loss_?(d|g|disc|gen)(_|$)", re.IGNORECASE)
AUC = re.compile(r"(^|[/_ ])(roc_?)?auc|auroc", re.IGNORECASE)
KL = re.compile(r"(^|[/_])(approx_?)?kl($|_)", re.IGNORECASE)


def imported(log: RunLog) -> bool:
    """Whether another tool wrote the log."""
    return log.header.get("source") == SOURCE


def fact(log: RunLog, name: str) -> Any:
    """What an importer tells in the header about the file."""
    facts = log.header.get("recorder")
    return facts.get(name) if imported(log) and isinstance(facts, dict) else None


def training(log: RunLog) -> tuple[Series, Series]:
    """Steps and values of the points with a finite training loss; none in a log of ours."""
    values = log.column("loss") if imported(log) else np.zeros(0)
    known = np.isfinite(values)
    return np.asarray(log.steps, dtype=np.float64)[known] if known.size else values, values[known]


@remembered
def held_out(log: RunLog) -> tuple[Series, Series]:
    """Steps and values of the evaluations with a finite loss; none in a log of ours."""
    return _series(log, "loss")


def _series(log: RunLog, name: str) -> tuple[Series, Series]:
    evals = log.evals if imported(log) else []
    pairs = [(e["step"], number(e.get("loss") if name == "loss" else e["metrics"].get(name))) for e in evals]
    known = [(step, value) for step, value in pairs if value is not None and np.isfinite(value)]
    array = np.array(known, dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _noise(values: Series) -> float:
    """Noise of one point, free of any trend; what the writer's digits hide counts as noise."""
    return max(robust_statistics.step_noise(values), FLOOR * float(np.max(np.abs(values), initial=0.0)), 1e-300)


def _final(values: Series) -> float:
    """Level at the end: the median of the last three of many values, else the last."""
    return float(np.median(values[-FEW:])) if values.size >= 2 * SOME else float(values[-1])


def near(log: RunLog, step: float) -> float | None:
    """Level of the training loss up to a step."""
    steps, values = training(log)
    end = int(np.searchsorted(steps, step, side="right"))
    return float(np.median(values[max(end - FEW, 0) : end])) if end else None


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
    """What the columns say of the training: reinforcement, adversarial, or supervised."""
    if not imported(log):
        return None
    names = _names(log)
    if sum(bool(ACTING.search(name)) for name in names) >= 2 or reward(log)[1].size:
        return "reinforcement"
    return "adversarial" if sum(bool(OPPOSING.search(name)) for name in names) >= 2 else "supervised"


# -- the validation loss


@signal(unit="loss", **NEEDS_EVALS)
def curve_val_best(log: RunLog) -> float | None:
    """Lowest validation loss."""
    values = held_out(log)[1]
    return float(values.min()) if values.size else None


@signal(unit="loss", **NEEDS_EVALS)
def curve_val_final(log: RunLog) -> float | None:
    """Validation loss at the end."""
    values = held_out(log)[1]
    return _final(values) if values.size else None


@signal(unit="step", **NEEDS_EVALS)
def curve_val_best_step(log: RunLog) -> int | None:
    """Step of the lowest validation loss."""
    steps, values = held_out(log)
    return int(steps[int(np.argmin(values))]) if values.size else None


@signal(unit="share", **NEEDS_EVALS)
def curve_val_best_share(log: RunLog) -> float | None:
    """Place of the lowest validation loss among the evaluations: 1 = the last one."""
    values = held_out(log)[1]
    return int(np.argmin(values)) / (values.size - 1) if values.size >= FEW else None


@signal(unit="evaluations", **NEEDS_EVALS)
def curve_evals_after_best(log: RunLog) -> int | None:
    """Evaluations after the one with the lowest loss."""
    values = held_out(log)[1]
    return int(values.size - 1 - np.argmin(values)) if values.size else None


@signal(unit="ratio", **NEEDS_EVALS)
def curve_val_rise(log: RunLog) -> float | None:
    """Rise of the validation loss from its lowest value, over that value."""
    values = held_out(log)[1]
    low = float(values.min()) if values.size >= FEW else 0.0
    return (_final(values) - low) / abs(low) if low else None


@signal(unit="standard deviations", **NEEDS_EVALS)
def curve_val_rise_noises(log: RunLog) -> float | None:
    """Rise of the validation loss from its lowest value, in noises of one evaluation."""
    values = held_out(log)[1]
    return min(float(_final(values) - values.min()) / _noise(values), 1e6) if values.size >= SOME else None


@signal(unit="ratio", **NEEDS_EVALS)
def curve_val_fall(log: RunLog) -> float | None:
    """Fall of the validation loss from the first evaluation to the end, over the first."""
    values = held_out(log)[1]
    return float((values[0] - _final(values)) / abs(values[0])) if values.size >= FEW and values[0] else None


@signal(unit="standard deviations", **NEEDS_EVALS)
def curve_val_fall_noises(log: RunLog) -> float | None:
    """Fall of the validation loss from the first evaluation to the end, in noises of one evaluation."""
    values = held_out(log)[1]
    return float(np.clip((values[0] - _final(values)) / _noise(values), -1e6, 1e6)) if values.size >= SOME else None


@signal(unit="ratio", **NEEDS_EVALS)
def curve_train_fall_after_best(log: RunLog) -> float | None:
    """Share of the training loss that went away after the evaluation with the lowest loss."""
    steps, values = held_out(log)
    if values.size < FEW:
        return None
    then, now = near(log, steps[int(np.argmin(values))]), near(log, np.inf)
    return (then - now) / abs(then) if then and now is not None else None


@signal(unit="ratio", **NEEDS_EVALS)
def curve_val_over_train(log: RunLog) -> float | None:
    """Final validation loss over the final training loss; absent unless both are positive."""
    now, values = near(log, np.inf), held_out(log)[1]
    return _final(values) / now if values.size and now and now > 0 and values[-1] > 0 else None


@signal(unit="ratio", **NEEDS_EVALS)
def curve_val_over_first(log: RunLog) -> float | None:
    """Final validation loss over the first training loss; absent unless both are positive."""
    first, values = training(log)[1][:1], held_out(log)[1]
    return _final(values) / float(first[0]) if values.size and first.size and first[0] > 0 and values[-1] > 0 else None


# -- the metric that counts


@remembered
def metric(log: RunLog) -> tuple[str, Series, Series]:
    """Name, steps and values of the metric of held-out data that says most about success, higher being better."""
    names = {name for record in (log.evals if imported(log) else []) for name in record["metrics"]}
    usable = sorted((name for name in names if not PLAIN.search(name)), key=lambda name: (len(name), name))
    for pattern in METRICS:
        for name in usable:
            if pattern.search(name):
                steps, values = _series(log, name)
                if values.size >= FEW:
                    return name, steps, values
    return "", np.zeros(0), np.zeros(0)


@signal(unit="name", **NEEDS_METRIC)
def curve_metric(log: RunLog) -> str | None:
    """Name of the metric of held-out data that says most about success."""
    return metric(log)[0] or None


@signal(unit="value", **NEEDS_METRIC)
def curve_metric_best(log: RunLog) -> float | None:
    """Highest value of that metric."""
    values = metric(log)[2]
    return float(values.max()) if values.size else None


@signal(unit="value", **NEEDS_METRIC)
def curve_metric_final(log: RunLog) -> float | None:
    """Last value of that metric."""
    values = metric(log)[2]
    return float(values[-1]) if values.size else None


@signal(unit="step", **NEEDS_METRIC)
def curve_metric_best_step(log: RunLog) -> int | None:
    """Step of the highest value of that metric."""
    _, steps, values = metric(log)
    return int(steps[int(np.argmax(values))]) if values.size else None


@signal(unit="ratio", **NEEDS_METRIC)
def curve_metric_gain(log: RunLog) -> float | None:
    """Gain of that metric after the evaluation with the lowest loss, over its value there."""
    low, (_, steps, values) = curve_val_best_step(log), metric(log)
    there = values[steps == low] if low is not None else values[:0]
    return float(values.max() - there[0]) / abs(float(there[0])) if there.size and there[0] else None


@signal(unit="standard deviations", **NEEDS_METRIC)
def curve_metric_rise_noises(log: RunLog) -> float | None:
    """Rise of that metric from its first values to its last, in noises of one evaluation."""
    values = metric(log)[2]
    if values.size < SOME:
        return None
    first, last = float(np.median(values[:FEW])), float(np.median(values[-FEW:]))
    return float(np.clip((last - first) / _noise(values), -1e6, 1e6))


# -- the training loss


def windows(values: Series) -> tuple[Series, Series] | None:
    """The lowest part of a curve and its last part, of at least three points each; None for a short curve."""
    width = max(values.size // WINDOW, FEW)
    if values.size < 2 * width:
        return None
    means = np.convolve(values, np.full(width, 1 / width), "valid")
    start = int(np.argmin(means))
    return values[start : start + width], values[-width:]


@signal(unit="ratio", **NEEDS)
def curve_end_over_low(log: RunLog) -> float | None:
    """Loss of the last part of the curve over that of its lowest part; absent for losses that are not positive."""
    values = training(log)[1]
    parts = windows(values)
    return float(parts[1].mean() / parts[0].mean()) if parts and values.min() > 0 else None


@signal(unit="share", **NEEDS)
def curve_lost_share(log: RunLog) -> float | None:
    """Share of the fall from the first points to the lowest part that the last part has lost again."""
    values = training(log)[1]
    parts = windows(values)
    if not parts:
        return None
    low, last, first = (float(part.mean()) for part in (*parts, values[:FEW]))
    return (last - low) / max(first - low, FEW * _noise(values), FLOOR * abs(first), 1e-300)


@signal(unit="truth", **NEEDS)
def curve_end_apart(log: RunLog) -> bool | None:
    """Whether each of the last points lies above each of the lowest part."""
    parts = windows(training(log)[1])
    return bool(parts[1].min() > parts[0].max()) if parts else None


@signal(unit="loss", **NEEDS)
def curve_low(log: RunLog) -> float | None:
    """Loss of the lowest part of the curve."""
    parts = windows(training(log)[1])
    return float(parts[0].mean()) if parts else None


@signal(unit="loss", **NEEDS)
def curve_end(log: RunLog) -> float | None:
    """Loss of the last part of the curve."""
    parts = windows(training(log)[1])
    return float(parts[1].mean()) if parts else None


@signal(unit="step", **NEEDS)
def curve_turn_step(log: RunLog) -> int | None:
    """Step from which on the loss stayed above the middle between its lowest and its last part."""
    steps, values = training(log)
    parts = windows(values)
    if not parts:
        return None
    below = np.flatnonzero(values <= (parts[0].mean() + parts[1].mean()) / 2)
    return int(steps[min(int(below[-1]) + 1, steps.size - 1)]) if below.size else int(steps[0])


@signal(unit="loss", **NEEDS)
def curve_first(log: RunLog) -> float | None:
    """First training loss."""
    values = training(log)[1]
    return float(values[0]) if values.size else None


@signal(unit="loss", **NEEDS)
def curve_last(log: RunLog) -> float | None:
    """Median of the last three training losses."""
    values = training(log)[1]
    return float(np.median(values[-FEW:])) if values.size >= FEW else None


@signal(unit="ratio", **NEEDS)
def curve_last_over_first(log: RunLog) -> float | None:
    """Last training loss over the first; absent unless both are positive."""
    first, last = curve_first(log), curve_last(log)
    return last / first if first and last is not None and first > 0 and last > 0 else None


@signal(unit="points", **NEEDS)
def curve_zeros(log: RunLog) -> int | None:
    """Points at the end of the curve whose loss is exactly 0, after one that was not."""
    values = training(log)[1]
    other = np.flatnonzero(values != 0)
    return int(values.size - 1 - other[-1]) if other.size else None


@signal(unit="points", **NEEDS)
def curve_nan_points(log: RunLog) -> int | None:
    """Points at which a loss was not finite and became finite again."""
    found = [whole(event["detail"].get("count")) or 0 for event in log.events if event["kind"] == "nonfinite-points"]
    return sum(found) if imported(log) else None


@signal(unit="names", **NEEDS)
def curve_nan_parts(log: RunLog) -> list[str] | None:
    """Losses that were not finite at some points and became finite again."""
    return [event["subject"] for event in log.events if event["kind"] == "nonfinite-points"] if imported(log) else None


@signal(unit="step", **NEEDS)
def curve_nan_step(log: RunLog) -> int | None:
    """Step of the first such point."""
    return min((event["step"] for event in log.events if event["kind"] == "nonfinite-points"), default=None)


@signal(unit="names", **NEEDS)
def curve_zero_parts(log: RunLog) -> list[str] | None:
    """Parts of the training loss that are exactly 0 at every point while the same part of the validation loss is not."""
    if not imported(log) or log.steps.size < SOME:
        return None
    return [name for name in log.more_columns if "loss" in name.lower() and _is_empty(log, name)]


@signal(unit="parts", **NEEDS)
def curve_zero_part_count(log: RunLog) -> int | None:
    """How many parts of the training loss these are."""
    parts = curve_zero_parts(log)
    return len(parts or ()) if imported(log) and log.steps.size >= SOME else None


def _is_empty(log: RunLog, name: str) -> bool:
    values = log.column(name)
    known = values[np.isfinite(values)]
    if known.size < SOME or known.any():
        return False
    tail = _tail(name)
    twins = {other for record in log.evals for other in record["metrics"] if _tail(other) == tail and other != name}
    return any(np.median(np.abs(_series(log, twin)[1])) > 0 for twin in twins if _series(log, twin)[1].size)


def _tail(name: str) -> str:
    """Return a name without what says of which data it is."""
    return re.sub(r"^(train|val|valid|validation|eval|test)[/_. ]", "", name.lower())


# -- chance


@signal(unit="distance", needs="a log of another tool with an AUC", zh="其他工具的日志，且含 AUC")
def curve_auc_from_chance(log: RunLog) -> float | None:
    """Largest distance of any logged AUC from 0.5, of training and of held-out data."""
    if not imported(log):
        return None
    metrics = {name for record in log.evals for name in record["metrics"] if AUC.search(name)}
    known = [_series(log, name)[1] for name in metrics]
    known += [log.column(name) for name in log.more_columns if AUC.search(name)]
    values = robust_statistics.finite(np.concatenate(known)) if known else np.zeros(0)
    return float(np.abs(values - 0.5).max()) if values.size >= SOME else None


@signal(unit="ratio", needs="a log of another tool and the number of classes", zh="其他工具的日志以及类别数")
def curve_over_chance(log: RunLog) -> float | None:
    """Training loss of the last part of the curve over the logarithm of the number of classes that was named."""
    classes, parts = whole(fact(log, "classes")), windows(training(log)[1])
    return float(parts[1].mean() / np.log(classes)) if parts and classes is not None and classes > 1 else None


# -- rewards


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
    return next((_series(log, name) for name in sorted(names) if REWARDS.search(name)), (np.zeros(0), np.zeros(0)))


def _reward_parts(log: RunLog) -> tuple[float, float, float, float] | None:
    """First, highest and last level of the reward, and its noise."""
    values = reward(log)[1]
    if values.size < 2 * SOME:
        return None
    width = max(values.size // WINDOW, FEW)
    means = np.convolve(values, np.full(width, 1 / width), "valid")
    return float(means[0]), float(means.max()), float(means[-1]), _noise(values) / float(np.sqrt(width))


@signal(unit="standard errors", **NEEDS_REWARD)
def reward_rise_noises(log: RunLog) -> float | None:
    """Rise of the reward from its first to its last level, in noises."""
    parts = _reward_parts(log)
    return float(np.clip((parts[2] - parts[0]) / parts[3], -1e6, 1e6)) if parts else None


@signal(unit="standard errors", **NEEDS_REWARD)
def reward_fall_noises(log: RunLog) -> float | None:
    """Fall of the reward from its highest level to its last, in noises."""
    parts = _reward_parts(log)
    return float(min((parts[1] - parts[2]) / parts[3], 1e6)) if parts else None


@signal(unit="share", **NEEDS_REWARD)
def reward_lost_share(log: RunLog) -> float | None:
    """Share of the rise of the reward that was lost again; above 1 it ends below its start."""
    parts = _reward_parts(log)
    return (parts[1] - parts[2]) / max(parts[1] - parts[0], FEW * parts[3]) if parts else None


@signal(unit="reward", **NEEDS_REWARD)
def reward_best(log: RunLog) -> float | None:
    """Highest level of the reward."""
    parts = _reward_parts(log)
    return parts[1] if parts else None


@signal(unit="reward", **NEEDS_REWARD)
def reward_final(log: RunLog) -> float | None:
    """Last level of the reward."""
    parts = _reward_parts(log)
    return parts[2] if parts else None


@signal(unit="nats", needs="a log of another tool with a KL divergence", zh="其他工具的日志，且含 KL 散度")
def policy_kl(log: RunLog) -> float | None:
    """Median of the last tenth of the logged KL divergence between the policy and its reference."""
    name = next((name for name in log.more_columns if KL.search(name)), None) if imported(log) else None
    values = robust_statistics.finite(log.column(name)) if name else np.zeros(0)
    return float(np.median(robust_statistics.tail(values, 0.1, FEW))) if values.size >= SOME else None
