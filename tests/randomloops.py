"""Trainings whose habits are drawn by chance, to be recorded in two ways that have to agree."""

from __future__ import annotations

import contextlib
import functools
import math
import random
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from recordkit import Record, Records, make_recorder
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS = 150
# What differs from run to run of the same training.
_CLOCKED = {"seconds", "wait", "memory", "memory_peak", "time", "python", "pid", "command"}


# What happens in few steps of a training.
_ODD = ["", "nan", "jump", "no zero", "late zero", "stray", "save", "fresh", "late clip", "peek", "raise", "rate",
        "eval mode", "closure", "no loss", "twice", "shape", "module zero", "frozen"]  # fmt: skip


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


class _ByKeyword(nn.Sequential):
    """A model that is called with its input by name."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(features)


class Loop:
    """A training whose habits are drawn by chance."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - no secrets
        torch.manual_seed(seed)
        self.named, self.keyword = self._one_in(3), self._one_in(3)
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
        self.odd = self.draw.choice(_ODD)
        self.class_loss, self.ends_clear = self._one_in(2), self._one_in(4)
        self.scaled = self._one_in(5)
        self.loader = self._one_in(2)
        self.reduction = self.draw.choice(["mean", "mean", "sum"])
        one = len(self.optimizers) == 1 and self.scaler is None and self.accumulated == 1
        # The ways of Hugging Face (the model clears) and of Lightning (all of a step is a closure).
        self.model_clears, self.closes = self._one_in(3), one and self._one_in(3)

    def _one_in(self, count: int) -> bool:
        return self.draw.randrange(count) == 0

    def _model(self) -> nn.Module:
        if self.named:
            return _Named(own_loss=self.own_loss)
        middle = [nn.Dropout(0.1), nn.BatchNorm1d(12), nn.ReLU()][: self.draw.randrange(4)]
        kind = _ByKeyword if self.keyword else nn.Sequential
        return kind(nn.Linear(6, 12), *middle, nn.Linear(12, 3))

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        x, y = torch.randn(96, 6), torch.randint(0, 3, (96,))
        if self.loader:
            yield from (tuple(batch) for batch in DataLoader(TensorDataset(x, y), 32, shuffle=True))
        else:
            yield from ((x[i : i + 32], y[i : i + 32]) for i in range(0, 96, 32))

    def _loss(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.own_loss:
            return model({"x": x}, labels=y)["loss"]
        scores = model({"x": x})["scores"] if self.named else model(features=x) if self.keyword else model(x)
        if self.class_loss:
            return nn.CrossEntropyLoss(reduction=self.reduction)(scores, y)
        return F.cross_entropy(scores, y, reduction=self.reduction)

    def run(self, steps: int = _STEPS) -> list[torch.Tensor]:
        """Train, and return the weights."""
        step = 0
        while step < steps * self.accumulated:
            for x, y in self._batches():
                self._step(step, x, y)
                step += 1
            if self.evaluates:
                self._evaluate()
        return [p.detach().clone() for m in self.models for p in m.parameters()]

    def _step(self, step: int, x: torch.Tensor, y: torch.Tensor) -> None:
        number, micro = divmod(step, self.accumulated)
        odd = self.odd if number in (70, 71, 110, 141) and micro == self.accumulated // 2 else ""
        if odd == "nan":
            x = x.clone().fill_(math.nan)
        if odd == "shape":
            x, y = x[:7], y[:7]
        if self.closes and not odd:
            self.optimizers[0].step(lambda: self._closure(x, y))
            for schedule in self.schedules:
                schedule.step()
            return
        first = step % self.accumulated == 0
        if first and odd != "no zero" and not (self.ends_clear and step):
            self._clear(odd)
        for model in self.models:
            self._train_on(model, x * (100 if odd == "jump" else 1), y)
        self._before_step(odd, x, y)
        if (step + 1) % self.accumulated == 0:
            self._take_step(odd)
            if self.ends_clear:
                self._clear(odd)
        self._after_step(odd)

    def _closure(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        losses = [self._loss(model, x, y) for model in self.models]
        self._clear("")
        torch.stack(losses).sum().backward() if len(losses) > 1 else losses[0].backward()
        return losses[0]

    def _clear(self, odd: str) -> None:
        for owner in self.models if self.model_clears else self.optimizers:
            owner.zero_grad()
        if odd == "module zero":
            self.models[0].zero_grad()

    def _train_on(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> None:
        loss = self._loss(model, x, y)
        if self.accumulated > 1 or self.scaled:
            loss = loss / self.accumulated * (2 if self.scaled else 1)
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def _before_step(self, odd: str, x: torch.Tensor, y: torch.Tensor) -> None:
        model = self.models[0]
        if odd == "stray":
            self._loss(model, x, y).backward()
        if odd == "late zero":
            self.optimizers[0].zero_grad()
        if odd in {"no loss", "eval mode"}:
            model.train(odd == "no loss")
            self._loss(model, x, y)
            model.train()
        if odd == "peek":
            with torch.no_grad():
                self._loss(model, x, y)
        if odd == "raise":
            with contextlib.suppress(RuntimeError):
                self._loss(model, x[:, :4], y)
        if odd == "frozen":
            next(model.parameters()).requires_grad_(False)  # noqa: FBT003 - torch's own way

    def _after_step(self, odd: str) -> None:
        if odd == "save":
            self.models[0].load_state_dict(self.models[0].state_dict())
        if odd == "fresh":
            self.optimizers[0] = torch.optim.SGD(self.models[0].parameters(), lr=0.01)
        if odd == "rate":
            self.optimizers[0].param_groups[0]["lr"] *= 0.5
        if odd == "twice":
            self.optimizers[0].step()

    def _take_step(self, odd: str) -> None:
        for optimizer in self.optimizers:
            if self.scaler is not None:
                self.scaler.unscale_(optimizer)
            if self.clips:
                nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 1.0)
            if self.scaler is None:
                optimizer.step((lambda: torch.zeros(())) if odd == "closure" else None)
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


def recorded(seed: int, *, watch: bool, steps: int = _STEPS) -> tuple[list[torch.Tensor], Records]:
    """Return the weights after the training of a seed, and its records."""
    loop, records = Loop(seed), Records()
    recorder = make_recorder(records, every=10, discover=not watch)
    if watch:
        for model in loop.models:
            recorder.objects.add_model(model).trained = True
        for optimizer in loop.optimizers:
            recorder.expect_optimizer(optimizer, None)
    recorder.start()
    try:
        weights = loop.run(steps)
    finally:
        recorder.stop("finished")
    return weights, records


@functools.cache
def unrecorded(seed: int, steps: int = _STEPS) -> list[torch.Tensor]:
    """Return the weights after the training of a seed that nobody records."""
    return Loop(seed).run(steps)


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _CLOCKED}
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def comparable(records: Records) -> list[Record]:
    """Return what has to be the same in every recording of a training."""
    return [_timeless(r) for r in records if r.get("kind") != "overhead" and r["record"] != "header"]
