"""The training loss in another tool's log: its lowest part and its end, what was not finite, what is always zero."""

import re

import numpy as np

from trainadvisor.log.cleaning import whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.curve_validation import metric
from trainadvisor.signals.curves import FEW, FLOOR, NEEDS, SOME, fact, imported, noise, series, training
from trainadvisor.signals.robust_statistics import Series, median

WINDOW = 10  # parts of a curve: a level is that of one part
ACCURACY = re.compile(
    r"(^|[/_. ])acc(uracy)?$|(^|[/_ ])(train|training|val|valid|validation|test)acc(uracy)?$", re.IGNORECASE
)
# How far loss and accuracy of a model that knows nothing lie from the logarithm and the share of its classes.
NEAR_CHANCE, NEAR_SHARE = 0.01, 0.1
LEAST_SHARE = 1e-4
AUC = re.compile(r"(^|[/_ ])(roc_?)?auc|auroc", re.IGNORECASE)


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
    return (last - low) / max(first - low, FEW * noise(values), FLOOR * abs(first), 1e-300)


@signal(unit="standard errors", **NEEDS)
def curve_rise_errors(log: RunLog) -> float | None:
    """Rise from the lowest part of the curve to the last, in standard errors by the scatter within both."""
    parts = windows(training(log)[1])
    if not parts:
        return None
    low, last = parts
    scatter = max(float(np.sqrt((low.var(ddof=1) + last.var(ddof=1)) / 2)), FLOOR * abs(float(low.mean())), 1e-300)
    return min(float(last.mean() - low.mean()) / (scatter * float(np.sqrt(2 / low.size))), 1e6)


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
    return median(values[-FEW:]) if values.size >= FEW else None


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
    """Parts of the training loss that are 0 throughout, while in validation they are not or no metric leaves 0."""
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
    measured = {other for record in log.evals for other in record["metrics"] if other != name}
    twins = [series(log, other)[1] for other in measured if _tail(other) == tail]
    merits = metric(log)[2]
    nothing_found = merits.size >= SOME and not merits.any()
    return nothing_found or any(median(np.abs(values)) > 0 for values in twins if values.size)


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
    known = [series(log, name)[1] for name in metrics]
    known += [log.column(name) for name in log.more_columns if AUC.search(name)]
    values = robust_statistics.finite(np.concatenate(known)) if known else np.zeros(0)
    return float(np.abs(values - 0.5).max()) if values.size >= SOME else None


@signal(unit="ratio", needs="a log of another tool and the number of classes", zh="其他工具的日志以及类别数")
def curve_over_chance(log: RunLog) -> float | None:
    """Training loss of the last part of the curve over the logarithm of the number of classes that was named."""
    classes, parts = whole(fact(log, "classes")), windows(training(log)[1])
    return float(parts[1].mean() / np.log(classes)) if parts and classes is not None and classes > 1 else None


@signal(unit="classes", needs="a log of another tool with an accuracy", zh="其他工具的日志，且含准确率")
def curve_chance_classes(log: RunLog) -> int | None:
    """Number of classes whose equal probabilities explain loss and accuracy at every point; 0 where none does."""
    losses, rights = training(log)[1], accuracies(log)
    if losses.size < SOME or rights.size < SOME:
        return None
    share = median(rights) / (100 if np.max(rights) > 1 else 1)
    classes = round(1 / share) if share > LEAST_SHARE else 0
    if classes < 2:
        return 0
    shares = rights / (100 if np.max(rights) > 1 else 1)
    same_loss = np.abs(losses / np.log(classes) - 1).max() < NEAR_CHANCE
    return classes if same_loss and np.abs(shares * classes - 1).max() < NEAR_SHARE else 0


def accuracies(log: RunLog) -> Series:
    """Return all accuracies of training and of held-out data."""
    names = {name for record in log.evals for name in record["metrics"] if ACCURACY.search(name)}
    columns = ["accuracy", *(name for name in log.more_columns if ACCURACY.search(name))]
    known = [*(series(log, name)[1] for name in names), *(log.column(name) for name in columns)]
    return robust_statistics.finite(np.concatenate(known))
