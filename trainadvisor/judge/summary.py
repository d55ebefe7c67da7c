"""The state of a run, and what its one sentence is about."""

from collections.abc import Sequence
from typing import Any

from trainadvisor.judge.judgement import Judged, Remark
from trainadvisor.vocabulary import Severity, State

FEWEST_STEPS = 20
SEEN_FIRST = ("convergence", "numerics", "generalization", "throughput")
MUCH = 0.3
LEARNT = 0.1
"""Skill below which a run without findings is not called healthy: nine tenths of what can be learnt are missing."""


def state_of(findings: Sequence[Judged], run: dict[str, Any], clear: int) -> State:
    """Return the state of the run; only errors and warnings can make it bad."""
    worst = max((inner.severity for item in findings for inner in item.walk()), default=Severity.NOTE)
    if worst > Severity.NOTE:
        return State.BROKEN if worst == Severity.ERROR else State.NEEDS_ATTENTION
    judged = clear > 0 and run.get("judged_steps", 0) >= FEWEST_STEPS and "loss_final" in run
    whole = not {"exception", "cut", "trainings"} & run.keys()
    return State.HEALTHY if judged and whole and not _weak(run) else State.CANNOT_TELL


def _weak(run: dict[str, Any]) -> bool:
    known = [run[name] for name in ("skill", "val_skill_best") if name in run]
    return bool(known) and max(known) < LEARNT


def summary(state: State, findings: Sequence[Judged], run: dict[str, Any], counts: tuple[int, int]) -> Remark:
    """Return what happened because of what (codes of findings), or that all is well, or why it cannot be told."""
    if state in (State.BROKEN, State.NEEDS_ATTENTION):
        return _verdict(findings[0])
    if state == State.CANNOT_TELL:
        return Remark(_why_unsure(run), _unsure_values(run, counts))
    return Remark("improved" if _improved(run) else "sound")


def _why_unsure(run: dict[str, Any]) -> str:
    if "exception" in run:
        return "crashed"
    if "trainings" in run:
        return "many"
    if run.get("judged_steps", 0) < FEWEST_STEPS:
        return "short"
    if "cut" in run:
        return "cut"
    return "weak" if _weak(run) else "poor"


def _unsure_values(run: dict[str, Any], counts: tuple[int, int]) -> dict[str, Any]:
    exception = run.get("exception", {})
    cut = run.get("cut", {})
    skill = max([run[name] for name in ("skill", "val_skill_best") if name in run], default=0.0)
    return {
        "trainings": run.get("trainings", 0), "each": run.get("trainings_steps", 0),
        "steps": run.get("judged_steps", 0), "fewest": FEWEST_STEPS, "known": counts[0], "all": counts[1],
        "share": f"{max(skill, 0.0):.0%}", "type": exception.get("type"), "where": exception.get("where") or "?",
        "reason": cut.get("reason"), "of": f" ({run.get('steps', 0)} / {cut['steps']})" if cut.get("steps") else "",
    }  # fmt: skip


def _improved(run: dict[str, Any]) -> bool:
    first, final = run.get("loss_first"), run.get("loss_final")
    return first is not None and final is not None and first > 0 and final < (1 - MUCH) * first


def _verdict(first: Judged) -> Remark:
    effects = list(first.walk())[1:]
    if not effects:
        return Remark("alone", {"cause": first.code})
    return Remark("because", {"effect": max(effects, key=_visibility).code, "cause": first.code})


def _visibility(item: Judged) -> tuple[int, int]:
    """Rank a consequence by severity, then by how directly people see it."""
    place = SEEN_FIRST.index(item.family) if item.family in SEEN_FIRST else len(SEEN_FIRST)
    return item.severity.rank, -place
