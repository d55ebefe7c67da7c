"""Probes that rest: the records of any training are the same as when every probe sees every event."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Record, Records, make_recorder
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.plain_steps import PlainSteps
from trainadvisor.record.probes.functional_dropout import EvalDropoutProbe
from trainadvisor.record.sampling import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS = 150
# What differs from run to run of the same training.
_CLOCKED = {"seconds", "wait", "memory", "memory_peak", "time", "python", "pid", "command"}


class _Named(nn.Module):
    """A model with inputs by name, which gives a dictionary, and may compute its loss itself."""

    def __init__(self, *, own_loss: bool) -> None:
        super().__init__()
        self.body, self.head, self._own = nn.Linear(6, 12), nn.Linear(12, 3), own_loss

    def forward(self, batch: dict[str, torch.Tensor], labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        scores = self.head(torch.tanh(self.body(batch["x"])))
        if self._own and labels is not None:
            return {"scores": scores, "loss": F.cross_entropy(scores, labels)}
        return {"scores": scores}


class _Loop:
    """A training whose habits are drawn by chance."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - no secrets
        torch.manual_seed(seed)
        self.named = self._one_in(3)
        self.own_loss = self.named and self._one_in(2)
        self.models: list[nn.Module] = [self._model() for _ in range(2 if self._one_in(4) else 1)]
        together = self._one_in(2)
        groups = (
            [[p for m in self.models for p in m.parameters()]] if together else [m.parameters() for m in self.models]
        )
        kind = self.draw.choice([torch.optim.SGD, torch.optim.Adam])
        self.optimizers = [kind(group, lr=0.01) for group in groups]
        self.schedules = [torch.optim.lr_scheduler.ExponentialLR(o, 0.999) for o in self.optimizers if self._one_in(3)]
        self.scaler = torch.amp.GradScaler("cpu") if self._one_in(4) else None
        self.accumulated = self.draw.choice([1, 1, 1, 3])
        self.clips, self.evaluates = self._one_in(3), self._one_in(2)
        self.odd = self.draw.choice(["", "nan", "jump", "no zero", "late zero", "stray", "save", "fresh", "late clip"])
        self.loader = self._one_in(2)
        self.reduction = self.draw.choice(["mean", "mean", "sum"])

    def _one_in(self, count: int) -> bool:
        return self.draw.randrange(count) == 0

    def _model(self) -> nn.Module:
        if self.named:
            return _Named(own_loss=self.own_loss)
        middle = [nn.Dropout(0.1), nn.BatchNorm1d(12), nn.ReLU()][: self.draw.randrange(4)]
        return nn.Sequential(nn.Linear(6, 12), *middle, nn.Linear(12, 3))

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        x, y = torch.randn(96, 6), torch.randint(0, 3, (96,))
        if self.loader:
            yield from (tuple(batch) for batch in DataLoader(TensorDataset(x, y), 32, shuffle=True))
        else:
            yield from ((x[i : i + 32], y[i : i + 32]) for i in range(0, 96, 32))

    def _loss(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.own_loss:
            return model({"x": x}, labels=y)["loss"]
        scores = model({"x": x})["scores"] if self.named else model(x)
        return F.cross_entropy(scores, y, reduction=self.reduction)

    def run(self) -> list[torch.Tensor]:
        """Train, and return the weights."""
        step = 0
        while step < _STEPS:
            for x, y in self._batches():
                self._step(step, x, y)
                step += 1
            if self.evaluates:
                self._evaluate()
        return [p.detach().clone() for m in self.models for p in m.parameters()]

    def _step(self, step: int, x: torch.Tensor, y: torch.Tensor) -> None:
        odd = self.odd if step in (70, 71, 110) else ""
        if odd == "nan":
            x = x.clone().fill_(math.nan)
        first = step % self.accumulated == 0
        if first and odd != "no zero":
            for optimizer in self.optimizers:
                optimizer.zero_grad()
        for model in self.models:
            loss = self._loss(model, x * (100 if odd == "jump" else 1), y) / self.accumulated
            (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        if odd == "stray":
            self._loss(self.models[0], x, y).backward()
        if odd == "late zero":
            self.optimizers[0].zero_grad()
        if (step + 1) % self.accumulated == 0:
            self._take_step(odd)
        if odd == "save":
            self.models[0].load_state_dict(self.models[0].state_dict())
        if odd == "fresh":
            self.optimizers[0] = torch.optim.SGD(self.models[0].parameters(), lr=0.01)

    def _take_step(self, odd: str) -> None:
        for optimizer in self.optimizers:
            if self.scaler is not None:
                self.scaler.unscale_(optimizer)
            if self.clips:
                nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 1.0)
            if self.scaler is None:
                optimizer.step()
            else:
                self.scaler.step(optimizer)
            if odd == "late clip":
                nn.utils.clip_grad_norm_(self.models[0].parameters(), 1.0)
        if self.scaler is not None:
            self.scaler.update()
        for schedule in self.schedules:
            schedule.step()

    def _evaluate(self) -> None:
        model = self.models[0].eval()
        with torch.no_grad():
            for x, y in self._batches():
                self._loss(model, x, y)
        model.train()


def _recorded(seed: int, *, watch: bool) -> tuple[list[torch.Tensor], Records]:
    loop, records = _Loop(seed), Records()
    recorder = make_recorder(records, every=10, discover=not watch)
    if watch:
        for model in loop.models:
            recorder.objects.add_model(model).trained = True
        for optimizer in loop.optimizers:
            recorder.expect_optimizer(optimizer, None)
    recorder.start()
    try:
        weights = loop.run()
    finally:
        recorder.stop("finished")
    return weights, records


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _CLOCKED}
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def _comparable(records: Records) -> list[Record]:
    return [_timeless(r) for r in records if r.get("kind") != "overhead" and r["record"] != "header"]


@pytest.mark.parametrize("way", ["run", "watch"])
@pytest.mark.parametrize("seed", range(8))
def test_records_are_those_of_probes_that_never_rest(seed: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Field by field, in order; and the weights are those of a training that nobody records."""
    weights, records = _recorded(seed, watch=way == "watch")
    with monkeypatch.context() as patch:
        patch.setattr(PlainSteps, "covers", lambda *_: False)
        _, whole = _recorded(seed, watch=way == "watch")
    assert not records.failures
    assert _comparable(records) == _comparable(whole)
    bare = _Loop(seed).run()
    assert all(map(torch.equal, weights, bare)) or any(w.isnan().any() for w in weights)


def test_a_probe_that_has_seen_enough_is_left_alone_until_something_else_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Plain steps do not call it any more; a forward of an evaluation does."""
    seen: list[int] = []
    original = EvalDropoutProbe.on_forward_begins

    def noted(probe: EvalDropoutProbe, call: Any) -> None:
        seen.append(probe._context.step_number)
        original(probe, call)

    monkeypatch.setattr(EvalDropoutProbe, "on_forward_begins", unless_resting(noted))
    monkeypatch.setattr(Tier, "due", lambda _, step, __: step < 3)
    model = nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    recorder = make_recorder([], every=1000)
    recorder.start()
    for step in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(4, 6)), torch.randint(0, 3, (4,))).backward()
        optimizer.step()
        if step == 50:
            with torch.no_grad():
                model(torch.randn(4, 6))
    recorder.stop("finished")
    assert [step for step in seen if step >= 40] == [51]  # step 50 is over by then
