"""What is known of a training: its findings by fingerprint, its figures, and the workload they hold for."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import ConfigError
from trainadvisor.requirements import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis, Finding

SCHEMA = "trainadvisor/baseline/1"
LEVELS = {"note": 0, "warning": 1, "error": 2}
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


def everything(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield all findings, consequences included."""
    for item in findings:
        yield item
        yield from everything(item.explains)


def modules(item: Finding) -> str:
    """Return the pattern of a finding's modules: numbers become *, so that deeper twins are the same."""
    return ",".join(sorted({DIGITS.sub("*", name) for name in item.subjects}))


def fingerprint(item: Finding, settings: Mapping[str, object] | None = None) -> str:
    """Return what a finding is known by: its code, its modules' pattern, and the project's settings of its rule."""
    config = json.dumps((settings or {}).get(item.code), sort_keys=True, default=str)
    return hashlib.sha256(f"{item.code}\n{modules(item)}\n{config}".encode()).hexdigest()[:16]


def workload(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return what a run has to have in common with the baseline's."""
    return {name: diagnosis.run[fact] for name, fact in WORKLOAD.items() if fact in diagnosis.run}


def differing(baseline: Baseline, diagnosis: Diagnosis) -> list[tuple[str, Any, Any]]:
    """Return the fields of the workload that differ: name, value of the baseline, value of the run."""
    now = workload(diagnosis)
    both = [(name, value, now[name]) for name, value in baseline.workload.items() if name in now]
    return [entry for entry in both if entry[1] != entry[2]]


def make(runs: Sequence[Diagnosis], settings: Mapping[str, object] | None = None) -> Baseline:
    """Make a baseline of one run, or of several with different seeds."""
    findings: dict[str, Entry] = {}
    for item in (item for run in runs for item in everything(run.findings)):
        key = fingerprint(item, settings)
        if key not in findings or LEVELS[item.severity] > LEVELS[findings[key].severity]:
            findings[key] = Entry(item.code, item.severity, modules(item))
    known = {name: _values(fact, runs) for name, (fact, _) in METRICS.items()}
    metrics = {name: _spread(values) for name, values in known.items() if values}
    return Baseline(findings, metrics, workload(runs[0]), runs[0].run.get("device"))


def _values(fact: str, runs: Sequence[Diagnosis]) -> list[float]:
    return [float(run.run[fact]) for run in runs if isinstance(run.run.get(fact), int | float)]


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "low": min(values), "high": max(values), "runs": len(values)}


def write(baseline: Baseline, path: Path) -> None:
    """Write a baseline, sorted so that its changes can be read in a review."""
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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); choose another place with --baseline"
        raise ConfigError(message) from error


def read(path: Path) -> Baseline:
    """Read a baseline; ConfigError when it is not there or is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            message = (
                f"{path}: is of the form {document['schema']!r}, not {SCHEMA!r}; make it anew with --update-baseline"
            )
            raise ConfigError(message)
        work = dict(document["workload"])
        findings = {
            key: Entry(e["code"], e["severity"], e.get("modules", "")) for key, e in document["findings"].items()
        }
        _sound(findings)
        return Baseline(findings, dict(document["metrics"]), work, work.pop("device", None))
    except FileNotFoundError:
        message = f"{path}: there is no such baseline; make it with --update-baseline"
        raise ConfigError(message) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path}: is not a baseline ({type(error).__name__}: {error}); make it anew with --update-baseline"
        raise ConfigError(message) from error


def _sound(findings: Mapping[str, Entry]) -> None:
    wrong = [entry.severity for entry in findings.values() if entry.severity not in LEVELS]
    if wrong:
        message = f"severity {wrong[0]!r}"
        raise ValueError(message)
