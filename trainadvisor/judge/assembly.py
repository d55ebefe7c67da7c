"""Puts a judgement together: signals, verdicts, ranked causes, findings, state."""

from collections.abc import Iterator
from typing import Any

from trainadvisor.judge.causes import rank
from trainadvisor.judge.doubts import SERIOUS, counted, doubts
from trainadvisor.judge.engine import CURVES, RECORDED, judge
from trainadvisor.judge.findings import Material, findings, unjudged
from trainadvisor.judge.judgement import Judgement, Remark, Unjudged
from trainadvisor.judge.rule_verdict import FOUND, Verdict
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.judge.run_facts import run_facts
from trainadvisor.judge.seen import Seen
from trainadvisor.judge.summary import converged, state_of, summary
from trainadvisor.judge.written_rules import written_faults
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import Signals, quietly
from trainadvisor.signals.absences import ABSENCES
from trainadvisor.signals.context import contexts


def judge_log(log: RunLog, rulebook: Rulebook, decided: frozenset[str] = frozenset()) -> Judgement:
    """Return the judgement on the main training of a log that has been read.

    `decided` holds the checks that another training of the same lines has passed.
    """
    with quietly(log):
        return _judgement(log, Signals(log), rulebook, decided)


def _judgement(log: RunLog, signals: Signals, rulebook: Rulebook, decided: frozenset[str]) -> Judgement:
    judged = judge(signals, rulebook, kinds := contexts(log), written_faults(log))
    # what is expected of a sound run is told where it is seen, and is no check that something is wrong
    verdicts = [verdict for verdict in judged if verdict.rule.kind != "expected" or verdict.state == FOUND]
    material = Material(log, {verdict.code: verdict for verdict in verdicts}, rulebook.off)
    nonfinite = signals.get("nonfinite_step")
    roots = rank(verdicts, steps=len(log.steps), nonfinite_step=nonfinite if isinstance(nonfinite, int) else None)
    found = findings(roots, material)
    trained = bool(log.all_steps_count or log.all_evals)
    clear = tuple(verdict.code for verdict in verdicts if verdict.fine and trained)
    run = run_facts(log, signals)
    own = doubts(Seen(log, signals, verdicts, kinds, run, decided))
    reasons = tuple(sorted(own, key=lambda reason: reason.kind not in SERIOUS))
    return Judgement(
        rulebook=rulebook,
        state=state_of(found, reasons),
        reasons=reasons,
        summary=summary(
            found, reasons, _figures(run, verdicts), settled=CURVES not in kinds and converged(run, signals)
        ),
        run=run,
        findings=found,
        clear=clear,
        unknown=tuple(unjudged(verdict, material) for verdict in verdicts if _is_open(verdict) and trained),
        inapplicable=tuple(
            Unjudged(verdict.code, "lacking", verdict.reason)
            for verdict in verdicts
            if verdict.reason in ABSENCES and trained
        ),
        notes=tuple(_notes(log, signals, verdicts, run)),
    )


def _is_open(verdict: Verdict) -> bool:
    """Return whether a check of this kind of log is not decided, and has something to check in this training."""
    return not verdict.decided and verdict.reason not in (RECORDED, *ABSENCES)


def _figures(run: dict[str, Any], verdicts: list[Verdict]) -> dict[str, Any]:
    """Return what the sentence about a run that cannot be judged says was seen."""
    known, applicable = counted(verdicts)
    # the losses of those who take turns are no single line that falls
    first, final = (None, None) if run.get("players") else (run.get("loss_first"), run.get("loss_final"))
    return {"known": known, "all": applicable, "first": first, "final": final}


def _notes(log: RunLog, signals: Signals, verdicts: list[Verdict], run: dict[str, Any]) -> Iterator[Remark]:
    if "exception" in run and not any(verdict.rule.explains_crashes for verdict in verdicts):
        yield Remark("exception", run["exception"])
    if "cut" in run:
        yield Remark("cut", {"reason": run["cut"]["reason"], "steps": run["steps"], "all": run["cut"]["steps"]})
    for subject in dict.fromkeys(event["subject"] for event in log.events if event.get("kind") == "blind"):
        yield Remark("blind", {"subject": subject})
    for note in (*log.notes, *signals.notes):
        yield Remark("said", {"text": note})
    for verdict in verdicts:
        if verdict.failure:
            yield Remark("failed", {"code": verdict.code, "failure": verdict.failure})
