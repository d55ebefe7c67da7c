"""The tools that are timed: the recorder, the hook that everyone writes first, and other packages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from interleave import Tool

import trainadvisor

if TYPE_CHECKING:
    import torch
    from nets import Training
    from torch import nn

    from trainadvisor.record.recorder import Recorder


class Advisor(Tool):
    """The recorder with its default settings, in an existing loop (`watch`)."""

    name = "trainadvisor.watch"
    version = trainadvisor.__version__

    def attach(self, training: Training) -> None:
        """Watch, and pause at once."""
        self._folder = tempfile.TemporaryDirectory()
        self._recorder = self._start(training)
        self._recorder.pause()

    def _start(self, training: Training) -> Recorder:
        self._watcher = trainadvisor.watch(training.model, training.optimizer, log=Path(self._folder.name) / "log.json")
        return self._watcher._recorder  # noqa: SLF001 - only a benchmark stops and goes on

    def on(self) -> None:
        """Go on."""
        self._recorder.resume()

    def off(self) -> None:
        """Pause."""
        self._recorder.pause()

    def detach(self) -> None:
        """Close the log."""
        self._recorder.resume()
        self._watcher.close()
        self._folder.cleanup()


class ZeroCode(Advisor):
    """The recorder as used by `trainadvisor run`, which finds model and optimizer by itself."""

    name = "trainadvisor run"

    def _start(self, _: Training) -> Recorder:
        from trainadvisor.log.writer import LogWriter
        from trainadvisor.record.recorder import Recorder

        self._writer = LogWriter(Path(self._folder.name) / "log.json")
        recorder = Recorder([self._writer], discover=True)
        recorder.start()
        return recorder

    def detach(self) -> None:
        """Close the log."""
        self._recorder.resume()
        self._recorder.stop("finished")
        self._writer.close()
        self._folder.cleanup()


class Items(Tool):
    """The hook that everyone writes first: mean and standard deviation of each output, as numbers, at every step."""

    name = "hook with .item()"

    def attach(self, training: Training) -> None:
        """Put a hook on every leaf."""
        self.seen: list[float] = []
        leaves = [module for module in training.model.modules() if not module._modules]  # noqa: SLF001
        self._handles = [leaf.register_forward_hook(self._take) for leaf in leaves]

    def _take(self, _: nn.Module, __: object, output: torch.Tensor) -> None:
        self.seen += [output.mean().item(), output.std().item()]

    def detach(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
