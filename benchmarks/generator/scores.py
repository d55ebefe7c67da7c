"""Figures over judged runs: detection, first cause, alarms, each rule, confusion, calibration."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from judging import Verdict, loud


@dataclass
class Judged:
    """A run with its true problems and its findings."""

    name: str
    group: str  # corpus, tune, held-out
    kind: str  # healthy, faulty, harmless
    verdict: Verdict
    label: str = ""
    detect: list[str] = field(default_factory=list)
    root: list[str] = field(default_factory=list)
    spec: dict[str, Any] = field(default_factory=dict)
    full: bool = False  # supervised, evaluated and long enough to be judged

    @property
    def state(self) -> str:
        """Return the state in which the run was said to be."""
        return self.verdict["state"]

    @property
    def alarms(self) -> list[str]:
        """Return the codes at warning or error."""
        return [item["code"] for item in loud(self.verdict)]

    @property
    def detected(self) -> bool:
        """Return whether an alarm names the problem."""
        return any(code in self.detect for code in self.alarms)

    def fits(self, code: str) -> bool:
        """Return whether an alarm belongs to the problem: expected, or nested under a right first cause."""
        nested = self.right and any(item["depth"] and item["code"] == code for item in loud(self.verdict))
        return code in [*self.detect, *self.root] or nested

    @property
    def right(self) -> bool:
        """Return whether the first finding is an acceptable cause."""
        return self.verdict["first"] in self.root


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not total:
        return 0.0, 1.0
    p, n = hits / total, total
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max((middle - half) / (1 + z * z / n), 0.0), min((middle + half) / (1 + z * z / n), 1.0)


def summary(runs: list[Judged]) -> dict[str, Any]:
    """Return the figures that decide, with intervals."""
    faulty, healthy = [r for r in runs if r.kind == "faulty"], [r for r in runs if r.kind == "healthy"]
    return {
        "detected": _share([r.detected for r in faulty]),
        "first_right": _share([r.right for r in faulty]),
        "alarmed": _share([bool(r.alarms) for r in healthy]),
        "called_healthy": _share([r.state == "healthy" for r in faulty]),
        "cannot_tell": _share([r.state == "cannot-tell" for r in healthy]),
        "cannot_tell_full": _share([r.state == "cannot-tell" for r in healthy if r.full]),
        "harmless": sum(r.kind == "harmless" for r in runs),
        "failures": sum("error" in r.verdict for r in runs),
    }


def _share(flags: list[bool]) -> dict[str, Any]:
    hits, total = sum(flags), len(flags)
    low, high = wilson(hits, total)
    return {"hits": hits, "of": total, "share": hits / total if total else None, "low": low, "high": high}


def rules(runs: list[Judged]) -> dict[str, dict[str, Any]]:
    """Return for each code: precision, recall, false alarms on healthy runs, onset."""
    counted = [r for r in runs if r.kind != "harmless"]
    codes = sorted({code for r in counted for code in [*r.alarms, *r.root[:1]]})
    return {code: _rule(code, counted) for code in codes}


def _rule(code: str, runs: list[Judged]) -> dict[str, Any]:
    fired = [r for r in runs if code in r.alarms]
    healthy = [r for r in runs if r.kind == "healthy"]
    onsets = [
        item["onset"] for r in fired if code in r.detect for item in loud(r.verdict)
        if item["code"] == code and item["onset"] is not None
    ]  # fmt: skip
    return {
        "precision": _share([r.fits(code) for r in fired]),
        "recall": _share([code in r.alarms for r in runs if r.root[:1] == [code]]),
        "false_alarms": _share([code in r.alarms for r in healthy]),
        "first_precision": _share([code in r.root for r in runs if r.verdict["first"] == code]),
        "onset_median": statistics.median(onsets) if onsets else None,
    }


def confusion(runs: list[Judged]) -> dict[str, dict[str, int]]:
    """Return for each fault how often each code came first."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for r in runs:
        if r.kind == "faulty":
            table[r.label][r.verdict["first"] or "(nothing)"] += 1
    return {label: dict(table[label].most_common()) for label in sorted(table)}


def calibration(runs: list[Judged]) -> dict[str, dict[str, Any]]:
    """Return for each word of confidence how often a first finding at warning or error was a right cause."""
    words: dict[str, list[bool]] = defaultdict(list)
    for r in runs:
        if r.kind != "harmless" and r.verdict["found"] and r.verdict["found"][0]["severity"] != "note":
            words[r.verdict["found"][0]["confidence"]].append(r.right)
    return {word: _share(words[word]) for word in ("certain", "likely", "possible") if word in words}
