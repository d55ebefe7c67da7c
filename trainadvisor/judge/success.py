"""What shows that a training succeeded: measures that are clearly better than what an answer without learning gets."""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.rule_verdict import SignalSource
from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics
from trainadvisor.signals.accuracy import accuracy_unit
from trainadvisor.signals.context import prefers
from trainadvisor.signals.trivial_predictor import CLASSIFYING, floor_of, summed, trivial_of

# Share of what can be learned that has to be learned: sound runs of the corpora end at 0.11 and more.
LEARNT = 0.1
# Share of an unknown but positive loss that has to go away: sound runs without a yardstick lose 0.75 and more.
FALL = 0.7
# Share that has to go away after the first tenth of the run: a start that was far off is over by then.
LATER = 0.35
# Share that has to go away of ln 2, which a loss of preferences is as long as no answer is told from another.
PREFERENCES_FALL = 0.5
# Standard errors by which an accuracy has to exceed the share of the most frequent label.
SURE = 4.0
# Nats by which a Gaussian likelihood has to exceed that of the best constant: a variance smaller by a fifth.
BETTER = 0.1
DENSITY = "gaussian_nll_loss"
# Metrics that scripts hand over under these names are better the higher they are.
RISING = re.compile(
    r"accuracy|acc|r2|f1|iou|dice|auc|bleu|rouge|map|reward|return|score|precision|recall", re.IGNORECASE
)
FEW = 5
# Pairs whose wanted answer gets the higher reward: chance is a half, and seven of ten of 40 pairs exceed it by 2.5
# standard errors.
PREFERRED = re.compile(r"rewards/accurac(y|ies)$")
MOSTLY_PREFERRED = 0.7


def successes(log: RunLog, signals: SignalSource) -> Iterator[Remark]:
    """Yield the measures by which the run has learned something, the most telling first."""
    yield from _of_evaluations(log)
    held_out, train = signals.get("val_skill_final"), signals.get("skill")
    if held_out is not None and held_out >= LEARNT:
        yield Remark("val-skill", {"skill": held_out})
    if train is not None and train >= LEARNT:
        yield Remark("skill", {"skill": train})
    yield from _of_density(log, signals)


def fallen(log: RunLog, signals: SignalSource) -> Iterator[Remark]:
    """Yield that a loss without a yardstick, positive throughout, lost most of its value."""
    loss, final = log.column("loss"), signals.get("loss_final")
    known = loss[np.isfinite(loss)]
    if final is None or not known.size or (known < 0).any():
        return
    first = float(np.mean(known[: max(known.size // 50, 3)]))
    early = float(np.mean(known[known.size // 20 : 3 * known.size // 20 + 1]))
    told_apart = prefers(log) and final <= (1 - PREFERENCES_FALL) * math.log(2) <= first
    if told_apart or final <= min((1 - FALL) * first, (1 - LATER) * early):
        yield Remark("fall", {"first": first, "final": final})


def evaluation_skill(log: RunLog) -> float | None:
    """Skill of the last evaluation by its own standard losses: what the best constant answer to its targets gets."""
    return max((skill for record in log.evals[-1:] for skill in _skills(log, record)), default=None)


def _skills(log: RunLog, record: dict[str, Any]) -> Iterator[float]:
    known = {loss.get("id"): loss for loss in log.losses}
    for key, value in record["losses"].items():
        loss, mean = known.get(int(key)) if str(key).isdecimal() else None, number(value)
        trivial = trivial_of({**loss, "reduction": "mean"}) if loss and loss.get("kind") != "custom" else None
        if loss and mean is not None and trivial is not None and loss.get("reduction") == "mean":
            span = trivial - floor_of(loss) / summed(loss)
            if span > 0:
                yield (trivial - mean) / span


def _of_evaluations(log: RunLog) -> Iterator[Remark]:
    record = log.evals[-1] if log.evals else None
    if record is None:
        return
    skill = evaluation_skill(log)
    if skill is not None and skill >= LEARNT:
        yield Remark("evaluation", {"skill": skill})
    accuracy, chance = number(record["metrics"].get("accuracy")), _chance(log)
    accuracy = None if accuracy is None else accuracy / accuracy_unit(log)
    if accuracy is not None and chance is not None and accuracy > chance + _error(chance, record):
        yield Remark("accuracy", {"accuracy": accuracy, "chance": chance})
    explained = number(record["metrics"].get("r2"))
    if explained is not None and explained >= LEARNT:
        yield Remark("metric", {"name": "r2", "value": explained})
    yield from _of_metrics(log)


def _of_metrics(log: RunLog) -> Iterator[Remark]:
    """Yield the metrics that the script handed over and that rose by more than their noise."""
    names = {name for record in log.evals for name in record["metrics"] if name not in ("accuracy", "r2")}
    for name in sorted(names):
        known = [number(record["metrics"].get(name)) for record in log.evals]
        values = np.array([value for value in known if value is not None])
        if PREFERRED.search(name) and values.size and min(values[-1], np.median(values)) >= MOSTLY_PREFERRED:
            yield Remark("metric", {"name": name, "value": float(values[-1])})
        elif RISING.search(name) and values.size >= FEW:
            rise = float(np.median(values[-3:]) - np.median(values[:3]))
            if rise > SURE * robust_statistics.step_noise(values) and rise > 0:
                yield Remark("metric", {"name": name, "value": float(values[-1])})


def _error(chance: float, record: dict[str, Any]) -> float:
    count = number(record.get("examples")) or 1.0
    return max(SURE * math.sqrt(max(chance * (1 - chance), 0.25 / count) / count), LEARNT * (1 - chance))


def _chance(log: RunLog) -> float | None:
    """Return the share of the most frequent label, the largest of all classifying losses."""
    counts = [
        loss["target"]["histogram"]
        for loss in log.losses
        if loss.get("kind") in CLASSIFYING and loss["target"].get("histogram")
    ]
    return max((max(labels) / sum(labels) for labels in counts if sum(labels) > 0), default=None)


def _of_density(log: RunLog, signals: SignalSource) -> Iterator[Remark]:
    """Yield that a Gaussian likelihood beats the constant of the targets' mean and variance."""
    variances = [number(loss["target"].get("variance")) for loss in log.losses if loss.get("kind") == DENSITY]
    final = signals.get("val_loss_final")
    final = signals.get("loss_final") if final is None else final
    known = [value for value in variances if value is not None and value > 0]
    if known and final is not None and signals.get("loss_kind") == DENSITY:
        constant = (math.log(max(known)) + 1) / 2
        if final < constant - BETTER:
            yield Remark("density", {"value": final, "constant": constant})
