"""The recorder: cuts a training into steps, lets the probes measure, and hands the records on."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from threading import get_ident
from typing import Any

import torch
from torch import nn

from trainadvisor import clocks, garbage
from trainadvisor.instrument import call_sites, torch_events
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import dispatch_modes, function_modes, without_subclasses
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.user_modes import apart
from trainadvisor.interruptions import from_handler
from trainadvisor.log.records import STEP
from trainadvisor.record.context import ForwardObserver
from trainadvisor.record.event_filter import FILTERED, EventFilter
from trainadvisor.record.forked_child import leave_to_parent_when_forked
from trainadvisor.record.handlers import Handlers
from trainadvisor.record.left_out_trainings import LeftOutTrainings
from trainadvisor.record.listening import listen
from trainadvisor.record.objects.watched_model import Model, bare
from trainadvisor.record.plain_steps import PlainSteps
from trainadvisor.record.probe_discovery import make_probes
from trainadvisor.record.record_queue import Subscriber, layer_records
from trainadvisor.record.recording import Recording
from trainadvisor.record.shortcuts.plain_shortcuts import PlainShortcuts
from trainadvisor.record.step import Call, Step
from trainadvisor.record.step_boundaries import StepBoundaries
from trainadvisor.record.training_thread import TrainingThread

# Events that belong to the next step once the current one is done.
_OPENERS = {"forward_begins", "backward_begins", "batch_begins"}
# Events at which a step that no hook has shown is looked for.
_REVEALING = {"forward_begins", "backward_begins", "zero_grad"}
_CUTTING = _OPENERS | _REVEALING | {"step_begins"}
# Events that are half of something whose other half goes the long way too: until then no shortcut is taken.
_HALVES = frozenset({
    "forward_begins", "backward_begins", "batch_begins", "step_begins", "scaler_step_begins", "scale", "unscale",
})  # fmt: skip
# Steps that the header waits for, so that it holds what was found.
_HEADER_AFTER = 2
# Steps in which models are described, and what is known of them is written.
_DESCRIBED = 3
_AS_USUAL = nullcontext()

_now = clocks.perf_counter


class Recorder(Recording):
    """Listens to torch, cuts the training into steps, and lets the probes measure them."""

    def __init__(self, subscribers: Iterable[Subscriber], **settings: Any) -> None:
        super().__init__(subscribers, **settings)
        self._is_child = False
        self._pid = os.getpid()
        leave_to_parent_when_forked(self)
        self.boundaries = StepBoundaries(self)
        self._filter = EventFilter(self)
        self.left_out = LeftOutTrainings(self)
        self.thread = TrainingThread(
            lambda: self.step_number > 0 or self.step.micro > 0, lambda: self.cost.entered, any_training=self.discover
        )
        probes = make_probes(self)
        self._observers = [probe for probe in probes if isinstance(probe, ForwardObserver)]
        watching = [] if self.discover else [self._filter]
        self.handlers = Handlers(self.guard, [*watching, *probes, self.boundaries, self])
        self.plain_steps = PlainSteps(self, self.handlers, [*watching, *probes])
        named = {type(probe).__name__: probe for probe in probes}
        self.shortcuts = PlainShortcuts(self, named, self.plain_steps.routine)
        self.plan = self.shortcuts.arming.plan

    def start(self) -> None:
        """Begin to listen, where the installed torch can be listened to; the script runs on all the same."""
        listen(self)

    def pause(self) -> None:
        """Look away for a while: what happens until `resume` is not recorded, and its time does not count."""
        self.plan.leave(force=True)
        torch_events.remove(self)
        self.cost.pause()

    def resume(self) -> None:
        """Go on listening after `pause`."""
        self.step.begun += self.cost.resume()
        torch_events.add(self)

    def stop(self, reason: str) -> None:
        """End: the open step, an open evaluation and all waiting records are written."""
        self.plan.leave(force=True)
        torch_events.remove(self)
        if os.getpid() == self._pid:
            self.guard("stop", apart, self._finish, reason)

    def _finish(self, reason: str) -> None:
        self.left_out.wake()
        self.boundaries.look_for_implicit_step()
        if self.step.done or self.boundaries.free_running or not self.step_number:
            self.close_step()  # micro-batches left over at the end are no step
        self._busy = False
        self.boundaries.describe_optimizers()
        self.on("stop", reason)
        self.values.poll(wait=True)
        for reading, arrived in self.step.pending:  # of a step that never came
            self.guard("stop", arrived, reading.values)
        self.cost.tell()
        self.drain(wait=True)
        self.queue.end(reason, self.step_number, clocks.perf_counter() - self.cost.started)

    # What torch tells

    def on(self, name: str, *args: object) -> None:
        """Let the probes take an event; ours, a forked child's, and those of another thread's training are ignored."""
        if get_ident() != self.thread.ident and not self.thread.hears(name, args):
            return
        if self._busy:
            return
        if slot.printed and name in _CUTTING:
            slot.look()
        slot.clear()
        if self.plan.active and (get_ident() == self.plan.thread or name == "thread_changed"):
            self.plan.leave(force=True)
        if self.left_out.running and self.left_out.passes(name, args):
            return
        self._busy = True
        meter = self.cost
        meter.entered = _now()
        try:
            with garbage.later() if self.step_number < _DESCRIBED else _AS_USUAL:
                if function_modes() or dispatch_modes():
                    apart(self._take, name, args)
                else:
                    without_subclasses(self._take, (), (name, args))
        except Exception as error:
            if from_handler(error):
                raise
            self.guard.failed("recorder", error)
        finally:
            self._busy = False
            if name not in _HALVES:
                self.shortcuts.rearm()
            meter.spent += _now() - meter.entered

    def _take(self, name: str, args: tuple[object, ...]) -> None:
        if self.discover or name not in FILTERED or self._filter(name, args):
            if name in _CUTTING:
                self._cut(name, args)
            self.handlers.tell(name, args, plain=self.plain_steps.covers(name, args))

    def publish(self, event: str, *args: object) -> None:
        """Hand an event to every probe that takes it."""
        self.handlers.tell(event, args, plain=self.plain_steps.covers(event, args))

    def concerns(self, name: str, args: tuple[Any, ...]) -> bool:
        """Return whether an event is of a watched model."""
        return self._filter(name, args)

    def _cut(self, name: str, args: tuple[object, ...]) -> None:
        """Close the current step where the event belongs to the next one."""
        step = self.step
        if name in _REVEALING and step.micro and not step.stepped:
            self.boundaries.look_for_implicit_step()
        if name in _OPENERS:
            self.close_before(name)
        elif name == "step_begins" and step.stepped and self._has_stepped(args[0]):
            self.close_step()

    def skip_to(self, step: Step, number: int) -> None:
        """Go on with a step of that number; those before it are left out."""
        self.skipped += number - self.step_number
        self.step, self.step_number = step, number

    def knows(self, module: nn.Module) -> bool:
        """Return whether calls of a module are recorded here and now: it belongs to a model, or is one."""
        if self._is_child or (get_ident() != self.thread.ident and not self._is_heard()):
            return False
        return bool(self.guard("model", self._is_known, module))

    def _is_known(self, module: nn.Module) -> bool:
        if self.objects.model_of(module) is not None or (self.discover and self.left_out.covers(module)):
            return True
        with garbage.later():
            return apart(self._model_for, module) is not None

    def leave_to_parent(self) -> None:
        """Take no more events: this is a forked child, in which nobody records."""
        self._is_child = self._busy = True
        slot.now = slot.plan = None

    @veiled
    def around_root(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]
    ) -> Any:
        """Run the outermost module call, observed when its step is sampled."""
        model = self.objects.model_of(module)
        if model is None or self._busy:
            return call()
        if self.left_out.running and self.left_out.lets_pass(model.parameters):
            return call()
        if model.is_meta:
            self.on("meta_forward", model.name)
            return call()
        seen = Call.of(module, model, args, kwargs)
        self.on("forward_begins", seen)
        sampled = self.step.sample_layers
        observer = self.guard("observer", apart, self._observer_of, seen) if sampled else None
        if observer is None:
            seen.output = call()
        else:
            with observer:
                seen.output = call()
        self.on("forward_ends", seen)
        return seen.output

    def _is_heard(self) -> bool:
        """Return whether module calls are recorded in a thread that is not the one that trains, or now becomes it."""
        if not torch.is_grad_enabled() or torch.is_inference_mode_enabled():
            return not self.thread.is_another()
        if self.thread.takes_over():
            self.on("thread_changed")
        return self.thread.ident in {None, get_ident()}

    def _observer_of(self, call: Call) -> AbstractContextManager[None] | None:
        return next((found for probe in self._observers if (found := probe.observer(call)) is not None), None)

    def _model_for(self, module: nn.Module) -> Model | None:
        known = self.objects.model_of(module)
        if known is None and (inner := bare(module)) is not module:
            known = self.objects.add_model(module) if self.objects.model_of(inner) else None
        if known is not None or not self.discover or self.objects.is_plain(module):
            return known
        return self.objects.add_model(module)

    # The course of a step

    def on_forward_begins(self, call: Call) -> None:
        """Close the step before, and note the model that now computes with gradients."""
        if not self._device_known:
            self.cost.begin()
            self._learn_device(call.model)
        if call.grad and call.model not in self.step.models:
            self.step.models.append(call.model)

    def on_thread_changed(self) -> None:
        """Close the step of the thread before, or forget what is not done: another one trains from now on."""
        if self.step.done:
            self.close_step()
        else:
            self.step = replace(self.step, models=[], samples={}, micro=0)

    def on_training_left_out(self) -> None:
        """Close the step of the training before."""
        if self.step.done:
            self.close_step()

    def close_before(self, opener: str) -> None:
        """Close the current step when its optimizer has stepped (or its backward is all there is to a step)."""
        step, course = self.step, self.boundaries
        done = step.stepped or step.skipped
        free = course.free_running and step.micro > 0 and opener != "batch_begins"
        if (done or free) and not course.in_step:
            self.close_step()

    def _has_stepped(self, optimizer: object) -> bool:
        """Return whether an optimizer has already made the current step: with closures nothing stands between two."""
        return self.objects.optimizers.get(id(optimizer), {}).get("id") in self.step.stepped

    def steps_done(self) -> int:
        """Return how many steps have been taken, the open one included once its optimizer has stepped."""
        if self.plan.active:
            return self.plan.steps_done() + self.left_out.steps
        return self.step_number + self.step.done + self.left_out.steps

    def expect_optimizer(self, optimizer: torch.optim.Optimizer, place: call_sites.Place | None) -> None:
        """Take an optimizer that was made before; its line is searched in the file that called `watch`."""
        self.boundaries.optimizer_seen = True
        site = call_sites.constructor_site(place[0], type(optimizer).__name__, place[1]) if place else None
        self.objects.add_optimizer(optimizer, site)

    def close_step(self) -> None:
        """Write the current step, if there was one, and begin the next."""
        step, now = self.step, clocks.perf_counter()
        if not step.micro and not step.done:
            return
        ended = step.ended or now
        self.last_epoch = step.fields.get("epoch", self.last_epoch)
        self.publish("close", step)
        record = {"record": STEP, "step": step.number, "opt": step.stepped, "seconds": ended - step.begun}
        record["micro"] = step.micro
        step.finally_(lambda: record.update(step.fields))
        self.queue.put(record, step.pending)
        if step.samples:
            for layers in layer_records(step, self.objects.trained_by(step.stepped)):
                self.queue.put(*layers)
        self.cost.book(step, ended)
        self.step_number += 1
        elapsed = now - self.cost.started
        number = self.step_number
        self.step = Step(number, ended, self.gradients.due(number, elapsed), self.layers.due(number, elapsed))
        self.handlers.sampling = self.step.sample_gradients or self.step.sample_layers
        if self.step_number >= _HEADER_AFTER:
            self.queue.open()
        self.drain()
