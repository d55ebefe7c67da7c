"""Which metrics compare, and what counts as better."""

import math

import pytest
from builders import build_log

from trainadvisor.log.reader import read_log
from trainadvisor.trials.jobs import Change
from trainadvisor.verify.metrics import measures
from trainadvisor.verify.plan import Candidate
from trainadvisor.verify.trial_verdict import Pair, best, compare

CLASSES = {"shape": [32], "classes": 4, "histogram": [250] * 4, "examples": 1000, "mean": 1.5, "std": 1.1}
NUMBERS = {"shape": [32, 1], "mean": 5.0, "std": 2.0, "variance": 4.0, "examples": 1000}


def loss(kind="cross_entropy", target=CLASSES, **facts):
    """Return the facts of a loss."""
    return {"id": 0, "name": kind, "kind": kind, "reduction": "mean", "phase": "both", "target": target,
            "label_smoothing": 0.0, "weighted": False, **facts}  # fmt: skip


def run(folder, name, value, metrics=None, fact=None, **columns):
    """Return a log of 100 steps that ends at a loss, with five evaluations at that loss."""
    evals = [
        {"step": 20 * place, "loss": value, "loss_id": 0, "losses": {"0": value}, "metrics": metrics or {},
         "examples": 1000}
        for place in range(1, 6)
    ] if metrics is not None else []  # fmt: skip
    given = {"loss": [value] * 100, "loss_id": 0, "lr": 0.1, **columns}
    return read_log(build_log(folder, columns=given, evals=evals, losses=[fact or loss()], name=f"{name}.json"))


def compared(before, after, *words, measures=()):
    """Compare one pair of runs for a candidate of these changes."""
    return compare([Pair(before, after)], Candidate(tuple(Change(word) for word in words), measures=measures))


def test_held_out_accuracy_decides(tmp_path):
    """A validation accuracy that rises clearly is reported."""
    before, after = run(tmp_path, "a", 1.39, {"accuracy": 0.25}), run(tmp_path, "b", 0.2, {"accuracy": 0.95})
    chosen = best(compared(before, after, "lr"))
    assert (chosen.name, chosen.before, chosen.after) == ("validation accuracy", 0.25, 0.95)


def test_a_worse_accuracy_spoils_a_better_loss(tmp_path):
    """A lower loss is no cure where the accuracy falls."""
    before, after = run(tmp_path, "a", 1.0, {"accuracy": 0.9}), run(tmp_path, "b", 0.5, {"accuracy": 0.6})
    assert best(compared(before, after, "lr")) is None


def test_training_does_not_decide_where_there_is_validation(tmp_path):
    """A training loss that falls while validation stays as it is cures nothing."""
    before = run(tmp_path, "a", 1.0, {"accuracy": 0.6})
    after = run(tmp_path, "b", 1.0, {"accuracy": 0.6}, loss=[0.1] * 100)
    assert best(compared(before, after, "lr")) is None


def test_losses_of_different_functions_are_not_compared(tmp_path):
    """A mean squared error and a cross-entropy share only their skill."""
    before = run(tmp_path, "a", 3.9, {}, loss("mse_loss", NUMBERS))
    after = run(tmp_path, "b", 0.2, {})
    names = [item.name for item in compared(before, after, "loss-function")]
    assert "validation loss" not in names
    assert "training loss" not in names
    assert "validation skill" in names


def test_losses_of_rescaled_targets_are_not_compared(tmp_path):
    """Standardized targets make the loss small by themselves."""
    small = {**NUMBERS, "mean": 0.0, "std": 1.0, "variance": 1.0}
    before = run(tmp_path, "a", 4.0, {}, loss("mse_loss", NUMBERS))
    after = run(tmp_path, "b", 1.0, {}, loss("mse_loss", small))
    assert best(compared(before, after, "standardize-targets")) is None


def test_a_better_skill_of_rescaled_targets_counts(tmp_path):
    """The share of the trivial loss that is gone compares across scales."""
    small = {**NUMBERS, "mean": 0.0, "std": 1.0, "variance": 1.0}
    before = run(tmp_path, "a", 4.0, {}, loss("mse_loss", NUMBERS))
    after = run(tmp_path, "b", 0.1, {}, loss("mse_loss", small))
    chosen = best(compared(before, after, "standardize-targets"))
    assert (chosen.name, chosen.after) == ("validation skill", pytest.approx(0.9))


def test_a_run_that_was_lost_is_beaten_by_one_that_learns(tmp_path):
    """Where a run without the change ends in NaN, one that is better than a constant answer is a cure."""
    lost = run(tmp_path, "a", 1.3, None, loss=[1.3] * 40 + [math.nan] * 60)
    chosen = best(compared(lost, run(tmp_path, "b", 0.3, None), "clip"))
    assert math.isnan(chosen.before)
    assert chosen.after == pytest.approx(0.7836, abs=1e-3)


def test_a_run_that_was_lost_is_not_cured_by_a_constant_answer(tmp_path):
    """Finite is not enough."""
    lost = run(tmp_path, "a", 1.3, None, loss=[1.3] * 40 + [math.nan] * 60)
    assert best(compared(lost, run(tmp_path, "b", 1.386, None), "clip")) is None


def test_a_lost_loss_is_held_against_one_of_another_scale(tmp_path):
    """A change that gives the loss another scale cures a run that was lost, if its own loss falls on that scale."""
    small = loss("mse_loss", {**NUMBERS, "mean": 0.0, "std": 1.0, "variance": 1.0})
    lost = run(tmp_path, "a", 4.0, None, loss("mse_loss", NUMBERS), loss=[4.0] * 40 + [math.nan] * 60)
    cured = run(tmp_path, "b", 0.1, None, small, loss=[1.0] * 20 + [0.1] * 80)
    stuck = run(tmp_path, "c", 1.0, None, small)
    assert math.isnan(best(compared(lost, cured, "standardize-targets")).before)
    assert best(compared(lost, stuck, "standardize-targets")) is None


def test_a_loss_kept_finite_stays_the_same_loss(tmp_path):
    """Logarithms and roots that stay finite leave a loss written by hand what it was."""
    fact = loss("custom", None)
    before = run(tmp_path, "a", 1.0, None, fact)
    cured = run(tmp_path, "b", 0.3, None, fact, loss=[1.0] * 20 + [0.3] * 80)
    assert [item.name for item in compared(before, cured, "stable-loss")] == ["training loss"]
    assert compared(before, cured, "loss-function") == []


def test_throughput_is_judged_by_its_own_measure(tmp_path):
    """Faster steps are the cure of slow data, whatever the loss does."""
    before = run(tmp_path, "a", 0.5, None, seconds=0.1, wait=0.08)
    after = run(tmp_path, "b", 0.5, None, seconds=0.03, wait=0.01)
    chosen = best(compared(before, after, "workers", measures=("step seconds", "waiting for data")))
    assert (chosen.name, chosen.after) == ("step seconds", pytest.approx(0.03))


def test_faster_steps_cure_no_loss(tmp_path):
    """Seconds are no metric of a finding about learning."""
    before, after = run(tmp_path, "a", 0.5, None, seconds=0.1), run(tmp_path, "b", 0.5, None, seconds=0.03)
    assert best(compared(before, after, "lr")) is None


def test_a_training_accuracy_is_read(tmp_path):
    """The mean over the batches of the last tenth."""
    log = run(tmp_path, "a", 0.5, None, accuracy=[0.5] * 90 + [0.8] * 10)
    assert measures(log)["training accuracy"].value == pytest.approx(0.8)


def test_how_hopeless_a_run_was_does_not_matter(tmp_path):
    """An R2 of -94 with one seed and of -3594 with another are both -1: neither explains anything."""
    numbers = loss("mse_loss", NUMBERS)
    befores = [run(tmp_path, f"a{i}", 10.0, {"r2": value}, numbers) for i, value in enumerate((-93.9, -3594.2))]
    afters = [run(tmp_path, f"b{i}", 0.3, {"r2": value}, numbers) for i, value in enumerate((0.89, 0.93))]
    pairs = [Pair(before, after) for before, after in zip(befores, afters, strict=True)]
    chosen = best(compare(pairs, Candidate((Change("lr"),), None)))
    assert (chosen.name, chosen.before) == ("validation R2", -1.0)


def test_a_share_above_hopeless_is_kept(tmp_path):
    """-0.4 stays what it is."""
    log = run(tmp_path, "a", 5.6, {"r2": -0.4}, loss("mse_loss", NUMBERS))
    assert measures(log)["validation R2"].value == -0.4


def test_a_run_worse_than_a_constant_answer_counts_as_one(tmp_path):
    """Seeds that end in NaN and far below zero are alike: the gain is what lies above a constant answer."""
    lost = run(tmp_path, "a", math.nan, {"r2": math.nan})
    below = run(tmp_path, "b", 9.0, {"r2": -50.0})
    cured = [run(tmp_path, name, 0.1, {"r2": value}) for name, value in (("c", 0.94), ("d", 0.9))]
    pairs = [Pair(lost, cured[0]), Pair(below, cured[1])]
    found = best(compare(pairs, Candidate((Change("lr"),))))
    assert (found.name, found.effect.gains) == ("validation R2", (0.94, 0.9))


def test_what_is_printed_is_held_against_where_it_began(tmp_path):
    """A script that prints after an epoch may have learned by then; the run without the change gives the start."""
    told = ("val loss 0.5\nval loss 0.5", "val loss 0.21\nval loss 0.2")
    before, after = (run(tmp_path, name, 0.5, None, loss("custom", None)) for name in ("a", "b"))
    found = compare([Pair(before, after, told)], Candidate((Change("lr"),)))
    assert best(found).name == "printed validation loss"
    worse = ("val loss 0.2\nval loss 9.0", "val loss 0.2\nval loss 4.0")
    assert best(compare([Pair(before, after, worse)], Candidate((Change("lr"),)))) is None


def test_losses_are_compared_by_their_ratios(tmp_path):
    """Seeds whose losses lie far apart agree where each falls to an eighth; by differences they would scatter."""
    fact = loss("custom", None)
    befores = [run(tmp_path, f"a{i}", value, None, fact) for i, value in enumerate((0.8, 80.0))]
    afters = [
        run(tmp_path, f"b{i}", value, None, fact, loss=[8 * value] * 20 + [value] * 80)
        for i, value in enumerate((0.1, 10.0))
    ]
    pairs = [Pair(before, after) for before, after in zip(befores, afters, strict=True)]
    found = best(compare(pairs, Candidate((Change("lr"),))))
    assert found.decision.gains == pytest.approx((math.log(8), math.log(8)))
    assert found.effect.gains == pytest.approx((0.7, 70.0))
    assert not found.effect.clear


def test_the_noise_of_a_training_loss_is_the_error_of_the_median_of_its_last_tenth(tmp_path):
    """1.25 times that of a mean of ten of a hundred steps."""
    from trainadvisor.signals import of

    log = run(tmp_path, "a", 1.0, loss=[1.0 + 0.1 * (-1) ** step for step in range(100)])
    noise = of(log)["loss_noise"]
    assert noise > 0.05
    assert measures(log)["training loss"].noise == pytest.approx(noise * 1.25 / math.sqrt(10))


def test_a_training_loss_too_short_for_a_noise_has_none(tmp_path):
    """Its noise is 0."""
    log = run(tmp_path, "a", 1.0, loss=[1.0 - 0.01 * step for step in range(8)])
    assert measures(log)["training loss"].noise == 0.0
