"""Arguments of the model beside its input: whether what should tell examples apart ever varies."""

import re
from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.activations import MIXING, act
from trainadvisor.signals.losses import training_losses

ARGUMENTS = {
    "needs": "a model that is called with a number for each example",
    "zh": "调用模型时每个样本附带一个数值",
    "about": "no-timestep",
}
LEAST_BATCHES, LEAST_EXAMPLES, LEAST_SAMPLES = 4, 32, 4
_TIME = re.compile(
    r"^(t|ts|tau|times?|time_?steps?|steps?|sigmas?|noise(_?levels?)?|log_?snr|lambdas?)$", re.IGNORECASE
)
# Mean square and mean of a target that is drawn from a standard normal distribution.
_NOISE_SQUARE, _NOISE_MEAN = (0.7, 1.4), 0.15
# Correlation of the input with the noise in it.
_MIXED = 0.05


def _arguments(log: RunLog) -> dict[str, dict[str, Any]]:
    told = {event["subject"]: event["detail"] for event in log.events if event["kind"] == "argument"}
    return {
        name: detail
        for name, detail in told.items()
        if (number(detail.get("batches")) or 0) >= LEAST_BATCHES
        and (number(detail.get("examples")) or 0) >= LEAST_EXAMPLES
    }


def _denoises(name: str, detail: dict[str, Any]) -> bool:
    """Return whether the argument is a noise level: by its name, or because the target is the noise in the input."""
    names = ("numbers", "both_square", "input_square", "target_square", "target_sum")
    count, both, given, target, total = (number(detail.get(field)) or 0.0 for field in names)
    if not count or not given or not target:
        return False
    noise = _NOISE_SQUARE[0] < target / count < _NOISE_SQUARE[1] and abs(total / count) < _NOISE_MEAN
    mixed = abs(both) > _MIXED * (given * target) ** 0.5
    return bool(_TIME.match(name)) or (noise and mixed)


def timesteps(log: RunLog) -> dict[str, dict[str, Any]]:
    """Return what is known of each argument that is a time step, or a noise level."""
    unseen = _gives_what_it_takes(log) and all(loss["kind"] == "custom" for loss in training_losses(log))
    return {
        name: detail
        for name, detail in _arguments(log).items()
        if _denoises(name, detail) or (unseen and _TIME.match(name))
    }


def _gives_what_it_takes(log: RunLog) -> bool:
    """Return whether the last layer has as many outputs as the model has inputs, as that of a denoiser has."""
    facts = [layer.get("facts") or {} for layer in (log.model or {}).get("layers") or []]
    outputs = [fact[name] for fact in facts for name in ("out_features", "out_channels") if name in fact]
    inputs = {detail.get("features") for (_, phase), detail in log.inputs.items() if phase == "train"}
    return bool(outputs) and inputs == {outputs[-1]}


def _is_constant(detail: dict[str, Any]) -> bool:
    low, high = number(detail.get("low")), number(detail.get("high"))
    return low is not None and low == high


@signal(unit="truth", **ARGUMENTS)
def timestep_constant(log: RunLog) -> bool | None:
    """Whether the time step (or noise level) that a denoising model is given has one value in all batches."""
    known = timesteps(log)
    return any(map(_is_constant, known.values())) if known or log.losses else None


@signal(unit="name", **ARGUMENTS)
def timestep_name(log: RunLog) -> str | None:
    """Name of the argument that holds the time step, of one that never varies where there is one."""
    known = sorted(timesteps(log), key=lambda name: not _is_constant(timesteps(log)[name]))
    return known[0] if known else None


@signal(unit="value", **ARGUMENTS)
def timestep_value(log: RunLog) -> float | None:
    """The one value of a time step that never varies."""
    return next((number(detail["low"]) for detail in timesteps(log).values() if _is_constant(detail)), None)


@signal(unit="examples", **ARGUMENTS)
def timestep_examples(log: RunLog) -> int | None:
    """Examples whose time steps were looked at, over the whole run."""
    return max((int(number(detail["examples"]) or 0) for detail in timesteps(log).values()), default=None)


@signal(
    unit="layer",
    needs="activations of a model that is given a time step",
    zh="得到时间步的模型的激活值",
    about="no-timestep",
)
def timestep_lost_layer(log: RunLog) -> str | None:
    """First layer with weights that gives all examples the same although a time step tells them apart.

    "none" where there is no such layer, or no time step.
    """
    if all(map(_is_constant, timesteps(log).values())):
        return "none" if log.losses else None
    rows = [place for place, row in enumerate(log.layers.rows("act")) if row.get("kind") in MIXING]
    spreads = act(log, "act_spread", rows)
    if len(spreads) < LEAST_SAMPLES or not np.isfinite(spreads).all():
        return None
    names = [str(log.layers.rows("act")[place]["name"]) for place in rows]
    return next((name for name, values in zip(names, spreads.T, strict=True) if not values.any()), "none")
