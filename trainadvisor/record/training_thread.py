"""The thread that trains: what other threads train at the same time is not recorded.

Gradients of a model may not be read while a backward in another thread writes them, which happens without the
interpreter's lock: the process would end by a segmentation fault.
"""

import sys
import threading
from collections.abc import Callable
from typing import Any

from trainadvisor import clocks

# Events that make a thread one that trains, and those that belong to the training of such a thread.
_TRAINING = frozenset({"forward_begins", "forward_ends", "backward_begins", "backward_ends", "grad"})
_OF_A_TRAINING = _TRAINING | {
    "made", "loss", "step_begins", "step_ends", "zero_grad", "clip_grad_norm_", "clip_grad_value_", "scheduler_step",
    "scale", "unscale", "scaler_step_begins", "scaler_step_ends", "scaler_update", "loader_iter", "batch_begins",
    "batch_ends", "sequence_layer", "eval_mode", "eval_dropout", "backward_fails",
}  # fmt: skip
# Seconds without an event after which a thread that has trained has given way to another one that trains.
_SILENT = 1.0


class _Besides(threading.local):
    """Whether a thread has called backward beside the one that trains."""

    trains = False


class TrainingThread:
    """Knows the thread that trains: the first that calls a model with gradients, until it ends or falls silent."""

    def __init__(self, has_trained: Callable[[], bool], last_event: Callable[[], float], *, any_training: bool) -> None:
        """Ask `has_trained` whether a backward was recorded, `last_event` for the time of the last event."""
        self.ident: int | None = None
        self._has_trained, self._last_event = has_trained, last_event
        # Whether a backward is of a recorded training also where no recorded model was called.
        self._any_training = any_training
        self._here = _Besides()

    def hears(self, name: str, args: tuple[Any, ...]) -> bool:
        """Return whether an event of the thread that runs now is recorded; the first to train becomes the one."""
        thread = threading.get_ident()
        if thread == self.ident:
            return True
        trains = name in _TRAINING and (not name.startswith("forward") or args[0].grad)
        if self.ident is None:
            self.ident = thread if trains and (self._any_training or name == "forward_begins") else None
            return True
        if name == "backward_begins":
            self._here.trains = True
        return not trains and not (self._here.trains and name in _OF_A_TRAINING)

    def is_another(self) -> bool:
        """Return whether the thread that runs now trains something of its own besides."""
        return self._here.trains

    def takes_over(self) -> bool:
        """Return whether another thread, which calls a model with gradients, becomes the one that trains."""
        thread = threading.get_ident()
        if self.ident in {None, thread} or not self._is_free():
            return False
        self.ident, self._here.trains = thread, False
        return True

    def _is_free(self) -> bool:
        if self.ident not in sys._current_frames():
            return True
        silent = not self._has_trained() or clocks.perf_counter() - self._last_event() > _SILENT
        return self._here.trains and silent
