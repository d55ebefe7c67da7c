"""The checks of a preflight, each answered from the results of the runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.language import say
from trainadvisor.preflight.one_batch import FITS, OPEN, STUCK, Fit
from trainadvisor.preflight.preflight_result import Check, State
from trainadvisor.signals import Signals
from trainadvisor.trials.budget import told_seconds
from trainadvisor.vocabulary import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.log.reader import RunLog
    from trainadvisor.preflight.first_steps import Trial

FAMILIES = {
    "numerics": ("numerics",), "wiring": ("wiring",), "data": ("data",), "gradients": ("gradients", "activations"),
}  # fmt: skip
# Fewest steps that allow a statement about a script.
FEWEST = 5
# The budget that lets the first run take twice its time: it gets a third of it.
MORE = 6
# Factor over the loss of an untrained model from which the first loss is reported.
HIGH = 3.0
WAITING = 0.5
LONGEST = 200


@dataclass(frozen=True)
class Seen:
    """Everything that the runs of a preflight have shown."""

    trial: Trial
    log: RunLog
    diagnosis: Diagnosis
    book: Rulebook
    lang: str
    wanted: int
    fit: Fit | None = None
    learns: bool | None = None
    # Codes that need an experiment, by its result: confirmed, unconfirmed or untested.
    suspected: dict[str, list[str]] = field(default_factory=dict)


def start(trial: Trial, wanted: int, lang: str) -> Check:
    """Check whether the script survives its first steps."""
    steps = trial.log.all_steps_count if trial.log is not None else 0
    figures: dict[str, Any] = {"steps": steps, "seconds": round(trial.seconds, 2), "wanted": wanted}
    crash = _crash(trial)
    if crash:
        return Check(name="start", state="failed", severity=Severity.ERROR, figures=figures | crash,
                     sentence=say("preflight.start.crashed", lang, **crash))  # fmt: skip
    if trial.log is None or (not steps and trial.code):
        line = (trial.printed.strip().splitlines() or [""])[-1]
        return _open("start", say("preflight.start.no-log", lang, line=line), figures)
    if steps < FEWEST:
        key = ("few" if steps else "late") if is_cut(trial) else ("short" if steps else "nothing")
        values = {"seconds": trial.seconds, "budget": told_seconds(MORE * trial.seconds)}
        return _open("start", say(f"preflight.start.{key}", lang, steps=steps, wanted=wanted, **values), figures)
    return Check(name="start", state="passed", figures=figures,
                 sentence=say("preflight.start.ran", lang, steps=steps, seconds=trial.seconds))  # fmt: skip


def _crash(trial: Trial) -> dict[str, Any]:
    """Return the exception that ended the script, if it was the script's own."""
    events = [event for event in trial.log.events if event["kind"] == "exception"] if trial.log is not None else []
    if not events:
        return {}
    detail = events[-1]["detail"]
    return {"type": str(detail.get("type")), "message": str(detail.get("message") or "")[:LONGEST]}


def is_cut(trial: Trial) -> bool:
    """Return whether the steps are the first ones of a run that would have gone on."""
    return trial.code is None or (trial.log is not None and (trial.log.end or {}).get("reason") == "cut")


def _open(name: str, sentence: str, figures: dict[str, Any] | None = None) -> Check:
    return Check(name=name, state="not-judged", sentence=sentence, figures=figures or {})


def initial_loss(seen: Seen) -> Check:
    """Compare the first loss with chance level."""
    signals, lang = Signals(seen.log), seen.lang
    first, expected = signals.get("loss_first"), signals.get("uniform_loss") or signals.get("trivial_loss")
    if not isinstance(first, float):
        return _open("initial-loss", say("preflight.loss.none", lang))
    if not isinstance(expected, float) or expected <= 0 or first <= 0:
        return _open("initial-loss", say("preflight.loss.unknown", lang, first=first), {"first": first})
    ratio = first / expected
    figures: dict[str, Any] = {"first": first, "expected": expected, "ratio": ratio}
    bad = ratio > HIGH and seen.fit is not None and seen.fit.verdict == STUCK
    key = "bad" if bad else "high" if ratio > HIGH and seen.fit and seen.fit.verdict == FITS else "good"
    return Check(name="initial-loss", state="failed" if bad else "passed", severity=Severity.WARNING if bad else None,
                 sentence=say(f"preflight.loss.{key}", lang, **figures), figures=figures)  # fmt: skip


def family(name: str, seen: Seen) -> Check:
    """Report what the rules of a family found in the first steps."""
    families, lang = FAMILIES[name], seen.lang
    found = [item for item in seen.diagnosis.walk() if item.family in families]
    loud = sorted((item for item in found if level(item) > Severity.NOTE), key=level, reverse=True)
    if loud:
        codes = [item.code for item in loud]
        return Check(name=name, state="failed", severity=level(loud[0]), sentence=loud[0].sentence or loud[0].title,
                     findings=codes)  # fmt: skip
    clear = [code for code in seen.diagnosis.clear if seen.book.rules[code].family in families]
    if not clear:
        return _open(name, say("preflight.family.none", lang))
    figures: dict[str, Any] = {"clear": len(clear)}
    run = seen.diagnosis.run
    if name == "gradients" and run.get("tensors"):
        figures |= {"reached": run["tensors_reached"], "tensors": run["tensors"]}
        text = say(
            "preflight.gradients.clear", lang, count=len(clear), reached=figures["reached"], tensors=figures["tensors"]
        )
    else:
        text = say("preflight.family.clear", lang, count=len(clear))
    return Check(name=name, state="passed", sentence=text, figures=figures)


def level(item: Finding) -> Severity:
    """Return the severity of a finding; one that is only possible is a note."""
    return Severity.NOTE if item.confidence == Confidence.POSSIBLE else Severity(item.severity)


def one_batch(seen: Seen, reason: str = "", codes: Iterable[str] = ()) -> Check:
    """Check whether the first batch can be memorized; `reason` says why that was not tried."""
    lang, fit = seen.lang, seen.fit
    if fit is None or (fit.verdict == OPEN and fit.first is None):
        why = reason or (fit.reason if fit else "no-time")
        return _open("one-batch", say(f"preflight.batch.{why}", lang, codes=_names(codes, lang)))
    figures: dict[str, Any] = {"first": fit.first, "final": fit.final, "skill": fit.skill, "steps": fit.steps}
    confirmed = seen.suspected.get("confirmed", [])
    key, state = _batch_answer(seen, fit, confirmed)
    sentence = say(f"preflight.batch.{key}", lang, codes=_names(confirmed, lang), **figures)
    worst = _worst(seen, confirmed) if key == "confirms" and seen.learns is not False else Severity.ERROR
    return Check(name="one-batch", state=state, severity=worst if state == "failed" else None, figures=figures,
                 sentence=sentence, findings=confirmed if key == "confirms" else [])  # fmt: skip


def _batch_answer(seen: Seen, fit: Fit, confirmed: list[str]) -> tuple[str, State]:
    if confirmed:
        return "confirms", "failed"
    if fit.verdict != STUCK:
        return ("fits" if fit.verdict == FITS else "falls"), "passed"
    if seen.learns is None:
        return "undecided", "not-judged"
    if seen.learns:
        return "other-rate", "not-judged"
    return ("failed", "failed") if fit.roomy else ("small", "not-judged")


def _worst(seen: Seen, codes: list[str]) -> Severity:
    """Return the highest level of some findings."""
    levels = [level(item) for item in seen.diagnosis.walk() if item.code in codes]
    return max(levels, default=Severity.WARNING)


def _names(codes: Iterable[str], lang: str) -> str:
    return ("、" if lang == "zh" else ", ").join(codes)


def throughput(seen: Seen) -> Check:
    """Report the time of a step and its share of waiting for data; this is never a failure."""
    signals, lang = Signals(seen.log), seen.lang
    seconds, wait = signals.get("step_seconds"), signals.get("wait_share")
    if not isinstance(seconds, float) or seconds <= 0:
        return _open("throughput", say("preflight.speed.unknown", lang))
    batch = signals.get("batch_median")
    rate = float(batch) / seconds if isinstance(batch, int | float) else None
    figures: dict[str, Any] = {"step_seconds": seconds, "examples_per_second": rate, "wait_share": wait,
                               "ceiling": signals.get("wait_ceiling")}  # fmt: skip
    examples = say("preflight.speed.examples", lang, rate=rate) if rate else ""
    key = "step" if not isinstance(wait, float) else "waits" if wait > WAITING else "good"
    text = say(
        f"preflight.speed.{key}", lang, ms=1000 * seconds, wait=wait, examples=examples, ceiling=figures["ceiling"]
    )
    return Check(name="throughput", state="passed", severity=Severity.NOTE if key == "waits" else None, sentence=text,
                 figures=figures)  # fmt: skip
