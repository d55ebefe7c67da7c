"""The shortcut that closes a plain step."""

import math

from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.log.records import STEP, Record
from trainadvisor.record.probes.call_order import TOLD
from trainadvisor.record.probes.timing import read_memory
from trainadvisor.record.shortcuts.parts import Parts, now
from trainadvisor.record.step import Step

CLOSE = frozenset({"TimingProbe", "ParameterCoverageProbe", "CallOrderProbe", "NonfiniteProbe"})


class Closing(Parts):
    """Writes the records of plain steps."""

    def _close(self) -> bool:
        recorder, step = self._recorder, self._recorder.step
        recorder._busy, slot.now = True, None
        try:
            plain = step.number < self._next_look and self._is_plain_step(step)
            at_once = plain and self._write(step)
            if not plain:
                recorder.close_step()
        finally:
            recorder._busy = False
        if at_once:
            slot.now = self  # type: ignore[assignment]
            return True
        self.rearm()
        armed: object = slot.now
        if armed is self and not plain:
            self._look()
        return armed is self

    def _is_plain_step(self, step: Step) -> bool:
        order, objects, held = self._order, self._objects, self._objects.held
        if not step.micro or step.pending or step.samples or step.stepped != self._coverage._last:
            return False
        return not (True in order._modes or objects._dropped or (held._orphans and held.has_free()))

    def _write(self, step: Step) -> bool:
        """Write the record; return whether it went at once, and no other with it."""
        recorder, queue, number, fields = self._recorder, self._recorder.queue, step.number, step.fields
        if "epoch" in fields:
            recorder.last_epoch = fields["epoch"]
        self._add_up(step)
        ended = step.ended or now()
        seconds = ended - step.begun
        record: Record = {"record": STEP, "step": number, "opt": step.stepped, "seconds": seconds, "micro": step.micro}
        record.update(fields)
        waits = queue._waiting or queue._header is not None
        if waits:
            queue.put(record, [])
            recorder.drain()
        else:
            queue._emit(record)
        cost = self._cost
        spent = cost.spent + now() - cost.entered
        own, cost._spent_before = spent - cost._spent_before, spent
        cost.budget.book_plain(seconds - fields.get("wait", 0.0), own)
        recorder.step_number = number + 1
        recorder.step = Step.plain(number + 1, ended)
        sampled = number + 1 >= self._next_tier and self._samples(recorder.step)
        if waits or sampled:
            return False
        self.arming.consider(step)
        return True

    def _samples(self, step: Step) -> bool:
        """Return whether something of the step that begins is sampled."""
        recorder, number = self._recorder, step.number
        elapsed = now() - self._cost.started
        step.sample_gradients = recorder.gradients.due(number, elapsed)
        step.sample_layers = recorder.layers.due(number, elapsed)
        recorder.handlers.sampling = step.sample_gradients or step.sample_layers
        self._next_tier = min(recorder.gradients.due_from(number), recorder.layers.due_from(number))
        return step.sample_gradients or step.sample_layers

    def _add_up(self, step: Step) -> None:
        """Do what the probes do at the end of a step."""
        timing, order, fields = self._timing, self._order, step.fields
        if timing._last_loader is not None:
            fields["wait"] = timing._wait
        timing._wait = 0.0
        if step.micro > 1:
            self._counts["accumulated_steps"] += 1
            if "batch" in fields and not timing._closure:
                fields["batch"] *= step.micro
        if step.number >= self.next_memory:
            self.next_memory = read_memory(step.number, fields)
        fields["mode"], order._modes = "train", []
        order._micro = 1 if order._closure else step.micro
        if "clip_norm" in fields or "grad_norm" in fields:
            self._nonfinite.on_close(step)

    def _look(self) -> None:
        """Find the first step that is closed the long way."""
        recorder, number = self._recorder, self._recorder.step_number
        self._next_tier = min(recorder.gradients.due_from(number), recorder.layers.due_from(number))
        if self._close_long:
            self._next_look = -math.inf
            return
        told = min((step - 1 for step in TOLD if step > number), default=math.inf)
        self._next_look = min(told, recorder.plain_steps.until - 1)

    def rearm(self) -> None:
        """Look whether shortcuts may be taken from now on."""
        raise NotImplementedError
