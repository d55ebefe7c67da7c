"""Which trials are stopped before their end."""

import json

import pytest

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
