"""One trial against its baseline: how near a gain has to come to count as a little, and what tells of chance."""

from types import SimpleNamespace

import numpy as np
import pytest

from trainadvisor.verify import trial_runs


def comparison(mean, *, worse=False, useful=True, held_out=True):
    """Return a metric of which a gain of 0.04 counts."""
    decision = SimpleNamespace(mean=mean, margin=0.04, clear=False)
    return SimpleNamespace(
        own=False, held_out=held_out, worse=worse, useful=useful, better=False, share=True, decision=decision
    )


def verdict(*compared):
    """Return the verdict on a run of 100 steps beside one of as many."""
    runs = [SimpleNamespace(log=None, steps=100) for _ in range(2)]
    candidate = SimpleNamespace(measures=(), may_end_early=False)
    return trial_runs._verdict(candidate, *runs, list(compared))[0]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (comparison(0.03), "little-better"),
        (comparison(0.0299), "no-better"),
        (comparison(0.05, useful=False), "no-better"),
        (comparison(-0.05, worse=True), "worse"),
        (comparison(-0.03), "no-better"),
    ],
)
def test_three_quarters_of_what_counts_are_a_little(one, said):
    """Where the run is better than a guess."""
    assert verdict(one) == said


def test_the_held_out_metric_speaks_first():
    """Whatever stands before it."""
    assert verdict(comparison(-0.05, worse=True, held_out=False), comparison(0.03)) == "little-better"
    assert verdict(comparison(0.03, held_out=False)) == "little-better"


@pytest.mark.parametrize(("start", "losses", "differs"), [(0, (2.0, 2.1), True), (0, (2.0, 2.0), False),
                                                          (224, (2.0, 2.1), False)])  # fmt: skip
def test_only_the_first_loss_of_all_tells_of_chance(start, losses, differs):
    """That of a second training depends on the first one."""

    def run(loss):
        log = SimpleNamespace(steps=np.array([start, start + 1]), column=lambda _: np.array([loss, 1.0]))
        return SimpleNamespace(log=log, usable=True)

    candidate = SimpleNamespace(acts_after_first_step=True)
    assert trial_runs.differs_at_first(candidate, *map(run, losses)) is differs
