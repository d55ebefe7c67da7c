"""The recorder: cuts a training into steps, lets the probes measure, and hands the records on."""

import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from trainadvisor.instrument import call_sites, torch_events
from trainadvisor.instrument.guard import Guard
from trainadvisor.instrument.user_modes import apart
from trainadvisor.interruptions import from_handler
from trainadvisor.log.records import EVENT, LAYERS, STEP, Record
from trainadvisor.record import process_rank
from trainadvisor.record.device_readback import HostValues, Reading, Values, values_for
from trainadvisor.record.event_filter import FILTERED, Concerns
from trainadvisor.record.handlers import Handlers
from trainadvisor.record.listening import listen
from trainadvisor.record.objects.registry import Inventory
from trainadvisor.record.objects.watched_model import Model, bare
from trainadvisor.record.overhead import Meter, leave_to_parent_when_forked
from trainadvisor.record.record_queue import Outbox, Subscriber, joining
from trainadvisor.record.sampling import DEFAULT_SHARE
from trainadvisor.record.step import Arrived, Call, Iteration
from trainadvisor.record.step_boundaries import Course
from trainadvisor.record.step_skipping import Doze

if TYPE_CHECKING:
    from trainadvisor.record.probes.activation_statistics import ActivationProbe
    from trainadvisor.record.probes.call_order import WiringProbe
    from trainadvisor.record.probes.evaluation import EvaluationProbe
    from trainadvisor.record.probes.implicit_steps import UnseenProbe
    from trainadvisor.record.probes.mixed_precision import PrecisionProbe
    from trainadvisor.record.probes.training_loss import LossProbe

_OPENERS = {"forward_begins", "backward_begins", "batch_begins"}
"""Events that belong to the next step once the current one is done."""
_REVEALING = {"forward_begins", "backward_begins", "zero_grad"}
"""Events at which a step that no hook has shown is looked for."""
_CUTTING = _OPENERS | _REVEALING | {"step_begins"}
_HEADER_AFTER = 2
"""Steps that the header waits for, so that it holds what was found."""
_MOST_CLOSER = 30
"""Steps of a run that may be sampled because their loss jumped."""


class Recorder:
    """Listens to torch, keeps the state that all probes share, and writes records to its subscribers."""

    losses: "LossProbe"
    activations: "ActivationProbe"
    wiring: "WiringProbe"
    precision: "PrecisionProbe"
    evaluation: "EvaluationProbe"
    unseen: "UnseenProbe"

    def __init__(
        self,
        subscribers: Iterable[Subscriber],
        *,
        discover: bool,
        every: int = 10,
        overhead: float = DEFAULT_SHARE,
        header: Record | None = None,
    ) -> None:
        """Take who gets the records, whether unknown models are recorded, the layers' cadence and the part of time."""
        from trainadvisor.record.probes.all_probes import all_probes

        self.discover = discover
        self.guard = Guard(lambda name, error: self.event("probe-failed", name, {"probe": name, "error": error}))
        self.outbox = Outbox(subscribers, self.guard, {**(header or {}), "recorder": _cadence(every, overhead)})
        self.inventory = Inventory(self.announce)
        self.values: Values = HostValues()
        self.processes = process_rank.place()[1]
        self.meter = Meter(self, overhead, every)
        self.gradients, self.layers = self.meter.budget.gradients, self.meter.budget.layers
        self.step = 0
        self.iteration = Iteration(0, self.meter.started, sample_gradients=True, sample_layers=True)
        self.last_epoch: int | None = None
        self._busy = self._is_child = False
        leave_to_parent_when_forked(self)
        self._closer = 0
        self._pid = os.getpid()
        self._device_known = False
        self.course = Course(self)
        self.concerns = Concerns(self)
        self.doze = Doze(self)
        self.handle = Handlers(self.guard, [*all_probes(self), self.course, self, self.doze])

    def start(self) -> None:
        """Begin to listen, where the installed torch can be listened to; the script runs on all the same."""
        listen(self)

    def pause(self) -> None:
        """Look away for a while: what happens until `resume` is not recorded, and its time does not count."""
        torch_events.remove(self)
        self.meter.pause()

    def resume(self) -> None:
        """Go on listening after `pause`."""
        self.meter.resume()
        torch_events.add(self)

    def stop(self, reason: str) -> None:
        """End: the open step, an open evaluation and all waiting records are written."""
        torch_events.remove(self)
        if os.getpid() == self._pid:
            self.guard("stop", apart, self._finish, reason)

    def _finish(self, reason: str) -> None:
        self.doze.wake(disturbed=False)
        self.course.look_for_unseen_step()
        if self.iteration.done or self.course.free_running or not self.step:
            self.close_iteration()  # micro-batches left over at the end are no step
        self._busy = False
        self.course.describe_optimizers()
        self.on("stop", reason)
        self.values.poll(wait=True)
        for reading, arrived in self.iteration.pending:  # of a step that never came
            self.guard("stop", arrived, reading.values)
        self.meter.tell()
        self.drain(wait=True)
        self.outbox.end(reason, self.step, time.perf_counter() - self.meter.started)

    # What torch tells

    def on(self, name: str, *args: object) -> None:
        """Let the probes take an event; ours and a forked child's are ignored."""
        if self._busy or (self.doze.asleep and self.doze.passes(name, args)):
            return
        self._busy = True
        meter = self.meter
        meter.entered = time.perf_counter()
        try:
            apart(self._take, name, args)
        except Exception as error:
            if from_handler(error):
                raise
            self.guard.failed("recorder", error)
        finally:
            self._busy = False
            meter.spent += time.perf_counter() - meter.entered

    def _take(self, name: str, args: tuple[object, ...]) -> None:
        if self.discover or name not in FILTERED or self.concerns(name, args):
            if name in _CUTTING:
                self._cut(name, args)
            self.handle(name, *args)

    def _cut(self, name: str, args: tuple[object, ...]) -> None:
        """Close the current step where the event belongs to the next one."""
        iteration = self.iteration
        if name in _REVEALING and iteration.micro and not iteration.stepped:
            self.course.look_for_unseen_step()
        if name in _OPENERS:
            self.close_before(name)
        elif name == "step_begins" and iteration.stepped and self._has_stepped(args[0]):
            self.close_iteration()

    def overhead(self) -> float:
        """Return the share of the time since the start that was spent in the recorder, by its own clock."""
        return self.meter.share()

    def knows(self, module: nn.Module) -> bool:
        """Say whether calls of a module are recorded: it belongs to a model, or is one."""
        return not self._is_child and self.guard("model", apart, self._model_for, module) is not None

    def leave_to_parent(self) -> None:
        """Take no more events: this is a forked child, in which nobody records."""
        self._is_child = self._busy = True

    def around_root(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]
    ) -> Any:
        """Run the outermost module call, observed when its step is sampled."""
        model = self.inventory.model_of(module)
        if model is None or self._busy or (self.doze.asleep and self.doze.lets_pass(module)):
            return call()
        if model.is_meta:
            self.on("meta_forward", model.name)
            return call()
        seen = Call.of(module, model, args, kwargs)
        self.on("forward_begins", seen)
        sampled = self.iteration.sample_layers
        observer = self.guard("observer", apart, self.activations.observer, seen) if sampled else None
        if observer is None:
            seen.output = call()
        else:
            with observer:
                seen.output = call()
        self.on("forward_ends", seen)
        return seen.output

    def enters(self, module: nn.Module) -> bool:
        """Note an inner module call; return whether the other two are to be told."""
        return bool(self.guard("activations.leaf", self.activations.enters, module))

    def leaves(self) -> None:
        """Note that an inner module call has returned or raised."""
        self.guard("activations.leaf", self.activations.leaves)

    def saw_layer(self, module: nn.Module, output: object) -> None:
        """Take the output of an inner module call."""
        self.guard("activations.layer", self.activations.saw_layer, module, output)

    def _model_for(self, module: nn.Module) -> Model | None:
        known = self.inventory.model_of(module)
        if known is None and (inner := bare(module)) is not module:
            known = self.inventory.add_model(module) if self.inventory.model_of(inner) else None
        if known is not None or not self.discover or self.inventory.is_plain(module):
            return known
        return self.inventory.add_model(module)

    # The course of a step

    def on_forward_begins(self, call: Call) -> None:
        """Close the step before, and note the model that now computes with gradients."""
        if not self._device_known:
            self._learn_device(call.model)
        if call.grad and call.model not in self.iteration.models:
            self.iteration.models.append(call.model)

    def close_before(self, opener: str) -> None:
        """Close the current step when its optimizer has stepped (or its backward is all there is to a step)."""
        iteration, course = self.iteration, self.course
        done = iteration.stepped or iteration.skipped
        free = course.free_running and iteration.micro > 0 and opener != "batch_begins"
        if (done or free) and not course.in_step:
            self.close_iteration()

    def _has_stepped(self, optimizer: object) -> bool:
        """Say whether an optimizer has already made the current step: with closures nothing stands between two."""
        return self.inventory.optimizers.get(id(optimizer), {}).get("id") in self.iteration.stepped

    def steps_done(self) -> int:
        """Return how many steps have been taken, the open one included once its optimizer has stepped."""
        return self.step + self.iteration.done + (self.doze.slept if self.doze.asleep else 0)

    def expect_optimizer(self, optimizer: torch.optim.Optimizer, place: call_sites.Place | None) -> None:
        """Take an optimizer that was made before; its line is searched in the file that called `watch`."""
        self.course.optimizer_seen = True
        site = call_sites.constructor_site(place[0], type(optimizer).__name__, place[1]) if place else None
        self.inventory.add_optimizer(optimizer, site)

    def look_closer(self) -> None:
        """Sample the gradients of this step and the layers of the next, whatever the cadence; a few times in a run."""
        if self._closer < _MOST_CLOSER:
            self._closer += 1
            self.iteration.sample_gradients = self.handle.sampling = self.layers.forced = True

    def close_iteration(self) -> None:
        """Write the current step, if there was one, and begin the next."""
        iteration, now = self.iteration, time.perf_counter()
        if not iteration.micro and not iteration.done:
            return
        ended = iteration.ended or now
        self.last_epoch = iteration.fields.get("epoch", self.last_epoch)
        self.handle("close", iteration)
        record = {"record": STEP, "step": iteration.step, "opt": iteration.stepped, "seconds": ended - iteration.begun}
        record["micro"] = iteration.micro
        iteration.finally_(lambda: record.update(iteration.fields))
        self.outbox.put(record, iteration.pending)
        if iteration.samples:
            self._put_layers(iteration)
        self.meter.book(iteration, ended)
        self.step += 1
        elapsed = now - self.meter.started
        self.iteration = Iteration(
            self.step, ended, self.gradients.due(self.step, elapsed), self.layers.due(self.step, elapsed)
        )
        self.handle.sampling = self.iteration.sample_gradients or self.iteration.sample_layers
        if self.step >= _HEADER_AFTER:
            self.outbox.open()
        self.drain()
        self.doze.consider(elapsed)

    def _put_layers(self, iteration: Iteration) -> None:
        """Write what the layer probes found: one record a model and part of it that was trained."""
        trained = self.inventory.trained_by(iteration.stepped)
        together: dict[tuple[int, object], list[Record]] = {}
        for number, columns in (item for part in iteration.samples.values() for item in part.items()):
            together.setdefault((number, columns.get("rows")), []).append(columns)
        for (number, _), parts in together.items():
            if iteration.stepped and number not in trained:
                continue
            record: Record = {"record": LAYERS, "step": iteration.step, "model": number}
            self.outbox.put(record, [(Reading([]), joining(record, parts))])

    def _learn_device(self, model: Model) -> None:
        self._device_known = True
        self.values = values_for(model.device)
        self.outbox.device(model.device)

    # Records

    def event(self, kind: str, subject: str, detail: Record, pending: Iterable[tuple[Reading, Arrived]] = ()) -> None:
        """Write an event at the current step; it leaves when its readings are here."""
        record = {"record": EVENT, "kind": kind, "step": self.step, "subject": subject, "detail": detail}
        self.outbox.put(record, list(pending))

    def announce(self, kind: str, fact: Record, more: Callable[[], Record] = dict) -> None:
        """Tell a fact: in the header while that waits, else as an event; `more` is asked again when that leaves."""
        now = fact | more()
        if not self.outbox.announced(kind, fact if more is dict else now):
            subject = str(fact.get("name") or fact.get("class") or "")
            self.event(kind, subject, now, [(Reading([]), lambda _: now.update(more()))])

    def drain(self, *, wait: bool = False) -> None:
        """Send the queued records whose readings are here; with `wait`, all."""
        self.values.poll(wait=wait)
        self.outbox.drain()


def _cadence(every: int, overhead: float) -> Record:
    return {"gradients_every": max(1, every // 2), "layers_every": every, "max_overhead": overhead}
