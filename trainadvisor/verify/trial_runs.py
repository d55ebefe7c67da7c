"""Runs of the script and their results: each trial is read, diagnosed and compared with its baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.errors import LogError
from trainadvisor.log.reader import read_log
from trainadvisor.telling import diagnose
from trainadvisor.verify import trial_verdict
from trainadvisor.verify.candidates import codes
from trainadvisor.verify.verify_result import Applied, Trial, Verdict
from trainadvisor.vocabulary import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.log.reader import RunLog
    from trainadvisor.trials.jobs import Outcome
    from trainadvisor.verify.plan import Candidate

# Fewest steps of a run that can be compared.
MEASURED = 10
EARLY = 0.9
# Gains of at least this share of the largest count as equal.
MUCH_OF = 0.8
SAME = 1e-6
# A gain of this share of what counts as better decides nothing: 1.5 standard errors or more.
CLOSE = 0.75
ERRORS = 300


@dataclass
class Run:
    """One finished run with its log and diagnosis, if any."""

    outcome: Outcome
    log: RunLog | None
    diagnosis: Diagnosis | None

    @property
    def seed(self) -> int | None:
        """Return its seed offset."""
        return self.outcome.job.seed

    @property
    def steps(self) -> int:
        """Return its number of steps."""
        return self.log.all_steps_count if self.log is not None else 0

    @property
    def usable(self) -> bool:
        """Return whether it has enough steps to be compared."""
        return self.log is not None and self.steps >= MEASURED

    @property
    def cut(self) -> bool:
        """Return whether it was cut short by its limit of steps or seconds."""
        return self.log is not None and bool(self.log.end) and (self.log.end or {}).get("reason") == "cut"

    @property
    def said(self) -> str:
        """Return the end of the script's output."""
        return f"{self.outcome.stdout}\n{self.outcome.stderr}"


@dataclass
class Tried:
    """A candidate with its runs, one for each seed so far."""

    candidate: Candidate
    runs: list[Run] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    compared: list[trial_verdict.Comparison] = field(default_factory=list)
    # Its position in the order of trying, whichever of two parallel runs ended first.
    place: int = 0

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on its first run."""
        return self.trials[0].verdict if self.trials else "unfinished"

    @property
    def better(self) -> bool:
        """Return whether it is clearly better over all pairs so far."""
        return trial_verdict.best(self.compared) is not None and all(t.verdict == "better" for t in self.trials[:1])

    @property
    def ties(self) -> int:
        """Return the number of pairs in which the run without the changes did as well."""
        chosen = trial_verdict.best(self.compared)
        return chosen.decision.ties if chosen else 0

    @property
    def cured(self) -> bool:
        """Return whether it is better and its finding is gone."""
        return self.better and (self.candidate.code is None or self.candidate.code in self.trials[0].gone)

    @property
    def close(self) -> bool:
        """Return whether it is better by too little to be sure, and its finding is gone."""
        return self.verdict == "little-better" and self.candidate.code in (None, *self.trials[0].gone)

    @property
    def gain(self) -> float:
        """Return the gain in units of the smallest gain that matters."""
        return trial_verdict.gain_of(self.compared)


def ranked(tried: Iterable[Tried]) -> list[Tried]:
    """Return the improving candidates, best first: by cures, larger gain, fewer changes, order of trying."""
    better = [one for one in tried if one.better]
    most = max((one.gain for one in better), default=0.0)
    return sorted(
        better, key=lambda one: (not one.cured, one.gain < MUCH_OF * most, len(one.candidate.changes), one.place)
    )


def read(outcome: Outcome, config: Config, lang: str = "en", written: Sequence[dict[str, Any]] = ()) -> Run:
    """Read and diagnose the log of a run; `written` are events of what stands in the sources."""
    try:
        log = read_log(outcome.log)
    except (LogError, OSError):
        return Run(outcome, None, None)
    log.events += written
    run = Run(outcome, log, diagnose(log, config=config, lang=lang) if log.all_steps_count else None)
    if run.cut and run.diagnosis is not None:
        run.diagnosis.findings = early(run.diagnosis.findings)
    return run


def early(findings: list[Finding]) -> list[Finding]:
    """Drop findings about the end of a run, which a run that was cut short cannot show.

    A finding that nothing was learned stays, and what was seen to be wrong: the trials last as long, and are meant to
    change it.
    """
    kept: list[Finding] = []
    for finding in findings:
        inner = early(finding.explains)
        kept += inner if _about_the_end(finding) else [finding.model_copy(update={"explains": inner})]
    return kept


def _about_the_end(finding: Finding) -> bool:
    failed = finding.kind == "symptom" and finding.severity == "error"
    seen = finding.handling.evidence == Evidence.DIRECT
    return finding.handling.phase == "end" and not failed and not seen


def pair(before: Run, after: Run) -> trial_verdict.Pair | None:
    """Return two runs to be compared, or None if one left no log."""
    if before.log is None or after.log is None:
        return None
    return trial_verdict.Pair(before.log, after.log, (before.said, after.said))


def changes_of(run: Run) -> Iterator[Applied]:
    """Yield the changes of a run with their outcome."""
    events = [e for e in (run.log.events if run.log else []) if e.get("kind") == "change"]
    for change in run.outcome.job.changes:
        event = next((e for e in events if e.get("subject") == change.change), None)
        if event in events:
            events.remove(event)
        detail: dict[str, Any] = event["detail"] if event else {}
        yield Applied(
            change=change.change,
            arguments=change.arguments,
            applied=detail.get("applied"),
            what=_text(detail.get("what")),
            refused=_text(detail.get("refused")),
        )


def _text(value: Any) -> str | None:
    return str(value) if value else None


def judge(candidate: Candidate, run: Run, baseline: Run) -> Trial:
    """Return the result of one run compared with the baseline of its seed."""
    changes = list(changes_of(run))
    verdict, detail = _failure(run, changes) or ("not-judged", "")
    compared: list[trial_verdict.Comparison] = []
    both = pair(baseline, run)
    if verdict == "not-judged" and both is not None:
        compared = trial_verdict.compare([both], candidate)
        verdict, detail = _verdict(candidate, run, baseline, compared)
    before = codes(baseline.diagnosis) if baseline.diagnosis else []
    after = codes(run.diagnosis) if run.diagnosis else []
    known = run.diagnosis is not None and verdict not in ("failed", "refused", "hopeless")
    return Trial(
        name=run.outcome.job.name, changes=changes, code=candidate.code, origin=candidate.origin, seed=run.seed,
        verdict=verdict, detail=detail, steps=run.steps, seconds=round(run.outcome.seconds, 2),
        compared=[item.told() for item in compared], findings=after,
        gone=[code for code in before if code not in after] if known else [],
        curve=curve(run.log), log=str(run.outcome.log),
    )  # fmt: skip


def _failure(run: Run, changes: list[Applied]) -> tuple[Verdict, str] | None:
    """Return why a run cannot be compared."""
    outcome = run.outcome
    refused = [f"{c.change}: {c.refused or 'did not take effect'}" for c in changes if c.applied is False]
    if outcome.stopped == "refused" or refused:
        return "refused", outcome.detail or "; ".join(refused)
    if outcome.stopped == "hopeless":
        return "hopeless", outcome.detail
    if outcome.stopped in ("limit", "canceled", "lost"):
        return "unfinished", f"{outcome.stopped} {outcome.detail}".strip()
    if not run.usable or (run.log and (run.log.end or {}).get("reason") == "exception"):
        return "failed", last_line(outcome)
    return None


def last_line(outcome: Outcome) -> str:
    """Return the last line that the script wrote to stderr."""
    lines = [line.strip() for line in outcome.stderr.splitlines() if line.strip()]
    return (lines[-1] if lines else f"exit code {outcome.code}")[:ERRORS]


def _verdict(
    candidate: Candidate, run: Run, baseline: Run, compared: list[trial_verdict.Comparison]
) -> tuple[Verdict, str]:
    if not candidate.measures and unchanged(run, baseline):
        return "ignored", "the run is the same to the last bit: the script ignores the change"
    if not compared:
        return "not-judged", "no metric that both runs share"
    if not candidate.may_end_early and run.steps < EARLY * baseline.steps:
        return "failed", f"ended after {run.steps} of {baseline.steps} steps"
    if trial_verdict.best(compared) is not None:
        return "better", ""
    first = next((item for item in compared if item.own or item.held_out), compared[0])
    if first.worse:
        return "worse", ""
    close = first.useful and first.decision.mean >= CLOSE * first.decision.margin
    return ("little-better" if close else "no-better"), ""


def unchanged(run: Run, baseline: Run) -> bool:
    """Return whether losses and evaluations of two runs are identical to the last bit."""
    if run.log is None or baseline.log is None or run.steps != baseline.steps:
        return False
    same = np.array_equal(run.log.column("loss"), baseline.log.column("loss"), equal_nan=True)
    told = [[(e["step"], e.get("loss"), e["metrics"]) for e in log.evaluations] for log in (run.log, baseline.log)]
    norms, others = run.log.column("grad_norm"), baseline.log.column("grad_norm")
    return same and repr(told[0]) == repr(told[1]) and np.array_equal(norms, others, equal_nan=True)


def differs_at_first(candidate: Candidate, run: Run, baseline: Run) -> bool:
    """Return whether the first loss differs although the changes act later, so that the script is nondeterministic.

    The first loss of a later training depends on those before it.
    """
    if not candidate.acts_after_first_step or not run.usable or not baseline.usable:
        return False
    logs = [r.log for r in (run, baseline) if r.log is not None]
    if any(log.steps[0] > 0 for log in logs):
        return False
    one, other = (float(log.column("loss")[0]) for log in logs)
    return abs(one - other) > SAME * max(abs(one), abs(other))


def curve(log: RunLog | None, points: int = 60) -> list[list[float]]:
    """Return the training loss as [step, median of a stretch], without non-finite values."""
    if log is None or not log.steps.size:
        return []
    loss = log.column("loss")
    known = np.isfinite(loss)
    steps, loss = log.steps[known], loss[known]
    edges = np.unique(np.linspace(0, loss.size, min(points, loss.size) + 1).astype(int))
    spans = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [[float(steps[stop - 1]), float(f"{np.median(loss[start:stop]):.4g}")] for start, stop in spans]
