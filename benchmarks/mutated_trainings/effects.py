"""What a mistake did to a training, what the diagnosis said of it, and the table of both."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.telling import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mistakes import Mistake
    from sources import Source

# Share of the sound gain below which a training is faulty, and noises by which it has to be worse as well.
CLOSED, WORSE = 0.7, 3.0
# Share of the gain or noises within which nothing is different.
ALIKE, ALIKE_NOISES = 0.05, 1.5
HEALTHY, UNKNOWN = "healthy", "cannot-tell"


@dataclass(frozen=True)
class Row:
    """One training with a mistake."""

    source: str
    mistake: Mistake
    effect: str
    closed: float
    state: str
    alarms: tuple[str, ...]
    judgeable: bool
    """Whether its sound twin is called healthy."""
    log: Path

    def line(self) -> str:
        """Return the row as an item of a list."""
        said = ", ".join(self.alarms) or self.state.upper()
        told = self.mistake.told.replace("`", "'")
        return (
            f"* {self.source}:{self.mistake.line} `{told}` ({self.mistake.kind}; {self.closed:.0%} of the gain): {said}"
        )


def effect(source: Source, metrics: list[float]) -> tuple[str, float]:
    """Return what became of a training, with the share of the sound gain that it reached, the mean over seeds."""
    if not all(math.isfinite(value) for value in metrics):
        return "faulty", 0.0
    sign = math.copysign(1.0, source.gain)
    loss = sign * (statistics.fmean(source.sound) - statistics.fmean(metrics))
    closed = 1 - loss / abs(source.gain)
    if closed < CLOSED and loss > WORSE * source.noise:
        return "faulty", closed
    if loss <= max(ALIKE_NOISES * source.noise, ALIKE * abs(source.gain)):
        return "harmless", closed
    return "between", closed


def open_still(source: Source, metrics: list[float]) -> bool:
    """Return whether other seeds may tell otherwise."""
    kind, closed = effect(source, metrics)
    return kind == "between" or (kind == "faulty" and closed > CLOSED / 2)


def said(log: Path) -> tuple[str, tuple[str, ...]]:
    """Return the state of a run and the codes of its alarms."""
    diagnosis = diagnose(str(log), lang="en")
    return diagnosis.state, tuple(finding.code for finding in diagnosis.findings if finding.severity != "note")


def table(rows: list[Row], command: str) -> str:
    """Return the figures as Markdown, with every row that is not as wanted."""
    faulty = [row for row in rows if row.effect == "faulty"]
    harmless = [row for row in rows if row.effect == "harmless"]
    judgeable = [row for row in harmless if row.judgeable]
    between = len(rows) - len(faulty) - len(harmless)
    date = dt.datetime.now(dt.UTC).date()
    lines = [
        "## Mutated trainings",
        "",
        f"{date}, `{command}`: {len(rows)} trainings with one mistake each, {between} neither clearly worse nor alike.",
        "",
        "| | runs | share |",
        "|---|---|---|",
        _share("faulty: detected", faulty, lambda row: bool(row.alarms)),
        _share("faulty: called HEALTHY", faulty, lambda row: row.state == HEALTHY),
        _share("faulty: CAN'T TELL", faulty, lambda row: row.state == UNKNOWN),
        _share("harmless: alarmed", harmless, lambda row: bool(row.alarms)),
        _share("harmless, of trainings called HEALTHY without it: CAN'T TELL", judgeable, lambda r: r.state == UNKNOWN),
    ]
    for head, chosen in (
        ("Faulty, called HEALTHY", [row for row in faulty if row.state == HEALTHY]),
        ("Harmless, alarmed", [row for row in harmless if row.alarms]),
        ("Harmless, CAN'T TELL", [row for row in judgeable if row.state == UNKNOWN]),
    ):
        lines += ["", f"{head}:", "", *(row.line() for row in chosen)] if chosen else []
    return "\n".join(lines)


def _share(name: str, rows: list[Row], holds: Callable[[Row], bool]) -> str:
    count = sum(holds(row) for row in rows)
    share = f"{count / len(rows):.1%}" if rows else "-"
    return f"| {name} | {count}/{len(rows)} | {share} |"
