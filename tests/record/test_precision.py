"""Mixed precision as it is recorded: scales, skipped steps, the order of the scaler's calls, and the precision told."""

from __future__ import annotations

import math
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, record
from torch import nn

from trainadvisor.instrument import private_torch
from trainadvisor.record.probes.mixed_precision import MixedPrecisionProbe

BACKOFF = {"init_scale": 2.0**40, "growth_interval": 100, "backoff_factor": 2.0**-30}
"""A scale that overflows once: 2**40 is more than float16 holds, 2**10 is not."""


def scaled(
    *, enabled: bool = True, unscale: bool = False, clip: bool = False, dtype: torch.dtype = torch.float16
) -> Records:
    """Train with a gradient scaler whose first step overflows in float16."""

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cpu", enabled=enabled, **BACKOFF)
        for _ in range(3):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=dtype):
                loss = F.cross_entropy(model(torch.randn(8, 4)), torch.arange(8) % 3)
            scaler.scale(loss).backward()
            if unscale:
                scaler.unscale_(optimizer)
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
        return model

    return record(train)


def test_the_scale_of_each_step_and_the_step_it_skips_are_recorded() -> None:
    """The first one is skipped, and the scale falls."""
    records = scaled()
    assert records.column("scale") == [2.0**40, 2.0**10, 2.0**10]
    assert records.column("skipped") == [True, None, None]
    assert (records.tally["scaler_skips"], records.tally["scaler_steps"]) == (1, 3)


def test_a_scaler_that_is_switched_off_skips_nothing() -> None:
    """And has no scale."""
    records = scaled(enabled=False)
    assert records.column("scale") == records.column("skipped") == [None] * 3
    assert records.tally.get("scaler_skips", 0) == 0


class Foreign:
    """An optimizer of another library, which a switched off scaler merely calls."""

    def __init__(self, model: nn.Module) -> None:
        self.parameters = list(model.parameters())

    def step(self) -> None:
        """Step."""
        with torch.no_grad():
            for parameter in self.parameters:
                parameter.sub_(0.1 * parameter.grad)


def test_a_step_out_of_sight_is_not_skipped_where_nothing_is_scaled() -> None:
    """A scaler that is switched off cannot have skipped it."""

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer, scaler = Foreign(model), torch.amp.GradScaler("cpu", enabled=False)
        for _ in range(3):
            model.zero_grad()
            scaler.scale(F.cross_entropy(model(torch.randn(8, 4)), torch.arange(8) % 3)).backward()
            scaler.step(optimizer)
        return model

    records = record(train)
    assert set(records.column("skipped")) == {None}
    assert records.tally.get("scaler_skips", 0) == 0


@pytest.mark.parametrize(("clip", "unscale", "counted"), [(True, False, 3), (True, True, 0), (False, False, 0)])
def test_clipping_counts_as_too_early_only_before_unscaling(*, clip: bool, unscale: bool, counted: int) -> None:
    """In every step anew: what was unscaled is scaled again by the next loss."""
    assert scaled(clip=clip, unscale=unscale).tally.get("clip_before_unscale", 0) == counted


@pytest.mark.parametrize(("enabled", "dtype"), [(True, torch.float16), (False, torch.bfloat16)])
def test_the_precision_of_the_forward_is_told_once(*, enabled: bool, dtype: torch.dtype) -> None:
    """With whether its gradients are scaled."""
    records = scaled(enabled=enabled, dtype=dtype)
    name = str(dtype).removeprefix("torch.")
    told = records.events("amp")
    assert told[-1] == {"dtype": name, "scaler": enabled}
    assert len(told) == len({(detail["dtype"], detail["scaler"]) for detail in told})


def test_an_evaluation_under_autocast_is_not_the_precision_of_the_training() -> None:
    """Which runs without it."""

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(8, 4)), torch.arange(8) % 3).backward()
            optimizer.step()
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                model(torch.randn(8, 4))
        return model

    assert record(train).events("amp") == []


@pytest.mark.parametrize(("dtype", "told"), [(torch.bfloat16, ["bfloat16"]), (torch.float32, []), (torch.float64, [])])
def test_a_model_in_half_precision_is_told_without_autocast(dtype: torch.dtype, told: list[str]) -> None:
    """What is single or double is not."""

    def train() -> nn.Module:
        model = nn.Linear(4, 3).to(dtype)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(8, 4, dtype=dtype)), torch.arange(8) % 3).backward()
            optimizer.step()
        return model

    assert [event["dtype"] for event in record(train).events("amp")] == told


@pytest.mark.parametrize(
    ("reading", "steps", "until"), [(None, 0, math.inf), (object(), 0, 7), (None, 3, 7), (object(), 3, 7)]
)
def test_the_probe_rests_for_good_only_where_no_scaler_is_used(reading: object, steps: int, until: float) -> None:
    """Of one that was used, every step is seen."""
    context: Any = SimpleNamespace(scale=SimpleNamespace(reading=reading), counts={"scaler_steps": steps})
    routine: Any = SimpleNamespace(step=7, models={}, kinds=set())
    assert MixedPrecisionProbe(context).rests_until(routine) == until


def test_a_step_that_a_fused_optimizer_skips_is_counted_once() -> None:
    """By the number of non-finite gradients that the scaler has left it."""
    readings: list[Any] = []
    step: Any = SimpleNamespace(skipped=False, fields={}, expect=lambda _, arrived: readings.append(arrived))
    counted: Counter[str] = Counter()
    counts = SimpleNamespace(add=lambda name: counted.update([name]))
    context: Any = SimpleNamespace(step=step, counts=counts, values=SimpleNamespace(read=lambda given: given))
    probe = MixedPrecisionProbe(context)
    for found in (None, torch.tensor(0.0)):
        probe.on_step_begins(SimpleNamespace(found_inf=found), None)  # type: ignore[arg-type]
    (arrived,) = readings
    arrived([0.0])
    assert (step.skipped, step.fields, counted) == (False, {}, {})
    for _ in range(2):
        arrived([1.0])
    assert (step.skipped, step.fields, counted) == (True, {"skipped": True}, {"scaler_skips": 1})


def test_what_a_scaler_keeps_of_an_optimizer() -> None:
    """Nothing before it has unscaled the gradients in a step."""
    model = torch.nn.Linear(2, 2)
    optimizer, scaler = torch.optim.SGD(model.parameters(), 0.1), torch.amp.GradScaler("cpu")
    scaler.scale(model(torch.ones(1, 2)).sum()).backward()
    assert private_torch.scaler_state(scaler, optimizer)["found_inf_per_device"] == {}
    scaler.unscale_(optimizer)
    assert private_torch.scaler_state(scaler, optimizer)["found_inf_per_device"] == {torch.device("cpu"): 0.0}


@pytest.mark.parametrize("default", [torch.bfloat16, torch.float64])
def test_no_probe_counts_in_the_default_type_of_the_script(default: torch.dtype) -> None:
    """As Lightning's precision "bf16-true" sets it: 300 examples are 300, of which bfloat16 holds 256 and 304 only."""

    def train() -> nn.Module:
        torch.set_default_dtype(default)
        try:
            x, labels = torch.randn(300, 4), torch.arange(300) % 40
            model = nn.Sequential(nn.Linear(4, 40))
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(3):
                model.train()
                optimizer.zero_grad()
                F.cross_entropy(model(x), labels).backward()
                optimizer.step()
                model.eval()
                with torch.no_grad():
                    F.cross_entropy(model(x), labels)
        finally:
            torch.set_default_dtype(torch.float32)
        return model

    records = record(train)
    assert [evaluation["examples"] for evaluation in records.of("eval")] == [300] * 3
