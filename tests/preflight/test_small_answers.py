"""Single decisions of a preflight, at and beside their limits."""
# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from trainadvisor.judge.result import Diagnosis, Finding
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.preflight import lr_range_test, lr_suggestion, memory_limit, one_batch, procedure, questions
from trainadvisor.preflight import preflight_result as told
from trainadvisor.preflight.batch_scaling import Measured, Scaling, through
from trainadvisor.preflight.one_batch import FITS, OPEN, STUCK, Fit
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from pathlib import Path


def finding(code: str, severity: str = "error", confidence: str = "certain", family: str = "data") -> Finding:
    """Return a finding of some severity."""
    return Finding(
        code=code, family=family, kind="cause", severity=severity, confidence=confidence, title=code, sentence=code
    )


def diagnosis(*found: Finding) -> Diagnosis:
    """Return a diagnosis with some findings."""
    return Diagnosis(state="broken", summary="s", findings=list(found))


def events(*given: tuple[str, str, dict[str, Any]], **more: Any) -> Any:
    """Return a log with events of a kind, a subject and a detail."""
    listed = [{"kind": kind, "subject": subject, "detail": detail} for kind, subject, detail in given]
    return SimpleNamespace(events=listed, **more)


@pytest.mark.parametrize(
    ("parameters", "shape", "nonlinear", "roomy"),
    [
        (320, [32], 1, True), (319, [32], 1, False), (321, [32], 1, True), (640, [32, 2], 1, True),
        (639, [32, 2], 1, False), (1000, [32], 0, False), (1000, [32], None, True), (1000, [], 1, False),
        (1000, None, 1, False), (None, [32], 1, False), (320.0, [32], 1, False),
    ],
)  # fmt: skip
def test_a_model_has_room_for_ten_parameters_a_target(
    monkeypatch: pytest.MonkeyPatch, parameters: Any, shape: Any, nonlinear: Any, roomy: bool
) -> None:
    """And more than a linear map; without a count or a shape nobody knows."""
    monkeypatch.setattr(one_batch, "main_loss", lambda _: {"target": {"shape": shape}})
    signals: Any = {"parameter_count": parameters, "nonlinear_ops": nonlinear}
    assert one_batch._roomy(SimpleNamespace(), signals) is roomy  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", [None, {}, {"target": None}])
def test_without_a_known_target_there_is_no_known_room(monkeypatch: pytest.MonkeyPatch, loss: Any) -> None:
    """No loss, none with a target, none with a shape."""
    monkeypatch.setattr(one_batch, "main_loss", lambda _: loss)
    assert one_batch._roomy(SimpleNamespace(), {"parameter_count": 10**9}) is False  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "final", "signals", "verdict"),
    [
        (1.0, 0.5, {}, (OPEN, "floor-unknown")), (1.0, 0.49, {}, (FITS, "")), (1.0, 0.991, {}, (STUCK, "")),
        (1.0, 0.98, {}, (OPEN, "floor-unknown")), (0.0, 0.0, {}, (STUCK, "")), (-1.0, -2.0, {}, (FITS, "")),
        (-1.0, -0.5, {}, (STUCK, "")), (2.0, 1.5, {}, (OPEN, "floor-unknown")),
        (1.0, 0.9, {"skill": 0.5}, (OPEN, "slow")), (1.0, 0.9, {"skill": 0.51}, (FITS, "")),
        (1.0, 0.95, {"skill": 0.09}, (STUCK, "")), (1.0, 0.85, {"skill": 0.09}, (OPEN, "slow")),
        (1.0, 0.85, {"skill": 0.09, "trivial_loss": 1.0}, (STUCK, "")),
        (1.0, 0.85, {"skill": 0.1, "trivial_loss": 1.0}, (OPEN, "slow")),
        (1.0, 0.9, {"skill": 0.2, "train_accuracy_final": 0.96}, (FITS, "")),
        (1.0, 0.9, {"skill": 0.2, "train_accuracy_final": 0.95}, (OPEN, "slow")),
        (1.0, 0.9, {"skill": 0.2, "train_accuracy_final": 1}, (OPEN, "slow")),
    ],
)  # fmt: skip
def test_the_verdict_on_a_batch(first: float, final: float, signals: Any, verdict: tuple[str, str]) -> None:
    """By the skill, or the accuracy, where the trivial loss is known; by the fall alone where it is not."""
    assert one_batch._verdict(first, final, signals) == verdict


@pytest.mark.parametrize(
    ("detail", "applied", "refused"),
    [({"applied": True}, True, False), ({"refused": "no"}, False, True), ({}, False, False)],
)
def test_whether_a_change_took_hold(detail: dict[str, Any], applied: bool, refused: bool) -> None:
    """As the event of this change says, not one of another."""
    log = events(("change", "one-batch", detail), ("change", "lr-range", {}), ("note", "lr-range", {"applied": True}))
    assert one_batch.took_effect(log, "one-batch") is applied
    assert one_batch._refused(log, "one-batch") is refused
    assert one_batch.took_effect(log, "lr-range") is False


def sweep(**parts: Any) -> Any:
    """Return the result of a range test."""
    given = {"start": 1.0, "best": 0.5, "steepest": 0.01, "suggestion": 0.01, "rates": [0.1, 0.2]}
    return SimpleNamespace(**given | parts)


@pytest.mark.parametrize(
    ("found", "trivial", "held", "learns"),
    [
        (None, None, True, True), (sweep(best=0.99), None, False, True), (sweep(), None, True, True),
        (sweep(best=0.89), None, True, True), (sweep(best=0.91), None, True, False),
        (sweep(steepest=None), None, True, False), (sweep(), 0.55, True, False), (sweep(best=0.49), 0.55, True, True),
        (sweep(), 1, True, True), (sweep(start=-1.0, best=-1.05), None, True, False),
        (sweep(start=-1.0, best=-1.15), None, True, True), (sweep(), 2.0, True, True),
    ],
)  # fmt: skip
def test_whether_a_batch_is_learned_at_some_rate(
    monkeypatch: pytest.MonkeyPatch, found: Any, trivial: Any, held: bool, learns: bool
) -> None:
    """The loss has to fall a tenth below its start, or below the trivial level where that is lower."""
    monkeypatch.setattr(lr_range_test, "sweep_of", lambda _: found)
    monkeypatch.setattr(one_batch, "Signals", lambda _: {"trivial_loss": trivial})
    assert one_batch.learns_at_some_rate(events(("change", "one-batch", {"applied": held}))) is learns


def test_the_worst_of_some_findings() -> None:
    """Of those that are named, a possible one as a note; of none a warning."""
    found = diagnosis(finding("a", "warning"), finding("b"), finding("c", "error", "possible"), finding("d", "note"))
    seen: Any = SimpleNamespace(diagnosis=found)
    levels = [questions._worst(seen, codes) for codes in ([], ["a"], ["a", "b"], ["c"], ["d"], ["none"])]
    assert levels == ["warning", "warning", "error", "note", "note", "warning"]


@pytest.mark.parametrize(
    ("code", "end", "cut"),
    [(None, {}, True), (0, None, False), (0, {"reason": "cut"}, True), (1, {"reason": "exit"}, False)],
)
def test_whether_the_steps_were_cut(code: int | None, end: Any, cut: bool) -> None:
    """By the end of the log, or because the script was killed."""
    trial: Any = SimpleNamespace(code=code, log=SimpleNamespace(end=end))
    assert questions.is_cut(trial) is cut


def test_steps_without_a_log_were_not_cut() -> None:
    """Nothing says so."""
    trial: Any = SimpleNamespace(code=0, log=None)
    assert questions.is_cut(trial) is False
    assert questions._crash(trial) == {}


def test_the_last_exception_is_the_crash() -> None:
    """With 200 characters of its message."""
    log = events(
        ("exception", "", {"type": "KeyError", "message": "a"}), ("note", "", {"type": "Note"}),
        ("exception", "", {"type": "ValueError", "message": "x" * 201}),
    )  # fmt: skip
    trial: Any = SimpleNamespace(log=log)
    assert questions._crash(trial) == {"type": "ValueError", "message": "x" * 200}
    log.events = [{"kind": "exception", "detail": {"type": "E", "message": None}}]
    assert questions._crash(trial) == {"type": "E", "message": ""}


def check(name: str = "learning-rate", state: Any = "failed", findings: tuple[str, ...] = ("lr-too-high",)) -> Any:
    """Return a check."""
    return told.Check(name=name, state=state, sentence="s", findings=list(findings))


@pytest.mark.parametrize(
    ("failing", "first", "leads"),
    [
        ([check()], "lr-too-high", True), ([check()], "explained", True), ([check()], "other", False),
        ([check()], None, False), ([check("gradients")], "lr-too-high", False),
        ([check(findings=("other",))], "lr-too-high", False), ([], "lr-too-high", False),
        ([check("one-batch"), check()], "explained", True),
    ],
)  # fmt: skip
def test_the_rate_leads_where_it_explains_what_is_found_first(failing: list[Any], first: Any, leads: bool) -> None:
    """Too high a rate itself, or what such a rate explains."""
    found = diagnosis(*([finding(first)] if first else []))
    led = lr_suggestion.leading(failing, found, {"explained"})
    assert led is (failing[-1] if leads else None)
    assert lr_suggestion.leading(failing, None, {"explained"}) is None


def test_only_alarming_findings_agree_on_a_lower_rate() -> None:
    """Each code once; a note and a remedy of something else do not count."""

    def lowering(code: str, severity: str, change: str = "lr") -> Finding:
        remedy = {"change": change, "arguments": {"factor": 0.1}, "applies": "adapt", "text": "t"}
        return Finding.model_validate(finding(code, severity).model_dump() | {"remedies": [remedy, remedy]})

    found = diagnosis(lowering("a", "note"), lowering("b", "warning"), lowering("c", "error", "momentum"))
    assert lr_suggestion.agreeing(found, 0.1) == ["b"]


CURVE = told.Curve(rates=[0.1, 0.2, 0.3], losses=[1.0] * 3, smooth=[1.0] * 3)


@pytest.mark.parametrize(
    ("rate", "rising", "state", "sentence"),
    [
        (None, False, "not-judged", "preflight.rate.no-time"),
        (told.LearningRate(own=0.1), False, "not-judged", "preflight.rate.not-raised"),
        (told.LearningRate(own=0.1, curve=CURVE), False, "not-judged", "preflight.rate.flat"),
        (told.LearningRate(curve=CURVE, suggestion=0.1), False, "passed", "preflight.rate.only"),
        (told.LearningRate(own=0.1, curve=CURVE, suggestion=0.1), True, "passed", "preflight.rate.rising"),
        (told.LearningRate(own=0.1, curve=CURVE, suggestion=0.1, lowest=0.2), False, "passed",
         "preflight.rate.suggested"),
        (told.LearningRate(own=2.0, curve=CURVE, suggestion=0.1, lowest=3.0), False, "passed",
         "preflight.rate.falling"),
        (told.LearningRate(own=2.0, curve=CURVE, suggestion=0.1, lowest=2.0), False, "passed", "preflight.rate.high"),
        (told.LearningRate(own=0.001, curve=CURVE, suggestion=0.1, lowest=2.0), False, "passed", "preflight.rate.low"),
    ],
)  # fmt: skip
def test_what_is_told_of_a_rate(
    monkeypatch: pytest.MonkeyPatch, rate: Any, rising: bool, state: str, sentence: str
) -> None:
    """By what is known of the range test and of the rate of the script."""
    monkeypatch.setattr(lr_suggestion, "say", lambda key, *_, **__: key)
    answer = lr_suggestion.check(rate, diagnosis(), "en", rising=rising)
    assert (answer.name, answer.state, answer.sentence) == ("learning-rate", state, sentence)


@pytest.mark.parametrize(("lang", "mark"), [("en", "a, b"), ("zh", "a、b")])
def test_codes_that_come_first_are_told_in_a_row(monkeypatch: pytest.MonkeyPatch, lang: str, mark: str) -> None:
    """With the comma of the language."""
    monkeypatch.setattr(lr_suggestion, "say", lambda _key, _lang, **given: str(given.get("codes")))
    answer = lr_suggestion.check(None, diagnosis(), lang, reason="mend", codes=["a", "b"])
    assert answer.sentence == mark == questions._names(["a", "b"], lang)
    figures = {"own": 2.0, "suggestion": 0.1, "lowest": 1.0}
    assert lr_suggestion._compared(figures, ["a", "b"], lang).sentence == mark


def test_how_far_off_a_rate_is_told_as_a_factor_above_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up or down."""
    monkeypatch.setattr(lr_suggestion, "say", lambda key, _lang, **given: f"{key} {given.get('factor'):.0f}")
    for own, text in ((2.0, "preflight.rate.high 20"), (0.005, "preflight.rate.low 20")):
        figures = {"own": own, "suggestion": 0.1, "lowest": 0.1}
        assert lr_suggestion._compared(figures, [], "en").sentence == text


def test_labels_of_another_order_fail_as_an_error() -> None:
    """With the figures of both range tests."""
    answer = lr_suggestion.shuffled_apart(sweep(), sweep(best=0.1), "en")
    assert (answer.state, answer.severity, answer.findings) == ("failed", Severity.ERROR, ["label-problem"])
    assert answer.figures == {"steps": 2, "best": 0.5, "shared": 0.1}


@pytest.mark.parametrize(
    ("own", "files", "limits"),
    [
        ("0::/job\n", {"sys/fs/cgroup/job/memory.max": "5", "sys/fs/cgroup/memory.max": "9"}, [5.0, 9.0]),
        ("0::/job\n", {"sys/fs/cgroup/job/memory.max": "max", "memory.max": "3"}, []),
        ("4:cpu,memory:/a\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "7"}, [7.0]),
        ("4:cpu:/a\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "7", "sys/fs/cgroup/a/memory.max": "8"}, []),
        ("4:cpu:/a\n0::/a\n", {"sys/fs/cgroup/a/memory.max": "8"}, [8.0]),
        ("odd\n", {"sys/fs/cgroup/memory.max": "6"}, [6.0]),
        ("", {"sys/fs/cgroup/memory.max": "6"}, []),
    ],
)  # fmt: skip
def test_the_limits_of_control_groups(tmp_path: Path, own: str, files: dict[str, str], limits: list[float]) -> None:
    """From the own group up to the root of its tree, of the controllers that limit memory."""
    for name, content in {"proc/self/cgroup": own, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="ascii")
    assert list(memory_limit._groups(tmp_path)) == limits


@pytest.mark.parametrize(
    ("device", "total", "limit"), [("cuda", 8000, 8000.0), ("cuda", None, None), ("cpu", 8000, 12.5), (None, 1, 12.5)]
)
def test_the_limit_of_a_run_is_that_of_its_device(
    monkeypatch: pytest.MonkeyPatch, device: str | None, total: Any, limit: float | None
) -> None:
    """Of a GPU what was recorded, without one what this machine allows."""
    monkeypatch.setattr(memory_limit, "_machine", lambda: [20e6])
    monkeypatch.setattr(memory_limit, "_groups", lambda _: [12.5e6])
    log = events(("note", "", {"memory_total": 1}), ("device", "", {"memory_total": total}), header={"device": device})
    assert memory_limit.limit_of(log) == limit


def test_a_machine_that_tells_nothing_has_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even its own memory."""
    monkeypatch.setattr(memory_limit, "_machine", list)
    monkeypatch.setattr(memory_limit, "_groups", lambda _: [])
    assert memory_limit.machine_limit() is None


@pytest.mark.parametrize(
    ("one", "other", "scaling"),
    [
        (Measured(4, 100.0), Measured(4, 90.0), None), (Measured(4, 100.0), Measured(2, 90.0), Scaling(80.0, 5.0)),
        (Measured(2, 100.0), Measured(4, 90.0), Scaling(90.0, 0.0)),
        (Measured(4, 100.0, 0.5), Measured(2, 90.0), Scaling(80.0, 5.0)),
        (Measured(4, 100.0, 0.5), Measured(2, 90.0, 0.25), Scaling(80.0, 5.0, 0.0, 0.125)),
        (Measured(4, 100.0, 0.5), Measured(2, 90.0, 0.75), Scaling(80.0, 5.0, 0.5, 0.0)),
        (Measured(4, 100.0, 1.0), Measured(2, 90.0, 0.75), Scaling(80.0, 5.0, 0.5, 0.125)),
    ],
)  # fmt: skip
def test_lines_through_two_batch_sizes(one: Measured, other: Measured, scaling: Scaling | None) -> None:
    """Neither memory nor time falls with the batch."""
    assert through(one, other) == scaling
    assert through(other, one) == scaling


@pytest.mark.parametrize(
    ("scaling", "limit", "largest"),
    [(Scaling(80.0, 5.0), 100.0, 4), (Scaling(80.0, 5.0), 99.0, 3), (Scaling(80.0, 5.0), 70.0, 0),
     (Scaling(1000.0, 1.0), 2000.0, None), (Scaling(1000.0, 2.0), 2000.0, 500), (Scaling(0.0, 0.0), 10.0, None)],
)  # fmt: skip
def test_the_largest_batch_within_a_limit(scaling: Scaling, limit: float, largest: int | None) -> None:
    """None where an example costs a thousandth of what is held, or less."""
    assert scaling.largest(limit) == largest


def test_memory_and_time_at_a_batch_size() -> None:
    """On the lines; no time where none was measured."""
    scaling = Scaling(80.0, 5.0, 0.5, 0.125)
    assert (scaling.peak(4), scaling.seconds(4)) == (100.0, 1.0)
    assert Scaling(80.0, 5.0, None, 0.1).seconds(4) is None
    assert Scaling(80.0, 5.0, 0.1, None).seconds(4) is None


@pytest.mark.parametrize(
    ("fit", "learns", "rising", "fate"),
    [
        (None, None, False, "untested"), (Fit(OPEN, reason="other"), None, False, "untested"),
        (Fit(OPEN, 1.0, 0.95, reason="slow"), None, False, "confirmed"), (Fit(FITS), None, False, "unconfirmed"),
        (Fit(STUCK), None, False, "confirmed"), (Fit(STUCK), None, True, "untested"),
        (Fit(STUCK), True, True, "untested"), (Fit(STUCK), False, True, "confirmed"),
        (Fit(STUCK), False, False, "confirmed"),
    ],
)  # fmt: skip
def test_the_fate_of_a_suspicion(
    monkeypatch: pytest.MonkeyPatch, fit: Fit | None, learns: bool | None, rising: bool, fate: str
) -> None:
    """Confirmed where a batch is hardly learned, in a warm-up only where no rate helps."""
    monkeypatch.setattr(lr_suggestion, "own_rate", lambda _: (0.1, rising))
    seen: Any = SimpleNamespace(fit=fit, learns=learns, log=None)
    assert procedure._fate(seen) == fate


@pytest.mark.parametrize(
    ("outcome", "states", "mark"),
    [("pass", ("passed", "passed"), "pass"), ("pass", ("passed", "not-judged"), "open"),
     ("fail", ("passed", "not-judged"), "fail"), ("undecided", ("not-judged", "not-judged"), "undecided")],
)  # fmt: skip
def test_the_word_above_a_preflight(outcome: Any, states: tuple[Any, Any], mark: str) -> None:
    """A run without a fault is open where whether it learns was not tried."""
    checks = [check("one-batch", states[0]), check("learning-rate", states[1]), check("throughput", "not-judged")]
    result = told.Preflight(
        outcome=outcome, summary="s", script="a.py", argv=[], steps=1, seconds=1.0, budget=1.0, checks=checks
    )
    assert result.mark == mark
    assert [one.name for one in told.unjudged(checks)] == [
        name for name, state in zip(("one-batch", "learning-rate"), states, strict=True) if state == "not-judged"
    ]


def test_a_curve_is_smoothed_by_medians_and_means_of_five() -> None:
    """One bad batch is gone, a step becomes a ramp of five."""
    assert lr_range_test.smoothed(np.array([1.0, 1.0, 9.0, 1.0, 1.0, 1.0])).tolist() == [1.0] * 6
    ramp = lr_range_test.smoothed(np.array([0.0] * 5 + [5.0] * 5)).tolist()
    assert ramp == pytest.approx([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0])


@pytest.mark.parametrize(
    ("smooth", "place"), [([1.0], 0), ([2.0, 1.0], 1), ([3.0, 3.0, 1.0, 1.0], 1), ([5.0, 4.0, 3.0, 0.0, 0.0], 2)]
)
def test_where_a_curve_falls_fastest(smooth: list[float], place: int) -> None:
    """At the end of one that is too short for a slope."""
    assert lr_range_test._steepest(np.array(smooth)) == place


@pytest.mark.parametrize(
    ("smooth", "error", "place"),
    [
        ([1.0, 0.5, 1.4], 0.0, None), ([1.0, 0.5, 1.5], 0.0, None), ([1.0, 0.5, 1.6], 0.0, 2),
        ([1.0, 0.5, 1.6, 1.2], 0.0, None), ([1.0, 1.0, 1.03], 0.0, 2), ([1.0, 1.0, 1.01], 0.0, None),
        ([1.0, 1.0, 1.2], 0.1, None), ([2.0, 3.0, 4.0], 0.0, 0), ([1.0, 1.6, 0.5, 1.6, 1.7], 0.0, 3),
    ],
)  # fmt: skip
def test_where_a_curve_diverges(smooth: list[float], error: float, place: int | None) -> None:
    """From where it stays as far above its start as its best is below it, beyond noise."""
    assert lr_range_test._divergence(np.array(smooth), 1.0, error) == place


def test_the_range_test_of_a_curve_by_hand() -> None:
    """Flat, a fall of two decades, flat, and a rise: rates come from the fall, the divergence from the rise."""
    rates = np.geomspace(1e-6, 10.0, 100)
    losses = np.concatenate([np.full(40, 2.0), np.linspace(2.0, 1.0, 30), np.full(15, 1.0), np.full(15, 9.0)])
    found = lr_range_test.judged(rates, losses)
    assert (found.start, found.best, found.fall) == (2.0, 1.0, 1.0)
    assert found.steepest is not None
    assert rates[40] < found.steepest < rates[70]
    assert rates[68] < found.lowest < rates[75]
    assert found.suggestion == min(found.steepest, found.lowest / 10)
    assert found.divergence == rates[int(np.flatnonzero(found.smooth > 3.0)[0])]
    flat = lr_range_test.judged(rates, np.full(100, 2.0), broke_at=5.0)
    assert (flat.steepest, flat.suggestion, flat.divergence, flat.fall) == (None, None, 5.0, 0.0)


@pytest.mark.parametrize(("fall", "seen"), [(0.03, False), (0.05, True)])
def test_a_fall_has_to_exceed_a_fiftieth_of_the_start(fall: float, seen: bool) -> None:
    """Of two, that is 0.04."""
    losses = np.concatenate([np.full(50, 2.0), np.full(50, 2.0 - fall)])
    assert (lr_range_test.judged(np.geomspace(1e-6, 1.0, 100), losses).suggestion is not None) is seen


@pytest.mark.parametrize(
    ("own", "bad", "key"),
    [(3.1, STUCK, "bad"), (3.1, FITS, "high"), (3.1, OPEN, "good"), (3.0, STUCK, "good"), (3.1, None, "good")],
)
def test_the_first_loss_against_chance(monkeypatch: pytest.MonkeyPatch, own: float, bad: str | None, key: str) -> None:
    """More than three times chance is wrong where the batch is not learned either."""
    monkeypatch.setattr(questions, "Signals", lambda _: {"loss_first": own, "trivial_loss": 1.0})
    monkeypatch.setattr(questions, "say", lambda name, *_, **__: name)
    seen: Any = SimpleNamespace(log=None, lang="en", fit=Fit(bad) if bad else None)
    answer = questions.initial_loss(seen)
    assert answer.sentence == f"preflight.loss.{key}"
    assert (answer.state, answer.severity) == (("failed", "warning") if key == "bad" else ("passed", None))
    assert answer.figures == {"first": own, "expected": 1.0, "ratio": own}


@pytest.mark.parametrize(
    ("signals", "key"),
    [({}, "none"), ({"loss_first": 1}, "none"), ({"loss_first": 1.0}, "unknown"),
     ({"loss_first": 1.0, "trivial_loss": 0.0}, "unknown"), ({"loss_first": 0.0, "trivial_loss": 1.0}, "unknown"),
     ({"loss_first": 1.0, "uniform_loss": 2.0, "trivial_loss": 0.1}, "good"),
     ({"loss_first": math.inf, "trivial_loss": 1.0}, "good")],
)  # fmt: skip
def test_a_first_loss_without_a_level(monkeypatch: pytest.MonkeyPatch, signals: dict[str, Any], key: str) -> None:
    """Chance level goes before the trivial one; without any, nothing is compared."""
    monkeypatch.setattr(questions, "Signals", lambda _: signals)
    monkeypatch.setattr(questions, "say", lambda name, *_, **__: name)
    seen: Any = SimpleNamespace(log=None, lang="en", fit=None)
    assert questions.initial_loss(seen).sentence == f"preflight.loss.{key}"


def test_certain_errors_alone_break_the_experiments() -> None:
    """Of those that are certain, those that are errors and more than possible."""
    own = procedure.Procedure(None, None, Rulebook({}), procedure.Wish())  # type: ignore[arg-type]
    found = diagnosis(finding("a"), finding("b", "warning"), finding("c", "error", "possible"), finding("d"))
    assert own._errors(found, {"a", "b", "c"}) == ["a"]
