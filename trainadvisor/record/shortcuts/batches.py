"""Shortcuts of the batches that a loader gives."""

from typing import Any

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.user_modes import apart
from trainadvisor.record.shortcuts.parts import Parts, ident, looked_at, now

BATCH_BEGINS = frozenset({"TimingProbe", "EvaluationProbe"})
BATCH_ENDS = frozenset({
    "TimingProbe", "CallOrderProbe", "WorkerCopiesProbe", "EvaluationProbe", "SequenceAxesProbe", "SharedRowsProbe",
})  # fmt: skip
# A probe that counts the batches of the first passes.
PASSES = frozenset({"BrokenPassesProbe"})


class Batches(Parts):
    """Takes the batches of plain steps."""

    @veiled
    def batch_begins(self, iterator: object) -> bool:
        """Close the step before, and start the clock of the wait."""
        recorder = self._recorder
        if ident() != self._thread or looked_at() is not None or self._boundaries.in_step:
            return False
        self._cost.entered = begun = now()
        if recorder.step.stepped:
            if not self._close():
                return False
            if slot.plan is not None and slot.plan.batch_begins(iterator):
                self._cost.spent += now() - begun
                return True
        self._timing._asked = asked = now()
        self._evaluation.sources.ask(iterator)
        self._cost.spent += asked - begun
        return True

    @veiled
    def batch_ends(self, args: tuple[Any, ...], batch: object) -> bool:
        """Add the wait, and note where the batch is from."""
        if ident() != self._thread or looked_at() is not None:
            return False
        self._cost.entered = begun = now()
        apart(self._take_batch, args, batch)
        self._cost.spent += now() - begun
        return True

    def _take_batch(self, args: tuple[Any, ...], batch: object) -> None:
        if self._passes_open:
            self._passes.on_batch_ends(args, {}, batch)
        self._note_batch(args, batch)

    def _note_batch(self, args: tuple[Any, ...], batch: object) -> None:
        self._timing.on_batch_ends(args, {}, batch)
        self._order._batch_came = True
        self._evaluation.sources.draw(args[0], batch)
        self._sequence.on_batch_ends(args, {}, batch)
        self._rows.on_batch_ends(args)
