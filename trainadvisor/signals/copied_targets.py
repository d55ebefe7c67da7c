"""Whether the targets of examples are among their inputs."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.label_places import LEAST_ROWS, last_details, looks_back

INPUTS = {"needs": "inputs and targets of the first batches", "zh": "最初几个批次的输入与目标"}
# Columns from which on one that lies on a line with the target is no exercise in fitting lines.
_SEVERAL = 4


def _copied(detail: dict[str, Any]) -> bool:
    """Return whether all targets are among the inputs, and the model is not there to give its input back."""
    targets, columns = number(detail.get("varying")) or 0, number(detail.get("columns")) or 0
    equal, line = number(detail.get("equal")) or 0, number(detail.get("line")) or 0
    if not targets or targets < (number(detail.get("targets")) or 0):
        return False
    if targets < columns:
        return equal == targets or (line == targets and (columns >= _SEVERAL or bool(detail.get("classifies"))))
    foretelling = looks_back(detail) and bool(detail.get("straight")) and not detail.get("reconstructs")
    return equal == targets and bool(detail.get("sequence")) and foretelling


def _compared(log: RunLog) -> list[dict[str, Any]]:
    return [
        detail
        for detail in last_details(log, "targets-in-inputs")
        if (number(detail.get("compared")) or 0) >= LEAST_ROWS
    ]


@signal(unit="truth", **INPUTS)
def target_in_inputs(log: RunLog) -> bool | None:
    """Whether every target is among the inputs of the same example and place, in all batches looked at."""
    return any(map(_copied, _compared(log))) if _compared(log) or log.losses else None


@signal(unit="column", **INPUTS)
def target_column(log: RunLog) -> int | None:
    """Number of the input column that the first target is a copy of, from 0."""
    found = next((number(detail.get("column")) for detail in _compared(log) if _copied(detail)), None)
    return None if found is None else int(found)


@signal(unit="rows", **INPUTS)
def target_rows(log: RunLog) -> int | None:
    """Rows over which targets and inputs were compared."""
    return max((int(number(detail.get("compared")) or 0) for detail in _compared(log)), default=None)
