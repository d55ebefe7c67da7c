"""What shows that a training succeeded: measures that are clearly better than what an answer without learning gets."""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from trainadvisor.judge.judgement import Remark
from trainadvisor.judge.rule_verdict import SignalSource
from trainadvisor.log.cleaning import number
from trainadvisor.log.printed_figures import printed
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics
from trainadvisor.signals.accuracy import accuracy_unit
from trainadvisor.signals.kinds import autoencoder, prefers
from trainadvisor.signals.printed_metrics import recorded_as
from trainadvisor.signals.robust_statistics import median
from trainadvisor.signals.trivial_predictor import CLASSIFYING, floor_of, summed, trivial_of

# Share of what can be learned that has to be learned: sound runs of the corpora end at 0.11 and more.
LEARNT = 0.1
# Share of an unknown but positive loss that has to go away: sound runs without a yardstick lose 0.75 and more.
FALL = 0.7
# Share that has to go away after the first tenth of the run: a start that was far off is over by then.
LATER = 0.35
# Share of the whole fall of a loss without a yardstick that comes after the first tenth of the run, and how many noises
# of one step it is. A constant answer is learned by then: with shuffled labels 0.49 and 1.0 at most, sound runs of
# likelihoods, contrasts and quantiles 0.34 and 5.3 at least.
LATE_FALL, LATE_NOISES = 0.3, 5.0
# Share of the fall in the second half of the run: half of it where a loss falls like a straight line, which says
# nothing of where it would end; 0.25 at most in those sound runs.
STRAIGHT = 0.35
# A mean of the first steps that is so many times the very first loss: its noise is smaller, steps that are far too long
# make it 50 and more.
BLOWN_UP = 2.0
# Share that has to go away of ln 2, which a loss of preferences is as long as no answer is told from another.
PREFERENCES_FALL = 0.5
# Standard errors by which an accuracy has to exceed the share of the most frequent label.
SURE = 4.0
# Nats by which a Gaussian likelihood has to exceed that of the best constant: a variance smaller by a fifth.
BETTER = 0.1
DENSITY = "gaussian_nll_loss"
# What the partial likelihood of a survival model is made of: the sums over all who are still at risk.
RISK_SETS = "LogcumsumexpBackward0"
# Metrics that scripts hand over under these names are better the higher they are.
RISING = re.compile(
    r"accuracy|acc|r2|f1|iou|dice|auc|bleu|rouge|map|reward|return|score|precision|recall", re.IGNORECASE
)
# Those of them that end at 1, or at 100 percent.
BOUNDED = re.compile(r"accuracy|acc|f1|iou|dice|auc|precision|recall", re.IGNORECASE)
PERCENT, LEAST_ROOM = 100.0, 1e-9
FEW = 5
# Pairs whose wanted answer gets the higher reward: chance is a half, and seven of ten of 40 pairs exceed it by 2.5
# standard errors.
PREFERRED = re.compile(r"rewards/accurac(y|ies)$")
MOSTLY_PREFERRED = 0.7


def successes(log: RunLog, signals: SignalSource) -> Iterator[Remark]:
    """Yield the measures by which the run has learned something, the most telling first."""
    yield from _of_evaluations(log)
    yield from _of_metrics(log)
    held_out, train = signals.get("val_skill_final"), signals.get("skill")
    if held_out is not None and held_out >= LEARNT:
        yield Remark("val-skill", {"skill": held_out})
    if train is not None and train >= LEARNT:
        yield Remark("skill", {"skill": train})
    yield from _of_density(log, signals)
    yield from _of_risks(log)


def fallen(log: RunLog, signals: SignalSource) -> Iterator[Remark]:
    """Yield that a loss without a yardstick lost most of its value, or fell far when a constant was long learned.

    A preference loss also falls as the model moves away from its reference: it is measured by ln 2, where it starts.
    """
    known, final = _losses(log), signals.get("loss_final")
    if final is None or not known.size:
        return
    # steps that blow the loss up at once are no yardstick: an answer without learning gets what the first step saw
    first = float(np.mean(_begin(known)))
    first = float(known[0]) if 0 < known[0] < first / BLOWN_UP else first
    early = float(np.mean(known[known.size // 20 : 3 * known.size // 20 + 1]))
    most = (known >= 0).all() and final <= min((1 - FALL) * first, (1 - LATER) * early)
    if prefers(log):
        enough = final <= (1 - PREFERENCES_FALL) * math.log(2) <= first
    else:
        enough = _fell_late(known, first, early, signals)
    if most or enough:
        yield Remark("fall", {"first": first, "final": final})


def _fell_late(loss: Any, first: float, early: float, signals: SignalSource) -> bool:
    """Return whether a loss of any sign fell far after the first tenth of the run, and ever more slowly."""
    straight = signals.get("loss_straightness")
    known = any(signals.get(name) is not None for name in ("skill", "preference_weight"))
    if known or straight is None or straight > STRAIGHT:
        return False
    final = median(_end(loss))
    late, noise = early - final, robust_statistics.step_noise(loss)
    return late >= LATE_FALL * (first - final) and min(late, first - final) > LATE_NOISES * noise


def _losses(log: RunLog) -> Any:
    loss = log.column("loss")
    return loss[np.isfinite(loss)]


def _begin(losses: Any) -> Any:
    return losses[: max(losses.size // 50, 3)]


def _end(losses: Any) -> Any:
    return losses[-max(losses.size // 10, 5) :]


def evaluation_skill(log: RunLog, reductions: tuple[str, ...] = ("mean",)) -> float | None:
    """Skill of the last evaluation by its own standard losses: what the best constant answer to its targets gets."""
    return max((skill for record in log.evals[-1:] for skill in _skills(log, record, reductions)), default=None)


def _skills(log: RunLog, record: dict[str, Any], reductions: tuple[str, ...]) -> Iterator[float]:
    known = {loss.get("id"): loss for loss in log.losses}
    for key, value in record["losses"].items():
        loss, mean = known.get(int(key)) if str(key).isdecimal() else None, number(value)
        trivial = trivial_of({**loss, "reduction": "mean"}) if loss and loss.get("kind") != "custom" else None
        if loss and mean is not None and trivial is not None and loss.get("reduction") in reductions:
            span = trivial - floor_of(loss) / summed(loss)
            if span > 0:
                yield (trivial - mean) / span


def _of_evaluations(log: RunLog) -> Iterator[Remark]:
    record = log.evals[-1] if log.evals else None
    if record is None:
        return
    # a reconstruction is summed over all its values, while what else is not reduced may be masked
    skill = evaluation_skill(log, ("mean", "none") if autoencoder(log) else ("mean",))
    if skill is not None and skill >= LEARNT:
        yield Remark("evaluation", {"skill": skill})
    accuracy, chance = number(record["metrics"].get("accuracy")), _chance(log)
    accuracy = None if accuracy is None else accuracy / accuracy_unit(log)
    if accuracy is not None and chance is not None and accuracy > chance + _error(chance, record):
        yield Remark("accuracy", {"accuracy": accuracy, "chance": chance})
    explained = number(record["metrics"].get("r2"))
    if explained is not None and explained >= LEARNT:
        yield Remark("metric", {"name": "r2", "value": explained})


def _of_metrics(log: RunLog) -> Iterator[Remark]:
    """Yield the metrics that the script handed over or printed, and that rose by more than their noise."""
    lines = [figures for step, figures in printed(log.events, "held_out") if log.phase.covers_eval(step)]
    alone = {name for figures in lines for name in figures}
    evaluated = [record["metrics"] for record in log.evals]
    recorded = {name for metrics in evaluated for name in metrics}
    # what we record under another name is measured by that, and accuracy and R2 above by an answer without learning
    again = {name for name in alone | recorded if recorded_as(name) in recorded - {name}}
    for name in sorted((alone | recorded) - again - {"accuracy", "r2"}):
        known = [number(metrics.get(name)) for metrics in (lines if name in alone else evaluated)]
        values = np.array([value for value in known if value is not None])
        if PREFERRED.search(name) and values.size and min(values[-1], median(values)) >= MOSTLY_PREFERRED:
            yield Remark("metric", {"name": name, "value": float(values[-1])})
        elif RISING.search(name) and values.size >= FEW:
            rise = float(median(values[-3:]) - median(values[:3]))
            if rise > SURE * robust_statistics.step_noise(values) and rise >= LEARNT * _room(name, values):
                yield Remark("metric", {"name": name, "value": float(values[-1])})


def _room(name: str, values: Any) -> float:
    """Return how far a metric could rise from where it began; without a bound, the size that it has."""
    first, highest = median(values[:3]), float(np.max(values))
    if BOUNDED.search(name) and first >= 0 and highest <= PERCENT:
        return max((PERCENT if highest > 1 else 1.0) - first, LEAST_ROOM)
    return max(abs(first), abs(median(values[-3:])))


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


def _of_risks(log: RunLog) -> Iterator[Remark]:
    """Yield that a partial likelihood beats equal risks for all, from which it starts.

    The risks of a net before training are nearly equal, so that its first losses tell what no knowledge costs.
    """
    losses = _losses(log)
    kinds = [set((loss.get("graph") or {}).get("ops", [])) for loss in log.losses if loss.get("kind") == "custom"]
    if len(losses) < FEW or not any(RISK_SETS in ops for ops in kinds):
        return
    begin, end = _begin(losses), _end(losses)
    error = robust_statistics.step_noise(losses) * math.sqrt(1 / begin.size + 1 / end.size)
    equal, final = float(np.mean(begin)), float(np.mean(end))
    if equal - final > max(BETTER, SURE * error):
        yield Remark("partial-likelihood", {"value": final, "constant": equal})
