"""Each effect is tried once, by whichever changes it comes, and never what the script does already."""

import pytest

from trainadvisor.judge.result import Diagnosis, Finding, Remedy
from trainadvisor.trials.jobs import Change
from trainadvisor.verify.effects import Effect, effect, same
from trainadvisor.verify.plan import Candidate
from trainadvisor.verify.screening import Screening

RUN = {"optimizer": "Adam", "lr": 0.5, "batch_median": 64, "weight_decay": 0.0, "workers": 0}
SGD = {"optimizer": "SGD", "lr": 0.05, "momentum": 0.9}


def of(*changes):
    """Return a candidate of changes with their arguments."""
    return Candidate(tuple(Change(name, arguments) for name, arguments in changes))


@pytest.mark.parametrize(
    ("changes", "run"),
    [
        ([("lr", {"value": 0.4})], RUN),
        ([("lr", {"factor": 1.0})], RUN),
        ([("weight-decay", {})], RUN),
        ([("batch-size", {"factor": 1.0})], RUN),
        ([("workers", {"num_workers": 0})], RUN),
        ([("optimizer", {"to": "Adam"})], RUN),
        ([("optimizer", {"to": "momentum"})], SGD),
        ([("lr", {"factor": 0.1}), ("lr", {"factor": 10.0})], RUN),
    ],
)
def test_what_the_script_does_already_is_no_effect(changes, run):
    """A rate close to its own, its own class of optimizer, and two changes that undo each other."""
    assert effect(of(*changes), run).nothing


@pytest.mark.parametrize(
    ("changes", "new"),
    [
        ([("lr", {"value": 0.1})], {"lr": 0.1}),
        ([("weight-decay", {"value": 0.1})], {"weight_decay": 0.1}),
        ([("batch-size", {"value": 32})], {"batch_median": 32}),
        ([("optimizer", {"to": "AdamW"})], {"optimizer": "AdamW"}),
        ([("optimizer", {"to": "momentum"})], {"optimizer": "SGD", "lr": 0.05, "momentum": 0.9}),
        ([("optimizer", {"to": "Adam", "weight_decay": 0.2})], {"weight_decay": 0.2}),
    ],
)
def test_what_is_other_than_before_is_the_effect(changes, new):
    """Nothing else of the run."""
    assert effect(of(*changes), RUN) == Effect(new)


def test_one_effect_by_two_names_is_one_trial():
    """A rate by the change of the optimizer, a default that is given, and two changes in another order."""
    clip, init = ("clip", {"max_norm": 1.0}), ("init", {"to": "he"})
    assert same(of(("lr", {"value": 0.001})), of(("optimizer", {"to": "Adam", "lr": 0.001})), RUN)
    assert same(of(("activation", {})), of(("activation", {"to": "relu"})), RUN)
    assert same(of(clip, init), of(init, clip), RUN)
    assert not same(of(clip, init), of(clip), RUN)
    assert not same(of(("lr", {"value": 0.001})), of(("optimizer", {"to": "AdamW", "lr": 0.001})), RUN)
    assert not same(of(("batch-size", {"value": 32})), of(("batch-size", {"value": 33})), RUN)


def test_a_search_tries_each_effect_once_and_not_the_run_as_it_is():
    """Of the remedies of a finding, of general changes and of what a run with a change asks for."""
    listed = [("lr", {"value": 0.5}), ("lr", {"value": 0.001}), ("optimizer", {"to": "Adam", "lr": 0.001})]
    remedies = [Remedy(change=name, arguments=given, applies="try", text=name) for name, given in listed]
    found = Finding(
        code="a", family="optimization", kind="cause", severity="error", confidence="likely", title="", sentence="",
        remedies=remedies,
    )  # fmt: skip
    told = Diagnosis(state="broken", summary="", run=RUN, findings=[found])
    search = Screening(told, None, lambda _: None)
    tried = [c.changes[0] for c in search.order() if len(c.changes) == 1]
    assert [change.arguments for change in tried if change.change in ("lr", "optimizer")] == [
        {"value": 0.001}, {"factor": 0.1}, {"factor": 10.0},
    ]  # fmt: skip
