"""The state of a run, and what its one sentence is about."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainadvisor.judge.doubts import BRIEF, SERIOUS
from trainadvisor.judge.judgement import Judged, Remark
from trainadvisor.judge.rule_verdict import SignalSource
from trainadvisor.vocabulary import Severity, State

SEEN_FIRST = ("convergence", "numerics", "generalization", "throughput")
# Reasons whose texts are whole sentences: what was recorded says little beside them.
WHOLE = frozenset({"crashed", "crashed-early", "unended", "short", "cut", "many"})
# Share of the run, at its end, over which a loss that has converged does not fall by more than noise explains.
FLAT = 0.2
# Standard errors by which a loss falls over its last third that has not converged.
FALLS = 3.0
NEEDED = ("loss_flat_share", "loss_trend_z", "lr_peak", "lr_final")
# Share of the peak rate below which a schedule is spent.
SPENT = 0.1


def state_of(findings: Sequence[Judged], reasons: Sequence[Remark]) -> State:
    """Return the state of the run; only errors, warnings and contradictions can make it bad."""
    worst = max((inner.severity for item in findings for inner in item.walk()), default=Severity.NOTE)
    if worst > Severity.NOTE:
        return State.BROKEN if worst == Severity.ERROR else State.NEEDS_ATTENTION
    if not reasons:
        return State.HEALTHY
    return State.NEEDS_ATTENTION if any(reason.kind in SERIOUS for reason in reasons) else State.CANNOT_TELL


def summary(
    findings: Sequence[Judged], reasons: Sequence[Remark], figures: Mapping[str, Any], *, settled: bool
) -> Remark:
    """Return what happened because of what (codes of findings), or that all is well, or why it cannot be told."""
    if findings and max(inner.severity for item in findings for inner in item.walk()) > Severity.NOTE:
        return _verdict(findings[0])
    if not reasons:
        return Remark("converged" if settled else "sound")
    first = next((reason for reason in reasons if reason.kind in SERIOUS), reasons[0])
    if first.kind in WHOLE:
        return first
    said = "wrong" if first.kind in SERIOUS else "unsure"
    return Remark(said, {**figures, "doubt": first.kind, "about": first.values})


def converged(run: Mapping[str, Any], signals: SignalSource) -> bool:
    """Return whether the loss is flat at the end of a run of some length, or its learning rate is spent."""
    flat, trend, peak, final = (signals.get(name) for name in NEEDED)
    settled = flat is not None and flat >= FLAT and (trend is None or trend < FALLS)
    spent = peak is not None and final is not None and final <= SPENT * peak
    return int(run.get("judged_steps", 0)) >= BRIEF and (settled or spent)


def _verdict(first: Judged) -> Remark:
    effects = list(first.walk())[1:]
    if not effects:
        return Remark("alone", {"cause": first.code})
    return Remark("because", {"effect": max(effects, key=_visibility).code, "cause": first.code})


def _visibility(item: Judged) -> tuple[int, int]:
    """Rank a consequence by severity, then by how directly people see it."""
    place = SEEN_FIRST.index(item.family) if item.family in SEEN_FIRST else len(SEEN_FIRST)
    return item.severity.rank, -place
