"""The recorder: cuts a training into steps, lets the probes measure, and hands the records on."""

import os
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from trainadvisor.log.records import EVENT, FACTS, HEADER, LAYERS, STEP, Record
from trainadvisor.record import environment, sites, taps
from trainadvisor.record.buffer import HostValues, Reading, Values, values_for
from trainadvisor.record.guard import Guard
from trainadvisor.record.inventory import Inventory, Model
from trainadvisor.record.iteration import Arrived, Call, Iteration
from trainadvisor.record.schedule import Tier

Subscriber = Callable[[Record], None]

_PATIENCE = 40
"""Backwards without any optimizer step after which each backward counts as a step."""
_OPENERS = {"forward_begins", "backward_begins", "batch_begins"}
"""Events that belong to the next step once the current one is done."""
_STEPS = {"step_begins", "step_ends"}
_HEADER_AFTER = 2
"""Steps that the header waits for, so that it holds what was found."""


class Recorder:
    """Listens to torch, keeps the state that all probes share, and writes records to its subscribers."""

    def __init__(self, subscribers: Iterable[Subscriber], *, discover: bool, every: int = 10, header: Record | None = None) -> None:
        """Take who gets the records, whether unknown models are recorded, and the cadence of the layer samples."""
        from trainadvisor.record.probes.table import all_probes

        self.subscribers = list(subscribers)
        self.discover = discover
        self.inventory = Inventory(self.announce)
        self.guard = Guard(lambda name, error: self.event("probe-failed", name, {"probe": name, "error": error}))
        self.values: Values = HostValues()
        self.gradients = Tier(max(1, every // 2), share=0.004)
        self.layers = Tier(every, share=0.006)
        self.started = time.perf_counter()
        self.step = 0
        self.free_running = False
        self.optimizer_seen = False
        self.in_step = False
        self.iteration = Iteration(0, self.started, sample_gradients=True, sample_layers=True)
        self._header: Record | None = {**environment.header(), **(header or {}), "recorder": {"layers_every": every}}
        self.last_epoch: int | None = None
        self._unstepped = 0
        self._outbox: deque[tuple[Record, list[tuple[Reading, Arrived]]]] = deque()
        self._busy = False
        self._spent = 0.0
        self._pid = os.getpid()
        self._device_known = False
        self._plain: set[int] = set()
        self._handlers: dict[str, list[tuple[str, Callable[..., Any]]]] = defaultdict(list)
        self.probes = all_probes(self)
        for probe in [*self.probes, self]:
            for attribute in dir(probe):
                if attribute.startswith("on_"):
                    name = f"{type(probe).__name__}.{attribute}"
                    self._handlers[attribute[3:]].append((name, getattr(probe, attribute)))

    def start(self) -> None:
        """Begin to listen."""
        taps.add(self)

    def stop(self, reason: str) -> None:
        """End: the open step, an open evaluation and all waiting records are written."""
        taps.remove(self)
        self.close_iteration()
        self.on("stop", reason)
        self.event("overhead", "", {"share": self.overhead()})
        self.drain(wait=True)
        self._send_header()
        seconds = time.perf_counter() - self.started
        self._emit({"record": "end", "reason": reason, "steps": self.step, "seconds": seconds})

    # What torch tells

    def on(self, name: str, *args: object) -> None:
        """Let the probes take an event; ours and a forked child's are ignored."""
        if self._busy or os.getpid() != self._pid or (name in _STEPS and self._foreign(args[0])):
            return
        self._busy = True
        entered = time.perf_counter()
        try:
            if name in _OPENERS:
                self._close_before(name)
            for handler, function in self._handlers[name]:
                self.guard(handler, function, *args)
        finally:
            self._busy = False
            self._spent += time.perf_counter() - entered

    def overhead(self) -> float:
        """Return the share of the time since the start that was spent in the recorder, by its own clock."""
        return self._spent / max(1e-9, time.perf_counter() - self.started)

    def around_root(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Run the outermost module call, observed when its step is sampled."""
        model = self.guard("model", self._model_for, module)
        if model is None:
            return call()
        seen = Call.of(module, model, args, kwargs)
        self.on("forward_begins", seen)
        observer = self.guard("observer", self.activations.observer, seen)
        if observer is None:
            seen.output = call()
        else:
            with observer:
                seen.output = call()
        self.on("forward_ends", seen)
        return seen.output

    def around_inner(self, module: nn.Module, call: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Run a module call inside a sampled root call."""
        return self.activations.inner(module, call)

    def _model_for(self, module: nn.Module) -> Model | None:
        known = self.inventory.model_of(module)
        if known is not None or not self.discover or id(module) in self._plain:
            return known
        if isinstance(module, torch.jit.ScriptModule) or next(module.parameters(), None) is None:
            self._plain.add(id(module))
            return None
        return self.inventory.add_model(module)

    def _foreign(self, optimizer: Any) -> bool:  # noqa: ANN401
        """Say whether an optimizer trains none of the watched parameters."""
        if self.discover or id(optimizer) in self.inventory.optimizers:
            return False
        known = self.inventory.of_parameter
        return not any(id(p) in known for group in optimizer.param_groups for p in group["params"])

    # The course of a step

    def on_forward_begins(self, call: Call) -> None:
        """Close the step before, and note the model that now computes with gradients."""
        if not self._device_known:
            self._learn_device(call.model)
        if call.grad and call.model not in self.iteration.models:
            self.iteration.models.append(call.model)

    def _close_before(self, opener: str) -> None:
        """Close the current step when its optimizer has stepped (or its backward is all there is to a step)."""
        ready = self.iteration.done or (self.free_running and self.iteration.micro > 0 and opener != "batch_begins")
        if ready and not self.in_step:
            self.close_iteration()

    def steps_done(self) -> int:
        """Return how many steps have been taken, the open one included once its optimizer has stepped."""
        return self.step + self.iteration.done

    def expect_optimizer(self, optimizer: torch.optim.Optimizer, place: sites.Place | None) -> None:
        """Take an optimizer that was made before; its line is searched in the file that called `watch`."""
        self.optimizer_seen = True
        site = sites.constructor_site(place[0], type(optimizer).__name__, place[1]) if place else None
        self.inventory.given_sites[id(optimizer)] = site
        self.inventory.add_optimizer(optimizer)

    def on_made(self, thing: object, _: object) -> None:
        """Expect optimizer steps once there is an optimizer."""
        if self.discover and isinstance(thing, torch.optim.Optimizer):
            self.optimizer_seen = True

    def on_step_begins(self, _: torch.optim.Optimizer) -> None:
        """Note that what follows (a closure) belongs to one step."""
        self.optimizer_seen = self.in_step = True

    def on_backward_ends(self, *_: object) -> None:
        """Count the backward; without optimizer steps every backward becomes a step."""
        self._unstepped += 1
        if not self.optimizer_seen or self._unstepped > _PATIENCE:
            self.free_running = True

    def on_step_ends(self, optimizer: torch.optim.Optimizer) -> None:
        """Note that an optimizer has stepped."""
        self.in_step, self.free_running, self._unstepped = False, False, 0
        fact = self.inventory.add_optimizer(optimizer)
        if fact["id"] not in self.iteration.stepped:
            self.iteration.stepped.append(fact["id"])
        self.iteration.ended = time.perf_counter()

    def close_iteration(self) -> None:
        """Write the current step, if there was one, and begin the next."""
        iteration, now = self.iteration, time.perf_counter()
        if not iteration.micro and not iteration.done:
            return
        ended = iteration.ended or now
        self.last_epoch = iteration.fields.get("epoch", self.last_epoch)
        self._nested("close", iteration)
        record = {"record": STEP, "step": iteration.step, "opt": iteration.stepped, "seconds": ended - iteration.begun,
                  "micro": iteration.micro, **iteration.fields}  # fmt: skip
        self.put(record, iteration.pending)
        for layers in self._layer_records(iteration):
            self.put(layers, [])
        self.step += 1
        elapsed = now - self.started
        self.iteration = Iteration(
            self.step, ended, self.gradients.due(self.step, elapsed), self.layers.due(self.step, elapsed)
        )
        self.drain()
        if self.step >= _HEADER_AFTER:
            self._send_header()

    def _layer_records(self, iteration: Iteration) -> list[Record]:
        """Join what the layer probes found into one record a model that was trained in this step."""
        trained = self.inventory.trained_by(iteration.stepped)
        records: dict[int, Record] = {}
        for part in iteration.samples.values():
            for number, columns in part.items():
                if not iteration.stepped or number in trained:
                    records.setdefault(number, {"record": LAYERS, "step": iteration.step, "model": number}).update(columns)
        return list(records.values())

    def _nested(self, name: str, *args: object) -> None:
        """Tell the probes something from inside a handler."""
        for handler, function in self._handlers[name]:
            self.guard(handler, function, *args)

    def _learn_device(self, model: Model) -> None:
        self._device_known = True
        device = next((p.device for p in model.parameters), torch.device("cpu"))
        self.values = values_for(device)
        if self._header is not None:
            self._header |= environment.device(device)

    # Records

    def event(self, kind: str, subject: str, detail: Record) -> None:
        """Write an event at the current step."""
        self.put({"record": EVENT, "kind": kind, "step": self.step, "subject": subject, "detail": detail}, [])

    def announce(self, kind: str, fact: Record) -> None:
        """Tell a fact: in the header while that waits, else as an event."""
        if self._header is not None:
            listed = self._header.setdefault(FACTS[kind], [])
            listed[:] = [other for other in listed if other["id"] != fact["id"]] + [fact]
        else:
            self.event(kind, str(fact.get("name") or fact.get("class") or ""), dict(fact))

    def note_seed(self, seed: int | None) -> None:
        """Keep the first seed that the script sets."""
        if self._header is not None and self._header.get("seed") is None:
            self._header["seed"] = seed

    def put(self, record: Record, pending: list[tuple[Reading, Arrived]]) -> None:
        """Queue a record; it leaves, in order, when its readings have arrived."""
        self._outbox.append((record, pending))

    def drain(self, *, wait: bool = False) -> None:
        """Send the queued records whose readings are here; with `wait`, all."""
        self.values.poll(wait=wait)
        if self._header is not None:
            return
        while self._outbox and all(reading.values is not None for reading, _ in self._outbox[0][1]):
            record, pending = self._outbox.popleft()
            for reading, arrived in pending:
                self.guard("arrival", arrived, reading.values)
            self._emit(record)

    def _send_header(self) -> None:
        if self._header is not None:
            record, self._header = {"record": HEADER, **self._header}, None
            self._emit(record)
            self.drain(wait=False)

    def _emit(self, record: Record) -> None:
        for subscriber in self.subscribers:
            self.guard("subscriber", subscriber, record)
