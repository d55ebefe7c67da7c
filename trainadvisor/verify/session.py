"""One verify from the baseline to the answer, within its budget."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from trainadvisor.mending.written_faults import fault_events
from trainadvisor.trials.budget import told_seconds
from trainadvisor.trials.early_abort import BaselineTrajectory
from trainadvisor.trials.jobs import Change, Job
from trainadvisor.verify import trial_runs, trial_verdict
from trainadvisor.verify.candidates import alarming, anew, codes
from trainadvisor.verify.screening import Screening
from trainadvisor.verify.trial_runs import Run, Tried
from trainadvisor.vocabulary import Confidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.trials.budget import Budget
    from trainadvisor.trials.child_process import Setting
    from trainadvisor.trials.engines import Engine
    from trainadvisor.verify.plan import Candidate
    from trainadvisor.verify.progress import Progress

# Extra seeds for pairs that say nothing because the unmodified script did well by luck.
SPARE = 2
# Candidates that are repeated over seeds: the best, and the second if the first does not hold.
MOST_REPEATED = 2
# Runs beyond those of one remedy that a proposed budget has room for.
MARGIN_RUNS = 2


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    target: str
    args: tuple[str, ...]
    module: bool = False
    seeds: int = 3
    code: str | None = None
    fix: str | None = None
    # The diagnosis of an earlier, longer run of the script.
    prior: Diagnosis | None = None


@dataclass
class Session:
    """The results so far; available at any time, also after an interrupt."""

    request: Request
    budget: Budget
    engine: Engine
    setting: Setting
    config: Config
    progress: Progress
    # Why changes cannot be applied from outside, as far as known without trying.
    refusal: Callable[[Change], str | None] = lambda _: None
    lang: str = "en"
    baselines: dict[int | None, Run] = field(default_factory=dict)
    screening: Screening | None = None
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False
    # Single candidates for which there was no time.
    left: int = 0
    _told_by_hand: bool = field(default=False, init=False)

    @property
    def baseline(self) -> Run | None:
        """Return the unmodified run with the script's own seeds."""
        return self.baselines.get(None)

    @property
    def diagnosis(self) -> Diagnosis | None:
        """Return the diagnosis that supplies the remedies: the earlier run's if there is one."""
        return self.request.prior or (self.baseline.diagnosis if self.baseline else None)

    @property
    def tried(self) -> list[Tried]:
        """Return all candidates with their runs."""
        return self.screening.tried if self.screening else []

    def run(self) -> None:
        """Run the session; Ctrl-C ends it early and keeps the results."""
        try:
            self._run()
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            self.progress.ended()

    def _run(self) -> None:
        self._run_baseline()
        baseline, diagnosis = self.baseline, self.diagnosis
        if baseline is None or diagnosis is None or not baseline.usable or not self._asked(diagnosis):
            return
        self.setting = replace(self.setting, trajectory=BaselineTrajectory.of(baseline.log) if baseline.log else None)
        only = self.request.fix or self.request.code
        if alarming(diagnosis)[0].handling.measured_by != "loss":
            self.engine.slots = 1  # trials side by side would slow each other down
        self.screening = Screening(
            diagnosis,
            only,
            self.refusal,
            first_only=self.request.fix is not None,
        )
        self._tell_by_hand()
        self._screen(self.screening, baseline)
        self._repeat(self.screening)

    def _asked(self, diagnosis: Diagnosis) -> bool:
        """Return whether there is anything to fix."""
        wanted = self.request.fix or self.request.code
        return wanted in codes(diagnosis) if wanted else bool(alarming(diagnosis))

    @property
    def by_hand(self) -> Finding | None:
        """Return the first finding, where it is certain and no change that it asks for can be made from outside."""
        diagnosis, screening = self.diagnosis, self.screening
        if diagnosis is None or screening is None:
            return None
        only = self.request.fix or self.request.code
        found = [f for f in diagnosis.walk() if f.code == only] if only else alarming(diagnosis)
        first = next(iter(found), None)
        certain = first is not None and first.confidence == Confidence.CERTAIN and bool(first.remedies)
        return first if certain and first is not None and screening.out_of_reach(first.code) else None

    def _tell_by_hand(self) -> None:
        """Say once that the change of the first finding is one in the code."""
        if not self._told_by_hand and (finding := self.by_hand) is not None:
            self._told_by_hand = True
            self.progress.by_hand(finding.code, finding.remedies[0].text)

    # -- runs

    @property
    def typical(self) -> float:
        """Return the duration of a run: the median of the completed ones, but at least that of the last."""
        runs = [*self.baselines.values(), *(run for tried in self.tried for run in tried.runs)]
        ended = [run.outcome.seconds for run in runs if run.outcome.stopped is None]
        return max(sorted(ended)[len(ended) // 2], ended[-1]) if ended else self.budget.for_baseline

    @property
    def enough(self) -> str:
        """Return a budget in which one remedy can be tried with all seeds, as one would write it."""
        return told_seconds(self.typical * (2 * self.request.seeds + MARGIN_RUNS))

    def _job(self, name: str, candidate: Candidate | None = None, seed: int | None = None) -> Job:
        baseline = self.baseline
        cut = baseline is not None and baseline.cut
        return Job(
            self.request.target, self.request.args, self.request.module,
            changes=candidate.changes if candidate else (), seed=seed,
            stop_after_steps=baseline.steps if baseline is not None and cut else None,
            stop_after_seconds=None if baseline is not None else self.budget.for_baseline,
            limit=self.budget.limit(self.typical) if baseline is not None else max(self.budget.left * 0.6, 0.5),
            name=name,
        )  # fmt: skip

    def _finish(self, job: Job, written: Sequence[dict[str, Any]] = ()) -> Run:
        with closing(self.engine.run([job], self.setting)) as outcomes:  # type: ignore[type-var]
            return trial_runs.read(next(iter(outcomes)), self.config, self.lang, written)

    def _run_baseline(self) -> None:
        self.progress.started(self.request.target, self.budget.total)
        request = self.request
        written = () if request.module else fault_events(request.target, [request.target, *request.args])
        run = self._finish(self._job("baseline"), written)
        self.baselines[None] = run
        self.progress.baseline(run)

    def _screen(self, screening: Screening, baseline: Run) -> None:
        """Try one candidate after the other with the script's own seeds."""
        given: dict[str, Candidate] = {}
        with closing(self.engine.run(self._screened(screening, given), self.setting)) as outcomes:  # type: ignore[type-var]
            for outcome in outcomes:
                run = trial_runs.read(outcome, self.config, self.lang)
                place = list(given).index(outcome.job.name)
                self._take(screening, given[outcome.job.name], run, baseline, place)

    def _screened(self, screening: Screening, given: dict[str, Candidate]) -> Iterator[Job]:
        for number, candidate in enumerate(screening.order(), 1):
            if screening.decided:
                return
            if not self._room_to_screen(screening):
                self.left = screening.remaining + (len(candidate.changes) == 1)
                return
            job = self._job(f"{number:02d}-{'-'.join(c.change for c in candidate.changes)}", candidate)
            given[job.name] = candidate
            self.progress.trying(number, number + screening.remaining, candidate)
            yield job

    def _room_to_screen(self, screening: Screening) -> bool:
        """Return whether there is time for one more candidate and for repeating what helped with other seeds."""
        pairs = self.request.seeds - 1 if screening.best else 0
        return self.budget.fits(self.typical, 1 + 2 * pairs, self.engine.slots)

    def _take(self, screening: Screening, candidate: Candidate, run: Run, baseline: Run, place: int) -> None:
        trial = trial_runs.judge(candidate, run, baseline)
        tried = Tried(candidate, [run], [trial], place=place)
        both = trial_runs.pair(baseline, run)
        if both is not None and trial.compared:
            tried.compared = trial_verdict.compare([both], candidate)
        screening.tried.append(tried)
        if trial_runs.differs_at_first(candidate, run, baseline):
            self._note("not-deterministic")
        self.progress.judged(tried)
        self._tell_by_hand()

    def _note(self, key: str) -> None:
        if key not in self.notes:
            self.notes.append(key)

    # -- seeds

    def _repeat(self, screening: Screening) -> None:
        """Repeat the best candidate, and the next if it does not hold, with other seeds, with and without changes."""
        for tried in trial_runs.ranked(screening.tried)[:MOST_REPEATED]:
            for seed in range(1, self.request.seeds + (SPARE if self.request.seeds > 1 else 0)):
                enough = len(tried.runs) - tried.ties >= self.request.seeds
                if enough or not tried.better or not self._pair(tried, seed):
                    break
            if tried.better:
                return

    def _pair(self, tried: Tried, seed: int) -> bool:
        """Run one more pair; return whether it could be run."""
        missing = seed not in self.baselines
        if not self.budget.fits(self.typical, 1 + missing, self.engine.slots):
            return False
        self.progress.repeating(seed + 1, self.request.seeds, tried.candidate)
        if tried.candidate.per_run and missing:
            self.baselines[seed] = self._finish(self._job(f"baseline-seed{seed}", None, seed))
        with closing(self.engine.run(self._paired(tried, seed), self.setting)) as outcomes:  # type: ignore[type-var]
            runs = [trial_runs.read(outcome, self.config, self.lang) for outcome in outcomes]
        for run in runs:
            if not run.outcome.job.changes:
                self.baselines[seed] = run
        baseline, own = self.baselines.get(seed), self.baseline
        again = next((run for run in runs if run.outcome.job.changes), None)
        if baseline is None or again is None or not baseline.usable or own is None:
            return False
        if trial_runs.unchanged(baseline, own) and not tried.candidate.measures:
            self._note("seeds-ignored")
            return False
        self._add(tried, again, baseline)
        return True

    def _paired(self, tried: Tried, seed: int) -> Iterator[Job]:
        """Yield the runs of one pair; each is limited by the time left when it starts."""
        if seed not in self.baselines:
            yield self._job(f"baseline-seed{seed}", None, seed)
        told = self.baselines[seed].diagnosis if seed in self.baselines else None
        candidate = anew(tried.candidate, told) if told is not None else tried.candidate
        yield self._job(f"{tried.trials[0].name}-seed{seed}", candidate, seed)

    def _add(self, tried: Tried, run: Run, baseline: Run) -> None:
        trial = trial_runs.judge(tried.candidate, run, baseline)
        if trial.verdict == "unfinished":
            return
        tried.runs.append(run)
        tried.trials.append(trial)
        pairs = [
            both for after in tried.runs if (both := trial_runs.pair(self.baselines[after.seed], after)) is not None
        ]
        if run.log is not None and trial.verdict not in ("failed", "refused", "hopeless"):
            tried.compared = trial_verdict.compare(pairs, tried.candidate)
        else:
            tried.compared = []
        self.progress.repeated(tried)
