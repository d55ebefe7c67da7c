"""Puts a judgement together: signals, verdicts, ranked causes, findings, state."""

from collections.abc import Iterator
from typing import Any

from trainadvisor.judge.causes import rank
from trainadvisor.judge.doubts import FEWEST_STEPS, SERIOUS, Seen, counted, doubts
from trainadvisor.judge.engine import CURVES, Verdict, judge
from trainadvisor.judge.findings import Material, findings, unjudged
from trainadvisor.judge.judgement import Judgement, Remark
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.judge.run_facts import run_facts
from trainadvisor.judge.summary import converged, state_of, summary
from trainadvisor.log.phase_view import seen_from
from trainadvisor.log.reader import RunLog
from trainadvisor.log.short_trainings import many_short
from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts
from trainadvisor.vocabulary import Severity

MOST_TRAININGS = 10
"""Trainings of one run that are judged beside the main one: each costs as much as a whole judgement."""


def judge_log(log: RunLog, rulebook: Rulebook) -> Judgement:
    """Return the judgement on a log that has been read: on its main training, with what the others show."""
    return _judge_training(log, rulebook, tuple(_other_trainings(log, rulebook)) if len(log.phases) > 1 else ())


def _other_trainings(log: RunLog, rulebook: Rulebook) -> Iterator[Remark]:
    """Yield what speaks against the trainings of a run beside the main one, and how many were not judged."""
    if many_short(log) is not None:
        return
    judged = [phase for phase in log.phases if phase != log.phase and phase.stop - phase.start >= FEWEST_STEPS]
    for phase in judged[:MOST_TRAININGS]:
        other = _judge_training(seen_from(log, phase), rulebook)
        place = {"number": log.phases.index(phase) + 1, "count": len(log.phases)}
        alarms = [item.code for item in other.findings if item.severity > Severity.NOTE]
        if alarms:
            yield Remark("training-faulty", {**place, "code": alarms[0]})
        elif other.reasons:
            yield Remark("training-doubted", {**place, "doubt": other.reasons[0].kind, **other.reasons[0].values})
    if left := len(log.phases) - 1 - len(judged[:MOST_TRAININGS]):
        yield Remark("trainings", {"left": left, "count": len(log.phases)})


def _judge_training(log: RunLog, rulebook: Rulebook, others: tuple[Remark, ...] = ()) -> Judgement:
    """Return the judgement on the main training of a log, given what speaks against the others."""
    signals = Signals(log)
    verdicts = judge(signals, rulebook, kinds := contexts(log))
    material = Material(log, {verdict.code: verdict for verdict in verdicts}, rulebook.off)
    nonfinite = signals.get("nonfinite_step")
    roots = rank(verdicts, steps=len(log.steps), nonfinite_step=nonfinite if isinstance(nonfinite, int) else None)
    found = findings(roots, material)
    clear = tuple(verdict.code for verdict in verdicts if verdict.fine)
    run = run_facts(log, signals)
    own = (*doubts(Seen(log, signals, verdicts, kinds, run)), *others)
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
        unknown=tuple(unjudged(verdict, material) for verdict in verdicts if not verdict.decided),
        notes=tuple(_notes(log, signals, verdicts, run)),
    )


def _figures(run: dict[str, Any], verdicts: list[Verdict]) -> dict[str, Any]:
    """Return what the sentence about a run that cannot be judged says was seen."""
    known, applicable = counted(verdicts)
    return {"known": known, "all": applicable, "first": run.get("loss_first"), "final": run.get("loss_final")}


def _notes(log: RunLog, signals: Signals, verdicts: list[Verdict], run: dict[str, Any]) -> Iterator[Remark]:
    if "exception" in run:
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
