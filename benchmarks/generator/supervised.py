"""The ordinary training loop with its options and possible faults."""

from __future__ import annotations

import tempfile
import time
from typing import Any

import models
import numpy as np
import optim
import tasks
import torch
from faults import Fault, _new_head
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset, TensorDataset

Spec = dict[str, Any]


class Pictures(Dataset):
    """A dataset with work in its `__getitem__`: shifts as augmentation, or slow reading."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor, *, augment: bool, delay: float) -> None:
        self.x, self.y, self.augment, self.delay = x, y, augment, delay

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.x[i]
        if self.delay:
            time.sleep(self.delay)
        if self.augment and x.dim() == 3:
            x = torch.roll(x, tuple(torch.randint(-1, 2, (2,)).tolist()), (1, 2))
        elif self.augment and x.is_floating_point():
            x = x + 0.05 * torch.randn_like(x)
        return x, self.y[i]


def loaders(spec: Spec, task: tasks.Task, fault: Fault) -> tuple[DataLoader, DataLoader]:
    """Return the loaders of training and validation."""
    delay = fault.grade / spec["batch"] if fault == "slow_loader" else 0.0
    train: Dataset = TensorDataset(task.x, task.y)
    if spec.get("augment") or delay:
        train = Pictures(task.x, task.y, augment=spec.get("augment", False), delay=delay)
    shuffle = fault != "sorted_data"
    drop = len(task.x) > 2 * spec["batch"]
    return (
        DataLoader(train, batch_size=spec["batch"], shuffle=shuffle, drop_last=drop),
        DataLoader(TensorDataset(task.x_val, task.y_val), batch_size=min(len(task.x_val), 256)),
    )


def validate(model: nn.Module, loader: DataLoader, criterion: Any, fault: Fault) -> tuple[float, np.ndarray]:
    """Return the mean loss and the outputs on the validation set."""
    if fault != "train_mode_in_eval":
        model.eval()
    total, outputs = 0.0, []
    with torch.no_grad():
        for xb, yb in loader:
            out = model(xb)
            total += criterion(out, yb).item() * len(xb)
            outputs.append(out.numpy())
    return total / len(loader.dataset), np.concatenate(outputs)


class Training:
    """One supervised training."""

    def __init__(self, spec: Spec) -> None:
        self.spec, self.fault = spec, Fault(spec)
        self.task = self.fault.data(tasks.build(spec))
        self.model = self.fault.model(models.build(spec, self.task))
        if spec.get("pretrain"):
            self._pretrain(spec["pretrain"])
        self.train_loader, self.val_loader = loaders(spec, self.task, self.fault)
        self.epochs = max(round(spec["steps"] / len(self.train_loader)), 1)
        self.criterion = self.fault.criterion(optim.criterion(spec, self.task.kind))
        self.optimizer = optim.optimizer(spec, self._parameters())
        if self.fault == "head_replaced":
            _new_head(self.model, None)
        every = len(self.train_loader) // spec["accumulate"]
        self.scheduler, self.when = optim.scheduler(spec, self.optimizer, self.epochs, max(every, 1))
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(0.98)) if spec.get("ema") else None
        self.kept: list[torch.Tensor] = []
        self.steps = 0

    def _parameters(self) -> Any:
        if self.fault == "missing_parameters":
            return list(self.model.parameters())[self.fault.grade :]
        if self.spec.get("frozen"):
            return [p for p in self.model.parameters() if p.requires_grad]
        return self.model.parameters()

    def _pretrain(self, steps: int) -> None:
        """Learn a first task, then freeze all but the head, or continue with everything."""
        first = torch.optim.Adam(self.model.parameters(), lr=2e-3)
        loss = optim.criterion(self.spec, self.task.kind)
        for _ in range(steps):
            i = torch.randint(0, len(self.task.x), (32,))
            first.zero_grad()
            loss(self.model(self.task.x[i].flip(-1)), self.task.y[i]).backward()
            first.step()
        if self.spec.get("frozen"):
            for p in list(self.model.parameters())[:-2]:
                p.requires_grad = False

    def run(self) -> dict[str, Any]:
        """Train, validate, return what came out."""
        history = []
        for epoch in range(self.epochs):
            if self.fault not in ("eval_mode", "eval_after_validation") or (
                self.fault == "eval_after_validation" and epoch == 0
            ):
                self.model.train()
            if self.fault == "eval_mode":
                self.model.eval()
            train_loss = self.epoch()
            if self._validates(epoch):
                loss, outputs = self._validate()
                history.append(loss)
                if self.spec.get("verbose", True):
                    print(f"epoch {epoch} train {train_loss:.4f} val {loss:.4f}")
            if self.when == "epoch":
                self.scheduler.step()
            elif self.when == "plateau":
                self.scheduler.step(loss if history else train_loss)
        return {"train_loss": train_loss, "history": history, "outputs": outputs, "targets": self.task.y_val.numpy()}

    def _validates(self, epoch: int) -> bool:
        return epoch + 1 == self.epochs or (epoch + 1) % max(self.epochs // self.spec["evaluations"], 1) == 0

    def _validate(self) -> tuple[float, np.ndarray]:
        return validate(self.average or self.model, self.val_loader, self.criterion, self.fault)

    def epoch(self) -> float:
        """Run one epoch over the training set."""
        total, spec, fault = 0.0, self.spec, self.fault
        for i, (xb, yb) in enumerate(self.train_loader):
            if spec["zero"] == "before" and i % spec["accumulate"] == 0 and fault != "missing_zero_grad":
                self.optimizer.zero_grad()
            loss = self.loss(xb, yb)
            if fault != "missing_backward":
                loss.backward()
            if fault == "zero_after_backward":
                self.optimizer.zero_grad()
            if (i + 1) % spec["accumulate"] == 0:
                self.step()
                if spec["zero"] == "after" and fault != "missing_zero_grad":
                    self.optimizer.zero_grad()
            total += loss.item() * (1 if fault == "accumulation_sum" else spec["accumulate"])
            if fault == "memory_growth":
                self.kept.append(loss + 0 * torch.zeros(int(fault.grade * 250_000)).sum())
                self.kept.append(torch.ones(int(fault.grade * 250_000)))
            self._checkpoint()
        return total / len(self.train_loader)

    def loss(self, xb: torch.Tensor, yb: torch.Tensor) -> torch.Tensor:
        """Return the loss of one batch."""
        if self.fault == "half_precision":
            with torch.autocast("cpu", dtype=torch.float16):
                out = self.model(xb * self.fault.grade)
            return self.criterion(out.float(), yb)
        loss = self.criterion(self.model(xb), yb)
        return loss if self.fault == "accumulation_sum" else loss / self.spec["accumulate"]

    def step(self) -> None:
        """Clip, update, move the schedule."""
        if self.spec.get("clip"):
            nn.utils.clip_grad_norm_(self.model.parameters(), self.spec["clip"])
        if self.fault != "missing_step":
            self.optimizer.step()
        if self.when == "batch":
            self.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        self.steps += 1

    def _checkpoint(self) -> None:
        if self.fault == "checkpoint_stall" and self.steps % 15 == 14:
            with tempfile.TemporaryFile() as file:
                torch.save(
                    {"model": self.model.state_dict(), "cache": torch.randn(int(self.fault.grade * 250_000))}, file
                )
