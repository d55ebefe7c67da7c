"""Where changes hook into a training: the moments of a script, announced to the subscribed applications.

Announced to `when`: `optimizer` (one is first used), `model` (a model's first call: model, args, kwargs), `epoch`
(a loader is iterated), `train_epoch` (the training's loader is), `backward` and `trained` (before and after one),
`stepped` (after a step), `end`. Offered to `around`: `forward`, `loss`, `backward`, `step`, `zero_grad`,
`loader_made`, `epoch`, `scheduler_step`, `clip`, `scale`, `save`, `load`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.compiler import is_dynamo_compiling
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader

from trainadvisor import clocks
from trainadvisor.changes.applying.change_application import Around, Call, ChangeApplication
from trainadvisor.changes.applying.session_state import SessionState
from trainadvisor.changes.catalogue import Choice
from trainadvisor.instrument import foreign_rates
from trainadvisor.instrument.patching import exchange, graft
from trainadvisor.instrument.torch_events import LOSSES
from trainadvisor.record.recorder import Recorder
from trainadvisor.record.run_script import Cut

# Backward passes within which a change must be applied, unless it is declared patient.
PATIENCE = 20


class ChangeSession(SessionState):
    """The script's training as the changes see it."""

    def __init__(
        self, recorder: Recorder | None, *, stop_after: tuple[int | None, float | None] = (None, None)
    ) -> None:
        super().__init__(recorder, planned_steps=stop_after[0])
        self.applications: list[ChangeApplication] = []
        self._began: float | None = None
        self._stop_after = stop_after
        self._made: list[torch.optim.Optimizer] = []
        self._stepping: set[object] = set()
        self._closed = False

    def apply(self, choices: list[Choice]) -> None:
        """Let each change subscribe, then start listening."""
        for choice in sorted(choices, key=lambda choice: choice.spec.applied_last):
            application = ChangeApplication(self, choice.spec.name, choice.arguments)
            self.applications.append(application)
            application.hooks["begin"].append(partial(choice.spec.function, application, **choice.arguments))
            application.tell("begin")
        self._set_all()

    def close(self) -> None:
        """Report the changes that were never applied, and remove all hooks from torch."""
        self.tell("end")
        for application in self.applications:
            application.done_or_refused()
        self._closed = True
        for undo in (self._undo, self._undo_for_good):
            while undo:
                undo.pop()()

    def rest(self) -> None:
        """Take the session's hooks from torch for a while; those of changes are gone for good."""
        self.resting = True
        while self._undo:
            self._undo.pop()()
        self._stepping.clear()

    def wake(self) -> None:
        """Listen again after `rest`."""
        self.resting = False
        self._set_all()
        for optimizer in self.optimizers:
            self.tap_step(optimizer)

    def tell(self, moment: str, *args: object) -> None:
        """Announce a moment to all applications."""
        for application in self.applications:
            application.tell(moment, *args)

    # How calls reach the applications

    def through(self, moment: str, call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a call through the functions around it; nested calls of the same moment are not announced again."""
        if moment in self.running or "unseen" in self.running or is_dynamo_compiling():
            return call(*args, **kwargs)
        self.running.add(moment)
        try:
            return self._nested(moment, call)(*args, **kwargs)
        finally:
            self.running.discard(moment)

    def _nested(self, moment: str, call: Call) -> Call:
        standing = [(outer, a, around) for a in self.applications for outer, around in a.arounds.get(moment, ())]
        for _, application, around in sorted(standing, key=lambda entry: entry[0]):
            call = application.standing(around, call)
        return call

    def _set_all(self) -> None:
        self._graft("loss", *(getattr(torch.nn.functional, kind) for kind in LOSSES))
        self._graft("loader_made", DataLoader.__init__)
        self._graft("clip", nn.utils.clip_grad_norm_)
        self._graft("scale", torch.amp.GradScaler.scale)
        self._graft("save", torch.save)
        self._graft("load", torch.load)
        kinds = {lr_scheduler.LRScheduler, *_below(lr_scheduler.LRScheduler)}
        self._graft("scheduler_step", *(vars(kind)["step"] for kind in kinds if "step" in vars(kind)))
        own: list[tuple[Any, Around]] = [
            (torch.autograd.backward, self._backward),
            (torch.optim.Optimizer.zero_grad, self._zero_grad),
            (nn.Module.zero_grad, self._zero_grad),
            (nn.Module.load_state_dict, self._load),
            (torch.optim.Optimizer.__init__, self._optimizer_made),
            (DataLoader.__iter__, self._epoch),
            (lr_scheduler.LRScheduler.__init__, self._scheduler_made),
        ]
        self._undo += [graft(function, around) for function, around in own]
        self._tap_calls()

    def _graft(self, moment: str, *functions: Any) -> None:
        """Treat calls of these functions as the same moment."""
        self._undo += [graft(function, partial(self.through, moment)) for function in functions]

    def _tap_calls(self) -> None:
        inner = nn.Module.__call__

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self._closed or "forward" in self.running or "unseen" in self.running or is_dynamo_compiling():
                return inner(module, *args, **kwargs)
            if next(module.parameters(), None) is None or type(module).__module__ == "torch.nn.modules.loss":
                return inner(module, *args, **kwargs)
            return self._forward(inner, module, args, kwargs)

        self._undo.append(exchange(nn.Module, "__call__", call))

    def _forward(self, inner: Call, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.check_time()
        self._settle()
        if not any(module is model for model in self.models):
            self.models.append(module)
            with self._within("forward"):
                self.tell("model", module, args, kwargs)
        return self.through("forward", inner, (module, *args), kwargs)

    @contextmanager
    def _within(self, moment: str) -> Iterator[None]:
        self.running.add(moment)
        try:
            yield
        finally:
            self.running.discard(moment)

    def _backward(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outermost = "backward" not in self.running and "unseen" not in self.running
        if outermost:
            self._settle()
            self.backwards += 1
            self.tell("backward", args, kwargs)
        result = self.through("backward", original, args, kwargs)
        if outermost:
            self.tell("trained", args, kwargs)
            self._tap_foreign()
            self._give_up()
        return result

    def _give_up(self) -> None:
        """Report early the changes that could not be applied, so that nobody has to wait for the end."""
        if self.backwards == PATIENCE:
            for application in self.applications:
                if application.what is None and not application.patient:
                    application.refuse(application.never)

    def _zero_grad(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._settle()
        return self.through("zero_grad", original, args, kwargs)

    def _load(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "unseen" not in self.running and not self.steps:
            self.loaded |= {id(module) for module in args[0].modules()}
        return original(*args, **kwargs)

    def _optimizer_made(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = original(*args, **kwargs)
        if "unseen" not in self.running:
            self._made.append(args[0])
        return result

    def _settle(self) -> None:
        """Announce the optimizers that are now complete: their own `__init__` is over when they are first used."""
        while self._made and "unseen" not in self.running:
            optimizer = self._made.pop(0)
            self.optimizers.append(optimizer)
            self.tell("optimizer", optimizer)
            self.tap_step(optimizer)

    def tap_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Attach to the steps of an optimizer's class."""
        function = type(optimizer).step
        if function not in self._stepping:
            self._stepping.add(function)
            self._undo.append(graft(function, self._step))

    def _tap_foreign(self) -> None:
        """Attach to the steps of optimizers that are not torch's, around the recorder, which sees what is changed."""
        for function in foreign_rates.step_functions():
            if function not in self._stepping:
                self._stepping.add(function)
                self._undo.append(graft(function, self._foreign_step))

    def _foreign_step(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        made = foreign_rates.stand_in(args[0]) if foreign_rates.can_be_set(args[0]) else None
        if made is None:
            return self._step(original, args, kwargs)

        def call(standing: torch.optim.Optimizer, *more: Any, **named: Any) -> Any:
            with foreign_rates.rates_of(args[0], standing):
                return original(args[0], *more, **named)

        return self._step(call, (made, *args[1:]), kwargs)

    def _step(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "step" in self.running or "unseen" in self.running:
            return original(*args, **kwargs)
        self._settle()
        result = self.through("step", original, args, kwargs)
        self.steps += 1
        self.tell("stepped", args[0])
        self._check_steps()
        return result

    def _scheduler_made(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._settle()
        with self._within("scheduler_step"):
            return original(*args, **kwargs)

    def _epoch(self, original: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.check_time()
        if "unseen" not in self.running and "epoch" not in self.running:
            loader = args[0]
            if self.train_data is None and torch.is_grad_enabled():
                self.train_data = loader.dataset
            self.tell("epoch", loader)
            if loader.dataset is self.train_data:
                self.tell("train_epoch", loader)
        return self.through("epoch", original, args, kwargs)

    # Where it ends

    def _check_steps(self) -> None:
        steps, _ = self._stop_after
        if steps is not None and self._recorded() >= steps:
            raise Cut
        self.check_time()

    def _recorded(self) -> int:
        return self.recorder.steps_done() if self.recorder is not None else self.steps

    def check_time(self) -> None:
        """End the script when its time is over."""
        _, seconds = self._stop_after
        self._began = self._began or clocks.monotonic()  # when the training begins, not when torch is imported
        if seconds is not None and clocks.monotonic() - self._began >= seconds:
            raise Cut


def _below(kind: type) -> set[type]:
    direct: list[type] = type.__subclasses__(kind)
    return {inner for child in direct for inner in (child, *_below(child))}
