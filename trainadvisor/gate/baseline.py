"""A baseline of a training: its findings by fingerprint, its metrics, and the workload they hold for."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import ConfigError
from trainadvisor.regular import content
from trainadvisor.requirements import METRICS
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis, Finding

SCHEMA = "trainadvisor/baseline/1"
# Most bytes and entries of a baseline; a real one has a few dozen entries.
LARGEST, MOST = 1 << 20, 10_000
# field of the declaration: fact of the run; a device of another kind only ends the comparison of times
WORKLOAD = {"model": "model_hash", "examples": "examples", "batch": "batch_median", "steps": "planned_steps"}
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Entry:
    """A finding that was there when the baseline was made."""

    code: str
    severity: str
    modules: str = ""


@dataclass(frozen=True)
class Baseline:
    """The content of a baseline file."""

    findings: Mapping[str, Entry] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    workload: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None


def modules(item: Finding) -> str:
    """Return the pattern of a finding's modules: numbers become *, so that repeated layers look the same."""
    return ",".join(sorted({DIGITS.sub("*", name) for name in item.subjects}))


def fingerprint(item: Finding, settings: Mapping[str, object] | None = None) -> str:
    """Return what identifies a finding: its code, its modules' pattern, and the project's settings of its rule."""
    config = json.dumps((settings or {}).get(item.code), sort_keys=True, default=str)
    return hashlib.sha256(f"{item.code}\n{modules(item)}\n{config}".encode()).hexdigest()[:16]


def workload(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return what a run must have in common with the baseline to be compared with it."""
    return {name: diagnosis.run[fact] for name, fact in WORKLOAD.items() if fact in diagnosis.run}


def differing(baseline: Baseline, diagnosis: Diagnosis) -> list[tuple[str, Any, Any]]:
    """Return the fields of the workload that differ, as (name, value of the baseline, value of the run)."""
    now = workload(diagnosis)
    both = [(name, value, now[name]) for name, value in baseline.workload.items() if name in now]
    return [entry for entry in both if entry[1] != entry[2]]


def make(runs: Sequence[Diagnosis], settings: Mapping[str, object] | None = None) -> Baseline:
    """Make a baseline of one run, or of several with different seeds."""
    findings: dict[str, Entry] = {}
    for item in (item for run in runs for item in run.walk()):
        key = fingerprint(item, settings)
        if key not in findings or Severity(item.severity) > findings[key].severity:
            findings[key] = Entry(item.code, item.severity, modules(item))
    known = {name: _values(fact, runs) for name, (fact, _) in METRICS.items()}
    metrics = {name: _spread(values) for name, values in known.items() if values}
    return Baseline(findings, metrics, workload(runs[0]), runs[0].run.get("device"))


def _values(fact: str, runs: Sequence[Diagnosis]) -> list[float]:
    return [float(run.run[fact]) for run in runs if isinstance(run.run.get(fact), int | float)]


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "low": min(values), "high": max(values), "runs": len(values)}


def write(baseline: Baseline, path: Path) -> None:
    """Write a baseline, sorted so that changes are readable in a review."""
    findings = {
        key: {"code": entry.code, "severity": entry.severity, "modules": entry.modules}
        for key, entry in sorted(baseline.findings.items(), key=lambda pair: (pair[1].code, pair[0]))
    }
    document = {
        "schema": SCHEMA,
        "workload": {**baseline.workload, "device": baseline.device},
        "metrics": baseline.metrics,
        "findings": findings,
    }
    check_own(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); choose another place with --baseline"
        raise ConfigError(message) from error


def _form(path: Path) -> str:
    """Return the schema that a file declares."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return str(json.loads(file.read(LARGEST))["schema"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def check_own(path: Path) -> None:
    """Refuse to overwrite a file that is not a baseline."""
    if os.path.lexists(path) and not _form(path).startswith(SCHEMA.rpartition("/")[0] + "/"):
        message = (
            f"{path}: is there already and no baseline; it is not written over: choose another place with --baseline"
        )
        raise ConfigError(message)


def read(path: Path) -> Baseline:
    """Read a baseline from an untrusted file; raise ConfigError when it is missing or invalid."""
    try:
        return _of(json.loads(content(path, LARGEST)))
    except FileNotFoundError:
        message = f"{path}: there is no such baseline; make it with --update-baseline"
        raise ConfigError(message) from None
    except (OSError, ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else getattr(error, "strerror", None) or error
        message = f"{path}: is not a baseline ({str(reason)[:300]}); make it anew with --update-baseline"
        raise ConfigError(message) from None


def _of(document: Any) -> Baseline:
    """Return the baseline of a document; raise ValueError for a field of a wrong type."""
    known = _table(document, "the document")
    _demand(known.get("schema") == SCHEMA, f"is of the form {known.get('schema')!r:.100}, not {SCHEMA!r}")
    work = _table(known.get("workload"), "workload")
    _demand(
        all(isinstance(value, str | int | float | None) for value in work.values()),
        "workload holds values that are no numbers or texts",
    )
    device = work.pop("device", None)
    _demand(isinstance(device, str | None), "the device is no text")
    findings, metrics = _table(known.get("findings"), "findings"), _table(known.get("metrics"), "metrics")
    _demand(len(findings) + len(metrics) + len(work) <= MOST, f"more than {MOST:,} entries")
    return Baseline(
        {key: _entry(value) for key, value in findings.items()},
        {key: _figures(key, value) for key, value in metrics.items()},
        work,
        device,
    )


def _entry(value: Any) -> Entry:
    entry = _table(value, "a finding")
    code, severity, names = entry.get("code"), entry.get("severity"), entry.get("modules", "")
    if not isinstance(code, str) or not isinstance(names, str):
        message = "a finding has no code, or modules that are no text"
        raise ValueError(message)  # noqa: TRY004 - as everything that is wrong in a file
    if not isinstance(severity, str) or severity not in set(Severity):
        message = f"severity {severity!r:.100}"
        raise ValueError(message)
    return Entry(code, severity, names)


def _figures(name: str, value: Any) -> dict[str, float]:
    figures = _table(value, f"metrics.{name:.100}")
    numbers = all(isinstance(number, int | float) and not isinstance(number, bool) for number in figures.values())
    _demand(numbers and {"low", "high"} <= set(figures), f"metrics.{name:.100} has no range of numbers")
    return figures


def _table(value: Any, name: str) -> dict[str, Any]:
    _demand(isinstance(value, dict), f"{name} is no table")
    return dict(value)


def _demand(holds: object, reason: str) -> None:
    if not holds:
        raise ValueError(reason)
