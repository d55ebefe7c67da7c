"""The procedure of a preflight: the unmodified first steps, then the experiments for open questions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainadvisor.i18n.language import say
from trainadvisor.judge.assembly import judge_log
from trainadvisor.preflight import (
    contracts,
    early_rules,
    lr_range_test,
    lr_suggestion,
    memory_limit,
    one_batch,
    questions,
    spent_rate,
    whole_run,
)
from trainadvisor.preflight.preflight_result import Check, LearningRate, Outcome, Preflight, unjudged
from trainadvisor.signals.context import contexts
from trainadvisor.telling import told
from trainadvisor.trials.jobs import Change
from trainadvisor.vocabulary import Confidence, Severity, reaches

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.preflight.first_steps import Script, Trial, Trials

ONE_BATCH = Change("one-batch")
# Steps of an experiment: a range of seven decades needs them; a small network memorizes a batch in fewer.
EXPERIMENT_STEPS = 100
SWEEP = Change(
    "lr-range", {"lowest": lr_range_test.LOWEST, "highest": lr_range_test.HIGHEST, "steps": EXPERIMENT_STEPS}
)
SHARED_ORDER = Change("fix-labels")
HALF_BATCH = Change("batch-size", {"factor": 0.5})
# Steps at half the batch: those in which much is recorded, and as many plain ones.
HALF_BATCH_STEPS = 2 * whole_run.RESTED


@dataclass(frozen=True)
class Wish:
    """The options of a preflight."""

    steps: int = 60
    budget: float = 60.0
    fail_on: str = "error"
    experiments: bool = True
    lang: str = "en"
    # Batch size to plan for, None: that of the script.
    plan_batch: int | None = None


class Procedure:
    """One preflight of one script."""

    def __init__(self, script: Script, trials: Trials, book: Rulebook, wish: Wish) -> None:
        self._script, self._trials, self._wish = script, trials, wish
        self._full, self._book = book, early_rules.of_first_steps(book, wish.lang)

    def run(self) -> Preflight:
        """Run all steps and experiments and return the verdict."""
        trial = self._trials.first(self._wish.steps, [whole_run.timed(self._wish.steps)])
        first = questions.start(trial, self._wish.steps, self._wish.lang)
        if trial.log is None or trial.log.all_steps_count < questions.FEWEST:
            return self._verdict(trial, [first], self._crash(trial, first))
        seen = questions.Seen(
            trial,
            trial.log,
            told(judge_log(trial.log, self._book), self._wish.lang),
            self._book,
            self._wish.lang,
            self._wish.steps,
        )
        certain, suspected = early_rules.certain_and_suspected(seen.diagnosis, self._book)
        if first.state == "failed":
            first.findings = [code for code in certain if self._book.get(code).explains_crashes]
        broken = self._errors(seen.diagnosis, certain)
        spent = spent_rate.check(trial.log, self._wish.lang) if questions.is_cut(trial) else None
        broken += spent.findings if spent is not None else []
        why = "" if self._wish.experiments else "skipped"
        why = "mend" if broken or first.state == "failed" else why
        if not why:
            seen = self._on_one_batch(seen)
        seen = self._resolved(seen, suspected, broken=bool(broken))
        rate, rate_check = self._rate(seen, why, broken)
        answers = [
            first,
            questions.initial_loss(seen),
            *(questions.family(name, seen) for name in questions.FAMILIES),
            questions.one_batch(seen, why, broken or ["start"]),
            spent or rate_check,
            *contracts.checks(seen.log, self._wish.lang, self._full),
            questions.throughput(seen),
            whole_run.check(seen.log, self._wish.lang, self._plan(seen, why)),
        ]
        return self._verdict(trial, answers, seen.diagnosis, rate)

    def _crash(self, trial: Trial, first: Check) -> Diagnosis | None:
        """Return what explains the error that ended the script before it trained, and name it in the check."""
        if trial.log is None or first.state != "failed":
            return None
        diagnosis = told(judge_log(trial.log, self._book), self._wish.lang)
        first.findings = [item.code for item in diagnosis.walk() if self._book.get(item.code).explains_crashes]
        return diagnosis

    def _errors(self, diagnosis: Diagnosis, certain: set[str]) -> list[str]:
        """Return the codes of certain errors: what they break would affect every experiment."""
        found = [item for item in diagnosis.walk() if item.code in certain]
        return [item.code for item in found if questions.level(item) == "error"]

    def _on_one_batch(self, seen: questions.Seen) -> questions.Seen:
        """Run the script on its first batch and, if that is not learned, at every rate."""
        log = self._trials.experiment("one-batch", [ONE_BATCH], EXPERIMENT_STEPS, share=0.5)
        if log is None:
            return seen
        fit = one_batch.fit_of(log, kinds=contexts(seen.log))
        seen = replace(seen, fit=fit)
        if fit.verdict != one_batch.STUCK:
            return seen
        rescue = self._trials.experiment("rescue", [ONE_BATCH, SWEEP], EXPERIMENT_STEPS, share=0.6)
        return seen if rescue is None else replace(seen, learns=one_batch.learns_at_some_rate(rescue))

    def _resolved(self, seen: questions.Seen, suspected: set[str], *, broken: bool) -> questions.Seen:
        """Confirm or drop suspicions by the experiment; next to a certain error they may stay as they are."""
        if not suspected or broken:
            return seen
        fate = _fate(seen)
        seen = replace(seen, suspected={fate: sorted(suspected)})
        if fate == "confirmed":
            for item in seen.diagnosis.walk():
                unsure = item.code in suspected and item.confidence == Confidence.POSSIBLE
                item.confidence = Confidence.LIKELY if unsure else item.confidence
            return seen
        book = early_rules.without(
            self._book, dict.fromkeys(suspected, say(f"preflight.early.{fate}", self._wish.lang))
        )
        return replace(seen, diagnosis=told(judge_log(seen.log, book), self._wish.lang))

    def _rate(self, seen: questions.Seen, why: str, broken: list[str]) -> tuple[LearningRate | None, Check]:
        """Run the range test and compare the rates."""
        lang = self._wish.lang
        if why:
            return None, lr_suggestion.check(None, seen.diagnosis, lang, reason=why, codes=broken or ["start"])
        log = self._trials.experiment("lr-range", [SWEEP], EXPERIMENT_STEPS)
        if log is None:
            return None, lr_suggestion.check(None, seen.diagnosis, lang)
        own, rising = lr_suggestion.own_rate(seen.log)
        sweep = lr_range_test.sweep_of(log) if one_batch.took_effect(log, "lr-range") else None
        outcome = lr_suggestion.outcome(sweep, own)
        if sweep is not None and sweep.suggestion is None and (shared := self._in_one_order(seen)) is not None:
            return outcome, lr_suggestion.shuffled_apart(sweep, shared, lang)
        whole = told(judge_log(seen.log, self._full), lang)
        return outcome, lr_suggestion.check(outcome, whole, lang, rising=rising)

    def _in_one_order(self, seen: questions.Seen) -> lr_range_test.Sweep | None:
        """Return the range test with one order for all shuffles of equal length, if the loss falls only with that.

        If one batch can be memorized but no rate lowers the loss across batches, the labels probably belong to other
        rows.
        """
        if seen.fit is None or seen.fit.verdict == one_batch.STUCK:
            return None
        log = self._trials.experiment("one-order", [SHARED_ORDER, SWEEP], EXPERIMENT_STEPS)
        if log is None or not one_batch.took_effect(log, SHARED_ORDER.change):
            return None
        sweep = lr_range_test.sweep_of(log)
        return sweep if sweep is not None and sweep.suggestion is not None else None

    def _plan(self, seen: questions.Seen, why: str) -> whole_run.Plan:
        """Return what is known of other batch sizes: the script runs once more with half of its own."""
        batch, wish, other = whole_run.batch_of(seen.log), self._wish, None
        if batch is not None and batch > 1 and (not why or wish.plan_batch):
            other = self._trials.experiment(
                "half-batch", [HALF_BATCH, whole_run.timed(HALF_BATCH_STEPS)], HALF_BATCH_STEPS
            )
        if other is not None and not one_batch.took_effect(other, HALF_BATCH.change):
            other = None
        return whole_run.Plan(other, wish.plan_batch, memory_limit.limit_of(seen.log))

    def _verdict(
        self,
        trial: Trial,
        answers: list[Check],
        diagnosis: Diagnosis | None = None,
        rate: LearningRate | None = None,
    ) -> Preflight:
        failing = [
            c for c in answers if c.state == "failed" and reaches(c.severity or Severity.ERROR, self._wish.fail_on)
        ]
        decided = answers[0].state != "not-judged"
        outcome: Outcome = "fail" if failing else "pass" if decided else "undecided"
        return Preflight(
            outcome=outcome,
            summary=self._summary(outcome, answers, failing, diagnosis),
            script=self._script.target,
            argv=list(self._script.args),
            steps=trial.log.all_steps_count if trial.log is not None else 0,
            seconds=round(self._trials.spent, 2),
            budget=self._wish.budget,
            checks=answers,
            learning_rate=rate,
            diagnosis=diagnosis,
        )

    def _summary(self, outcome: str, answers: list[Check], failing: list[Check], diagnosis: Diagnosis | None) -> str:
        lang = self._wish.lang
        if outcome == "undecided":
            return answers[0].sentence
        if outcome == "fail":
            rate = lr_suggestion.leading(failing, diagnosis, self._full.get(lr_suggestion.TOO_HIGH).explains)
            if rate is not None:
                return rate.sentence
            told = {code for check in failing for code in check.findings}
            known = bool(diagnosis and diagnosis.findings and diagnosis.findings[0].code in told)
            return diagnosis.summary if known and diagnosis else failing[0].sentence
        steps = answers[0].figures.get("steps")
        warned = [check for check in answers if check.state == "failed"]
        left = "、" if lang == "zh" else ", "
        names = left.join(say(f"preflight.check.{check.name}", lang) for check in unjudged(answers))
        key = "warned" if warned else "open" if names else "pass"
        return say(f"preflight.summary.{key}", lang, steps=steps, count=len(warned), names=names)


def _fate(seen: questions.Seen) -> str:
    """Return what the one-batch experiment says about suspicions; in a warm-up, only all rates together confirm one."""
    if seen.fit is None or (seen.fit.verdict == one_batch.OPEN and not seen.fit.hardly):
        return "untested"
    _, rising = lr_suggestion.own_rate(seen.log)
    doubtful = rising and seen.learns is not False
    return "unconfirmed" if not seen.fit.hardly else "untested" if doubtful else "confirmed"
