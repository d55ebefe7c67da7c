"""When shortcuts are taken: at plain events for which they know all that the handlers of the probes still do."""

import math
from collections.abc import Mapping
from typing import Any

from trainadvisor.instrument.module_calls import listeners
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.interruptions import from_handler
from trainadvisor.record.context import Routine
from trainadvisor.record.handlers import Table
from trainadvisor.record.shortcuts.arming import Arming
from trainadvisor.record.shortcuts.batches import BATCH_BEGINS, BATCH_ENDS, PASSES, Batches
from trainadvisor.record.shortcuts.clips import CLIP, Clips
from trainadvisor.record.shortcuts.closing import CLOSE, Closing
from trainadvisor.record.shortcuts.forwards import FORWARD_BEGINS, FORWARD_ENDS, ROWS, Forwards
from trainadvisor.record.shortcuts.losses import BACKWARD_BEGINS, BACKWARD_ENDS, LOSS, Losses
from trainadvisor.record.shortcuts.optimizer_steps import (
    SCHEDULER_STEP,
    STEP_BEGINS,
    STEP_ENDS,
    ZERO_GRAD,
    OptimizerSteps,
)

# The probes that the shortcut of an event stands for: it is not taken where others do not rest, or one of them is off.
_STANDS_FOR = {
    "forward_begins": FORWARD_BEGINS, "forward_ends": FORWARD_ENDS, "loss": LOSS,
    "backward_begins": BACKWARD_BEGINS, "backward_ends": BACKWARD_ENDS,
    "batch_begins": BATCH_BEGINS, "batch_ends": BATCH_ENDS,
    "step_begins": STEP_BEGINS, "step_ends": STEP_ENDS, "zero_grad": ZERO_GRAD, "close": CLOSE,
    "clip_grad_norm_": CLIP, "scheduler_step": SCHEDULER_STEP,
}  # fmt: skip


class PlainShortcuts(Batches, Forwards, Losses, OptimizerSteps, Clips, Closing):
    """The shortcuts of a recording; it looks after every event that went the long way whether they may be taken."""

    def __init__(self, recorder: Any, probes: Mapping[str, Any], routine: Routine) -> None:
        super().__init__(recorder, probes, routine)
        self.arming = Arming(self)

    _table: Table | None = None
    _broken = False
    _until = -math.inf

    def rearm(self) -> None:
        """Look whether shortcuts may be taken from now on."""
        try:
            self._rearm()
        except Exception as error:  # noqa: BLE001 - told to `failed`, which lets a signal handler's pass
            self.failed(error)

    def _rearm(self) -> None:
        recorder = self._recorder
        plain, handlers = recorder.plain_steps, recorder.handlers
        if plain.aside:
            plain.settle()
        if handlers.sampling:
            self._next_look = -math.inf  # what it costs may change when the next one is due
            return
        known = not plain.stale and recorder.step_number < plain.until and not recorder._busy
        alone = len(listeners) == 1 and listeners[0] is recorder
        if known and alone and not self._broken and self._is_quiet():
            if handlers.plain is not self._table or plain.until != self._until:
                self._arm(handlers.plain)
            self._thread, slot.now = recorder.thread.ident, self

    def _arm(self, table: Table) -> None:
        self._until = self._recorder.plain_steps.until
        if table is not self._table:
            self._table = table
            for event, probes in _STANDS_FOR.items():
                found = {name.partition(".")[0] for name, _ in table.get(event, ())}
                if event == "batch_ends":
                    self._passes_open, found = found >= PASSES, found - PASSES
                elif event == "forward_begins":
                    self._rows_open, found = found >= ROWS, found - ROWS
                elif event == "loss":
                    found -= ROWS
                self._take_or_not(event, known=found == probes)
        self._look()

    def _take_or_not(self, event: str, *, known: bool) -> None:
        if event == "close":
            self._close_long = not known
        elif event == "forward_ends":
            self._ends_long = not known
        elif known:
            self.__dict__.pop(event, None)
        else:
            self.__dict__[event] = _long_way

    def failed(self, error: Exception) -> bool:
        """Take no shortcut any more after a mistake of ours; the event goes the long way."""
        if from_handler(error):
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: it would live until garbage is collected
        self._broken = True
        slot.clear()
        self._recorder.guard.failed("shortcuts", error)
        return False


def _long_way(*_: object) -> bool:
    return False
