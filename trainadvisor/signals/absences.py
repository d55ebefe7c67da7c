"""What a recorded training does not have: rules about it do not apply, and nobody misses their checks.

The recorder writes an event as soon as it sees such a subject, so that a recorded log without the event has none.
"""

from collections.abc import Callable

import numpy as np

from trainadvisor.log.reader import RunLog

# Kinds of events that stand for a subject; a context of each says that none was seen.
SUBJECTS = {
    "no-twin": {"twin"},
    "no-evaluated-copy": {"evaluated-copy"},
    "no-optimizer-modes": {"optimizer-mode"},
    "no-epoch-sampler": {"sampler-epochs"},
    "no-equal-streams": {"worker-copies", "broken-passes"},
}


def _without(kinds: set[str]) -> Callable[[RunLog], bool]:
    def absent(log: RunLog) -> bool:
        return _recorded(log) and not any(event.get("kind") in kinds for event in log.events)

    absent.__name__ = "without_" + "_".join(sorted(kinds)).replace("-", "_")
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


def no_weighed_answers(log: RunLog) -> bool:
    """Return whether no loss multiplies log-probabilities with the advantages of answers."""
    return _recorded(log) and not np.isfinite(log.column("factor_zero")).any()


def no_layers(log: RunLog) -> bool:
    """Return whether the models are tables of embeddings only: nothing that computes activations."""
    facts = [parameter for model in log.models for parameter in model["parameters"]]
    roles = {fact.get("role") for fact in facts if len(fact["shape"]) > 1}
    return _recorded(log) and roles == {"embedding"}


ABSENCES: dict[str, Callable[[RunLog], bool]] = {
    **{word: _without(kinds) for word, kinds in SUBJECTS.items()},
    "no-layers": no_layers,
    "no-loader": no_loader,
    "no-optimizer": no_optimizer,
    "no-schedule": no_schedule,
    "no-weighed-answers": no_weighed_answers,
}
