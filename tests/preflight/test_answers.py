"""Every answer of a preflight, from made-up results of its runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from builders import event, log_of
from rulekit import rule

from trainadvisor.judge.result import Diagnosis
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.preflight import early_rules, questions
from trainadvisor.preflight.first_steps import Trial
from trainadvisor.preflight.one_batch import FITS, OPEN, STUCK, Fit
from trainadvisor.preflight.questions import Seen

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = {"lost": "numerics", "cut-off": "wiring", "faded": "gradients", "silent": "activations", "odd": "data"}
BOOK = Rulebook({code: rule(code, family) for code, family in FAMILIES.items()})
Found = tuple[str, str, str]


def diagnosis(*found: Found, clear: tuple[str, ...] = (), **run: Any) -> Diagnosis:
    """Return a diagnosis with findings of a code, a severity and a confidence."""
    listed = [
        {"code": code, "family": FAMILIES[code], "kind": "cause", "severity": severity, "confidence": confidence,
         "title": f"title of {code}", "sentence": "" if code == "silent" else f"{code} was seen"}
        for code, severity, confidence in found
    ]  # fmt: skip
    return Diagnosis.model_validate(
        {"state": "broken", "summary": "s", "findings": listed, "clear": list(clear), "run": run}
    )


def seen(**parts: Any) -> Seen:
    """Return what a preflight has seen."""
    given = {"trial": Trial(None, "", 1.0, 0), "log": None, "diagnosis": diagnosis(), "book": BOOK, "lang": "en"}
    return Seen(**given | {"wanted": 20} | parts)


@pytest.mark.parametrize(
    ("parts", "seconds", "code", "state", "sentence"),
    [
        ({"steps": 4, "end": {"reason": "cut"}}, 2.0, 0, "not-judged",
         "only 4 steps ran within the time; --budget gives it more"),
        ({"steps": 4}, 2.0, None, "not-judged", "only 4 steps ran within the time; --budget gives it more"),
        ({"steps": 4}, 2.0, 0, "not-judged", "only 4 steps ran before the script ended; 20 were asked for"),
        ({"steps": 5}, 2.345, 0, "passed", "5 steps ran in 2.3 s"),
        ({"steps": 0}, 2.0, 0, "not-judged",
         "no torch training ran; if the script trains in another process, preflight cannot see it"),
        ({"steps": 0}, 33.4, None, "not-judged",
         "the script had not reached its first training step after 33 s; give it more time: --budget 4m"),
        ({"steps": 0, "end": {"reason": "cut"}}, 9.6, 0, "not-judged",
         "the script had not reached its first training step after 10 s; give it more time: --budget 60s"),
        ({"steps": 0}, 2.0, 1, "not-judged", "nothing was recorded; the last line of the script: no module named x"),
        (None, 2.0, 0, "not-judged", "nothing was recorded; the last line of the script: no module named x"),
    ],
)  # fmt: skip
def test_how_the_script_started(
    tmp_path: Path, parts: dict[str, Any] | None, seconds: float, code: int | None, state: str, sentence: str
) -> None:
    """Five steps are the fewest; what is cut by time is told from what ended."""
    log = None if parts is None else log_of(tmp_path, **parts)
    check = questions.start(Trial(log, "one\nTraceback\nno module named x\n", seconds, code), 20, "en")
    assert (check.name, check.state, check.sentence) == ("start", state, sentence)
    assert check.figures == {"steps": (parts or {}).get("steps", 0), "seconds": round(seconds, 2), "wanted": 20}


def test_an_exception_of_the_script_fails_the_start(tmp_path: Path) -> None:
    """However many steps it ran; its message is cut."""
    crash = event("exception", {"type": "ValueError", "message": "x" * 300, "place": "train.py:4"})
    check = questions.start(Trial(log_of(tmp_path, steps=9, events=[crash]), "", 2.0, 1), 20, "en")
    assert (check.state, check.severity) == ("failed", "error")
    assert check.sentence == f"the script ended with ValueError: {'x' * 200}"


@pytest.mark.parametrize(
    ("shown", "name", "state", "severity", "sentence", "codes"),
    [
        (diagnosis(clear=("lost", "cut-off")), "numerics", "passed", None, "1 check, nothing found", []),
        (diagnosis(clear=("lost",)), "wiring", "not-judged", None, "too little was recorded to judge", []),
        (diagnosis(clear=("faded", "silent"), tensors=6, tensors_reached=5), "gradients", "passed", None,
         "gradients reach 5 of 6 tensors; 2 checks, nothing found", []),
        (diagnosis(clear=("faded",)), "gradients", "passed", None, "1 check, nothing found", []),
        (diagnosis(("lost", "warning", "certain"), ("cut-off", "error", "likely")), "numerics", "failed", "warning",
         "lost was seen", ["lost"]),
        (diagnosis(("faded", "warning", "likely"), ("silent", "error", "likely")), "gradients", "failed", "error",
         "title of silent", ["silent", "faded"]),
        (diagnosis(("odd", "error", "possible")), "data", "not-judged", None, "too little was recorded to judge", []),
        (diagnosis(("odd", "note", "certain"), clear=("odd",)), "data", "passed", None, "1 check, nothing found", []),
    ],
)  # fmt: skip
def test_what_the_rules_of_a_family_found(
    shown: Diagnosis, name: str, state: str, severity: str | None, sentence: str, codes: list[str]
) -> None:
    """The worst first; what is only possible or a note is no failure, and silence without a check is no pass."""
    check = questions.family(name, seen(diagnosis=shown))
    assert (check.state, check.severity, check.sentence, check.findings) == (state, severity, sentence, codes)


@pytest.mark.parametrize(
    ("signals", "fit", "state", "key"),
    [
        ({"loss_first": 6.1, "uniform_loss": 2.0}, Fit(STUCK), "failed", 3.05),
        ({"loss_first": 6.0, "uniform_loss": 2.0}, Fit(STUCK), "passed", 3.0),
        ({"loss_first": 6.1, "uniform_loss": 2.0}, None, "passed", 3.05),
        ({"loss_first": 9.0, "trivial_loss": 1.0}, Fit(FITS), "passed", 9.0),
        ({"loss_first": 0.0, "uniform_loss": 2.0}, None, "not-judged", None),
        ({"loss_first": 1.0}, None, "not-judged", None),
        ({"loss_first": 1.0, "uniform_loss": -2.0}, None, "not-judged", None),
        ({}, None, "not-judged", None),
    ],
)
def test_the_first_loss(
    monkeypatch: pytest.MonkeyPatch, signals: dict[str, float], fit: Fit | None, state: str, key: float | None
) -> None:
    """A high one is a failure only where the batch cannot be learned either."""
    monkeypatch.setattr(questions, "Signals", lambda _: signals)
    check = questions.initial_loss(seen(fit=fit))
    assert check.state == state
    assert check.figures.get("ratio") == pytest.approx(key)
    assert check.severity == ("warning" if state == "failed" else None)
    assert check.sentence.endswith("it is soon unlearned") is (fit is not None and fit.verdict == FITS)


FIGURES = {"first": 2.0, "final": 0.3, "skill": 0.6, "steps": 100}


@pytest.mark.parametrize(
    ("fit", "learns", "suspected", "state", "sentence"),
    [
        (Fit(FITS, **FIGURES), None, [], "passed",
         "learned by heart: loss 2 -> 0.3 in 100 steps on the first batch"),
        (Fit(OPEN, **FIGURES, reason="slow"), None, [], "passed",
         "the loss falls, 2 -> 0.3 in 100 steps on the first batch"),
        (Fit(STUCK, **FIGURES), None, [], "not-judged",
         "hardly learned (loss 2 -> 0.3 in 100 steps); no time was left to try other rates"),
        (Fit(STUCK, **FIGURES), True, [], "not-judged",
         "hardly learned at the script's own rate (2 -> 0.3 in 100 steps), but at a larger one"),
        (Fit(STUCK, **FIGURES), False, [], "not-judged",
         "hardly learned (loss 2 -> 0.3 in 100 steps), but so small or linear a model need not"),
        (Fit(STUCK, **FIGURES, roomy=True), False, [], "failed",
         "cannot be learned: loss 2 -> 0.3 in 100 steps on the first batch alone, and no learning rate changes that"),
        (Fit(STUCK, **FIGURES), True, ["lost", "odd"], "failed",
         "hardly learned (loss 2 -> 0.3 in 100 steps), which confirms lost, odd"),
        (Fit(OPEN, reason="too-few"), None, [], "not-judged", "too few steps ran on one batch"),
        (None, None, [], "not-judged", "skipped: no time left of the budget; --budget gives more"),
    ],
)  # fmt: skip
def test_the_first_batch(
    fit: Fit | None,
    learns: bool | None,  # noqa: FBT001
    suspected: list[str],
    state: str,
    sentence: str,
) -> None:
    """Learned, not, or not to be judged; a suspicion that it confirms is named."""
    check = questions.one_batch(seen(fit=fit, learns=learns, suspected={"confirmed": suspected} if suspected else {}))
    assert (check.state, check.sentence, check.findings) == (state, sentence, suspected)


def test_a_batch_that_was_left_out_says_why() -> None:
    """The caller's reason goes before that of the fit."""
    check = questions.one_batch(seen(fit=Fit(OPEN, reason="too-few")), "mend", ["lost", "odd"])
    assert check.sentence == "skipped: lost, odd comes first"


@pytest.mark.parametrize(("learns", "severity"), [(None, "warning"), (True, "warning"), (False, "error")])
def test_what_the_batch_confirms_is_as_bad_as_found(learns: bool | None, severity: str) -> None:  # noqa: FBT001
    """An error where no learning rate helps."""
    shown = diagnosis(("lost", "warning", "certain"), ("odd", "error", "certain"))
    result = seen(fit=Fit(STUCK, **FIGURES), learns=learns, suspected={"confirmed": ["lost"]}, diagnosis=shown)
    assert questions.one_batch(result).severity == severity


@pytest.mark.parametrize(
    ("signals", "severity", "sentence"),
    [
        ({"step_seconds": 0.02, "wait_share": 0.5, "batch_median": 32}, None,
         "20 ms a step while recorded (1,600 examples/s), 50 % of it waiting for data"),
        ({"step_seconds": 0.02, "wait_share": 0.51, "wait_ceiling": 2.04}, "note",
         "51 % of 20 ms a step is waiting for data; at most 2 times as fast without"),
        ({"step_seconds": 0.02}, None, "20 ms a step"),
        ({"step_seconds": 0.0}, None, "too few steps to measure"),
    ],
)  # fmt: skip
def test_the_speed(
    monkeypatch: pytest.MonkeyPatch, signals: dict[str, float], severity: str | None, sentence: str
) -> None:
    """Waiting for more than half of the time is a note."""
    monkeypatch.setattr(questions, "Signals", lambda _: signals)
    check = questions.throughput(seen())
    assert (check.severity, check.sentence) == (severity, sentence)


@pytest.mark.parametrize(
    ("fit", "hardly"),
    [
        (Fit(STUCK), True), (Fit(OPEN), False), (Fit(OPEN, 0.0, 0.0, reason="slow"), False),
        (Fit(OPEN, 1.0, 0.91, reason="slow"), True), (Fit(OPEN, 1.0, 0.875, reason="slow"), False),
        (Fit(OPEN, -1.0, -1.05, reason="floor-unknown"), True), (Fit(OPEN, 1.0, 0.95, reason="other"), False),
        (Fit(FITS, 1.0, 0.95, reason="slow"), False), (Fit(STUCK, 1.0, 0.1), True),
    ],
)  # fmt: skip
def test_hardly_learned(fit: Fit, *, hardly: bool) -> None:
    """By less than a tenth of the first loss, where the loss cannot say more."""
    assert fit.hardly is hardly


def test_rules_of_the_first_steps() -> None:
    """Later ones are off; what is only a suspicion may be raised early, what is seen at once keeps its limits."""
    given = [
        rule("late", thresholds={"min_steps": 50.0}),
        rule("slow", phase="start", thresholds={"min_steps": 50.0, "most": 1.0}),
        rule("quick", phase="start", thresholds={"min_steps": 3.0}),
        rule("plain", phase="start"),
        rule("sure", phase="start", evidence="exact", thresholds={"min_steps": 50.0}),
        rule("gone", phase="end"),
    ]
    book = early_rules.of_first_steps(Rulebook({r.code: r for r in given}, off={"gone": "mine"}), "en")
    assert {code: dict(r.thresholds) for code, r in book.rules.items()} == {
        "late": {"min_steps": 15}, "slow": {"min_steps": 15, "most": 1.0}, "quick": {"min_steps": 3.0},
        "plain": {"min_steps": 15}, "sure": {"min_steps": 50.0}, "gone": {"min_steps": 15},
    }  # fmt: skip
    assert (sorted(book.off), book.off["gone"]) == (["gone", "late"], "mine")
    assert early_rules.without(book, {"gone": "theirs", "slow": "s"}).off == {**book.off, "slow": "s"}


def test_certain_findings_are_told_from_suspicions() -> None:
    """By the evidence of their rule; notes are neither."""
    book = replace(BOOK, rules={**BOOK.rules, "lost": rule("lost", "numerics", evidence="direct")})
    shown = diagnosis(("lost", "error", "certain"), ("faded", "warning", "likely"), ("odd", "note", "certain"))
    assert early_rules.certain_and_suspected(shown, book) == ({"lost"}, {"faded"})
