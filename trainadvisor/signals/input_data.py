"""The inputs: scale, offset, variation, and whether validation sees the same kind of inputs."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.activations import act

INPUTS = {"needs": "the inputs of the model while training", "zh": "训练时模型的输入"}
BOTH = {"needs": "the inputs of the model in training and in validation", "zh": "训练与验证时模型的输入"}
LAYERS = {"needs": "the layers of the model", "zh": "模型的各层"}
SPREADS = {"needs": "samples of the activations", "zh": "激活值的采样"}
LEAST_STD = 1e-12
LEAST_BATCHES = 5
LEAST_EXAMPLES = 32
LEAST_ROWS = 8
# The axes of a batch of pictures.
PICTURES = 4
# Layers that are called first, one of which meets the inputs.
FIRST_LAYERS = 4
EMBEDDINGS = ("Embedding", "EmbeddingBag")


def inputs_of(log: RunLog, phase: str) -> dict[str, Any] | None:
    """Return the input description of the main model in a phase, else of the model that saw most examples."""
    known = {model: detail for (model, of), detail in log.inputs.items() if of == phase}
    main = log.model["id"] if log.model else -1
    return known.get(main) or max(known.values(), key=lambda detail: number(detail.get("examples")) or 0, default=None)


def _fact(log: RunLog, field: str, phase: str = "train") -> float | None:
    detail = inputs_of(log, phase)
    return number(detail.get(field)) if detail else None


@signal(unit="word", **INPUTS)
def input_kind(log: RunLog) -> str | None:
    """What the inputs are: "numbers", "binary" (two values, one-hot), or "tokens" (integers used as indices)."""
    detail = inputs_of(log, "train")
    if detail is None:
        return None
    if not detail.get("floating") and first_layer_kind(log) in ("Embedding", "EmbeddingBag"):
        return "tokens"
    return "binary" if detail.get("binary") else "numbers" if detail.get("floating") else "tokens"


@signal(unit="word", **LAYERS)
def first_layer_kind(log: RunLog) -> str | None:
    """Kind of the first layer of the main model that the inputs meet (reshaping and dropout not counted).

    Numbers meet no table of embeddings: that takes another input, as the time step of a diffusion model.
    """
    layers = log.model["layers"] if log.model else []
    passed = ("Flatten", "Unflatten", "Identity", *(EMBEDDINGS if _are_numbers(log) else ()))
    kinds = [layer["kind"] for layer in layers if "Dropout" not in layer["kind"] and layer["kind"] not in passed]
    return kinds[0] if kinds else None


def _are_numbers(log: RunLog) -> bool:
    return bool((inputs_of(log, "train") or {}).get("floating"))


@signal(unit="truth", **LAYERS)
def norm_first(log: RunLog) -> bool | None:
    """Whether the model normalizes its inputs itself: its first layer is a norm layer."""
    kind = first_layer_kind(log)
    return None if kind is None else "Norm" in kind


@signal(unit="value", **INPUTS)
def input_mean(log: RunLog) -> float | None:
    """Mean of the training inputs."""
    return _fact(log, "mean")


@signal(unit="value", **INPUTS)
def input_std(log: RunLog) -> float | None:
    """Standard deviation of the training inputs over everything."""
    return _fact(log, "std")


@signal(unit="value", **INPUTS)
def input_rms(log: RunLog) -> float | None:
    """Root mean square of the training inputs; 1 when they are standardized."""
    mean, std = input_mean(log), input_std(log)
    return None if mean is None or std is None else float(np.hypot(mean, std))


@signal(unit="value", **INPUTS)
def input_feature_scale(log: RunLog) -> float | None:
    """Scale of the largest feature or channel: the larger of its |mean| and its standard deviation."""
    sizes = [_fact(log, "feature_mean_max_abs"), _fact(log, "feature_std_max")]
    known = [size for size in sizes if size is not None]
    return max(known, default=None)


@signal(unit="ratio", **INPUTS)
def input_feature_ratio(log: RunLog) -> float | None:
    """Largest over smallest standard deviation of the features that vary."""
    low, high = _fact(log, "feature_std_min"), _fact(log, "feature_std_max")
    return high / low if low and high and low > LEAST_STD else None


@signal(unit="share", **INPUTS)
def constant_feature_share(log: RunLog) -> float | None:
    """Share of the input features that never vary, in training or over evaluation batches of eight or more examples.

    Absent where none varies of a tensor beside others: that may be a state, which begins at zero.
    """
    shape = (inputs_of(log, "eval") or {}).get("shape")
    several = isinstance(shape, list) and bool(shape) and (number(shape[0]) or 0) >= LEAST_ROWS
    shares = [_constant_share(log, phase) for phase in ("train", *(["eval"] if several else []))]
    return max((share for share in shares if share is not None), default=None)


def _constant_share(log: RunLog, phase: str) -> float | None:
    constant, features = _fact(log, "constant_features", phase), _fact(log, "features", phase)
    beside = (_fact(log, "tensors", phase) or 1) > 1 and constant == features
    return constant / features if constant is not None and features and not beside else None


@signal(unit="ratio", **INPUTS)
def input_interleaving(log: RunLog) -> float | None:
    """Distance between numbers of a picture's row as far apart as it has channels, over that of nearer ones.

    Far below 1 a row holds all channels in turn, as after a reshape of pictures with channels last; 1: no pictures.
    """
    shape = (inputs_of(log, "train") or {}).get("shape")
    pictures = isinstance(shape, list) and len(shape) == PICTURES
    return _fact(log, "interleaving") if pictures or shape is None else 1.0


@signal(unit="shape", **INPUTS)
def input_shape(log: RunLog) -> str | None:
    """Shape of the first batch that the model was called with while training."""
    shape = (inputs_of(log, "train") or {}).get("shape")
    return str(tuple(shape)) if isinstance(shape, list) else None


@signal(unit="share", **INPUTS)
def repeated_batch_share(log: RunLog) -> float | None:
    """Share of the training batches whose inputs are identical to those of the batch before."""
    same, batches = _fact(log, "identical_batches"), _fact(log, "batches")
    return same / (batches - 1) if same is not None and batches and batches >= LEAST_BATCHES else None


@signal(unit="batches", **INPUTS)
def input_batches(log: RunLog) -> int | None:
    """Number of training batches whose inputs were examined."""
    batches = _fact(log, "batches")
    return None if batches is None else int(batches)


# -- does the model see them


def _first_weights(log: RunLog) -> tuple[int, int] | None:
    """Return the activation row and the parameter row of the layer with weights that the inputs meet first.

    A layer that is too narrow for them takes another input, as the time step of a diffusion model, and so does a
    matrix beside a convolution over the channels of pictures.
    """
    rows, parameters = log.layers.rows("act"), log.layers.rows()
    weights = {p["layer"]: i for i, p in reversed(list(enumerate(parameters))) if len(p["shape"]) > 1}
    passed = ("embedding",) if _are_numbers(log) else ()
    found = [
        (i, weights[r["layer"]]) for i, r in enumerate(rows) if r.get("layer") in weights and r["kind"] not in passed
    ]
    features = _fact(log, "features") or 0
    shapes = [parameters[row]["shape"] for _, row in found[:FIRST_LAYERS]]
    given = (inputs_of(log, "train") or {}).get("shape") or []
    over = [
        place
        for place, shape in zip(found, shapes, strict=False)
        if len(shape) == len(given) > 2 and shape[1] == given[1]
    ]
    wide = over or [
        place for place, shape in zip(found, shapes, strict=False) if len(shape) > 2 or shape[1] >= features
    ]
    return next(iter(wide or found), None) if _are_numbers(log) else next(iter(found), None)


@signal(unit="value", **SPREADS)
def first_layer_spread(log: RunLog) -> float | None:
    """Largest spread over a batch at the output of the first layer with weights; 0 = it sees no difference."""
    place = _first_weights(log)
    spreads = act(log, "act_spread", [place[0]]) if place else np.empty(0)
    known = spreads[np.isfinite(spreads)]
    return float(known.max()) if known.size >= 3 else None


@signal(unit="value", **SPREADS)
def first_layer_rms(log: RunLog) -> float | None:
    """Root mean square of the first layer's output at the first sample; near 1 when inputs or model are scaled."""
    place, sizes = _first_weights(log), log.layers.column("act_rms")
    return float(sizes[0, place[0]]) if place and len(sizes) else None


@signal(unit="norm", **SPREADS)
def first_layer_norm(log: RunLog) -> float | None:
    """Norm of the weights of the first layer at the first sample."""
    place, norms = _first_weights(log), log.layers.column("weight")
    return float(norms[0, place[1]]) if place and len(norms) else None


# -- training against validation


def _pair(log: RunLog) -> tuple[dict[str, Any], dict[str, Any]] | None:
    train, check = inputs_of(log, "train"), inputs_of(log, "eval")
    if train is None or check is None or not train.get("floating") or not check.get("floating"):
        return None
    counted = [number(detail.get("examples")) or 0 for detail in (train, check)]
    return (train, check) if min(counted) >= LEAST_EXAMPLES else None


@signal(unit="standard deviations", **BOTH)
def input_shift(log: RunLog) -> float | None:
    """Distance between the mean inputs of training and validation, in standard deviations of the training inputs."""
    pair = _pair(log)
    if pair is None:
        return None
    (first, second), std = (number(detail.get("mean")) for detail in pair), number(pair[0].get("std"))
    return abs(second - first) / std if first is not None and second is not None and std and std > LEAST_STD else None


@signal(unit="ratio", **BOTH)
def input_scale_ratio(log: RunLog) -> float | None:
    """Standard deviation of the validation inputs over that of the training inputs."""
    pair = _pair(log)
    if pair is None:
        return None
    first, second = (number(detail.get("std")) for detail in pair)
    return second / first if first and second is not None and first > LEAST_STD else None


@signal(unit="value", **BOTH)
def val_input_mean(log: RunLog) -> float | None:
    """Mean of the validation inputs."""
    return _fact(log, "mean", "eval")


@signal(unit="value", **BOTH)
def val_input_std(log: RunLog) -> float | None:
    """Standard deviation of the validation inputs."""
    return _fact(log, "std", "eval")
