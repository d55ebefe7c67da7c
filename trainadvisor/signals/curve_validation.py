"""The validation loss and the metrics of held-out data in another tool's log."""

import re

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import FEW, SOME, final, held_out, imported, near, noise, series, training
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import Series, median

NEEDS_EVALS = {"needs": "a log of another tool with a validation loss", "zh": "其他工具的日志，且含验证损失"}
NEEDS_METRIC = {"needs": "a log of another tool with a metric of held-out data", "zh": "其他工具的日志，且含验证指标"}
METRICS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"map50-95|map_50_95", r"overall_f1|macro_f1|(^|[/_ ])f1", r"\bm?ap\b|map", r"bleu|rouge-?l|rouge",
        r"miou|iou|dice", r"acc|准确率|正确率|准确度|精度", r"auc|auroc", r"success", r"exact|\bem\b", r"r2",
        r"precision|recall|精确率|召回率", r"psnr|ssim",
        r"score",
    )
)  # fmt: skip
ERRORS = re.compile(r"(^|[/_ ])(wer|cer|eer|error|err|error_rate|mae|rmse|fid)$", re.IGNORECASE)
# An error rate at which nothing is right, and values that cannot get better.
NOTHING_RIGHT, PERFECT = 0.999, (1.0, 100.0)
LOST_NOISES = 8.0
PLAIN = re.compile(r"loss|损失|number|len|count|support|runtime|second", re.IGNORECASE)


@signal(unit="loss", **NEEDS_EVALS)
def curve_val_best(log: RunLog) -> float | None:
    """Lowest validation loss."""
    values = held_out(log)[1]
    return float(values.min()) if values.size else None


@signal(unit="loss", **NEEDS_EVALS)
def curve_val_final(log: RunLog) -> float | None:
    """Last validation loss, as the log has it."""
    values = held_out(log)[1]
    return float(values[-1]) if values.size else None


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
    return (final(values) - low) / abs(low) if low else None


@signal(unit="share", **NEEDS_EVALS)
def curve_val_lost_share(log: RunLog) -> float | None:
    """Share of the fall of the validation loss that was lost again since its lowest value."""
    values = held_out(log)[1]
    fall = float(values[0] - values.min()) if values.size >= FEW else 0.0
    return (final(values) - float(values.min())) / fall if fall else None


@signal(unit="standard deviations", **NEEDS_EVALS)
def curve_val_rise_noises(log: RunLog) -> float | None:
    """Rise of the validation loss from its lowest value, in noises of one evaluation."""
    values = held_out(log)[1]
    return min(float(final(values) - values.min()) / noise(values), 1e6) if values.size >= SOME else None


@signal(unit="ratio", **NEEDS_EVALS)
def curve_val_fall(log: RunLog) -> float | None:
    """Fall of the validation loss from the first evaluation to the end, over the first."""
    values = held_out(log)[1]
    return float((values[0] - final(values)) / abs(values[0])) if values.size >= FEW and values[0] else None


@signal(unit="standard deviations", **NEEDS_EVALS)
def curve_val_fall_noises(log: RunLog) -> float | None:
    """Fall of the validation loss from the first evaluation to the end, in noises of one evaluation."""
    values = held_out(log)[1]
    return float(np.clip((values[0] - final(values)) / noise(values), -1e6, 1e6)) if values.size >= SOME else None


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
    return final(values) / now if values.size and now and now > 0 and values[-1] > 0 else None


@signal(unit="ratio", **NEEDS_EVALS)
def curve_val_over_first(log: RunLog) -> float | None:
    """Final validation loss over the first training loss; absent unless both are positive."""
    first, values = training(log)[1][:1], held_out(log)[1]
    return final(values) / float(first[0]) if values.size and first.size and first[0] > 0 and values[-1] > 0 else None


# -- the metric that counts


@remembered
def metric(log: RunLog) -> tuple[str, Series, Series]:
    """Name, steps and values of the metric of held-out data that says most about success, higher being better."""
    names = {name for record in (log.evals if imported(log) else []) for name in record["metrics"]}
    usable = sorted((name for name in names if not PLAIN.search(name)), key=lambda name: (len(name), name))
    for pattern in METRICS:
        for name in usable:
            if pattern.search(name):
                steps, values = series(log, name)
                if values.size >= FEW:
                    return name, steps, values
    return "", np.zeros(0), np.zeros(0)


@signal(unit="name", **NEEDS_METRIC)
def curve_metric(log: RunLog) -> str | None:
    """Name of the metric of held-out data that says most about success."""
    return metric(log)[0] or None


@signal(unit="evaluations", **NEEDS_METRIC)
def curve_metric_evals(log: RunLog) -> int | None:
    """Evaluations with that metric."""
    values = metric(log)[2]
    return int(values.size) if values.size else None


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
    first, last = median(values[:FEW]), median(values[-FEW:])
    return float(np.clip((last - first) / noise(values), -1e6, 1e6))


# -- what speaks against a loss that falls


@signal(unit="evaluations", **NEEDS_METRIC)
def curve_evals_at_one_value(log: RunLog) -> int | None:
    """Evaluations of a metric that has one value in all of them, short of the best: always 0.9, an error rate of 1."""
    merits, errors = metric(log)[2], _errors(log)
    known = [merits] * (merits.size >= SOME) + errors
    still = [values.size for values in known if np.ptp(values) == 0 and values[0] not in PERFECT]
    still += [values.size for values in errors if values.min() >= NOTHING_RIGHT]
    return max(still, default=0) if known else None


@signal(unit="share", **NEEDS_METRIC)
def curve_metric_lost(log: RunLog) -> float | None:
    """Part of its best value by which a metric of held-out data ends worse, beyond eight noises; the largest of all."""
    merits = metric(log)[2]
    known = [(merits, 1.0)] * (merits.size >= SOME) + [(values, -1.0) for values in _errors(log)]
    return max((_lost(values * sign) for values, sign in known), default=None)


def _lost(values: Series) -> float:
    best, end = float(values.max()), final(values)
    clear = best - end > LOST_NOISES * noise(values) and best != 0
    return (best - end) / abs(best) if clear else 0.0


def _errors(log: RunLog) -> list[Series]:
    """Return the error rates of held-out data."""
    names = {name for record in (log.evals if imported(log) else []) for name in record["metrics"]}
    return [values for name in sorted(names) if ERRORS.search(name) and (values := series(log, name)[1]).size >= SOME]
