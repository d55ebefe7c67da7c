"""Nothing of ours reaches the training: a probe that raises is reported once, switched off, and changes no bit."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder
from torch import nn

from trainadvisor.instrument.guard import Guard
from trainadvisor.record import device_readback, record_queue, recorder, sampling
from trainadvisor.record.objects import registry
from trainadvisor.record.recorder import Recorder
from trainadvisor.record.step_boundaries import StepBoundaries

STEPS = 6


def _train() -> tuple[list[float], list[torch.Tensor]]:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    losses = []
    for _ in range(STEPS):
        x = torch.randn(16, 4)
        optimizer.zero_grad()
        loss = F.cross_entropy(model.train()(x), x[:, :3].argmax(1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        with torch.no_grad():
            losses.append(F.cross_entropy(model.eval()(x), x[:, :3].argmax(1)).item())
    return losses, [parameter.detach().clone() for parameter in model.parameters()]


@functools.cache
def _unrecorded() -> tuple[list[float], list[torch.Tensor]]:
    return _train()


def _recorded() -> tuple[tuple[list[float], list[torch.Tensor]], Records]:
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    try:
        found = _train()
    finally:
        recorder.stop("finished")
    return found, records


def _handlers() -> list[str]:
    """Return the names of handlers that belong to no probe; those of probes are tried in tests/faults."""
    named = Recorder([], discover=True).handlers.named
    return sorted(name for name, handler in named.items() if ".probes." not in type(handler.__self__).__module__)


def _fail(*_: object, **__: object) -> Any:
    message = "sabotage"
    raise ValueError(message)


@pytest.mark.parametrize("name", _handlers())
def test_a_handler_that_raises_changes_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one in turn; it is named in the log if it was called at all."""
    plain = _unrecorded()
    handler = Recorder([], discover=True).handlers.named[name]
    monkeypatch.setattr(type(handler.__self__), name.split(".")[1], _fail)
    found, records = _recorded()
    assert found[0] == plain[0]
    assert all(torch.equal(one, other) for one, other in zip(found[1], plain[1], strict=True))
    assert {failure["probe"] for failure in records.failures} <= {name, "recorder"}
    assert all("sabotage" in f["error"] for f in records.failures if f["probe"] == name)
    assert sum(failure["probe"] == name for failure in records.failures) <= 1
    assert records[-1]["record"] == "end"


INNER = [
    (Recorder, "close_step"),
    (Recorder, "_model_for"),
    (Recorder, "close_before"),
    (StepBoundaries, "look_for_implicit_step"),
    (recorder, "layer_records"),
    (Recorder, "drain"),
    (registry.ObjectRegistry, "add_model"),
    (registry.ObjectRegistry, "add_optimizer"),
    (registry.ObjectRegistry, "trained_by"),
    (registry.ObjectRegistry, "model_of"),
    (record_queue.RecordQueue, "put"),
    (record_queue.RecordQueue, "_emit"),
    (device_readback.HostValues, "read"),
    (sampling.Tier, "due"),
    (sampling.Tier, "charge"),
]


@pytest.mark.parametrize(("owner", "method"), INNER, ids=lambda part: getattr(part, "__name__", part))
def test_what_all_probes_share_may_raise_too(owner: type, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training goes on as without."""
    plain = _unrecorded()
    monkeypatch.setattr(owner, method, _fail)
    found, _ = _recorded()
    assert found[0] == plain[0]
    assert all(torch.equal(one, other) for one, other in zip(found[1], plain[1], strict=True))


def test_a_subscriber_that_raises_does_not_silence_the_others() -> None:
    """It is switched off alone."""
    records, calls = Records(), []

    class Broken:
        def __call__(self, record: dict[str, Any]) -> None:
            calls.append(record)
            _fail()

    recorder = Recorder([Broken(), records.append], discover=True)
    recorder.start()
    _train()
    recorder.stop("finished")
    assert len(calls) == 3
    assert len(records.of("step")) == STEPS
    assert [failure["error"] for failure in records.failures] == ["ValueError: sabotage"]


def test_three_errors_switch_a_probe_off() -> None:
    """It is reported at the first, and called no more after the third."""
    reports, calls = [], []
    guard = Guard(lambda name, error: reports.append((name, error)))

    def probe() -> None:
        calls.append(1)
        _fail()

    assert [guard("probe", probe) for _ in range(5)] == [None] * 5
    assert (reports, len(calls)) == ([("probe", "ValueError: sabotage")], 3)
    assert guard("another", lambda: 7) == 7


def test_an_interrupt_is_the_users() -> None:
    """Ctrl-C while a probe runs reaches the script, and the recorder goes on afterwards."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guard(lambda *_: None)("probe", interrupt)
