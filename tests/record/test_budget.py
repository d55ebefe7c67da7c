"""The budget: what may be sampled when, and what is said of it."""

from __future__ import annotations

import itertools
import json
import math
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records
from torch import nn

import trainadvisor
from trainadvisor.errors import UsageError
from trainadvisor.record import overhead, watched_recording
from trainadvisor.record.recorder import Recorder
from trainadvisor.record.sampling import Budget, Jumps, Tier, share_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("given", "share"), [("1 %", 0.01), ("0.5%", 0.005), (0.02, 0.02), ("0.02", 0.02)])
def test_a_share_is_written_as_one_likes(given: object, share: float) -> None:
    """With a percent sign or without."""
    assert share_of(given) == pytest.approx(share)


@pytest.mark.parametrize("given", ["much", "", "0", "100 %", -0.01, None, "1 % 2", "nan", "1..2"])
def test_what_is_no_share_is_refused(given: object) -> None:
    """With the argument's name and an example."""
    with pytest.raises(UsageError, match='no part of the time; give a share such as "1 %"'):
        share_of(given)


def _sampled(tier: Tier, steps: int, *, cost: float, length: float) -> list[int]:
    """Return the steps that a tier samples when a sample costs so many seconds, and a step without one so many."""
    found, elapsed = [], 0.0
    for step in range(steps):
        if tier.due(step, elapsed):
            tier.charge(step, cost)
            elapsed += cost
            found.append(step)
        elapsed += length
    return found


def test_a_long_run_pays_its_share() -> None:
    """Over 20,000 steps of 10 ms, samples of 20 ms take two thirds of 1 % of the time, beyond what the start may cost.

    The rest is for the steps after them, which are not plain yet.
    """
    tier = Tier(10, share=0.01)
    found = _sampled(tier, 20_000, cost=0.02, length=0.01)
    late = [step for step in found if step >= 4000]
    assert 0.02 * len(late) <= 1.05 * 0.65 * 0.01 * 0.01 * 16_000
    assert len(late) >= 30
    assert tier.held_back > 0


def test_a_cheap_sample_keeps_the_cadence() -> None:
    """Where the share is enough, nothing is held back."""
    tier = Tier(10, share=0.01)
    found = _sampled(tier, 5000, cost=1e-5, length=0.01)
    assert found[-3:] == [4974, 4984, 4994] or found[-1] - found[-2] == 10
    assert tier.held_back == 0


def test_a_short_run_is_looked_at_closely_for_a_hundred_steps() -> None:
    """Then samples that have taken a twentieth of the time get as rare as they may, while cheap ones go on."""
    dear, cheap = (_sampled(Tier(10, share=0.01), 400, cost=cost, length=0.002) for cost in (0.004, 0.0001))
    assert [step for step in dear if step < 100] == [step for step in cheap if step < 100]
    assert len([step for step in dear if step >= 100]) <= 8
    assert len([step for step in cheap if step >= 100]) == 30


def test_gradients_are_sampled_twice_as_often_as_layers_for_a_hundred_steps() -> None:
    """From then on as often."""
    budget = Budget(0.01, 10)
    gradients, layers = (_sampled(tier, 300, cost=1e-5, length=0.01) for tier in (budget.gradients, budget.layers))
    assert [step for step in gradients if 50 < step < 100][-3:] == [85, 90, 95]
    assert {later - step for step, later in pairwise(layers) if 80 < step < 280} == {10}
    assert {later - step for step, later in pairwise(gradients) if 100 <= step < 280} == {10}


@pytest.mark.parametrize(("cost", "burst", "growth", "least"), [(10.0, 0.5, 1.5, 4), (0.01, 10.0, 1.2, 10)])
def test_whatever_it_costs_a_run_is_seen_to_its_end(cost: float, burst: float, growth: float, least: int) -> None:
    """From one sample to the next a step number grows by a fifth at most, by half where samples are very dear."""
    found = _sampled(Tier(10, share=0.0, burst=burst), 3000, cost=cost, length=0.001)
    assert all(later <= math.ceil(growth * earlier) for earlier, later in pairwise(found[3:]))
    assert least <= len([step for step in found if step >= 400]) <= least + 1


def test_a_forced_sample_is_the_next_step_alone() -> None:
    """Whatever the cadence says."""
    tier = Tier(10, share=0.01)
    assert [step for step in _sampled(tier, 200, cost=1e-4, length=0.01) if step > 185] == [190]
    assert not tier.due(195, 2.0)
    tier.forced = True
    assert tier.due(196, 2.0)
    tier.charge(196, 1e-4)
    assert not tier.due(197, 2.0)


def _booked(own: float, longer: float, *, scalars: float = 0.0) -> Budget:
    budget = Budget(0.01, 10)
    for step in range(400):
        layers = step % 4 == 0
        budget.book(step, 0.1 + layers * longer, scalars + layers * own, gradients=False, layers=layers)
    return budget


def test_a_sample_costs_what_its_steps_take_longer() -> None:
    """Also where our own clock sees nothing of it, as on a device that works on by itself."""
    assert _booked(own=0.001, longer=0.03).layers.cost == pytest.approx(0.03, rel=0.2)
    assert _booked(own=0.001, longer=0.0).layers.cost == pytest.approx(0.001, rel=0.01)


def test_the_scalars_are_paid_first() -> None:
    """The tiers share what is left of the budget, nothing when that is spent."""
    free, dear = _booked(0.001, 0.0), _booked(0.001, 0.0, scalars=0.0005)
    assert (free.gradients.share, free.layers.share) == pytest.approx((0.004, 0.006))
    assert (dear.gradients.share, dear.layers.share) == pytest.approx((0.002, 0.003))
    assert _booked(0.001, 0.0, scalars=0.002).layers.share == 0.0


def test_a_value_far_above_the_usual_is_a_jump() -> None:
    """Not at the start, when nothing is usual yet; what is not finite always is one later."""
    jumps = Jumps(3.0, 3)
    assert not any(jumps.is_one(step, size) for step, size in enumerate([1.0, 5.0, math.inf, 2.0, 2.0, 12.0]))
    assert jumps.is_one(6, 40.0)
    assert jumps.is_one(7, math.nan)
    assert not jumps.is_one(8, 2.0)


def _train(recorder: Recorder, steps: int, jump: dict[int, float]) -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    recorder.start()
    for step in range(steps):
        optimizer.zero_grad()
        data = torch.ones(8, 4)
        loss = F.mse_loss(model(data), data[:, :3])
        loss.backward()
        if step in jump:
            model.weight.grad *= jump[step]
        nn.utils.clip_grad_norm_(model.parameters(), 1e6)
        optimizer.step()
    recorder.stop("finished")


@pytest.mark.parametrize(("jump", "sampled"), [({}, False), ({150: 1e3}, True)])
def test_a_jump_of_the_gradients_is_looked_at(jump: dict[int, float], *, sampled: bool) -> None:
    """The layers of the next step are sampled, whatever the budget; without a jump they are not."""
    records = Records()
    recorder = Recorder([records.append], discover=True, every=100)
    recorder.layers.burst = recorder.gradients.burst = 0.0
    _train(recorder, 160, jump)
    assert records.failures == []
    assert (151 in {record["step"] for record in records.of("layers") if "update" in record}) is sampled


def test_the_log_says_what_the_recording_took() -> None:
    """And when samples were first left out for it."""
    records = Records()
    recorder = Recorder([records.append], discover=True, overhead=1e-6)
    _train(recorder, 500, {})
    told: list[dict[str, Any]] = records.events("overhead")
    assert [fact["backed_off"] for fact in told] == [True, True]
    assert told[-1]["budget"] == 1e-6
    assert told[-1]["samples"]["layers"] == len([r for r in records.of("layers") if "update" in r])
    assert 0 < told[-1]["share"] < 1
    assert records.of("header")[0]["recorder"]["max_overhead"] == 1e-6


@pytest.mark.parametrize(("own", "sampled"), [(1.0, [False, False]), (0.1, [True, True])])
def test_finding_a_very_large_model_uses_up_the_first_samples(own: float, sampled: list[bool]) -> None:
    """What the first step has cost counts for both tiers: the second step is sampled where that was little only."""
    budget = Budget(0.01, 10)
    budget.book(0, own + 0.1, own, gradients=True, layers=True)
    assert [tier.due(1, own + 0.1) for tier in (budget.gradients, budget.layers)] == sampled


def test_a_sample_may_take_a_tenth_of_a_plain_step() -> None:
    """At least 25 ms, what is ours not counted; without a bound where other processes sample the same training."""
    budget = Budget(0.01, 10)
    assert budget.allowed() == 0.025
    budget.book(0, 3.0, 1.0, gradients=True, layers=True)
    assert budget.allowed() == pytest.approx(0.2)
    assert Budget(0.01, 10, common=True).allowed() == math.inf


def test_a_pause_is_no_time_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks of the run and of the event that it pauses in stand still."""
    now = iter([10.0, 30.0, 37.0])
    monkeypatch.setattr(overhead.clocks, "perf_counter", lambda: next(now))
    clock = overhead.Overhead(Budget(0.01, 10, common=True), lambda _: None)
    clock.pause()
    gap = clock.resume()
    clock.leave_out(gap)
    assert (gap, clock.started, clock.entered) == (7.0, 17.0, 17.0)


@pytest.mark.parametrize(("now", "share"), [(102.0, 0.05), (105.0, 0.02)])
def test_the_cost_is_told_of_the_time_of_the_training(
    monkeypatch: pytest.MonkeyPatch, now: float, share: float
) -> None:
    """From the first call of a model on, without the imports before; what our threads took is in it."""
    clock = [10.0]
    monkeypatch.setattr(overhead, "clocks", SimpleNamespace(perf_counter=lambda: clock[0]))
    threads = iter([1.0, 1.04])
    monkeypatch.setattr(overhead.background, "seconds", lambda: next(threads))
    told: list[dict[str, Any]] = []
    cost = overhead.Overhead(Budget(0.01, 10), told.append)
    cost.spend(0.06)
    cost.entered = 100.0
    cost.begin()
    cost.entered = 101.0
    cost.begin()
    clock[0] = now
    cost.tell()
    assert told[-1]["share"] == pytest.approx(share)


@pytest.mark.parametrize(("seconds", "sampled"), [(9.0, [0, 6]), (0.0, [0, 1, 2])])
def test_finding_a_model_before_its_first_step_uses_up_the_first_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, sampled: list[int]
) -> None:
    """As `watch` does: nine seconds leave one of the first steps, none leave all three."""
    now = itertools.count(0.0, seconds)
    monkeypatch.setattr(watched_recording, "clocks", SimpleNamespace(perf_counter=lambda: next(now)))
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        for _ in range(7 if seconds else 3):
            optimizer.zero_grad()
            F.mse_loss(model(torch.ones(8, 4)), torch.zeros(8, 3)).backward()
            optimizer.step()
    records = json.loads((tmp_path / "log.json").read_text(encoding="utf-8"))
    assert [record["step"] for record in records if "grad" in record] == sampled
