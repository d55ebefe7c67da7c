"""Many short trainings in one process (folds, searches, tests), which cannot be judged as a single training."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainadvisor.log.reader import RunLog

FEWEST = 5
# Most steps of a short training: a longer one is judged by itself.
MOST_STEPS = 100
MOSTLY = 0.5


@dataclass(frozen=True)
class Trainings:
    """The number of trainings and their median number of steps."""

    count: int
    steps: int


def many_short(log: "RunLog") -> Trainings | None:
    """Return the short trainings of a log if they make up most of it: each optimizer has its own parameters."""
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
    unknown = len(alone - steps.keys())  # too many for the log to count the steps of each
    return Trainings(len(short) + unknown + left_out(log.events), round(_median(short.values())))


def left_out(events: Iterable[Mapping[str, Any]]) -> int:
    """Return how many trainings were not recorded, because that would have taken more than its share of the time."""
    told = [event["detail"].get("trainings_left_out") for event in events if event["kind"] == "overhead"]
    return next((count for count in reversed(told) if count), 0)


def _median(counts: Iterable[int]) -> float:
    ordered = sorted(counts)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _alone(log: "RunLog") -> set[int]:
    """Return the optimizers that share no parameter with another one."""
    held = {o["id"]: {p for group in o["groups"] for p in group["parameters"]} for o in log.optimizers}
    holders = Counter(parameter for parameters in held.values() for parameter in parameters)
    return {o for o, parameters in held.items() if parameters and all(holders[p] == 1 for p in parameters)}
