"""The contexts of a log: kinds of training in which rules abstain or soften, and what a training does not have."""

from collections.abc import Callable

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import curves, kinds
from trainadvisor.signals.absences import ABSENCES
from trainadvisor.signals.memory import memory_of, remembered

CHECKS: dict[str, Callable[[RunLog], bool]] = {
    "curves-only": curves.imported,
    "adversarial": kinds.adversarial,
    "many-trainings": kinds.many_trainings,
    "reinforcement": kinds.reinforcement,
    "self-targets": kinds.self_targets,
    "codebook": kinds.codebook,
    "contrastive": kinds.contrastive,
    "preference": kinds.preference,
    "likelihood": kinds.likelihood,
    "finetuning": kinds.finetuning,
    "accumulation": kinds.accumulation,
    "no-supervision": kinds.no_supervision,
    "recorded": kinds.recorded,
    "tiny-validation": kinds.tiny_validation,
    "regression": kinds.regression,
    "classification": kinds.classification,
    "language-model": kinds.language_model,
    "autoencoder": kinds.autoencoder,
    **ABSENCES,
}
CONTEXTS = tuple(CHECKS)


def contexts(log: RunLog) -> set[str]:
    """Return the contexts that apply to a log."""
    return set(_contexts(log))


@remembered
def _contexts(log: RunLog) -> frozenset[str]:
    return frozenset(word for word, holds in CHECKS.items() if _safely(holds, log))


def _safely(holds: Callable[[RunLog], bool], log: RunLog) -> bool:
    try:
        return bool(holds(log))
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        memory_of(log).errors[f"contexts.{holds.__name__}"] = f"{type(error).__name__}: {error}"
        return False
