"""Codebooks: matrices whose rows a model chooses by itself, and how many of them it still chooses late in the run."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

CODEBOOK = {"needs": "lookups of rows that the model chooses", "zh": "模型自行选择的查表操作"}
# Looks that a count of the late run takes.
LEAST_LOOKS = 4


def looked_up(log: RunLog) -> list[dict[str, Any]]:
    """Return what was told of the codebooks, the latest last; rows used equally often are positions, no codes."""
    told = [event["detail"] for event in log.events if event["kind"] == "codebook"]
    even = {detail["parameter"] for detail in told if detail["even"]}
    return [detail for detail in told if detail["parameter"] not in even]


def _worst(log: RunLog) -> dict[str, Any] | None:
    """Return the latest counts of the codebook of which the smallest share is chosen."""
    latest = {detail["parameter"]: detail for detail in looked_up(log) if detail["looks"] >= LEAST_LOOKS}
    return min(latest.values(), key=lambda detail: detail["used"] / max(1, detail["entries"]), default=None)


@signal(unit="share", **CODEBOOK, about="no-codebook")
def codebook_used_share(log: RunLog) -> float | None:
    """Share of the rows of a codebook that are chosen at all in the looks of the late run.

    1 where a recorded model has none.
    """
    worst = _worst(log)
    if worst is None:
        return 1.0 if log.header.get("source") == "recorder" and not looked_up(log) else None
    return float(worst["used"] / max(1, worst["entries"]))


@signal(unit="rows", **CODEBOOK)
def codebook_used(log: RunLog) -> int | None:
    """Number of its rows that are chosen."""
    worst = _worst(log)
    return None if worst is None else int(worst["used"])


@signal(unit="rows", **CODEBOOK)
def codebook_entries(log: RunLog) -> int | None:
    """Number of its rows."""
    worst = _worst(log)
    return None if worst is None else int(worst["entries"])


@signal(unit="choices per row", **CODEBOOK, about="no-codebook")
def codebook_choices(log: RunLog) -> float | None:
    """Choices seen in those looks for each row: few cannot show that a row is never chosen."""
    worst = _worst(log)
    return None if worst is None else float(worst["chosen"]) / max(1, worst["entries"])


@signal(unit="name", **CODEBOOK)
def codebook_name(log: RunLog) -> str | None:
    """Name of its parameter."""
    worst = _worst(log)
    rows = [] if worst is None else [row for model in log.models for row in model["parameters"]]
    return next((str(row["name"]) for row in rows if worst and number(row["id"]) == worst["parameter"]), None)
