"""What a recorded training does not have: checks of it do not apply, and nobody misses them.

A rule names such a word in its context. A signal says with `about` in which of them it means nothing: rules that hang
on it do not apply there either. Where the recorder writes an event as soon as it sees a subject, a log without the
event has none.
"""

from collections.abc import Callable, Collection

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import (
    activations,
    device,
    initialization,
    kinds,
    label_places,
    model_arguments,
    numerics,
    optimizer,
    self_reference,
    siblings,
    wiring,
)
from trainadvisor.signals.targets import SIGNED

# Kinds of events that stand for a subject.
SUBJECTS = {
    "no-twin": {"twin"},
    "no-evaluated-copy": {"evaluated-copy"},
    "no-optimizer-modes": {"optimizer-mode"},
    "no-epoch-sampler": {"sampler-epochs"},
    "no-equal-streams": {"worker-copies", "broken-passes"},
    "no-packed-rows": {"packed-rows"},
    "no-masks": {"mask-sides"},
    "no-pooled-places": {"pooled-padding"},
    "nothing-printed": {"figures-printed"},
    "no-resume": {"resume"},
    "no-autocast": {"amp", "autocast"},
}
# Losses without one of which nothing has such targets.
KINDS_OF_LOSS = {
    "no-ctc": {"ctc_loss"},
    "no-binary-labels": {"binary_cross_entropy", "binary_cross_entropy_with_logits"},
    "no-signed-labels": SIGNED,
    "no-regression": kinds.REGRESSING,
}
# Columns of the steps that are filled where there is such a thing.
COLUMNS = {
    "no-clipping": ("clip_max", "clip_value"),
    "no-policy-ratio": ("policy_own_ratio_gap",),
    "no-preference": ("preference_margin",),
    "no-weighed-answers": ("factor_zero",),
}


def _without(kinds: set[str]) -> Callable[[RunLog], bool]:
    def absent(log: RunLog) -> bool:
        return _recorded(log) and not any(event.get("kind") in kinds for event in log.events)

    absent.__name__ = "without_" + "_".join(sorted(kinds)).replace("-", "_")
    return absent


def _without_loss(wanted: Collection[str]) -> Callable[[RunLog], bool]:
    def absent(log: RunLog) -> bool:
        return _recorded(log) and bool(log.losses) and not any(loss["kind"] in wanted for loss in log.losses)

    return absent


def _without_column(names: tuple[str, ...]) -> Callable[[RunLog], bool]:
    def absent(log: RunLog) -> bool:
        return _recorded(log) and not any(np.isfinite(log.column(name)).any() for name in names)

    return absent


def _lacking(has: Callable[[RunLog], object]) -> Callable[[RunLog], bool]:
    """Return the absence of what a log shows to be there; None leaves it open."""

    def absent(log: RunLog) -> bool:
        found = has(log)
        return _recorded(log) and found is not None and not found

    return absent


def _recorded(log: RunLog) -> bool:
    return bool(log.header.get("source", "recorder") == "recorder")


def no_loader(log: RunLog) -> bool:
    """Return whether no loader gave the training its batches, nor kept it waiting."""
    waited = np.isfinite(log.column("wait")).any()
    return _recorded(log) and not waited and not any(loader.get("role") == "train" for loader in log.loaders)


def no_schedule(log: RunLog) -> bool:
    """Return whether nothing was made that changes the learning rate."""
    return _recorded(log) and not log.schedulers


def no_optimizer(log: RunLog) -> bool:
    """Return whether no optimizer was seen: the script changes its weights by hand."""
    return _recorded(log) and not log.optimizers


def no_layers(log: RunLog) -> bool:
    """Return whether the models are tables of embeddings only: nothing that computes activations."""
    facts = [parameter for model in log.models for parameter in model["parameters"]]
    roles = {fact.get("role") for fact in facts if len(fact["shape"]) > 1}
    return _recorded(log) and roles == {"embedding"}


def _accelerated(log: RunLog) -> bool | None:
    device = log.header.get("device")
    return None if device is None else device != "cpu"


def _processes(log: RunLog) -> bool | None:
    size = device.world_size(log)
    return None if size is None else size > 1


def _loaded(log: RunLog) -> bool:
    parameters = (parameter for model in log.models for parameter in model["parameters"])
    return any(event["kind"] == "state-load" for event in log.events) or any(p.get("loaded") for p in parameters)


def _reference(log: RunLog) -> bool:
    """Return whether there is another model, or the trained one answers without gradients in a step too."""
    return len(log.models) > 1 or bool(self_reference.self_reference_share(log))


def _half(log: RunLog) -> bool:
    """Return whether any weights are held in half precision."""
    return any("float16" in str(p.get("dtype")) for model in log.models for p in model["parameters"])


def _among(wanted: frozenset[str], *, hidden: bool = False) -> Callable[[RunLog], bool | None]:
    """Return what tells whether a model has such activations; without a table of them that is open."""
    return lambda log: bool(activations.rows_of(log, wanted, hidden=hidden)) if log.layers.rows("act") else None


HAVING: dict[str, Callable[[RunLog], object]] = {
    "no-accelerator": _accelerated,
    "no-processes": _processes,
    "no-loads": _loaded,
    "no-reference": _reference,
    "no-half-precision": _half,
    "no-scaler": numerics.amp_scaler,
    "no-accumulation": kinds.accumulation,
    "no-pairs": kinds.contrastive,
    "no-codebook": kinds.codebook,
    "no-attention": initialization.has_attention,
    "no-dropout": initialization.dropout_max,
    "no-mode-layers": wiring.mode_layer_count,
    "no-token-labels": label_places.labeled,
    "no-timestep": model_arguments.timesteps,
    "no-experts": siblings.lists,
    "no-rectifiers": _among(activations.RECTIFIERS),
    "no-squashing": _among(activations.SATURATING, hidden=True),
    "no-adaptive-optimizer": optimizer.adaptive,
    "no-weight-decay": optimizer.weight_decay,
}

ABSENCES: dict[str, Callable[[RunLog], bool]] = {
    **{word: _without(events) for word, events in SUBJECTS.items()},
    **{word: _without_loss(losses) for word, losses in KINDS_OF_LOSS.items()},
    **{word: _without_column(names) for word, names in COLUMNS.items()},
    **{word: _lacking(has) for word, has in HAVING.items()},
    "no-layers": no_layers,
    "no-loader": no_loader,
    "no-optimizer": no_optimizer,
    "no-schedule": no_schedule,
}
