"""Puts a diagnosis together: signals, verdicts, ranked causes, findings, state."""

from typing import Any

from trainadvisor.judge import blindspots
from trainadvisor.judge.causes import rank
from trainadvisor.judge.crash import explanation
from trainadvisor.judge.engine import CLEAR, OFF, UNKNOWN, Verdict, judge
from trainadvisor.judge.findings import Material, findings, unknown
from trainadvisor.judge.result import Diagnosis
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.judge.run_facts import run_facts
from trainadvisor.judge.summary import state_of, summary
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts


def judge_log(log: RunLog, rulebook: Rulebook, lang: str = "en") -> Diagnosis:
    """Return the diagnosis of a log that has been read."""
    signals = Signals(log)
    verdicts = judge(signals, rulebook, contexts(log))
    material = Material(log, {verdict.code: verdict for verdict in verdicts}, lang, rulebook.off)
    nonfinite = signals.get("nonfinite_step")
    roots = rank(verdicts, steps=len(log.steps), nonfinite_step=nonfinite if isinstance(nonfinite, int) else None)
    found = findings(roots, material)
    clear = [verdict.code for verdict in verdicts if verdict.state == CLEAR]
    run = run_facts(log, signals)
    state = state_of(found, run, len(clear))
    notes = [*_crash_notes(run, lang), *blindspots.notes(log, lang), *log.notes, *signals.notes, *_failures(verdicts)]
    return Diagnosis(
        state=state,
        summary=summary(state, found, run, (len(clear), len(verdicts)), lang),
        run=run,
        findings=found,
        clear=clear,
        unknown=[unknown(verdict, material) for verdict in verdicts if verdict.state in (UNKNOWN, OFF)],
        notes=notes,
    )


def _crash_notes(run: dict[str, Any], lang: str) -> list[str]:
    exception = run.get("exception")
    if exception is None:
        return []
    told = ": ".join(filter(None, [exception["where"], exception["type"], exception["message"].partition("\n")[0]]))
    return [note for note in (told, explanation(exception, lang)) if note]


def _failures(verdicts: list[Verdict]) -> list[str]:
    return [f"rule {verdict.code} failed: {verdict.failure}" for verdict in verdicts if verdict.failure]
