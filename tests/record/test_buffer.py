"""Reading from a device without waiting for it: its logic, tried on the CPU with copies that arrive late."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder
from torch import nn

from trainadvisor.record import recording as recorder_module
from trainadvisor.record.device_readback import DeviceValues, HostValues, Reading, values_for

STEPS = 8


class LateCopies:
    """Stands for a device: a copy arrives when `pass_time` has been called often enough."""

    def __init__(self, late: int) -> None:
        self.late, self.now, self.waits = late, 0, 0

    def __call__(self, tensor: torch.Tensor) -> tuple[torch.Tensor, Any, Any]:
        due, content = self.now + self.late, torch.full_like(tensor, -1.0)

        def arrive() -> bool:
            if self.now >= due:
                content.copy_(tensor)
            return self.now >= due

        def wait() -> None:
            self.waits += 1
            content.copy_(tensor)

        return content, arrive, wait


def test_the_host_reads_at_once() -> None:
    """Any shape becomes a list."""
    assert HostValues().read(torch.tensor([[1.0, 2.0]])).values == [1.0, 2.0]
    assert HostValues().read(torch.tensor(3, dtype=torch.bfloat16)).values == [3.0]
    assert isinstance(values_for(torch.device("cpu")), HostValues)
    assert isinstance(values_for(torch.device("cuda")), DeviceValues)


def test_readings_arrive_in_order_and_nobody_waits() -> None:
    """A reading that is not due stays unknown, and those behind it too."""
    copies = LateCopies(late=2)
    values = DeviceValues(copies)
    first = values.read(torch.tensor(1.0))
    copies.now = 1
    second = values.read(torch.tensor([2.0, 3.0]))
    values.poll()
    assert (first.values, second.values) == (None, None)
    copies.now = 2
    values.poll()
    assert (first.values, second.values) == ([1.0], None)
    copies.now = 3
    values.poll()
    assert (second.values, copies.waits) == ([2.0, 3.0], 0)


def test_the_end_waits() -> None:
    """With `wait` all readings arrive."""
    copies = LateCopies(late=100)
    values = DeviceValues(copies)
    readings = [values.read(torch.tensor(float(n))) for n in range(3)]
    values.poll(wait=True)
    assert [reading.values for reading in readings] == [[0.0], [1.0], [2.0]]
    assert copies.waits == 3


def test_a_value_is_that_of_the_moment_of_reading() -> None:
    """Copies of a device follow its stream; what is read here is copied before it can change."""
    assert Reading([1.0]).values == [1.0]


def _train(copies: LateCopies | None, *, clear: bool, scaler: torch.amp.GradScaler | None = None) -> None:
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for _ in range(STEPS):
        x = torch.randn(16, 4)
        if clear:
            for parameter in model.parameters():
                parameter.grad = None if parameter.grad is None else parameter.grad * 0
        loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
        (loss if scaler is None else scaler.scale(loss)).backward()
        if scaler is None:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        with torch.no_grad():
            F.cross_entropy(model(x), x[:, :3].argmax(1))
        if copies is not None:
            copies.now += 1


def _recorded(
    monkeypatch: pytest.MonkeyPatch, late: int | None, *, clear: bool = True, scale: bool = False
) -> tuple[Records, list[int], LateCopies | None]:
    """Return the records and, for each step of the training, how many had left by then."""
    copies = None if late is None else LateCopies(late)
    values = HostValues() if copies is None else DeviceValues(copies)
    monkeypatch.setattr(recorder_module, "values_for", lambda _: values)
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0) if scale else None
    _train(copies, clear=clear, scaler=scaler)
    waited = 0 if copies is None else copies.waits
    recorder.stop("finished")
    assert records.failures == []
    assert waited == 0
    return records, [record["step"] for record in records.of("step")], copies


_CLOCKS = {"seconds", "wait", "memory", "memory_peak", "created", "share"}


def _without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_clocks(item) for key, item in value.items() if key not in _CLOCKS}
    if isinstance(value, float):
        return float(f"{value:.5g}")
    return [_without_clocks(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("clear", [True, False])
def test_late_values_make_the_same_log(monkeypatch: pytest.MonkeyPatch, clear: bool, scale: bool) -> None:  # noqa: FBT001
    """Steps, layers, evaluations and counts are those of immediate reading, in the same order; nothing blocks."""
    torch.manual_seed(0)
    at_once, _, _ = _recorded(monkeypatch, None, clear=clear, scale=scale)
    late, steps, _ = _recorded(monkeypatch, 3, clear=clear, scale=scale)
    assert steps == list(range(STEPS))
    for kind in ("step", "layers", "eval"):
        assert _without_clocks(late.of(kind)) == _without_clocks(at_once.of(kind))
    assert late.tally == at_once.tally
    assert late.tally["stale_steps"] == (0 if clear else STEPS - 1)
    assert _without_clocks(late.facts("loss")) == _without_clocks(at_once.facts("loss"))


def test_records_leave_when_their_values_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not all at the end."""
    copies = LateCopies(2)
    monkeypatch.setattr(recorder_module, "values_for", lambda _: DeviceValues(copies))
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    _train(copies, clear=True)
    before = len(records.of("step"))
    recorder.stop("finished")
    assert STEPS - 5 <= before < STEPS
    assert len(records.of("step")) == STEPS


def test_a_late_nan_is_told_and_located(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some steps later than on the host, once the loss has been read."""
    copies = LateCopies(2)
    monkeypatch.setattr(recorder_module, "values_for", lambda _: DeviceValues(copies))
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = model(torch.randn(8, 4)).square().mean()
        (loss * (float("nan") if step == 3 else 1.0)).backward()
        optimizer.step()
        copies.now += 1
    recorder.stop("finished")
    told = [record["subject"] for record in records.of("event") if record["kind"] == "nonfinite"]
    assert "loss" in told
    assert "parameter" in told
    assert records.failures == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_no_step_waits_for_the_gpu() -> None:
    """Once the model is known, torch's own check finds no synchronization."""
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    data, labels = torch.randn(16, 4, device="cuda"), torch.zeros(16, dtype=torch.long, device="cuda")
    try:
        for step in range(30):
            torch.cuda.set_sync_debug_mode("error" if step > 2 else "default")
            optimizer.zero_grad()
            F.cross_entropy(model(data), labels).backward()
            optimizer.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
        recorder.stop("finished")
    assert records.failures == []
    assert all(isinstance(loss, float) for loss in records.column("loss"))
