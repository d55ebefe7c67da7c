"""Counts the bytecode instructions that recording adds to a plain step: the same number on a busy machine.

python benchmarks/instructions.py [--steps 100] [--most 25] [--loop plain] [--package DIR]
A row is a function of ours with its instructions and calls a step, the costliest first. C functions, such as those of
torch and of the encoder, count as the one instruction that calls them. No step of those counted is sampled.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

HERE = Path(__file__).resolve().parent
# Steps before the counted ones, after which the probes rest.
_BEFORE = 1500


class Counts:
    """The instructions and calls of our functions, by name."""

    def __init__(self) -> None:
        self.instructions: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    def enter(self, frame: FrameType, _: str, __: object) -> Any:
        """Follow a frame of ours; others are not."""
        if not _is_ours(frame):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.calls[frame.f_code.co_qualname] += 1
        return self._follow

    def _follow(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "opcode":
            self.instructions[frame.f_code.co_qualname] += 1
        return self._follow


def _is_ours(frame: FrameType) -> bool:
    """Return whether a frame is ours: of our files, a class of ours that is made, or what stands for torch's call."""
    code, before = frame.f_code, frame.f_back
    made = code.co_filename == "<string>" and before is not None and "trainadvisor" in before.f_code.co_filename
    return made or "trainadvisor" in code.co_filename or code is nn.Module.__call__.__code__


class Training:
    """A small model with its optimizer and data."""

    def __init__(self) -> None:
        self.model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 10))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.99999)
        self.scaler = torch.amp.GradScaler("cpu")
        self.inputs, self.labels = torch.randn(64, 20), torch.randint(0, 10, (64,))

    def loss(self) -> torch.Tensor:
        """Return the loss of the batch."""
        return F.cross_entropy(self.model(self.inputs), self.labels)


def _plain(training: Training, steps: int) -> None:
    for _ in range(steps):
        training.optimizer.zero_grad()
        training.loss().backward()
        training.optimizer.step()


def _fresh(training: Training, steps: int) -> None:
    """Take each batch anew, a loss that is a module, and clear the gradients at the end."""
    loss, many = nn.CrossEntropyLoss(), torch.arange(64)
    for _ in range(steps):
        loss(training.model(training.inputs[many]), training.labels[many]).backward()
        training.optimizer.step()
        training.optimizer.zero_grad()


def _loader(training: Training, steps: int) -> None:
    data = TensorDataset(torch.randn(64 * steps, 20), torch.randint(0, 10, (64 * steps,)))
    for inputs, labels in DataLoader(data, 64):
        training.optimizer.zero_grad()
        F.cross_entropy(training.model(inputs), labels).backward()
        training.optimizer.step()


def _clipped(training: Training, steps: int) -> None:
    for _ in range(steps):
        training.optimizer.zero_grad()
        training.loss().backward()
        nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
        training.optimizer.step()


def _scheduled(training: Training, steps: int) -> None:
    for _ in range(steps):
        training.optimizer.zero_grad()
        training.loss().backward()
        training.optimizer.step()
        training.schedule.step()


def _accumulated(training: Training, steps: int) -> None:
    for _ in range(steps):
        for _ in range(2):
            (training.loss() / 2).backward()
        training.optimizer.step()
        training.optimizer.zero_grad()


def _scaled(training: Training, steps: int) -> None:
    for _ in range(steps):
        training.optimizer.zero_grad()
        training.scaler.scale(training.loss()).backward()
        training.scaler.step(training.optimizer)
        training.scaler.update()


def _closed(training: Training, steps: int) -> None:
    """Let all of a step be a closure of the optimizer's, as Lightning does."""

    def closure() -> torch.Tensor:
        loss = training.loss()
        training.optimizer.zero_grad()
        loss.backward()
        return loss

    for _ in range(steps):
        training.optimizer.step(closure)


LOOPS: dict[str, Callable[[Training, int], None]] = {
    "plain": _plain, "fresh": _fresh, "loader": _loader, "clipped": _clipped, "scheduled": _scheduled,
    "accumulated": _accumulated, "scaled": _scaled, "closed": _closed,
}  # fmt: skip


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--loop", choices=sorted(LOOPS), default="plain", help="what a step consists of")
    parser.add_argument("--most", type=int, default=25, help="functions that are shown")
    parser.add_argument("--package", default=str(HERE.parent), help="folder of the package, as another checkout")
    given = parser.parse_args()
    sys.path.insert(0, given.package)
    import trainadvisor
    from trainadvisor.record.sampling import Tier

    training = Training()
    train: Callable[[int], None] = partial(LOOPS[given.loop], training)
    model, optimizer = training.model, training.optimizer
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        watcher = trainadvisor.watch(model, optimizer, log=Path(folder) / "log.json")
        train(_BEFORE)
        with patch.object(Tier, "_gap", lambda *_: math.inf):  # all steps are plain, whatever the clock says
            train(2)
            watcher.flush()
            sys.settrace(counts.enter)
            train(given.steps)
            watcher.flush()  # so many records as steps, whenever they are handed over
            sys.settrace(None)
        watcher.close()
    for name, number in counts.instructions.most_common(given.most):
        print(f"{number / given.steps:8.1f} instructions {counts.calls[name] / given.steps:6.2f} calls  {name}")
    total, calls = counts.instructions.total() / given.steps, counts.calls.total() / given.steps
    print(f"{total:8.1f} instructions {calls:6.2f} calls  all")


if __name__ == "__main__":
    main()
