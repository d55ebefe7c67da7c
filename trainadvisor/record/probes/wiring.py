"""Probe: the order of the calls that make up a training step, counted exactly."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from trainadvisor.record.facts import NORMS
from trainadvisor.record.iteration import Call, Iteration

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

_TOLD = {1, 2, 3, 5, 10, 15, 20, 50, 100, 200, 500}
_COUNTS = ("forward", "train_forward", "backward", "step", "zero_grad", "step_without_grad", "stale_steps", "clip_calls",
           "zero_between_backward_and_step", "eval_mode_train_forward", "train_mode_eval_forward", "clip_before_unscale",
           "unscale_calls", "scaler_steps", "scaler_skips", "scheduler_before_optimizer", "accumulated_steps")  # fmt: skip
_SAMPLED = 3


class WiringProbe:
    """Counts calls and the ways in which they can be in the wrong order."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._counts: Counter[str] = Counter()
        self._schedulers: Counter[int] = Counter()
        self._left: dict[int, bool] = {}
        """Optimizers (by id) whose gradients have not been cleared since their last step."""
        self._cleared_after_backward = False
        self._manual = False
        self._micro = 1
        self._modes: list[bool] = []
        self.divided: bool | None = None

    def count(self, name: str) -> None:
        """Count one more."""
        self._counts[name] += 1

    def moved(self, any_parameter: bool) -> None:  # noqa: FBT001 - a fact, not a switch
        """Take whether parameters changed in a sampled step: without an optimizer the script updates them by hand."""
        if any_parameter and self._recorder.free_running and not self._counts["step"]:
            self._manual = True

    def on_forward_ends(self, call: Call) -> None:
        """Count forwards, and those of a model that cares about its mode in the wrong one."""
        self.count("forward")
        if call.grad:
            self.count("train_forward")
            self._modes.append(_in_eval_by_mistake(call))

    def on_zero_grad(self, args: tuple[Any, ...], _: object, __: object) -> None:
        """Note cleared gradients; after the backward and before the step they are lost."""
        self.count("zero_grad")
        if isinstance(args[0], torch.optim.Optimizer):
            self._left[id(args[0])] = False
        else:
            self._left = dict.fromkeys(self._left, False)
        iteration = self._recorder.iteration
        if iteration.micro and not iteration.done:
            self._cleared_after_backward = True

    def on_backward_begins(self, *_: object) -> None:
        """Look whether gradients of the step before are still there, by value."""
        self.count("backward")
        self._cleared_after_backward = False
        for optimizer in self._recorder.inventory.alive_optimizers():
            if self._left.get(id(optimizer)):
                self._look_at_left(optimizer)

    def _look_at_left(self, optimizer: torch.optim.Optimizer) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        smallest = sorted(parameters, key=torch.Tensor.numel)[:_SAMPLED]
        if not smallest:
            self._left[id(optimizer)] = False
            return
        left = torch.stack([p.grad.abs().sum().float() for p in smallest if p.grad is not None and not p.grad.is_sparse] or [torch.ones(())])
        reading = self._recorder.values.read(left.sum())
        if reading.values is not None and reading.values[0] == 0:
            self._left[id(optimizer)] = False

    def on_step_begins(self, optimizer: torch.optim.Optimizer) -> None:
        """Judge the state in which the optimizer is about to step."""
        iteration = self._recorder.iteration
        closure = not iteration.micro
        has = any(p.grad is not None for group in optimizer.param_groups for p in group["params"])
        if not closure and self._left.get(id(optimizer)):
            iteration.fields["stale"] = True
        if not has and not _has_closure(optimizer):
            iteration.fields["no_grad"] = True
            self.count("step_without_grad")
            self._counts["zero_between_backward_and_step"] += self._cleared_after_backward
        elif self._cleared_after_backward and iteration.micro and self._all_zero(optimizer):
            iteration.fields["no_grad"] = True
            self.count("zero_between_backward_and_step")

    def _all_zero(self, optimizer: torch.optim.Optimizer) -> bool:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        reading = self._recorder.values.read(torch.stack([g.abs().sum().float() for g in gradients if not g.is_sparse]).sum())
        return reading.values is not None and reading.values[0] == 0

    def on_step_ends(self, optimizer: torch.optim.Optimizer) -> None:
        """Note that this optimizer's gradients are used up."""
        self.count("step")
        self._left[id(optimizer)] = True

    def on_scheduler_step(self, args: tuple[Any, ...], _: object, __: object) -> None:
        """Count the steps of each scheduler."""
        if isinstance(args[0], torch.optim.lr_scheduler.LRScheduler):
            self._schedulers[self._recorder.inventory.add_scheduler(args[0])] += 1
            iteration = self._recorder.iteration
            if iteration.micro and not iteration.done:
                self.count("scheduler_before_optimizer")

    def on_clip_grad_norm_(self, *_: object) -> None:
        """Count clipping calls."""
        self.count("clip_calls")

    def on_close(self, iteration: Iteration) -> None:
        """Add up the step."""
        self._counts["stale_steps"] += bool(iteration.fields.get("stale"))
        self._counts["accumulated_steps"] += iteration.micro > 1
        self._counts["eval_mode_train_forward"] += bool(self._modes) and all(self._modes)
        iteration.fields["mode"] = "eval" if self._modes and all(self._modes) else "train"
        self._modes = []
        self._micro = max(1, iteration.micro)
        if iteration.step + 1 in _TOLD:
            self._tell()

    def on_stop(self, _: str) -> None:
        """Tell the final counts."""
        self._tell()

    def _tell(self) -> None:
        detail: dict[str, Any] = {name: self._counts[name] for name in _COUNTS}
        detail |= {"scheduler_steps": {str(k): n for k, n in self._schedulers.items()}, "accumulation": self._micro,
                   "accumulation_divided": self.divided, "manual_updates": self._manual}  # fmt: skip
        self._recorder.event("tally", "", detail)


def _has_closure(optimizer: torch.optim.Optimizer) -> bool:
    return isinstance(optimizer, torch.optim.LBFGS)


def _in_eval_by_mistake(call: Call) -> bool:
    """Say whether layers that care are in eval mode though their own parameters train (frozen batch norm is intended)."""
    caring = [module for module in call.model.caring if not _frozen(module)]
    return bool(caring) and not any(module.training for module in caring)


def _frozen(module: nn.Module) -> bool:
    return isinstance(module, NORMS) and not any(p.requires_grad for p in module.parameters(recurse=False))
