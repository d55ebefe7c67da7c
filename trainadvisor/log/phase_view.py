"""The same log as seen from another of its trainings, so that each can be judged by itself."""

from copy import copy
from functools import cached_property

from trainadvisor.log.reader import RunLog
from trainadvisor.log.training_phases import TrainingPhase

SHARED = ("cut", "phases")


def seen_from(log: RunLog, phase: TrainingPhase) -> RunLog:
    """Return the log with another main phase; what was read is shared, what was derived is derived anew."""
    other = copy(log)
    for name, member in vars(RunLog).items():
        if isinstance(member, cached_property) and name not in SHARED:
            vars(other).pop(name, None)
    vars(other)["phase"] = phase
    return other
