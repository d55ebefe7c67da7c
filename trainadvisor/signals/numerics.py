"""Non-finite values and limited precision: what broke first and where, loss scaling, updates lost to rounding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.loss import training_loss
from trainadvisor.signals.matrices import row_medians
from trainadvisor.signals.robust_statistics import finite, median

NEEDS = {"needs": "a run that was watched for NaN and infinity", "zh": "运行时对 NaN 与无穷大的监视"}
NEEDS_SCALE = {"needs": "a GradScaler", "zh": "GradScaler（损失缩放器）"}
NEEDS_LAYERS = {"needs": "sampled statistics of the parameters", "zh": "参数的抽样统计"}
ROUNDOFF = {"bfloat16": 2.0**-8, "float16": 2.0**-11}  # half a unit in the last place, relative
FLOAT16_TINY = 2.0**-24  # smallest positive number of float16
SETTLING = 20  # steps that a loss scale takes to settle
ADAPTIVE = ("Adam", "RMSprop", "Adagrad", "Adadelta", "Adafactor", "NAdam", "RAdam", "Lion")
ANY = "any"


def nonfinite_events(log: RunLog, subject: str = ANY) -> list[dict[str, Any]]:
    """Reports of non-finite values in the order they were found, of one subject or of any."""
    return [e for e in log.events if e.get("kind") == "nonfinite" and subject in (ANY, e.get("subject"))]


def _first(log: RunLog) -> dict[str, Any] | None:
    """The earliest report; those of one step are ordered as the step computes."""
    found = nonfinite_events(log)
    order = {"input": 0, "parameter": 1, "activation": 2, "loss": 3, "gradient": 4}
    return min(found, key=lambda e: (e["step"], order.get(str(e.get("subject")), 5)), default=None)


def _in_loss(log: RunLog, first: dict[str, Any]) -> bool:
    losses = nonfinite_events(log, "loss")
    nameless = first["subject"] == "activation" and not (first.get("detail") or {}).get("name")
    return nameless and bool(losses) and losses[0]["step"] == first["step"]


def _detail(log: RunLog, field: str) -> str | None:
    first = _first(log)
    value = (first.get("detail") or {}).get(field) if first else None
    return str(value) if value else None


@signal(unit="rows", **NEEDS, about="no-attention")
def masked_softmax_rows(log: RunLog) -> int | None:
    """Rows of the softmax that broke first in which everything was masked; 0 in a run that stayed finite."""
    if not any_nonfinite(log):
        return None if any_nonfinite(log) is None else 0
    return int((nonfinite_events(log, "activation") or [{"detail": {}}])[0]["detail"].get("masked_rows") or 0)


@signal(unit="truth", **NEEDS)
def any_nonfinite(log: RunLog) -> bool | None:
    """Whether any NaN or infinity was seen, in inputs, parameters, activations, loss or gradients."""
    recorded = log.header.get("source", "recorder") == "recorder"
    return bool(nonfinite_events(log)) or (False if recorded and log.steps.size else None)


@signal(unit="word", **NEEDS)
def first_nonfinite(log: RunLog) -> str | None:
    """What became non-finite first: input, parameter, activation, loss or gradient; none in a run that stayed finite.

    An operation that broke in the step of the first bad loss, in none of the layers, belongs to the loss.
    """
    first = _first(log)
    if first:
        return "loss" if _in_loss(log, first) else str(first["subject"])
    return "none" if any_nonfinite(log) is False else None


@signal(unit="step", **NEEDS)
def first_nonfinite_step(log: RunLog) -> int | None:
    """Step of the first non-finite value of any kind."""
    first = _first(log)
    return int(first["step"]) if first else None


@signal(unit="word", **NEEDS)
def first_nonfinite_place(log: RunLog) -> str | None:
    """Name of the input, layer or parameter that was non-finite first."""
    return _detail(log, "name")


@signal(unit="word", **NEEDS)
def first_nonfinite_op(log: RunLog) -> str | None:
    """Operation that produced the first non-finite value, as autograd names it, such as LogBackward0."""
    return _detail(log, "op")


@signal(unit="steps", **NEEDS)
def nonfinite_lead(log: RunLog) -> int | None:
    """Steps from the first non-finite value of any kind to the first non-finite loss."""
    first, loss = _first(log), nonfinite_events(log, "loss")
    return int(loss[0]["step"] - first["step"]) if first and loss else None


@signal(unit="ratio", needs="the training loss before the first non-finite value", zh="首个非有限值出现前的训练损失")
def loss_growth_before_nonfinite(log: RunLog) -> float | None:
    """Largest of the last ten finite losses over the median of those before: above 3 it ran away first."""
    values = np.abs(training_loss(log)[1])
    if not nonfinite_events(log) or values.size < SETTLING:
        return None
    before = median(values[:-10])
    return float(values[-10:].max()) / before if before > 0 else None


@signal(unit="values", needs="the inputs of the model", zh="模型的输入")
def input_nonfinite(log: RunLog) -> int | None:
    """Non-finite values seen in training inputs."""
    counts = [d.get("nonfinite") for (_, phase), d in log.inputs.items() if phase == "train"]
    known = [int(c) for c in counts if isinstance(c, (int, float))]
    if nonfinite_events(log, "input"):
        return max([1, *known])
    return max(known, default=0 if any_nonfinite(log) is False else None)


@signal(unit="number", needs="the inputs of the model", zh="模型的输入")
def input_abs_max(log: RunLog) -> float | None:
    """Largest magnitude seen in training inputs."""
    values = [d.get("abs_max") for (_, phase), d in log.inputs.items() if phase == "train"]
    return max((float(v) for v in values if isinstance(v, (int, float))), default=None)


@signal(unit="number", needs="sampled activations", zh="抽样的激活值")
def activation_max(log: RunLog) -> float | None:
    """Largest finite magnitude of any sampled activation."""
    values = log.layers.column("act_max")
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else None


def _amp(log: RunLog) -> dict[str, Any]:
    found = [e.get("detail") or {} for e in log.events if e.get("kind") in ("amp", "autocast")]
    return {key: value for detail in found for key, value in detail.items() if value is not None}


@signal(unit="word", needs="the state of autocast in the run", zh="运行时的 autocast 状态", about="no-autocast")
def amp_dtype(log: RunLog) -> str | None:
    """Precision of autocast: float16, bfloat16, or off."""
    if log.header.get("source", "recorder") != "recorder":
        return None
    return str(_amp(log).get("dtype") or "off").removeprefix("torch.")


@signal(
    unit="truth", needs="the state of autocast and GradScaler in the run", zh="运行时的 autocast 与 GradScaler 状态"
)
def amp_scaler(log: RunLog) -> bool | None:
    """Whether a GradScaler scaled the loss."""
    if log.header.get("source", "recorder") != "recorder":
        return None
    return (
        bool(_amp(log).get("scaler"))
        or bool(np.isfinite(log.column("scale")).any())
        or bool(log.tally.get("scaler_steps"))
    )


@signal(unit="share", **NEEDS_SCALE)
def scaler_skip_share(log: RunLog) -> float | None:
    """Share of optimizer steps that the GradScaler skipped, after the first 20; 0 without one."""
    scaled = amp_scaler(log)
    if scaled is None or (scaled and log.steps.size <= SETTLING):
        return None
    return float(np.mean(log.column("skipped")[SETTLING:] == 1.0)) if scaled else 0.0


def _scales(log: RunLog) -> NDArray[np.float64]:
    values = log.column("scale")
    return np.asarray(values[np.isfinite(values)], dtype=np.float64)


@signal(unit="number", **NEEDS_SCALE)
def scale_final(log: RunLog) -> float | None:
    """Loss scale at the end."""
    values = _scales(log)
    return float(values[-1]) if values.size else None


@signal(unit="times", **NEEDS_SCALE)
def scale_backoffs(log: RunLog) -> int | None:
    """Times the loss scale was lowered after the first 20 steps."""
    values = _scales(log)
    return int(np.sum(np.diff(values[SETTLING:]) < 0)) if values.size > SETTLING else None


def _trainable(log: RunLog) -> list[tuple[int, dict[str, Any]]]:
    return [
        (row, p) for row, p in enumerate(log.layers.rows()) if p.get("trainable") and len(p.get("shape") or []) >= 2
    ]


@signal(unit="word", needs="the parameters of the model", zh="模型参数", about="no-half-precision")
def parameter_dtype(log: RunLog) -> str | None:
    """Precision in which most trainable matrix elements are stored."""
    sizes: dict[str, int] = {}
    for _, facts in _trainable(log):
        name = str(facts.get("dtype")).removeprefix("torch.")
        sizes[name] = sizes.get(name, 0) + int(facts.get("count") or 0)
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


def _sizes(log: RunLog, column: str) -> NDArray[np.float64]:
    """Root mean square per element of the trainable matrices, samples x matrices."""
    chosen = _trainable(log)
    counts = np.array([max(int(p.get("count") or 1), 1) for _, p in chosen], dtype=np.float64)
    return np.asarray(log.layers.column(column)[:, [row for row, _ in chosen]] / np.sqrt(counts), dtype=np.float64)


@signal(unit="share", **NEEDS_LAYERS)
def tiny_gradient_share(log: RunLog) -> float | None:
    """Share of weight matrices with gradients below ten times the smallest float16 number in the first half.

    Root mean square per element, median over samples; matrices without a gradient are left out.
    """
    values = _sizes(log, "grad")
    values = values[: max(values.shape[0] // 2, 1)]
    if not values.size:
        return None
    known = np.where(values > 0, values, np.nan)
    typical = row_medians(known.T)
    typical = typical[np.isfinite(typical)]
    return float(np.mean(typical < 10 * FLOAT16_TINY)) if typical.size else None


def _relative_step(log: RunLog) -> NDArray[np.float64] | None:
    """Intended step size of each matrix element, relative to the element, one row per sample."""
    gradient, weight, rate = _sizes(log, "grad"), _sizes(log, "weight"), log.lr[np.isfinite(log.lr)]
    count = min(gradient.shape[0], weight.shape[0])
    if not count or not rate.size:
        return None
    adaptive = any(str(o.get("class", "")).startswith(ADAPTIVE) for o in log.optimizers)
    step = np.full((count, gradient.shape[1]), 1.0) if adaptive else gradient[:count]
    return np.asarray(step * median(rate) / np.maximum(weight[:count], 1e-30), dtype=np.float64)


@signal(unit="roundings", needs="sampled gradients and weights, the learning rate", zh="抽样的梯度与权重、学习率")
def update_roundings(log: RunLog) -> float | None:
    """Size of a step in units of the resolution of the stored weights; below 1 most steps are rounded away.

    Adaptive optimizers move an element by about the learning rate, SGD by learning rate times gradient; half a unit
    in the last place is 2^-8 of the weight in bfloat16 and 2^-11 in float16. Absent for float32 weights.
    """
    unit, step = ROUNDOFF.get(str(parameter_dtype(log))), _relative_step(log)
    return median(finite(step)) / unit if unit and step is not None else None


@signal(unit="share", **NEEDS_LAYERS)
def unchanged_share(log: RunLog) -> float | None:
    """Share of sampled (matrix, step) pairs with a gradient whose bits did not change in the step."""
    update, gradient = log.layers.column("update"), log.layers.column("grad")
    rows = [row for row, _ in _trainable(log)]
    count = min(update.shape[0], gradient.shape[0])
    if not count or not rows:
        return None
    moved, pushed = update[:count, rows], gradient[:count, rows] > 0
    return float(np.mean(moved[pushed] == 0)) if pushed.any() else None


@signal(unit="parameters", needs="the optimizers", zh="优化器")
def foreign_parameters(log: RunLog) -> int | None:
    """Tensors held by optimizers that belong to no known model, such as float32 master copies."""
    return sum(int(o.get("unknown_parameters") or 0) for o in log.optimizers) if log.optimizers else None


@signal(unit="truth", **NEEDS)
def parameters_nonfinite(log: RunLog) -> bool | None:
    """Whether weights became NaN or infinite."""
    weights = log.layers.column("weight")
    if nonfinite_events(log, "parameter"):
        return True
    if weights.size:
        return bool(not np.isfinite(weights[-1]).all())
    return False if any_nonfinite(log) is False else None
