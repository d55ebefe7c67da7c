"""Puts a judgement together: signals, verdicts, ranked causes, findings, state."""

from collections.abc import Iterator
from typing import Any

from trainadvisor.judge.causes import rank
from trainadvisor.judge.engine import CLEAR, OFF, UNKNOWN, Verdict, judge
from trainadvisor.judge.findings import Material, findings, unjudged
from trainadvisor.judge.judgement import Judgement, Remark
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.judge.run_facts import run_facts
from trainadvisor.judge.summary import state_of, summary
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts


def judge_log(log: RunLog, rulebook: Rulebook) -> Judgement:
    """Return the judgement on a log that has been read."""
    signals = Signals(log)
    verdicts = judge(signals, rulebook, contexts(log))
    material = Material(log, {verdict.code: verdict for verdict in verdicts}, rulebook.off)
    nonfinite = signals.get("nonfinite_step")
    roots = rank(verdicts, steps=len(log.steps), nonfinite_step=nonfinite if isinstance(nonfinite, int) else None)
    found = findings(roots, material)
    clear = tuple(verdict.code for verdict in verdicts if verdict.state == CLEAR)
    run = run_facts(log, signals)
    state = state_of(found, run, len(clear))
    return Judgement(
        rulebook=rulebook,
        state=state,
        summary=summary(state, found, run, (len(clear), len(verdicts))),
        run=run,
        findings=found,
        clear=clear,
        unknown=tuple(unjudged(verdict, material) for verdict in verdicts if verdict.state in (UNKNOWN, OFF)),
        notes=tuple(_notes(log, signals, verdicts, run)),
    )


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
