"""Many short trainings in one process, as folds, searches and tests make them: no one course of a training."""

from collections import Counter
from dataclasses import dataclass
from statistics import median

from trainadvisor.log.reader import RunLog

FEWEST = 5
# Steps of a training that is short: a longer one is judged by itself.
MOST_STEPS = 100
MOSTLY = 0.5


@dataclass(frozen=True)
class Trainings:
    """How many trainings there were, and the steps of the middle one."""

    count: int
    steps: int


def many_short(log: RunLog) -> Trainings | None:
    """Return the short trainings of a log where they are most of it: optimizers with parameters of their own each."""
    turns = {used: count for used, count in log.turns.items() if used}
    steps: Counter[int] = Counter()
    for used, count in turns.items():
        steps.update(dict.fromkeys(used, count))
    if len(steps) < FEWEST:
        return None
    alone = _alone(log)
    short = {optimizer: count for optimizer, count in steps.items() if optimizer in alone and count <= MOST_STEPS}
    theirs = sum(count for used, count in turns.items() if short.keys() >= set(used))
    if len(short) < FEWEST or theirs <= MOSTLY * sum(log.turns.values()):
        return None
    unknown = len(alone - steps.keys())  # so many that the log does not count the steps of each
    return Trainings(len(short) + unknown, round(median(short.values())))


def _alone(log: RunLog) -> set[int]:
    """Return the optimizers none of whose parameters another one holds as well."""
    held = {o["id"]: {p for group in o["groups"] for p in group["parameters"]} for o in log.optimizers}
    holders = Counter(parameter for parameters in held.values() for parameter in parameters)
    return {o for o, parameters in held.items() if parameters and all(holders[p] == 1 for p in parameters)}
