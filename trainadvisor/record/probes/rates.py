"""Probe: the learning rate of every step."""

from typing import TYPE_CHECKING

import torch

from trainadvisor.record.facts import plain

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


class RateProbe:
    """Reads the learning rates that a step uses, before a scheduler changes them."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder

    def on_step_begins(self, optimizer: torch.optim.Optimizer) -> None:
        """Add the rate of each group; a rate kept on a GPU is left out, because reading it would wait."""
        rates = [plain(group.get("lr")) for group in optimizer.param_groups]
        self._recorder.iteration.fields.setdefault("lr", []).extend(rates)
