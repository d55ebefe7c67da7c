"""Whether a model is validated on what it was trained on: by the rows themselves, and by the data sets of loaders."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.memory import remembered

ROWS = {
    "needs": "evaluations during a training whose rows were seen",
    "zh": "训练期间见到了样本行的评估",
}
# Rows below which an overlap says nothing.
FEWEST = 16
# Rows from which on a single evaluation, at the end, is one.
MANY = 100
WHOLE = 0.9
# Share above which rows are not called held out.
SOME = 0.05
# Factor over what chance would give.
BEYOND = 3.0
# Share of rows of measured numbers from which on all count as such.
MOSTLY = 0.9
# Chance above which rows are values of a small domain.
TINY = 0.3

Detail = dict[str, Any]


@remembered
def _evaluations(log: RunLog) -> dict[str, Detail]:
    told = {event["subject"]: event["detail"] for event in log.events if event["kind"] == "shared-rows"}
    return {name: detail for name, detail in told.items() if detail["looked_at"] >= FEWEST and _counts(detail)}


def _counts(detail: Detail) -> bool:
    """Return whether an evaluation was made again and again, or once on many rows."""
    return bool(detail["times"] > 1 or detail["looked_at"] >= MANY)


def _chance(detail: Detail) -> float:
    """Return the share of rows that may be found among those of the training by chance, at most.

    Rows of many measured numbers are equal only as copies: in the training they are examples that were drawn twice.
    """
    if (detail.get("real_rows") or 0.0) >= MOSTLY * detail["looked_at"]:
        return 0.0
    if not detail["pairs"]:
        return 1.0
    return float((detail["equal"] + 3) / detail["pairs"] * detail["trained_rows"])


def share_of(detail: Detail) -> float:
    """Return the share of an evaluation's examples that the model was trained on, as far as it is certain."""
    same = float(detail.get("same_examples") or 0.0)
    found, chance = detail["found"] / detail["looked_at"], _chance(detail)
    two = not detail["by_loader"] and detail["whole_batches"] and detail["new_batches"]  # one line for both splits
    certain = not two and chance < TINY and (found >= WHOLE or found > BEYOND * chance)
    return max(same, found if certain and found > SOME else 0.0)


def _leaks(detail: Detail, others: list[Detail]) -> bool:
    """Return whether an evaluation is called held out and is not, or is partly so where none is."""
    share = share_of(detail)
    if share <= SOME or detail["training_loader"] or detail.get("word") == "train":
        return False
    real = [other for other in others if share_of(other) <= SOME and 2 * other["times"] >= detail["times"]]
    return detail.get("word") == "held-out" or ((share < WHOLE or detail.get("word") == "framework") and not real)


@remembered
def _leaking(log: RunLog) -> dict[str, Detail]:
    found = _evaluations(log)
    return {name: detail for name, detail in found.items() if _leaks(detail, list(found.values()))}


@signal(unit="share", **ROWS)
def leaked_share(log: RunLog) -> float | None:
    """Largest share of the examples of a validation that the model was trained on; 0 where all are new to it."""
    if not _evaluations(log):
        return None
    return max(map(share_of, _leaking(log).values()), default=0.0)


@signal(unit="share", **ROWS)
def leaked_before_share(log: RunLog) -> float:
    """Largest share of a validation's examples that only the optimizers before this one trained the model on."""
    return max((float(d.get("found_before") or 0) / d["looked_at"] for d in _leaking(log).values()), default=0.0)


@signal(unit="names", **ROWS)
def leaking_evaluations(log: RunLog) -> list[str]:
    """Evaluations on examples that the model was trained on."""
    return sorted(_leaking(log), key=lambda name: -share_of(_leaking(log)[name]))


@signal(unit="evaluations", **ROWS)
def leaked_times(log: RunLog) -> int | None:
    """How often such a validation was made."""
    return max((int(detail["times"]) for detail in _leaking(log).values()), default=None)


def _mistaken(detail: Detail) -> bool:
    """Return whether an evaluation ran in train mode: on held-out rows, by name or as the model has not seen them.

    New rows that are looked at before every step are no evaluation: they get labels, as in self-training.
    """
    if 2 * (detail.get("in_train_mode") or 0) <= (detail.get("calls") or 0) or detail.get("word") == "train":
        return False
    rare = 2 * detail["times"] <= (detail.get("after") or 0)
    new = not detail["found"] and not detail.get("same_examples") and detail["looked_at"] >= FEWEST
    return bool(rare and detail["times"] > 1 and (detail.get("word") == "held-out" or (new and _chance(detail) < TINY)))


def train_mode_looks(log: RunLog) -> list[Detail]:
    """Return the evaluations in train mode, also those of which no loss or accuracy was seen."""
    told = {event["subject"]: event["detail"] for event in log.events if event["kind"] == "shared-rows"}
    return [detail for detail in told.values() if _mistaken(detail)]


@signal(unit="evaluations", **ROWS)
def unrecorded_train_mode_evals(log: RunLog) -> int:
    """Evaluations of held-out rows in train mode, whose figures the script works out by itself."""
    return max((int(detail["times"]) for detail in train_mode_looks(log)), default=0)
