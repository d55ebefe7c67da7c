"""Probe: the order of the calls that make up a training step, counted exactly."""

import weakref
from collections import Counter
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import private_torch
from trainadvisor.instrument.gradients import gradient_of
from trainadvisor.record.context import Context, probe
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.losses.whole_graph import leaves
from trainadvisor.record.objects.describe import NORMS, local
from trainadvisor.record.step import Arrived, Call, Step

# Steps after which the counts are told.
TOLD = {1, 2, 3, 5, 10, 15, 20, 50, 100, 200, 500}
_COUNTS = ("forward", "train_forward", "backward", "step", "zero_grad", "step_without_grad", "stale_steps",
           "clip_calls",
           "zero_between_backward_and_step", "eval_mode_train_forward", "train_mode_eval_forward",
           "clip_before_unscale", "clips_before_step", "clips_after_step",
           "unscale_calls", "scaler_steps", "scaler_skips", "scheduler_before_optimizer",
           "accumulated_steps", "cleared_backwards", "graphless_backwards")  # fmt: skip
_LATE = ("stale_steps", "zero_between_backward_and_step", "step_without_grad")
_SAMPLED = 3
# Steps from which on an optimizer without any gradient is not merely waiting.
_OFTEN = 20
# Most operations of a graph that is looked through for the weights: one that was cut off before it was made is short.
_SHORT = 50


@probe(order=40)
class CallOrderProbe:
    """Counts calls and the ways in which they can be in the wrong order."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counts = context.counts
        self._schedulers: Counter[int] = Counter()
        # Optimizers (by id) whose gradients have not been cleared since their last step.
        self._left: dict[int, bool] = {}
        # How large the left gradients of an optimizer were when the next backward began.
        self._found: dict[int, Reading] = {}
        # Steps of each optimizer, and those at which it found no gradient at all.
        self._tried: dict[int, list[int]] = {}
        # How many optimizers that are gone had stepped often, by whether they ever found one.
        self._gone: Counter[bool] = Counter()
        self._cleared_after_backward = False
        # Whether a loader has given a batch since the last backward.
        self._batch_came = False
        self._manual = self._closure = False
        self._micro = 1
        self._modes: list[bool] = []

    def on_parameters_moved(self) -> None:
        """Note that parameters changed in a sampled step: without an optimizer the script updates them by hand."""
        if self._context.boundaries.free_running and not self._counts["step"]:
            self._manual = True

    def on_forward_ends(self, call: Call) -> None:
        """Count forwards, and those of a model that cares about its mode in the wrong one."""
        self._counts.add("forward")
        if call.grad:
            self._counts.add("train_forward")
            self._modes.append(_in_eval_by_mistake(call))

    def on_zero_grad(self, args: tuple[Any, ...], _: object, __: object) -> None:
        """Note cleared gradients; after the backward and before the step they are lost."""
        self._counts["zero_grad"] += 1
        owner, cleared = args[0], list(self._left)
        if isinstance(owner, torch.optim.Optimizer):
            # A wrapper that imitates the class of an optimizer, as Lightning's does, clears the one inside.
            cleared = [id(getattr(owner, "optimizer", owner))]
        for optimizer in cleared:
            self._clear(optimizer)
        step = self._context.step
        if step.micro and not step.stepped and not step.done and not self._cleared_after_backward:
            self._cleared_after_backward = True
            if not self._context.boundaries.in_step:
                self._context.boundaries.gradients_lost()

    def _clear(self, optimizer: int) -> None:
        self._left[optimizer] = False
        self._found.pop(optimizer, None)

    def _is_cut(self, root: torch.Tensor) -> bool:
        """Return whether there is no way back, or where optimizers find no gradients, none to what a model holds."""
        if root.is_leaf or not self._counts["step_without_grad"]:
            return root.is_leaf
        ends = leaves(root.grad_fn, most=_SHORT)
        if ends is None:
            return False
        known = {id(p) for model in self._context.objects.models.values() for p in model.parameters}
        return known.isdisjoint(map(id, ends))

    def on_backward_begins(self, args: tuple[Any, ...], _: object) -> None:
        """Look whether there is a way back, and whether gradients of the step before are still there, by value."""
        self._counts["backward"] += 1
        self._counts["graphless_backwards"] += (
            bool(args) and isinstance(args[0], torch.Tensor) and self._is_cut(args[0])
        )
        if self._cleared_after_backward and not self._context.boundaries.in_step:
            self._counts["cleared_backwards"] += self._batch_came
            if not any(map(_has_gradient, self._context.objects.alive_optimizers())):
                self._context.step.losses = []  # the loss of a step is that of the gradients that it uses
        self._cleared_after_backward = self._batch_came = False
        if True not in self._left.values():
            return
        for optimizer in self._context.objects.alive_optimizers():
            if self._left.get(id(optimizer)) and id(optimizer) not in self._found:
                self._look_at_left(optimizer)

    def on_batch_ends(self, *_: object) -> None:
        """Note that the next backward is that of another batch."""
        self._batch_came = True

    def on_thread_changed(self) -> None:
        """Look at no gradients of the thread that has trained before: it may go on."""
        self._left.clear()
        self._found.clear()

    def on_direct_backward(self, _: object) -> None:
        """Count a backward whose gradients went to the script."""
        self._counts.add("backward")

    def _look_at_left(self, optimizer: torch.optim.Optimizer) -> None:
        smallest = sorted(_gradients(optimizer), key=torch.Tensor.numel)[:_SAMPLED]
        if not smallest:
            self._clear(id(optimizer))
            return
        reading = self._context.values.read(_size(smallest))
        if reading.values == [0.0]:
            self._clear(id(optimizer))
        else:
            self._found[id(optimizer)] = reading

    def on_step_begins(self, optimizer: torch.optim.Optimizer, closure: object) -> None:
        """Judge the state in which the optimizer is about to step."""
        step = self._context.step
        self._closure = bool(closure)
        tried = self._follow(optimizer)
        if closure:
            return
        self._judge_left(optimizer, step)
        found = _has_gradient(optimizer)
        waits = not found and not _asks_for_gradients(optimizer)  # what it holds is frozen
        tried[0] += not waits
        if not found:
            tried[1] += not waits
            step.fields["no_grad"] = True
            self._counts.add("step_without_grad")
            self._counts["zero_between_backward_and_step"] += self._cleared_after_backward
        elif self._cleared_after_backward and step.micro:
            reading = self._context.values.read(_size(_gradients(optimizer)))
            step.expect(reading, self._judging_lost(step))

    def _follow(self, optimizer: torch.optim.Optimizer) -> list[int]:
        """Return the counts of an optimizer; one that is made at its address once it is gone begins anew."""
        key = id(optimizer)
        if key not in self._tried:
            self._tried[key] = [0, 0]
            weakref.finalize(optimizer, self._context.guard, type(self).__name__, self._forget, key).atexit = False
        return self._tried[key]

    def _forget(self, key: int) -> None:
        steps, without = self._tried.pop(key)
        self._left.pop(key, None)
        self._found.pop(key, None)
        if steps >= _OFTEN:
            self._gone[steps > without] += 1

    def _judge_left(self, optimizer: torch.optim.Optimizer, step: Step) -> None:
        found = self._found.pop(id(optimizer), None) if self._found else None
        if found is not None and self._left.get(id(optimizer)):
            step.expect(found, self._judging_stale(step))

    def _judging_stale(self, step: Step) -> Arrived:
        def arrived(values: list[float]) -> None:
            if values[0] != 0 and not step.fields.get("stale"):
                step.fields["stale"] = True
                self._counts.add("stale_steps")

        return arrived

    def _judging_lost(self, step: Step) -> Arrived:
        def arrived(values: list[float]) -> None:
            if values[0] == 0:
                step.fields["no_grad"] = True
                self._counts.add("zero_between_backward_and_step")

        return arrived

    def on_step_ends(self, optimizer: torch.optim.Optimizer) -> None:
        """Note that this optimizer's gradients are used up; a closure's are judged now."""
        self._counts.add("step")
        step = self._context.step
        if self._closure:
            self._judge_left(optimizer, step)
            if not _has_gradient(optimizer):
                step.fields["no_grad"] = True
                self._counts.add("step_without_grad")
                self._counts["zero_between_backward_and_step"] += self._cleared_after_backward
        self._left[id(optimizer)] = True

    def on_implicit_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Count a step that no hook has shown."""
        self._counts.add("step")
        self._follow(optimizer)
        self._left[id(optimizer)] = True

    def on_scheduler_step(self, args: tuple[Any, ...], _: object, __: object) -> None:
        """Count the steps of each scheduler."""
        if isinstance(args[0], torch.optim.lr_scheduler.LRScheduler):
            self._schedulers[self._context.objects.add_scheduler(args[0])] += 1
            step = self._context.step
            if step.micro and not step.done:
                self._counts.add("scheduler_before_optimizer")

    def on_clip_grad_norm_(self, *_: object) -> None:
        """Count clipping calls."""
        self._counts.add("clip_calls")

    def on_close(self, step: Step) -> None:
        """Add up the step."""
        self._counts["accumulated_steps"] += step.micro > 1
        mistaken = bool(self._modes) and all(self._modes)
        self._counts["eval_mode_train_forward"] += mistaken
        step.fields["mode"] = "eval" if mistaken else "train"
        self._modes = []
        self._micro = 1 if self._closure else max(1, step.micro)
        if step.number + 1 in TOLD:
            self._tell()

    def on_stop(self, _: str) -> None:
        """Tell the final counts."""
        self._tell()

    def _gradless(self) -> int:
        """Return how many optimizers never found a gradient, while others did."""
        found = self._gone + Counter(
            steps > without for steps, without in list(self._tried.values()) if steps >= _OFTEN
        )
        return found[False] if found[True] else 0

    def _tell(self) -> None:
        """Tell the counts of now; those that depend on values are complete when the steps before are."""
        detail: dict[str, Any] = {name: self._counts[name] for name in _COUNTS}
        detail |= {"scheduler_steps": {str(k): n for k, n in self._schedulers.items()}, "accumulation": self._micro,
                   "accumulation_divided": self._counts.divided, "manual_updates": self._manual,
                   "gradless_optimizers": self._gradless()}  # fmt: skip

        def complete(_: list[float]) -> None:
            detail.update({name: self._counts[name] for name in _LATE}, manual_updates=self._manual)

        self._context.event("tally", "", detail, [(Reading([]), complete)])


def _has_gradient(optimizer: torch.optim.Optimizer) -> bool:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if gradient_of(parameter) is not None:
                return True
    return False


def _asks_for_gradients(optimizer: torch.optim.Optimizer) -> bool:
    return any(p.requires_grad for group in optimizer.param_groups for p in group["params"])


def _gradients(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    gradients = (gradient_of(p) for group in optimizer.param_groups for p in group["params"])
    return [found for found in gradients if found is not None and not found.is_meta]


def _size(gradients: list[torch.Tensor]) -> torch.Tensor:
    """Return the sum of the absolute values, of sparse gradients too."""
    dense = [private_torch.sparse_values(g) if g.is_sparse else local(g) for g in gradients]
    return torch.stack([g.detach().abs().sum().float().to(dense[0].device, non_blocking=True) for g in dense]).sum()


def _in_eval_by_mistake(call: Call) -> bool:
    """Return whether layers that care are in eval mode though their parameters train; frozen batch norm is intended."""
    caring = [module for module in call.model.caring if not _frozen(module)]
    return bool(caring) and not any(module.training for module in caring)


def _frozen(module: nn.Module) -> bool:
    own = private_torch.parameters(module).values()
    return isinstance(module, NORMS) and not any(p.requires_grad for p in own if p is not None)
