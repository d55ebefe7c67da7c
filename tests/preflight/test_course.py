"""The procedure of a preflight, over existing logs."""

from pathlib import Path

import numpy as np
import pytest
from builders import make_model
from preflightkit import GRID, LEARNT, LOSS, RANGE, SLOW, SUM, Given, applied, fly, named, swept

from trainadvisor.preflight import lr_range_test

RAW_INPUTS = {
    "kind": "inputs",
    "detail": {"model": 0, "phase": "train", "shape": [32, 8], "dtype": "float32", "floating": True, "mean": 130.0,
               "std": 70.0, "min": 0.0, "max": 255.0, "abs_max": 255.0, "features": 8, "examples": 320, "batches": 10,
               "nonfinite": 0, "integer_valued": False, "feature_std_max": 80.0, "feature_std_min": 60.0,
               "feature_mean_max_abs": 140.0, "constant_features": 0, "feature_offset_max": 2.0,
               "identical_batches": 0, "binary": False},
}  # fmt: skip


def raw(losses: object = SLOW) -> dict[str, object]:
    """Return first steps with pixels as they come: a suspicion."""
    columns = {"loss": list(losses), "lr": 0.01, "loss_id": 0}
    return {"columns": columns, "events": [RAW_INPUTS]}


def test_a_healthy_script_passes(tmp_path: Path) -> None:
    """Nothing found, the batch learned, the rate near the suggestion."""
    given = Given(tmp_path, natural=SLOW, one_batch=LEARNT, lr_range=RANGE)
    result = fly(given)
    assert result.outcome == "pass"
    assert [check.state for check in result.checks if check.state == "failed"] == []
    assert named(result, "one-batch").state == named(result, "learning-rate").state == "passed"
    assert (result.mark, result.summary) == ("pass", "the first 60 steps show no fault.")
    assert given.asked == ["one-batch", "lr-range"]


def test_a_fact_fails_at_once_and_spares_the_experiments(tmp_path: Path) -> None:
    """A loss over all pairs is broken whatever an experiment would say."""
    columns = {"loss": list(SLOW), "lr": 0.01, "loss_id": 0}
    given = Given(tmp_path, natural={"columns": columns, "losses": [SUM]})
    result = fly(given)
    wiring = named(result, "wiring")
    assert (result.outcome, wiring.state, wiring.severity) == ("fail", "failed", "error")
    assert wiring.findings == ["loss-shape-broadcast"]
    for experiment in ("one-batch", "learning-rate"):
        assert named(result, experiment).sentence == "skipped: loss-shape-broadcast comes first"
    assert given.asked == []


def test_a_suspicion_is_dropped_when_the_batch_is_learned(tmp_path: Path) -> None:
    """Raw pixels with which one batch can be memorized raise no alarm."""
    result = fly(Given(tmp_path, natural=raw(), one_batch=LEARNT, lr_range=RANGE))
    assert (result.outcome, named(result, "data").state) == ("pass", "passed")
    assert result.diagnosis is not None
    how = {entry.code: entry.how for entry in result.diagnosis.unknown}
    assert "one batch is learned all the same" in how["unnormalized-inputs"]


def test_a_suspicion_is_confirmed_when_the_batch_is_not_learned(tmp_path: Path) -> None:
    """Raw pixels with which not even one batch is learned are the fault."""
    stuck = swept(np.ones(100))
    result = fly(Given(tmp_path, natural=raw(), one_batch=np.ones(100), rescue=stuck, lr_range=RANGE))
    assert named(result, "data").findings == ["unnormalized-inputs"]
    assert named(result, "one-batch").findings == ["unnormalized-inputs"]
    assert result.outcome == "fail"


def test_without_experiments_a_suspicion_stays_one(tmp_path: Path) -> None:
    """Nothing confirms it, so nothing is said against the script."""
    given = Given(tmp_path, natural=raw())
    result = fly(given, experiments=False)
    assert (result.outcome, named(result, "data").state, given.asked) == ("pass", "passed", [])
    assert named(result, "one-batch").sentence == "skipped, as asked"


def test_a_batch_that_no_rate_can_teach_fails(tmp_path: Path) -> None:
    """Not even one batch is learned at any rate, and no rule knows why: that alone fails."""
    flat = swept(np.ones(100))
    result = fly(Given(tmp_path, natural=SLOW, one_batch=np.ones(100), rescue=flat, lr_range=flat))
    assert (result.outcome, named(result, "one-batch").severity) == ("fail", "error")
    assert "no learning rate changes that" in named(result, "one-batch").sentence


def test_a_model_too_small_to_learn_a_batch_by_heart_is_not_judged(tmp_path: Path) -> None:
    """A few parameters for many targets can be right and still not follow them all."""
    flat, small = swept(np.ones(100)), make_model(("0", "Linear", 8, 8), ("1", "ReLU"), ("2", "Linear", 8, 1))
    stuck = {"columns": {"loss": [1.0] * 100, "lr": 0.01, "loss_id": 0}, "models": [small]}
    result = fly(Given(tmp_path, natural=SLOW, one_batch=stuck, rescue=flat, lr_range=flat))
    assert (result.outcome, named(result, "one-batch").state) == ("pass", "not-judged")


def test_a_batch_that_only_a_larger_rate_teaches_is_not_judged(tmp_path: Path) -> None:
    """A warm-up or a small rate is no fault of wiring, and nothing that passes: the answer names it."""
    given = Given(tmp_path, natural=SLOW, one_batch=np.ones(100), rescue=RANGE, lr_range=RANGE)
    result = fly(given)
    assert (result.outcome, named(result, "one-batch").state) == ("pass", "not-judged")
    assert (result.mark, result.summary) == ("open", "the first 60 steps show no fault; not judged: one batch.")
    assert "but at a larger one" in named(result, "one-batch").sentence


def test_without_time_for_other_rates_a_stuck_batch_is_not_judged(tmp_path: Path) -> None:
    """One run that learns nothing is no proof."""
    result = fly(Given(tmp_path, natural=SLOW, one_batch=np.ones(100)))
    assert (result.outcome, named(result, "one-batch").state) == ("pass", "not-judged")
    assert named(result, "learning-rate").state == "not-judged"


@pytest.mark.parametrize(("own", "state"), [(0.01, "passed"), (0.5, "passed"), (1e-5, "passed")])
def test_a_rate_alone_never_fails(tmp_path: Path, own: float, state: str) -> None:
    """Far from the suggestion is worth a note, not an alarm, as long as the first steps look healthy."""
    natural = {"columns": {"loss": list(LEARNT[:60]), "lr": own, "loss_id": 0}}
    check = named(fly(Given(tmp_path, natural=natural, one_batch=LEARNT, lr_range=RANGE)), "learning-rate")
    assert check.state == state
    assert (check.severity == "note") == (own != 0.01)


def test_a_rate_at_which_the_loss_still_falls_is_not_too_high(tmp_path: Path) -> None:
    """Far above the suggestion, but the test goes on falling far beyond it."""
    natural = {"columns": {"loss": list(LEARNT[:60]), "lr": 0.5, "loss_id": 0}}
    falling = swept(1 - 0.9 / (1 + (1e-2 / GRID) ** 2))
    check = named(fly(Given(tmp_path, natural=natural, one_batch=LEARNT, lr_range=falling)), "learning-rate")
    assert (check.severity, check.sentence) == (
        None, "range test suggests 0.011; at the script's 0.5 the loss was still falling",
    )  # fmt: skip


def test_labels_of_other_rows_are_told_by_one_order_for_all_shuffles(tmp_path: Path) -> None:
    """A batch can be memorized, yet no rate lowers the loss until rows and labels share one order."""
    shared = RANGE | {"events": [*RANGE["events"], applied("fix-labels")]}
    result = fly(Given(tmp_path, natural=SLOW, one_batch=LEARNT, lr_range=swept(np.ones(100)), one_order=shared))
    check = named(result, "learning-rate")
    assert (result.outcome, check.state, check.findings) == ("fail", "failed", ["label-problem"])


@pytest.mark.parametrize("shared", [RANGE, None])
def test_a_flat_range_alone_says_nothing(tmp_path: Path, shared: dict[str, object] | None) -> None:
    """Where no two shuffles could be given one order, or there was no time to, nothing is concluded."""
    more = {"one_order": shared} if shared else {}
    result = fly(Given(tmp_path, natural=SLOW, one_batch=LEARNT, lr_range=swept(np.ones(100)), **more))
    assert (result.outcome, named(result, "learning-rate").state) == ("pass", "not-judged")


def test_a_rising_rate_is_not_compared(tmp_path: Path) -> None:
    """In its warm-up a script has not shown its rate yet."""
    natural = {"columns": {"loss": list(SLOW), "lr": list(np.linspace(1e-7, 1e-5, 60)), "loss_id": 0}}
    check = named(fly(Given(tmp_path, natural=natural, one_batch=LEARNT, lr_range=RANGE)), "learning-rate")
    assert "still warming up" in check.sentence


def test_a_script_that_raises_fails(tmp_path: Path) -> None:
    """An exception of the script's own in its first steps would end the long run too."""
    error = {"kind": "exception", "detail": {"type": "ValueError", "message": "bad shape"}}
    columns = {"loss": list(SLOW[:8]), "lr": 0.01, "loss_id": 0}
    result = fly(Given(tmp_path, natural={"columns": columns, "events": [error]}))
    assert (result.outcome, result.summary) == ("fail", "the script ended with ValueError: bad shape")


def test_a_script_without_training_is_undecided(tmp_path: Path) -> None:
    """Without a step, and without a log, nothing can be said."""
    nothing = fly(Given(tmp_path, natural={"columns": {}}))
    assert (nothing.outcome, nothing.steps) == ("undecided", 0)
    assert fly(Given(tmp_path)).summary.endswith("No module named 'x'")


def test_a_script_that_leaves_before_it_trains_shows_its_last_line(tmp_path: Path) -> None:
    """As one does whose arguments are wrong."""
    given = Given(tmp_path, natural={"columns": {}})
    given.code = 2
    result = fly(given)
    assert (result.outcome, result.summary.partition(": ")[2]) == (
        "undecided",
        "ModuleNotFoundError: No module named 'x'",
    )


def test_warnings_fail_only_where_asked(tmp_path: Path) -> None:
    """A confirmed suspicion of the level of a warning fails a stricter gate."""
    logs = {"natural": raw(SLOW), "one_batch": np.ones(100), "rescue": RANGE, "lr_range": RANGE}
    strict, mild = (fly(Given(tmp_path, **logs), fail_on=level) for level in ("warning", "never"))
    assert (strict.outcome, mild.outcome) == ("fail", "pass")


def test_the_first_loss_is_held_against_chance(tmp_path: Path) -> None:
    """The variance of the targets is what a model that knows nothing should lose."""
    check = named(fly(Given(tmp_path, natural=SLOW, one_batch=LEARNT, lr_range=RANGE)), "initial-loss")
    assert (check.state, check.figures["expected"]) == ("passed", pytest.approx(LOSS["target"]["variance"]))
    high = {"columns": {"loss": list(np.geomspace(20, 15, 60)), "lr": 0.01, "loss_id": 0}}
    stuck = Given(tmp_path, natural=high, one_batch=np.full(100, 15.0), rescue=swept(np.full(100, 15.0)))
    bad = named(fly(stuck), "initial-loss")
    assert (bad.state, bad.severity) == ("failed", "warning")


@pytest.mark.parametrize(("first", "state"), [(2.9, "passed"), (3.1, "failed")])
def test_a_first_loss_is_high_from_three_times_chance_on(tmp_path: Path, first: float, state: str) -> None:
    """Where not even one batch is learned; where it is, that is only said."""
    natural = {"columns": {"loss": [first] * 60, "lr": 0.01, "loss_id": 0}}
    flat = np.full(100, first)
    stuck = fly(Given(tmp_path, natural=natural, one_batch=flat, rescue=swept(flat), lr_range=RANGE))
    assert named(stuck, "initial-loss").state == state
    learned = fly(Given(tmp_path, natural=natural, one_batch=first * LEARNT, lr_range=RANGE))
    assert named(learned, "initial-loss").state == "passed"


@pytest.mark.parametrize(
    ("more", "severity", "share", "rate"),
    [
        ({"wait": 0.015, "batch": 32}, None, 0.375, 800.0),
        ({"wait": 0.025, "batch": 32}, "note", 0.625, 800.0),
        ({}, None, None, None),
    ],
)
def test_a_script_that_waits_for_half_of_its_time_is_told(tmp_path, more, severity, share, rate) -> None:
    """It is no fault: the check passes."""
    columns = {"loss": list(SLOW), "lr": 0.01, "loss_id": 0, "seconds": 0.04, **more}
    check = named(fly(Given(tmp_path, natural={"columns": columns}), experiments=False), "throughput")
    assert (check.state, check.severity) == ("passed", severity)
    seen = [check.figures[name] for name in ("step_seconds", "wait_share", "examples_per_second")]
    assert seen == [0.04, share, rate]


def test_a_suspicion_is_not_confirmed_in_a_warm_up(tmp_path: Path) -> None:
    """While the rate is tiny and rising no batch is learned; a larger rate at which it is learned clears the script."""
    natural = raw(SLOW)
    natural["columns"] = {"loss": list(SLOW), "lr": list(np.linspace(1e-7, 1e-5, 60)), "loss_id": 0}
    logs = {"one_batch": np.ones(100), "lr_range": RANGE}
    teachable = fly(Given(tmp_path, natural=natural, rescue=RANGE, **logs))
    hopeless = fly(Given(tmp_path, natural=natural, rescue=swept(np.ones(100)), **logs))
    assert (named(teachable, "data").state, named(hopeless, "data").state) == ("passed", "failed")


def test_a_rate_that_the_diagnosis_finds_too_high_as_well_fails(tmp_path: Path) -> None:
    """Far above the suggestion, and the first steps leave the weights far behind: both say so."""
    from trainadvisor.judge.result import Diagnosis, Finding, Remedy
    from trainadvisor.preflight import lr_suggestion

    rate = lr_suggestion.outcome(
        lr_range_test.sweep_of(Given(tmp_path, lr_range=RANGE).experiment("lr-range", (), 100)), 1.0
    )
    remedy = Remedy(change="lr", arguments={"factor": 0.1}, applies="paste", text="lower it")
    finding = Finding(
        code="lr-too-high", family="optimization", kind="cause", severity="error", confidence="certain",
        title="too high", sentence="too high", remedies=[remedy],
    )  # fmt: skip
    agreed = lr_suggestion.check(rate, Diagnosis(state="broken", summary="", findings=[finding]), "en")
    alone = lr_suggestion.check(rate, Diagnosis(state="healthy", summary=""), "en")
    assert (agreed.state, agreed.severity, agreed.findings) == ("failed", "error", ["lr-too-high"])
    assert (alone.state, alone.severity) == ("passed", "note")
    explained = ("dead-relu",)
    assert lr_suggestion.leading([agreed], Diagnosis(state="broken", summary="", findings=[finding]), ()) is agreed
    dead = finding.model_copy(update={"code": "dead-relu"})
    assert lr_suggestion.leading([agreed], Diagnosis(state="broken", summary="", findings=[dead]), explained) is agreed
    assert lr_suggestion.leading([agreed], Diagnosis(state="broken", summary="", findings=[dead]), ()) is None
