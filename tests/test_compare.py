"""The comparison of two runs: what is common to them, and on what the verdict rests."""

from __future__ import annotations

import math
from typing import Any

import pytest

from trainadvisor import compared_settings
from trainadvisor.compare import Comparison, Row, compare
from trainadvisor.compared_settings import arguments
from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Diagnosis
from trainadvisor.repeats import noise as chance
from trainadvisor.report.text import compared


def finding(code: str, severity: str = "error", **more: Any) -> dict[str, Any]:
    """Return a finding."""
    base = {"family": "numerics", "kind": "cause", "title": code, "sentence": code, "confidence": "certain"}
    return {**base, "code": code, "severity": severity, **more}


def run(*findings: dict[str, Any], state: str = "broken", **facts: Any) -> Diagnosis:
    """Return a diagnosis with these findings and facts of the run."""
    return Diagnosis.model_validate({"state": state, "summary": "s", "run": facts, "findings": list(findings)})


def figures(compared: Comparison) -> dict[str, tuple[float | None, float | None]]:
    """Return the figures of both runs by their key."""
    return {row.key: (row.a, row.b) for row in compared.rows}


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("broken", "needs-attention", "better"),
        ("broken", "cannot-tell", "better"),
        ("needs-attention", "healthy", "better"),
        ("cannot-tell", "healthy", "better"),
        ("healthy", "broken", "worse"),
        ("needs-attention", "broken", "worse"),
        ("needs-attention", "cannot-tell", "equal"),
        ("healthy", "healthy", "equal"),
    ],
)
def test_the_state_comes_first(a: str, b: str, verdict: str) -> None:
    """Whatever the findings and figures; not to know is neither better nor worse than a warning."""
    assert compare(run(state=a), run(state=b)).verdict == verdict
    if verdict != "equal":
        gone = compare(run(finding("x"), state=a, loss_final=9.0), run(finding("y"), state=b, loss_final=1.0))
        assert gone.verdict == verdict


def test_then_what_was_fixed_and_what_is_new() -> None:
    """Also among consequences; both at once is mixed."""
    both = run(finding("a", explains=[finding("b")]))
    one, other = run(finding("a")), run(finding("b"))
    fewer, more, mixed = compare(both, one), compare(one, both), compare(one, other)
    assert (fewer.verdict, fewer.fixed, fewer.kept, fewer.new) == ("better", ("b",), ("a",), ())
    assert (more.verdict, more.fixed, more.kept, more.new) == ("worse", (), ("a",), ("b",))
    assert (mixed.verdict, mixed.fixed, mixed.kept, mixed.new) == ("mixed", ("a",), (), ("b",))


def test_notes_are_told_and_decide_nothing() -> None:
    """The figures do: here the loss rose."""
    noted = compare(run(finding("a", "note"), loss_final=1.0), run(loss_final=2.0))
    assert (noted.fixed, noted.verdict) == (("a",), "worse")
    warned = compare(run(finding("a", "warning"), loss_final=1.0), run(loss_final=2.0))
    assert warned.verdict == "better"


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (20.0, 21.0, "equal"),
        (20.0, 19.0, "equal"),
        (20.0, 21.25, "worse"),
        (20.0, 18.75, "better"),
        (-1.0, -2.0, "better"),
    ],
)
def test_a_loss_that_moved_by_more_than_a_twentieth_decides(a: float, b: float, verdict: str) -> None:
    """Exactly a twentieth is none."""
    assert compare(run(loss_final=a), run(loss_final=b)).verdict == verdict


def test_the_validation_decides_before_the_loss_and_has_noise() -> None:
    """Twice the larger noise of the two; the noise is not that of a training loss."""
    a, b = {"val_loss_final": 1.0, "loss_final": 1.0}, {"val_loss_final": 1.5, "loss_final": 0.5}
    assert compare(run(**a), run(**b)).verdict == "worse"
    for noise, verdict in ((0.25, "equal"), (0.2, "worse")):
        assert compare(run(**a, val_noise=noise), run(**b)).verdict == verdict
        assert compare(run(**a), run(**b, val_noise=noise)).verdict == verdict
    only = compare(run(loss_final=1.0, val_noise=0.25), run(loss_final=1.5))
    assert only.verdict == "worse"
    assert only.decided_by is not None
    assert only.decided_by.key == "compare.loss"


def test_a_figure_of_one_run_alone_decides_nothing() -> None:
    """It is shown."""
    compared = compare(run(loss_final=1.0), run(val_loss_final=2.0))
    assert (compared.verdict, compared.decided_by) == ("equal", None)
    assert figures(compared) == {"compare.loss": (1.0, None), "compare.val": (None, 2.0)}


def test_losses_are_compared_at_the_last_step_of_both() -> None:
    """At the nearest point of each curve; the run that ended there is named."""
    short = run(loss_curve=[[10, 4.0], [20, 3.0]], loss_final=3.0)
    long = run(loss_curve=[[8, 5.0], [19, 3.5], [40, 1.0]], loss_final=1.0)
    one, other = compare(short, long), compare(long, short)
    assert (one.last, one.stopped, figures(one)["compare.loss-at"], one.rows[0].step) == (20, "A", (3.0, 3.5), 20)
    assert (other.last, other.stopped, figures(other)["compare.loss-at"]) == (20, "B", (3.5, 3.0))
    assert (one.verdict, other.verdict) == ("worse", "better")
    assert one.decided_by == one.rows[0]
    assert compare(short, short).stopped is None


def test_without_a_curve_nothing_is_common() -> None:
    """An empty one is none."""
    for curve in ({}, {"loss_curve": []}):
        compared = compare(run(loss_curve=[[10, 4.0]]), run(**curve))
        assert (compared.last, compared.stopped, compared.rows) == (None, None, ())


@pytest.mark.parametrize(
    ("fact", "field"), [("model_hash", "model"), ("examples", "examples"), ("batch_median", "batch")]
)
def test_runs_of_another_model_or_data_get_no_verdict(fact: str, field: str) -> None:
    """What only one of them has is no difference."""
    compared = compare(run(state="broken", **{fact: 1}), run(state="healthy", **{fact: 2}))
    assert (compared.verdict, compared.unlike) == ("unlike", ((field, 1, 2),))
    assert compare(run(**{fact: 1}), run()).unlike == ()


def validated(model: str, loss: float, *findings: dict[str, Any], **more: Any) -> Diagnosis:
    """Return a run of some model that was validated on a thousand examples."""
    facts = {"val_data": [1000.0, 1.385], "loss_kind": "cross_entropy", "val_loss_final": loss, "loss_final": 1.0}
    return run(*findings, model_hash=model, **facts | more)


@pytest.mark.parametrize(("loss", "verdict"), [(0.1, "better"), (2.0, "worse"), (1.0, "equal")])
def test_two_models_are_compared_by_their_validation_alone(loss: float, verdict: str) -> None:
    """Whatever the findings and the training loss; it is said that the models, and the script, are others."""
    one = validated("m", 1.0, script="t.py", script_mark="a")
    result = compare(one, validated("n", loss, finding("x"), loss_final=5.0, script="t.py", script_mark="b"))
    assert (result.verdict, result.unlike, result.by_validation) == (verdict, (), True)
    told = compared.verdict(Words("en"), result)
    assert told.endswith("by the validation on the same data alone, since the models and the code of t.py differ.")
    same = compare(one, validated("m", loss, finding("x"), script="t.py", script_mark="a"))
    assert (same.verdict, same.by_validation) == ("worse", False)


@pytest.mark.parametrize(
    "more",
    [
        {"val_data": [900.0, 1.385]},
        {"val_data": [1000.0, 1.4]},
        {"val_data": None},
        {"loss_kind": "nll_loss"},
        {"examples": 9},
        {"val_loss_final": None},
    ],
    ids=["size", "labels", "unknown", "loss", "training data", "no validation"],
)
def test_two_models_validated_otherwise_get_no_verdict(more: dict[str, Any]) -> None:
    """On other data, with another loss, after training on other data, or not at all."""
    assert compare(validated("m", 1.0, examples=8), validated("n", 0.1, **more)).verdict == "unlike"


def test_settings_are_told_as_changed_or_the_same() -> None:
    """What one of them lacks is neither."""
    compared = compare(run(lr=0.1, seed=1, momentum=0.9), run(lr=0.01, seed=1, device="cpu"))
    assert (compared.changed, compared.same) == ((("lr", 0.1, 0.01),), ("seed",))


def test_a_change_is_relative_to_the_size_of_a() -> None:
    """None where A is zero or one of them is missing."""
    assert [Row("x", 4.0, 5.0).change, Row("x", -4.0, -5.0).change] == [0.25, -0.25]
    assert [Row("x", a, b).change for a, b in ((0.0, 1.0), (None, 1.0), (1.0, None))] == [None] * 3
    assert Row("x", 1.0, 0.0).change == -1.0


def test_a_truth_value_is_no_figure() -> None:
    """Nor is a text."""
    assert figures(compare(run(loss_final=True, val_loss_final="low"), run(memory=3))) == {
        "compare.memory": (None, 3.0)
    }


def rated(log: str = "a", steps: int = 100, **rates: float) -> Diagnosis:
    """Return a run of another tool with its logged rates."""
    return run(source="import", log=log, steps=steps, **{f"lr_{name}": rate for name, rate in rates.items()})


def test_schedules_of_other_tools_are_compared() -> None:
    """Peak, start and end of the logged rate; a difference of less than a hundredth of the peak is none."""
    falls, stays = rated(peak=1e-3, first=1e-3, final=1e-7), rated(peak=1e-3, first=1e-3, final=1e-3)
    found = compare(falls, stays)
    assert (found.changed, found.same) == ((("lr at the end", 1e-7, 1e-3),), ("lr", "lr at the start"))
    assert compare(falls, rated(peak=1.005e-3, first=1e-3, final=2e-7)).changed == ()


def test_the_end_of_a_schedule_counts_at_the_same_step_alone() -> None:
    """A run that was cut off had no other schedule; nor has a run of ours a rate from another place."""
    whole, cut = rated(peak=1e-3, final=1e-7), rated(steps=50, peak=1e-3, final=5e-4)
    assert compare(whole, cut).changed == ()
    assert compare(run(lr_peak=1e-3), run(lr_peak=1e-2)).changed == ()


@pytest.mark.parametrize(
    ("before", "now", "logged", "told"),
    [
        ("out_lr5e-5/state.json", "out_lr1e-5/state.json", 4.83e-5, (5e-5, 1e-5, 4.83e-5)),
        ("run-lr0.01/log.csv", "run-lr0.1/log.csv", 0.01, (0.01, 0.1, 0.01)),
        ("out_lr5e-5/state.json", "again_lr5e-5/state.json", 5e-5, None),
        ("first/state.json", "out_lr5e-5/state.json", 5e-5, None),
    ],
)
def test_names_that_promise_another_rate(before: str, now: str, logged: float, told: tuple[float, ...] | None) -> None:
    """Both logged one rate; where the rates differ as well nothing is wrong with the names."""
    assert compare(rated(before, peak=logged), rated(now, peak=logged)).misnamed == told
    assert compare(rated(before, peak=logged), rated(now, peak=2 * logged)).misnamed is None


def seeded(seed: int, loss: float, **more: Any) -> Diagnosis:
    """Return a run of one model under a seed."""
    return run(
        state="healthy", model_hash="m", seed=seed, loss_final=loss, script="t.py", argv=["--seed", str(seed)], **more
    )


def test_runs_that_differ_in_their_seed_show_what_chance_explains() -> None:
    """With two pairs of repeats and Student's t for two degrees of freedom."""
    runs = [seeded(0, 1.0), seeded(1, 1.2), seeded(0, 0.5, lr=0.1), seeded(1, 0.7, lr=0.1)]
    scatter = chance(runs)
    assert scatter is not None
    assert scatter.runs == 4
    assert scatter.margins == {"compare.loss": pytest.approx(4.30 * math.sqrt(2 * 0.02))}
    within, beyond = compare(runs[0], runs[2], scatter), compare(runs[0], seeded(0, 0.1, lr=0.2), scatter)
    assert (within.verdict, within.decided_by.beyond) == ("equal", False)
    assert (beyond.verdict, beyond.decided_by.beyond) == ("better", True)
    assert compare(runs[0], runs[2]).verdict == "better"


def test_what_chance_explains_is_told_apart_from_what_it_does_not() -> None:
    """Each figure by its name; that nothing is known is said as well."""
    runs = [seeded(0, 1.0), seeded(1, 1.2), seeded(0, 0.5, lr=0.1), seeded(1, 0.7, lr=0.1)]
    by = "run-to-run noise, by 4 runs that differ in their seed alone:"
    for other, told in (
        (runs[2], f"{by} beyond it none; within it final loss"),
        (seeded(0, 0.1, lr=0.2), f"{by} beyond it final loss; within it none"),
    ):
        assert told in " ".join(compared.render(compare(runs[0], other, chance(runs)), "en").split())
    assert "run-to-run noise: not known" in compared.render(compare(runs[0], runs[2]), "en")


@pytest.mark.parametrize(
    "other",
    [
        seeded(0, 1.2),
        seeded(1, 1.2, lr=0.1),
        seeded(1, 1.2, steps=9),
        seeded(1, 1.2).model_copy(update={"run": {"seed": 1, "loss_final": 1.2}}),
    ],
)
def test_no_other_runs_are_repeats(other: Diagnosis) -> None:
    """One of the same seed, of another rate or length, or of an unknown model says nothing of chance."""
    assert chance([seeded(0, 1.0), other]) is None


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["--seed", "3", "--lr", "0.1"], ["--lr", "0.1"]),
        (["--seed=3", "data.seed=4", "lr=0.1"], ["lr=0.1"]),
        (["--random_seed", "3"], []),
        (["seedless.txt", "buggy"], ["seedless.txt", "buggy"]),
    ],
)
def test_the_seed_is_left_out_of_the_arguments(argv: list[str], kept: list[str]) -> None:
    """However it is written."""
    assert arguments(run(argv=argv)) == kept


def test_arguments_that_changed_no_setting_are_told() -> None:
    """Not where a setting differs, and not for another script."""
    one, other = run(script="t.py", argv=["--lr", "0.1"], lr=0.1), run(script="t.py", argv=["--lr", "1"], lr=0.1)
    assert compare(one, other).unheeded == (("--lr", "0.1"), ("--lr", "1"))
    assert compare(one, run(script="t.py", argv=["--lr", "1"], lr=1.0)).unheeded is None
    assert compare(one, run(script="u.py", argv=["--lr", "1"], lr=0.1)).unheeded is None
    assert compare(one, one).unheeded is None
    assert compare(one, run(script="t.py", argv=["--epochs", "9"], lr=0.1, steps=9000)).unheeded is None
    assert "the arguments differ (--lr 0.1 and --lr 1)" in compared.render(compare(one, other), "en")


def test_code_that_has_changed_between_the_runs_is_told() -> None:
    """By the marks of the script, where both runs have one."""
    one = run(script="t.py", script_mark="a1")
    assert compare(one, run(script="t.py", script_mark="b2")).recoded == "t.py"
    assert "t.py has changed between the runs" in compared.render(
        compare(one, run(script="t.py", script_mark="b2")), "en"
    )
    for other in ({"script_mark": "a1"}, {}, {"script": "u.py", "script_mark": "b2"}):
        assert compare(one, run(**{"script": "t.py"} | other)).recoded is None


def test_a_model_is_told_by_its_name_and_size() -> None:
    """Never by its fingerprint."""
    small = run(model_hash="e77d0a", models=["Net"], parameters=1200)
    large = run(model_hash="6bf1c3", models=["Net"], parameters=4800)
    assert (
        compared.changes(Words("en"), compare(small, large)) == "model Net (1,200 parameters) -> Net (4,800 parameters)"
    )
    assert "e77d0a" not in compared.render(compare(small, large), "en")
    other = run(model_hash="6bf1c3", models=["Net"], parameters=1200)
    assert compared.changes(Words("en"), compare(small, other)) == "model (same name and size, other layers)"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"val_accuracy_final": 0.86}, {"val_accuracy_final": 0.26}, "-60 points"),
        ({"loss_final": 3.26}, {"loss_final": 1.0}, "-69 %"),
        ({"loss_final": 1.0}, {"loss_final": 3.26}, "3.26 times as high"),
        ({"loss_final": 0.5}, {"loss_final": -0.005}, "-0.505"),
        ({"loss_final": -0.5}, {"loss_final": 0.25}, "+0.75"),
        ({"loss_final": -0.5}, {"loss_final": -0.25}, "+50 %"),
    ],
)
def test_changes_are_told_in_points_percent_or_times(
    before: dict[str, float], now: dict[str, float], told: str
) -> None:
    """Shares in points, a loss that changes its sign by its difference; nothing is so many times smaller."""
    assert f"   {told}\n" in compared.render(compare(run(**before), run(**now)), "en")


@pytest.mark.parametrize(("rate", "same"), [(1.0, True), (0.990001, True), (0.98, False)])
def test_rates_within_a_hundredth_of_the_peak_are_one(rate: float, same: bool) -> None:  # noqa: FBT001 - a table
    """Of the largest of all logged rates, told to three digits."""
    runs = rated(peak=1.0, first=0.5), rated(peak=rate, first=0.5)
    assert ("lr" in [name for name, *_ in compared_settings.rates(*runs, same=True)]) is same
    assert compared_settings.rates(*runs, same=False) == ([] if same else [("lr", 1.0, rate)])
    assert compared_settings.rates(rated(peak=1.0), rated(first=1.0), same=True) == []


def test_losses_of_two_functions_are_no_comparison() -> None:
    """The accuracy decides in their place; without one there is no verdict, and the two functions are named."""
    ends = {"loss_final": 2.0, "val_loss_final": 2.0}, {"loss_final": 0.1, "val_loss_final": 0.1}
    one, other = (run(state="healthy", loss_kind=kind, **end) for kind, end in zip(("mse", "l1"), ends, strict=True))
    told = compare(one, other)
    assert (told.verdict, told.unlike, {row.change for row in told.rows}) == (
        "unlike",
        (("loss", "mse", "l1"),),
        {None},
    )
    assert "No verdict: different loss (mse and l1)." in compared.render(told, "en")
    one.run["val_accuracy_final"], other.run["val_accuracy_final"] = 0.9, 0.5
    judged = compare(one, other)
    assert (judged.verdict, judged.decided_by.key if judged.decided_by else "") == ("worse", "compare.accuracy")
    summed = compare(run(loss_reduction="sum", loss_final=9.0), run(loss_reduction="mean", loss_final=1.0))
    assert (summed.verdict, summed.unlike) == ("unlike", (("reduction", "sum", "mean"),))
    same = compare(run(loss_kind="mse", loss_final=9.0), run(loss_kind="mse", loss_final=1.0))
    assert same.verdict == "better"


CRASH = {"exception": {"type": "RuntimeError"}, "end": "exception"}
KILLED = {"source": "recorder", "steps": 20}


@pytest.mark.parametrize(
    ("a", "b", "verdict", "said"),
    [
        ({}, CRASH, "worse", "B ended with RuntimeError; B is worse"),
        (CRASH, {}, "better", "A ended with RuntimeError; B is better"),
        (CRASH, CRASH, "better", "A ended with RuntimeError, B ended with RuntimeError; B is better"),
        ({"end": "finished"}, KILLED, "worse", "B did not come to its end (it has 20 steps); B is worse"),
        ({"end": "finished"}, KILLED | {"end": "interrupted"}, "worse", "B did not come to its end"),
        ({"end": "finished"}, KILLED | {"end": "finished"}, "better", "verdict            B is better"),
        (KILLED, KILLED, "better", "B is better"),
    ],
)
def test_a_run_that_did_not_end_is_said_first_and_wins_by_no_finding(
    a: dict[str, Any], b: dict[str, Any], verdict: str, said: str
) -> None:
    """A crash is no gain; of half a run only the figures at the same step count."""
    one = run(finding("x"), loss_curve=[[10, 1.0], [20, 1.0]], **a)
    told = compare(one, run(state="healthy", loss_curve=[[10, 2.0], [20, 2.0]], **b))
    assert told.verdict == verdict
    assert said in compared.render(told, "en")


def test_the_schedule_is_a_setting() -> None:
    """Changed or the same, as every other."""
    told = compare(run(schedule="StepLR"), run(schedule="none"))
    assert told.changed == (("schedule", "StepLR", "none"),)
    assert "lr schedule StepLR -> none" in compared.render(told, "en")
    assert compare(run(schedule="none"), run(schedule="none")).same == ("schedule",)


def test_metrics_of_both_scripts_stand_behind_the_accuracy() -> None:
    """By their own names; one of a single run is left out, and our accuracy has its row."""
    metrics = [{"name": name, "first": 0.1, "last": value} for name, value in (("accuracy", 0.9), ("val f1", 0.5))]
    other = [{"name": name, "first": 0.1, "last": value} for name, value in (("val f1", 0.6), ("val auc", 0.7))]
    rows = compare(
        run(val_accuracy_final=0.9, task_metrics=metrics), run(val_accuracy_final=0.9, task_metrics=other)
    ).rows
    assert [(row.key, row.metric, row.a, row.b) for row in rows] == [
        ("compare.accuracy", "", 0.9, 0.9),
        ("compare.metric", "val f1", 0.5, 0.6),
    ]
