"""Studies of Optuna: each trial of a database or a journal as a run, with its parameters; Optuna is not needed."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trainadvisor.fleet.entry import LONGEST, MOST, Entry
from trainadvisor.regular import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASES = (".db", ".sqlite", ".sqlite3")
JOURNALS = (".log", ".journal", ".jsonl")
SQLITE, JOURNAL = b"SQLite format 3\0", b'{"op_code":'
# Trials of one study that are told, and bytes of one line of a journal.
MOST_TRIALS, LONGEST_LINE = 100_000, 1 << 20
STATES = ("running", "complete", "pruned", "fail", "waiting")
# What a journal calls its lines.
CREATE_STUDY, CREATE_TRIAL, SET_PARAM, SET_STATE, SET_INTERMEDIATE = 0, 4, 5, 6, 7


@dataclass
class _Trial:
    study: str
    number: int
    state: str = "running"
    started: str = ""
    ended: str = ""
    value: float | None = None
    steps: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


def trials(path: Path, address: str) -> list[Entry] | None:
    """Return the trials of a study that have ended or run, None where the file is no study."""
    if path.suffix not in (*DATABASES, *JOURNALS) or not path.is_file():
        return None
    with opened(path) as file:
        head = file.read(len(SQLITE))
    if head != SQLITE and not head.startswith(JOURNAL):
        return None
    try:
        found = list(_of_database(path)) if head == SQLITE else list(_of_journal(path))
    except (sqlite3.Error, KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    return [_entry(trial, address) for trial in found if trial.state != "waiting"]


def _entry(trial: _Trial, address: str) -> Entry:
    failed = trial.state == "fail"
    return Entry(
        address=f"{address}#{trial.number}",
        state="broken" if failed else "cannot-tell",
        error=f"Optuna: {trial.state}",
        group=trial.study[:LONGEST],
        steps=trial.steps,
        end=trial.state,
        metric=None if trial.value is None else "value",
        value=trial.value,
        seconds=_between(trial.started, trial.ended),
        created=trial.started,
        running=trial.state == "running",
        settings=dict(list(trial.settings.items())[:MOST]),
    )


def _between(started: str, ended: str) -> float:
    try:
        return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _parameter(value: Any, distribution: Any) -> Any:
    """Return a parameter as the script got it: a choice is kept by its place."""
    about = json.loads(distribution)
    if about["name"] == "CategoricalDistribution":
        return str(about["attributes"]["choices"][int(value)])[:LONGEST]
    return float(value)


def _of_database(path: Path) -> Iterator[_Trial]:
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=5)) as database:
        rows = database.execute(
            "SELECT trial_id, study_name, number, state, datetime_start, datetime_complete FROM trials "
            "JOIN studies USING (study_id) ORDER BY study_id, number LIMIT ?",
            (MOST_TRIALS,),
        )
        for key, study, number, state, started, ended in rows.fetchall():
            trial = _Trial(str(study), int(number), str(state).lower(), str(started or ""), str(ended or ""))
            values = database.execute("SELECT value FROM trial_values WHERE trial_id = ? ORDER BY objective", (key,))
            trial.value = _finite((values.fetchone() or [None])[0])
            steps = database.execute("SELECT COUNT(*) FROM trial_intermediate_values WHERE trial_id = ?", (key,))
            trial.steps = int(steps.fetchone()[0])
            for name, value, distribution in database.execute(
                "SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?", (key,)
            ):
                trial.settings[str(name)[:LONGEST]] = _parameter(value, distribution)
            yield trial


def _of_journal(path: Path) -> list[_Trial]:
    studies: list[str] = []
    found: list[_Trial] = []
    counts: dict[str, int] = {}
    with opened(path) as file:
        while (line := file.readline(LONGEST_LINE)) and len(found) < MOST_TRIALS:
            try:
                said = json.loads(line)
            except ValueError:  # the last line of one that is being written
                break
            kind = said["op_code"]
            if kind == CREATE_STUDY:
                studies.append(str(said["study_name"]))
            elif kind == CREATE_TRIAL:
                study = studies[said["study_id"]]
                found.append(_Trial(study, counts.get(study, 0), started=str(said.get("datetime_start") or "")))
                counts[study] = counts.get(study, 0) + 1
            elif kind in (SET_PARAM, SET_STATE, SET_INTERMEDIATE):
                _told(found[said["trial_id"]], kind, said)
    return found


def _told(trial: _Trial, kind: int, said: dict[str, Any]) -> None:
    """Add what a line of a journal says of a trial."""
    if kind == SET_PARAM:
        value = _parameter(said["param_value_internal"], said["distribution"])
        trial.settings[str(said["param_name"])[:LONGEST]] = value
    elif kind == SET_INTERMEDIATE:
        trial.steps += 1
    else:
        trial.state = STATES[said["state"]]
        trial.value = _finite((said.get("values") or [None])[0])
        trial.started = str(said.get("datetime_start") or trial.started)
        trial.ended = str(said.get("datetime_complete") or "")
