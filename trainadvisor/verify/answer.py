"""The result of a session as one document: the answer, its figures, and the annotated diagnosis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.gate.decision import is_in_doubt
from trainadvisor.i18n.language import Words
from trainadvisor.trials.budget import told_seconds
from trainadvisor.verify import ruled_out as ruling
from trainadvisor.verify import trial_verdict
from trainadvisor.verify.annotate import FINISHED, marked
from trainadvisor.verify.candidates import alarming, codes
from trainadvisor.verify.metrics import measures
from trainadvisor.verify.outcome_words import came_close, told
from trainadvisor.verify.permanent import Permanent, Place, permanent
from trainadvisor.verify.trial_runs import ranked
from trainadvisor.verify.verify_result import Answer, Applied, Baseline, Verification, Verified

if TYPE_CHECKING:
    from trainadvisor.judge.result import Remedy
    from trainadvisor.trials.jobs import Change
    from trainadvisor.verify.plan import Candidate
    from trainadvisor.verify.session import Session
    from trainadvisor.verify.trial_runs import Run, Tried

# Number of metrics named in the sentence of the answer.
FIGURES = 3
# Verdicts of trials that never tried their change.
OUT_OF_REACH = frozenset({"refused", "failed"})


def document(session: Session, source: str | None = None) -> Verification:
    """Return the current result; `source` is the text of the script, for diffs."""
    words = Words(session.lang)
    found = [verified(session, tried, source) for tried in held(session)]
    answer = _answer(session, found)
    diagnosis = session.diagnosis
    document = Verification(
        answer=answer,
        baseline=_baseline(session),
        trials=[trial for tried in session.tried for trial in tried.trials],
        verified=found,
        ruled_out=ruling.ruled_out(session.tried, words) if answer == "none-helped" else [],
        notes=_notes(session, found, words),
        target=session.request.target,
        args=list(session.request.args),
        module=session.request.module,
        budget=session.budget.total,
        seconds=round(session.budget.spent, 1),
        engine=session.engine.name,
        interrupted=session.interrupted,
        script_mark=_mark(session),
    )
    document.sentence = _sentence(session, document, words)
    if diagnosis is not None:
        after = marked(diagnosis, session.tried, [item for item in found if _proven(session, item)], words)
        document.diagnosis = after.model_dump(mode="json")
        before = {f.code: f.confidence for f in diagnosis.findings}
        changed = {f.code: f.confidence for f in after.findings if before.get(f.code, f.confidence) != f.confidence}
        document.confidence = {code: f"{before[code]} -> {now}" for code, now in changed.items()}
    return document


def held(session: Session) -> list[Tried]:
    """Return the candidates that are better over all their seeds, those with most seeds first."""
    return sorted(ranked(session.tried), key=lambda tried: -len(tried.runs))


def _proven(session: Session, item: Verified) -> bool:
    """Return whether it helps with most of several seeds; where seeds change nothing, one pair says what all would."""
    if "seeds-ignored" in session.notes:
        return True
    return item.seeds > 1 and 2 * item.wins > item.seeds and not _may_be_nothing(item)


def _may_be_nothing(item: Verified) -> bool:
    """Return whether the interval of the gain holds zero."""
    return item.interval is not None and item.interval[0] <= 0.0


def _answer(session: Session, found: list[Verified]) -> Answer:
    baseline, diagnosis = session.baseline, session.diagnosis
    if found:
        return "verified" if any(_proven(session, item) for item in found) else "promising"
    if baseline is None or diagnosis is None or not baseline.usable:
        return "not-judged"
    if session.screening is None:
        wanted = session.request.fix or session.request.code
        return "not-judged" if is_in_doubt(diagnosis) and not wanted else "nothing-to-cure"
    if any(tried.close for tried in session.tried):
        return "not-judged"
    tried = any(tried.verdict in (*FINISHED, "ignored") for tried in session.tried)
    return "none-helped" if tried else "not-judged"


# -- parts


def verified(session: Session, tried: Tried, source: str | None) -> Verified:
    """Return a remedy with its figures."""
    chosen = trial_verdict.best(tried.compared)
    if chosen is None:
        message = "a remedy that is not better cannot be told as verified"
        raise ValueError(message)
    first, trial = tried.candidate.changes[0], tried.trials[0]
    made = written(session, tried.candidate, source)
    edits = made.edits
    others = [item.told() for item in tried.compared if item is not chosen and item.better]
    return Verified(
        change=first.change, arguments=first.arguments, metric=chosen.name,
        before=chosen.before, after=chosen.after,
        interval=chosen.interval if len(tried.runs) > 1 else None,
        seeds=len(tried.runs), wins=chosen.decision.wins,
        diff=_code(tried.candidate, made),
        combined_with=[Applied(change=c.change, arguments=c.arguments) for c in tried.candidate.changes[1:]],
        where=edits[0].where if edits else None, edits=edits, code=tried.candidate.code,
        elsewhere=elsewhere(session, tried.candidate, made), unknown=len(made.unknown),
        text=text(tried.candidate, Words(session.lang)), margin=chosen.margin, spread=chosen.effect.spread,
        gone=trial.gone, left=trial.findings, others=others[: FIGURES - 1], steps=trial.steps,
        curves={
            "before": [_curve(session.baselines.get(run.seed)) for run in tried.runs],
            "after": [trial.curve for trial in tried.trials],
        },
    )  # fmt: skip


def _mark(session: Session) -> str | None:
    baseline = session.baseline
    mark = baseline.log.header.get("script_mark") if baseline is not None and baseline.log is not None else None
    return mark if isinstance(mark, str) else None


def _curve(run: Run | None) -> list[list[float]]:
    from trainadvisor.verify.trial_runs import curve

    return curve(run.log if run else None)


def written(session: Session, candidate: Candidate, source: str | None) -> Permanent:
    """Return where the changes of a candidate are made for good; `source` is the text of the script that was run."""
    baseline, diagnosis = session.baseline, session.diagnosis
    if baseline is None or baseline.log is None or diagnosis is None:
        return Permanent(unknown=tuple(range(len(candidate.changes))))
    return permanent(candidate, Place(diagnosis, baseline.log, session.request.target, source))


def best(session: Session, source: str | None) -> Permanent | None:
    """Return where the first remedy that held is made for good, None where none did."""
    first = held(session)[:1]
    return written(session, first[0].candidate, source) if first else None


def elsewhere(session: Session, candidate: Candidate, made: Permanent) -> list[str]:
    """Return what the person changes where no line was found that does: a value set elsewhere, or a change by hand."""
    words = Words(session.lang)
    told = [words(f"fix.{patch.kind}", words=patch.words, value=patch.value) for patch in made.outside]
    parts = [part_text(*candidate.parts[number], words) for number in made.unknown]
    return [*told, *(words("fix.by-hand", text=text) for text in parts)]


def _code(candidate: Candidate, made: Permanent) -> str | None:
    """Return all changes as code: edits of lines, then what remedies show for those whose lines are not known."""
    remedies = [candidate.parts[number][1] for number in made.unknown]
    shown = [remedy.code for remedy in remedies if remedy is not None and remedy.code]
    return "\n".join([*(edit.diff() for edit in made.edits), *shown]) or None


def text(candidate: Candidate, words: Words) -> str:
    """Return a description of what a candidate does."""
    return " + ".join(part_text(change, remedy, words) for change, remedy in candidate.parts)


def part_text(change: Change, remedy: Remedy | None, words: Words) -> str:
    """Return a description of one change."""
    return remedy.text if remedy is not None else ruling.general(change, words)


def _baseline(session: Session) -> Baseline:
    run = session.baseline
    if run is None or run.log is None or run.diagnosis is None:
        return Baseline(state="cannot-tell", summary=_why(run))
    values = {name: measure.value for name, measure in measures(run.log).items()}
    return Baseline(
        state=run.diagnosis.state, summary=run.diagnosis.summary, findings=codes(run.diagnosis), steps=run.steps,
        seconds=round(run.outcome.seconds, 2), cut=run.cut, metrics=values, seeds=list(session.baselines),
        curve=_curve(run), log=str(run.outcome.log),
    )  # fmt: skip


def _why(run: Run | None) -> str:
    from trainadvisor.verify.trial_runs import last_line

    return last_line(run.outcome) if run is not None else ""


def _notes(session: Session, found: list[Verified], words: Words) -> list[str]:
    notes = [words(f"verify.note.{key}") for key in session.notes]
    if session.baseline is not None and session.baseline.cut and session.request.prior is None:
        notes.append(words("verify.note.cut", step=words.number(session.baseline.steps)))
    verdicts = [tried.verdict for tried in session.tried]
    ignored = [tried.candidate.label() for tried in session.tried if tried.verdict == "ignored"]
    if ignored:
        notes.append(words("verify.note.ignored", changes=words("comma").join(ignored)))
    if any(t.verdict == "failed" and t.trials[0].detail.startswith("ended after") for t in session.tried):
        notes.append(words("verify.note.ended-early"))
    ties = sum(t.ties for t in held(session)[:1])
    if ties:
        notes.append(words("verify.note.ties", count=ties))
    original = Path(f"{session.request.target}.orig")  # what `trainadvisor fix` keeps
    if not session.tried and session.screening is None and original.is_file():
        notes.append(words("verify.note.original", name=original.name))
    untried = session.screening.untried if session.screening is not None and not session.interrupted else []
    if session.left and session.tried:
        needed = session.budget.spent + session.left * session.typical
        named = words("verify.note.among", changes=words("comma").join(untried)) if untried else ""
        notes.append(words("verify.note.left", count=session.left, named=named, budget=told_seconds(needed)))
    elif untried:
        notes.append(words("verify.note.untried", changes=words("comma").join(untried)))
    if any(2 * item.wins > item.seeds and _may_be_nothing(item) for item in found[:1]):
        notes.append(words("verify.note.may-be-nothing"))
    one_pair = [t for t in held(session)[:1] if len(t.runs) == 1 and session.request.seeds > 1]
    if one_pair and "seeds-ignored" not in session.notes and "better" in verdicts:
        notes.append(words("verify.note.one-pair", seconds=f"{session.typical:.0f}", budget=session.enough))
    return notes


# -- the sentence


def _ended(session: Session, words: Words) -> str:
    """Return who ended what nothing came of, where that was the person or the budget."""
    baseline = session.baseline
    if session.interrupted:
        return words("verify.ended.person", number=len(session.tried) + 1)
    if baseline is None or baseline.outcome.stopped != "limit":
        return ""
    return words(
        "verify.ended.budget", seconds=f"{baseline.outcome.seconds:.0f}", steps=words.number(baseline.steps),
        budget=told_seconds(2 * session.budget.total),
    )  # fmt: skip


def _sentence(session: Session, document: Verification, words: Words) -> str:
    if document.verified:
        return told(document.verified[0], words)
    ended = _ended(session, words) if document.answer == "not-judged" else ""
    return ended or _judged(session, document, words)


def _judged(session: Session, document: Verification, words: Words) -> str:
    """Return the sentence of a session that came to its end."""
    baseline = session.baseline
    if document.answer == "none-helped":
        return _none_helped(session, document, words)
    if baseline is None or baseline.diagnosis is None or not baseline.usable:
        seconds = f"{baseline.outcome.seconds:.0f}" if baseline else "0"
        key = "verify.script-failed" if baseline and baseline.outcome.code and not baseline.outcome.stopped else None
        return words(key or "verify.no-steps", seconds=seconds, reason=document.baseline.summary)
    if document.answer == "nothing-to-cure":
        wanted = session.request.fix or session.request.code
        alarms = bool(session.diagnosis and alarming(session.diagnosis))
        if wanted and alarms:
            return words("verify.no-such", code=wanted)
        if session.diagnosis and session.diagnosis.state == "cannot-tell":
            return words("verify.nothing-found", summary=session.diagnosis.summary)
        return words("verify.healthy")
    return _undecided(session, document, words)


def _none_helped(session: Session, document: Verification, words: Words) -> str:
    """Return what the trials rule out, or that none of them could be the change that is asked for."""
    certain = session.by_hand
    if certain is not None:
        return ruling.other_changes(session.tried, certain.code, certain.remedies[0].text, words)
    return ruling.none_helped(session.tried, document.ruled_out, words)


def _undecided(session: Session, document: Verification, words: Words) -> str:
    """Return why trials that were made, or none, decide nothing."""
    summary = session.diagnosis.summary if session.diagnosis else ""
    close = next((tried for tried in session.tried if tried.close), None)
    if close is not None:
        return came_close(close, words)
    if session.by_hand is not None or any(tried.verdict in OUT_OF_REACH for tried in session.tried):
        return _none_helped(session, document, words)
    if session.tried and all(tried.verdict == "unfinished" for tried in session.tried):
        return words("verify.all-unfinished", count=len(session.tried), budget=told_seconds(2 * session.budget.total))
    if session.screening and not session.tried:
        return words("verify.no-room", seconds=f"{session.typical:.0f}", budget=session.enough)
    return words("verify.no-metric") if session.screening else words("verify.cannot-tell", summary=summary)
