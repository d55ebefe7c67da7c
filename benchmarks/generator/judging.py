"""Judges logs with the current rules."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Verdict = dict[str, Any]


def judge_all(logs: list[Path], parallel: int) -> dict[str, Verdict]:
    """Return what is found in each log, by file name."""
    with ProcessPoolExecutor(parallel) as pool:
        verdicts = pool.map(judge, logs, chunksize=8)
        return {log.stem: verdict for log, verdict in zip(logs, verdicts, strict=True)}


@cache
def _rulebook() -> Any:
    from trainadvisor.judge.rule_loading import load

    return load([])


def judge(path: Path) -> Verdict:
    """Return the findings of one log."""
    from trainadvisor.judge.assembly import judge_log
    from trainadvisor.log.reader import read_log

    try:
        diagnosis = judge_log(read_log(path), _rulebook())
    except Exception as error:  # noqa: BLE001 - a failure is a result
        return {"error": f"{type(error).__name__}: {error}", "found": [], "first": None, "state": "error"}
    found = [_summary(item, depth) for item, depth in _flat(diagnosis.findings, 0)]
    first = next((item["code"] for item in found), None)
    return {"state": diagnosis.state, "first": first, "found": found, "steps": diagnosis.run.get("steps")}


def _flat(findings: list[Any], depth: int) -> Iterator[tuple[Any, int]]:
    for item in findings:
        yield item, depth
        yield from _flat(item.explains, depth + 1)


def _summary(item: Any, depth: int) -> dict[str, Any]:
    values = {name: value for part in item.evidence for name, value in part.values.items()}
    kept = {key: getattr(item, key) for key in ("code", "severity", "confidence", "onset")}
    return {**kept, "depth": depth, "values": values}


def loud(verdict: Verdict) -> list[dict[str, Any]]:
    """Return the findings that count as alarms."""
    return [item for item in verdict["found"] if item["severity"] in ("warning", "error")]
