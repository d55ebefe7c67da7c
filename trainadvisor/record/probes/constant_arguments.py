"""Probe: arguments of the model with one value an example, as a time step: whether they ever vary in the training."""

import inspect
import math
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_arguments import ELEMENTWISE
from trainadvisor.record.losses.loss_calls import named, parameters_of
from trainadvisor.record.step import Call

_FIRST, _MOST = 16, 64
_TOLD = {4, _FIRST, _MOST}
_LEAST_BATCH = 4
# Calls that are looked at until an input is one of numbers, at most.
_PATIENCE = 100


@dataclass
class _Argument:
    """The range of one argument over the batches, on the device."""

    batches: int = 0
    examples: int = 0
    dtype: str = ""
    low: torch.Tensor | None = None
    high: torch.Tensor | None = None

    def add(self, values: torch.Tensor) -> None:
        low, high = values.amin().double(), values.amax().double()
        self.low = low if self.low is None else torch.minimum(self.low, low)
        self.high = high if self.high is None else torch.maximum(self.high, high)
        self.batches += 1
        self.examples += values.numel()


@probe(order=134)
class ModelArgumentProbe:
    """Looks at the arguments beside the input in the first batches and in sampled steps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[str, _Argument] = {}
        self._calls = self._looks = self._told = 0
        self._input: torch.Tensor | None = None
        # Sums over batches: of input times target, of their squares, and of the target.
        self._sums: torch.Tensor | None = None
        self._numbers = 0

    def rests_until(self, routine: Routine) -> float:
        """Rest where models get one argument, or enough calls were looked at."""
        over = self._calls >= _FIRST or self._looks >= _PATIENCE or all(count < 2 for count in routine.models.values())
        return math.inf if over and self._input is None else routine.step

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Take the arguments of a call of the training."""
        self._input = None
        if not call.grad or len(call.args) + len(call.kwargs) < 2 or not self._due():
            return
        self._looks += 1
        given = {name: value.detach() for name, value in _by_name(call) if isinstance(value, torch.Tensor)}
        inputs = [t for t in given.values() if t.is_floating_point() and t.ndim > 1 and t.shape[0] >= _LEAST_BATCH]
        if not inputs:
            return
        self._calls += 1
        self._input = inputs[0]
        for name, value in given.items():
            if value.numel() == inputs[0].shape[0] == value.shape[0] and not value.is_complex():
                argument = self._found.setdefault(name, _Argument(dtype=str(value.dtype).removeprefix("torch.")))
                argument.add(value)

    def _due(self) -> bool:
        if self._looks >= _PATIENCE:
            return False
        return self._calls < _FIRST or (self._context.step.sample_layers and self._calls < _MOST)

    @unless_resting
    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Compare the target with the input, where it is of its shape: a denoiser's is the noise that was added."""
        given, self._input = self._input, None
        if given is None or not self._found or kind not in ELEMENTWISE or not result.requires_grad:
            return
        target = named(kind, args, kwargs).get(parameters_of(kind)[1])
        if isinstance(target, torch.Tensor) and target.shape == given.shape:
            x, y = given.double(), target.detach().double()
            sums = torch.stack([(x * y).sum(), x.square().sum(), y.square().sum(), y.sum()])
            self._sums = sums if self._sums is None else self._sums + sums
            self._numbers += given.numel()
        if self._calls in _TOLD:
            self._tell()

    @unless_resting
    def on_close(self, _: object) -> None:
        """Let go of an input that no loss has asked for."""
        self._input = None

    def _tell(self) -> None:
        self._told = self._calls
        for name, argument in self._found.items():
            assert argument.low is not None
            assert argument.high is not None
            range_ = torch.stack([argument.low, argument.high])
            sums = self._sums if self._sums is not None else range_.new_full((4,), torch.nan)
            detail: dict[str, Any] = {
                "batches": argument.batches, "examples": argument.examples, "type": argument.dtype,
                "numbers": self._numbers,
            }  # fmt: skip

            def arrived(values: list[float], detail: dict[str, Any] = detail) -> None:
                names = ("low", "high", "both_square", "input_square", "target_square", "target_sum")
                detail.update(zip(names, values, strict=True))

            reading = self._context.values.read(torch.cat([range_, sums.to(range_.device)]))
            self._context.event("argument", name, detail, [(reading, arrived)])

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        if self._found and self._calls > self._told:
            self._tell()


def _by_name(call: Call) -> list[tuple[str, Any]]:
    """Return the arguments of a call with the names that the model's forward gives them."""
    try:
        return list(inspect.signature(call.module.forward).bind(*call.args, **call.kwargs).arguments.items())
    except (TypeError, ValueError):
        return [*((str(number), value) for number, value in enumerate(call.args)), *call.kwargs.items()]
