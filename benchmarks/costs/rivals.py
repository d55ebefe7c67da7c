"""Other tools, each set up as documented; packages that are not installed are reported as missing."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from importlib import metadata
from typing import TYPE_CHECKING, Any

from interleave import Tool

if TYPE_CHECKING:
    import torch
    from nets import Training

# Steps between two TensorBoard histograms, which are not usually written at every step.
SELDOM = 100


class Rival(Tool):
    """A tool of another package."""

    package = ""
    module = ""

    def __init__(self) -> None:
        """Import the package; raises ImportError."""
        self._library: Any = importlib.import_module(self.module or self.package.replace("-", "_"))
        self.version = metadata.version(self.package)


class Wandb(Rival):
    """`wandb.watch` in an offline run, with its default of gradients every 1,000 steps, and a log of the loss."""

    name = "wandb.watch (offline)"
    package = "wandb"

    def attach(self, training: Training) -> None:
        """Start an offline run and watch."""
        os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
        self._folder = tempfile.TemporaryDirectory()
        self._run = self._library.init(project="overhead", dir=self._folder.name, mode="offline")
        self._library.watch(training.model, log="all")
        training.after.append(lambda loss, _: self._run.log({"loss": loss.item()}))

    def detach(self) -> None:
        """End the run."""
        self._run.finish()
        self._folder.cleanup()


class TensorBoard(Rival):
    """The loss at every step, and histograms of weights and gradients every hundredth."""

    name = f"TensorBoard, histograms every {SELDOM}"
    package = "tensorboard"

    def attach(self, training: Training) -> None:
        """Open a log."""
        from torch.utils.tensorboard import SummaryWriter

        self._folder = tempfile.TemporaryDirectory()
        self._writer = SummaryWriter(self._folder.name)
        self._model = training.model
        training.after.append(self._take)

    def _take(self, loss: torch.Tensor, step: int) -> None:
        self._writer.add_scalar("loss", loss.item(), step)
        if step % SELDOM:
            return
        for name, parameter in self._model.named_parameters():
            self._writer.add_histogram(name, parameter, step)
            if parameter.grad is not None:
                self._writer.add_histogram(f"{name}.grad", parameter.grad, step)

    def detach(self) -> None:
        """Close the log."""
        self._writer.close()
        self._folder.cleanup()


class ModuleMonitor(Rival):
    """The three metrics and the cadence of its readme."""

    name = "torch-module-monitor"
    package = "torch-module-monitor"

    def attach(self, training: Training) -> None:
        """Set up the monitor around the step, whose beginning and end it needs to know."""
        self._monitor = monitor = self._library.ModuleMonitor(monitor_step_fn=lambda step: step % 10 == 0)
        monitor.set_module(training.model)
        monitor.add_activation_metric("mean", lambda x: x.mean())
        monitor.add_parameter_metric("norm", lambda x: x.norm())
        monitor.add_gradient_metric("norm", lambda x: x.norm())
        monitor.begin_step(0)
        training.optimizer.register_step_pre_hook(self._measure)
        training.after.append(self._next)

    def _measure(self, *_: object) -> None:
        self._monitor.monitor_parameters()
        self._monitor.monitor_gradients()

    def _next(self, _: torch.Tensor, step: int) -> None:
        self._monitor.end_step()
        self._monitor.begin_step(step)


class TrainingDoctor(Rival):
    """The one line of its readme: step, loss and learning rate."""

    name = "training-doctor"
    package = "training-doctor"

    def attach(self, training: Training) -> None:
        """Add the line; what it prints goes nowhere."""
        self._doctor = self._library.Doctor()
        self._rates = training.optimizer.param_groups
        training.after.append(self._take)

    def _take(self, loss: torch.Tensor, step: int) -> None:
        self._doctor.log(step=step, loss=loss.item(), lr=self._rates[0]["lr"])


class TorchMortem(Rival):
    """`Autopsy` with its default sampling."""

    name = "torchmortem"
    package = "torchmortem"

    def attach(self, training: Training) -> None:
        """Open the context of its readme."""
        self._autopsy = self._library.Autopsy(training.model, optimizer=training.optimizer)
        self._autopsy.__enter__()
        training.after.append(lambda loss, _: self._autopsy.step(loss=loss.item()))

    def detach(self) -> None:
        """Leave the context."""
        self._autopsy.__exit__(None, None, None)


ALL: tuple[type[Rival], ...] = (Wandb, TensorBoard, ModuleMonitor, TrainingDoctor, TorchMortem)


def obtainable(folder: str | None) -> tuple[list[type[Rival]], list[str]]:
    """Return the rivals that can be imported, and a line on each that cannot; `folder` holds further packages."""
    if folder:
        sys.path.append(folder)  # after the installed packages: they must not replace torch or numpy
    found, missing = [], []
    for rival in ALL:
        try:
            rival()
            found.append(rival)
        except Exception as error:  # noqa: BLE001 - whatever it is, the table says so
            missing.append(f"{rival.package}: not obtainable here ({type(error).__name__}: {error})")
    return found, missing
