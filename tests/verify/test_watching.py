"""Which trials are stopped before their end."""

import json

import pytest
from builders import log_of

from trainadvisor.trials.early_abort import BaselineTrajectory, EarlyAbort

BASELINE = BaselineTrajectory(steps=100, first_loss=2.0)


@pytest.fixture
def early_abort(tmp_path):
    """A maker of lookouts over a log with these losses and changes."""

    def make(losses, *changes, trajectory=BASELINE, **options):
        steps = [{"record": "step", "step": place, "loss": loss} for place, loss in enumerate(losses)]
        events = [{"record": "event", "kind": "change", "subject": "lr", "detail": detail} for detail in changes]
        path = tmp_path / "log.json"
        path.write_text(
            "[" + ",\n".join(json.dumps(record) for record in [{"record": "header"}, *events, *steps]) + "\n]\n"
        )
        return EarlyAbort(path, trajectory, **options)

    return make


def test_a_run_like_the_baseline_goes_on(early_abort):
    """Nothing is said against it."""
    assert early_abort([2.0] * 60).look() is None


def test_a_lost_run_is_stopped(early_abort):
    """Five non-finite losses in a row do not come back."""
    assert early_abort([2.0] * 30 + ["nan"] * 5).look() == ("hopeless", "non-finite loss at step 34")


def test_one_lost_step_is_no_reason(early_abort):
    """A skipped step of mixed precision looks like that."""
    assert early_abort([2.0] * 30 + ["inf"]).look() is None


def test_a_run_far_off_is_stopped(early_abort):
    """Three times the first loss after a third of the steps."""
    assert early_abort([2.0] + [7.0] * 35).look()[0] == "hopeless"


def test_a_rescaled_loss_may_be_far_off(early_abort):
    """A sum in place of a mean says nothing about the learning."""
    assert early_abort([2.0] + [7.0] * 35, rescaled=True).look() is None


def test_a_refused_change_ends_the_run(early_abort):
    """Without it the run is the baseline again."""
    refused = {"applied": False, "refused": "there is no loader"}
    assert early_abort([2.0] * 3, refused).look() == ("refused", "lr: there is no loader")


def test_an_applied_change_does_not(early_abort):
    """The quiet case."""
    assert early_abort([2.0] * 3, {"applied": True, "refused": None}).look() is None


def test_twenty_steps_are_needed_before_a_run_is_given_up(early_abort):
    """Five lost ones in a row among them; one finite loss among the last five is hope."""
    assert early_abort([2.0] * 14 + ["nan"] * 5).look() is None
    assert early_abort([2.0] * 15 + ["nan"] * 5).look() == ("hopeless", "non-finite loss at step 19")
    assert early_abort([2.0] * 30 + ["nan"] * 4).look() is None
    assert early_abort([2.0] * 29 + ["nan"] * 3 + [2.0] + ["inf"] * 4).look() is None


def test_a_run_is_far_off_beyond_three_times_the_larger_first_loss(early_abort):
    """Its own or the baseline's, whatever their sign; exactly three times is not beyond."""
    assert early_abort([1.0] + [6.0] * 30).look() is None
    assert early_abort([1.0] + [6.5] * 30).look() == ("hopeless", "loss 6.5 at step 30")
    assert early_abort([3.0] + [8.0] * 30).look() is None
    assert early_abort([-3.0] + [8.0] * 30).look() is None
    assert early_abort([1.0] + [3.5] * 30, trajectory=BaselineTrajectory(100, None)).look() == (
        "hopeless",
        "loss 3.5 at step 30",
    )
    assert early_abort(["nan"] + [7.0] * 30).look() == ("hopeless", "loss 7 at step 30")
    assert early_abort(["nan"] + [7.0] * 30, trajectory=BaselineTrajectory(100, None)).look() is None


def test_a_run_is_far_off_after_three_tenths_of_the_baseline(early_abort):
    """By the median of the last five finite losses."""
    assert early_abort([2.0] + [7.0] * 28).look() is None
    assert early_abort([2.0] + [7.0] * 29).look() == ("hopeless", "loss 7 at step 29")
    assert early_abort([2.0] * 28 + [7.0, 7.0, 2.0, 2.0, 2.0]).look() is None
    assert early_abort([2.0] * 28 + [7.0, 7.0, 7.0, 2.0, 2.0]).look() is not None
    assert early_abort([2.0] * 28 + ["nan", 9.0, "nan", "nan", 2.0]).look() == ("hopeless", "loss 9 at step 32")


def test_without_a_baseline_only_refused_changes_stop_a_run(early_abort):
    """Each with its reason."""
    assert early_abort([2.0] + ["nan"] * 40, trajectory=None).look() is None
    refused = [{"applied": False, "refused": reason} for reason in ("no loader", "no model")]
    assert early_abort([], *refused, trajectory=None).look() == ("refused", "lr: no loader; lr: no model")
    assert early_abort([], {"applied": False, "refused": None}, {"applied": True, "refused": "x"}).look() is None


def test_a_log_is_looked_at_again_and_again(early_abort, tmp_path):
    """What was read before counts; one that is not there yet says nothing; a loss may be missing."""
    assert EarlyAbort(tmp_path / "none.json", BASELINE).look() is None
    watched = early_abort([2.0] * 15)
    assert watched.look() is None
    path = tmp_path / "log.json"
    more = [{"record": "step", "step": 15 + place, "loss": loss} for place, loss in enumerate([None, *["nan"] * 5])]
    path.write_text(path.read_text().removesuffix("\n]\n") + ",\n" + ",\n".join(map(json.dumps, more)) + "\n]\n")
    assert watched.look() == ("hopeless", "non-finite loss at step 19")


def test_a_course_is_read_off_the_log_of_the_baseline(tmp_path):
    """Its steps and its first loss, where there is one."""
    assert BaselineTrajectory.of(log_of(tmp_path, columns={"loss": [3.0] * 8})) == BaselineTrajectory(8, 3.0)
    assert BaselineTrajectory.of(log_of(tmp_path, steps=8)) == BaselineTrajectory(8, None)
