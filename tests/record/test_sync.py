"""Nothing of ours asks a device for a value: counted on the CPU, with reading replaced by copies that arrive late."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder
from torch import nn

from trainadvisor.record import recording as recorder_module
from trainadvisor.record.device_readback import DeviceValues, HostValues
from trainadvisor.record.losses import loss_arguments

ASKING = ("item", "tolist", "cpu", "numpy", "nonzero", "__bool__", "__float__", "__int__", "__index__")
FIRST = 3
"""Steps in which models and parameters are described, once."""


class Copies:
    """Stands for a device: what is copied has arrived at the next look; only such copies may be read."""

    def __init__(self) -> None:
        self.there: dict[int, torch.Tensor] = {}

    def __call__(self, tensor: torch.Tensor) -> tuple[torch.Tensor, Any, Any]:
        copy = tensor.clone()
        self.there[id(copy)] = copy
        return copy, lambda: True, lambda: None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], Copies]:
    """Count the calls that would wait for a device, except on copies that have arrived."""
    counts: Counter[str] = Counter()
    copies = Copies()

    def counting(name: str) -> Any:
        original = getattr(torch.Tensor, name)

        def call(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            counts[name] += id(self) not in copies.there
            return original(self, *args, **kwargs)

        return call

    for name in ASKING:
        monkeypatch.setattr(torch.Tensor, name, counting(name))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: counts.update(["synchronize"]))
    return counts, copies


def _asked_by_step(counts: Counter[str], steps: int) -> list[dict[str, int]]:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    found = []
    for step in range(steps):
        before = Counter(counts)
        data = torch.randn(8, 4)
        optimizer.zero_grad()
        F.cross_entropy(model(data), torch.zeros(8, dtype=torch.long)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 10 == 5:
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(data), torch.zeros(8, dtype=torch.long))
            model.train()
        found.append(dict(counts - before))
    return found


@pytest.mark.parametrize("every", [1, 10])
def test_no_step_asks_the_device(
    asked: tuple[Counter[str], Copies], monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Neither sampled steps nor the others, nor evaluations; reading on the host would be seen."""
    counts, copies = asked
    monkeypatch.setattr(loss_arguments, "_FEW", 0)  # labels on the host are read there
    monkeypatch.setattr(recorder_module, "values_for", lambda _: DeviceValues(copies))
    records = Records()
    recorder = make_recorder(records, every=every)
    recorder.start()
    found = _asked_by_step(counts, 40)
    recorder.stop("finished")
    assert records.failures == []
    assert len(records.of("layers")) >= 40 // every
    assert found[FIRST:] == [{}] * (40 - FIRST)
    assert all(isinstance(loss, float) for loss in records.column("loss"))


def test_the_count_sees_what_the_host_reads(
    asked: tuple[Counter[str], Copies], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the CPU a number is read at once, which the count of the test before would have shown."""
    monkeypatch.setattr(recorder_module, "values_for", lambda _: HostValues())
    recorder = make_recorder(Records())
    recorder.start()
    found = _asked_by_step(asked[0], 5)
    recorder.stop("finished")
    assert all(step.get("item", 0) + step.get("tolist", 0) >= 2 for step in found)
