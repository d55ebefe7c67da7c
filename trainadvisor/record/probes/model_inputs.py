"""Probe: what goes into the model, per feature, over the first batches of training and of evaluation."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import module_tables
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects import describe, pixel_order
from trainadvisor.record.step import Call

_FIRST = 12
_MOST = 64
_TOLD = {1, 4, 12, 30, _MOST}
_ROWS = 2048
_SCALARS = ("min", "max", "mean", "std", "nonfinite", "integer_valued", "binary", "feature_mean_max_abs",
            "feature_std_min", "feature_std_max",
            "feature_std_median", "constant_features", "feature_offset_max", "interleaving", "examples")  # fmt: skip


@dataclass
class _Gathered:
    """Sums per feature over the batches of one model and phase, kept on the device."""

    shape: list[int]
    dtype: str
    floating: bool
    # Of how many tensors that the model is called with it is one.
    tensors: int = 1
    batches: int = 0
    identical: int = 0
    count: int = 0
    examples: int = 0
    sums: list[torch.Tensor] = field(default_factory=list)
    flags: torch.Tensor | None = None
    last: torch.Tensor | None = None
    same: list[torch.Tensor] = field(default_factory=list)
    pixels: torch.Tensor | None = None


@probe(order=120)
class ModelInputProbe:
    """Gathers what a model is called with: the ids of its first table, else the first floating-point tensor, or any."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._gathered: dict[tuple[int, str], _Gathered] = {}
        self._dirty: set[tuple[int, str]] = set()

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches of every model are gathered."""
        gathered = (self._gathered.get((model, "train")) for model in routine.models)
        known = all(found is not None and found.batches >= _FIRST for found in gathered)
        return math.inf if known else routine.step

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Add the batch while it is among the first, or its step is sampled."""
        key = (call.model.number, "train" if call.grad else "eval")
        gathered = self._gathered.get(key)
        batches = gathered.batches if gathered else 0
        if batches >= _MOST or (batches >= _FIRST and not (call.grad and self._context.step.sample_layers)):
            return
        part = call.model.part() if call.model.part is not None else None
        if call.module not in (*call.model.roots, part):
            return
        given, first = list(describe.tensors_in([call.args, call.kwargs])), _first_layer(call.model.roots[0])
        if tensors := _with_numbers(given):
            with torch.no_grad():
                self._add(key, _input_among(tensors, first), first, len(given))

    def _add(self, key: tuple[int, str], tensor: torch.Tensor, first: nn.Module | None, tensors: int) -> None:
        gathered = self._gathered.get(key)
        values, batch = _by_feature(tensor, first), tensor.shape[0] if tensor.ndim else 1
        if gathered is None or (gathered.sums and gathered.sums[0].shape != values.shape[1:]):
            if gathered is not None:
                return
            gathered = _Gathered(
                list(tensor.shape), str(tensor.dtype).removeprefix("torch."), tensor.is_floating_point(), tensors
            )
            self._gathered[key] = gathered
        _add_sums(gathered, values)
        if gathered.batches < _FIRST:
            _add_pixels(gathered, tensor)
        mark = torch.stack([values.sum(), values.square().sum(), values[0].sum()])
        if gathered.last is not None:
            gathered.same.append((mark == gathered.last).all() & (gathered.sums[1].sum() > 0))
        gathered.last = mark
        gathered.batches += 1
        gathered.examples += batch
        self._dirty.add(key)
        if gathered.batches in _TOLD:
            self._tell(key, gathered)

    def _tell(self, key: tuple[int, str], gathered: _Gathered) -> None:
        self._dirty.discard(key)
        detail: dict[str, Any] = {"model": key[0], "phase": key[1], "shape": gathered.shape,
                                  "dtype": gathered.dtype, "floating": gathered.floating,
                                  "tensors": gathered.tensors,
                                  "batches": gathered.batches, "features": gathered.sums[0].numel()}  # fmt: skip
        identical = torch.stack(gathered.same).sum() if gathered.same else gathered.sums[0].new_zeros(())
        reading = self._context.values.read(
            torch.cat([_summary(gathered), identical.reshape(1).to(gathered.sums[0].dtype)])
        )

        def arrived(values: list[float]) -> None:
            found = dict(zip(_SCALARS, values, strict=False))
            detail.update(found, identical_batches=int(values[-1]), abs_max=max(abs(found["min"]), abs(found["max"])))
            for name in ("integer_valued", "binary"):
                detail[name] = found[name] == 1.0
            for name in ("nonfinite", "constant_features", "examples"):
                detail[name] = int(found[name])

        self._context.event("inputs", key[1], detail, [(reading, arrived)])

    def on_model_gone(self, model: int) -> None:
        """Tell what a model that the user has dropped was called with, and forget it."""
        for key in [key for key in self._gathered if key[0] == model]:
            if key in self._dirty:
                self._tell(key, self._gathered[key])
            del self._gathered[key]

    def on_stop(self, _: str) -> None:
        """Tell what has been gathered since the last time."""
        for key in sorted(self._dirty):
            self._tell(key, self._gathered[key])


def _with_numbers(given: list[torch.Tensor]) -> list[torch.Tensor]:
    tensors = map(describe.local, given)
    return [t for t in tensors if t.numel() and t.ndim and not t.is_sparse and not t.is_complex()]


def _first_layer(root: nn.Module) -> nn.Module | None:
    """Return the first layer with parameters."""
    leaves = (module for module in module_tables.modules(root) if describe.is_leaf(module))
    return next((leaf for leaf in leaves if next(module_tables.parameters(leaf), None) is not None), None)


def _input_among(tensors: list[torch.Tensor], first: nn.Module | None) -> torch.Tensor:
    """Return the data: ids where they meet a table first, beside which numbers are a state or a mask, else numbers."""
    floating = [t for t in tensors if t.is_floating_point()]
    ids = [t for t in tensors if not t.is_floating_point() and t.dtype != torch.bool and t.ndim > 1]
    meant = ids if ids and isinstance(first, nn.Embedding | nn.EmbeddingBag) else floating
    return (meant or tensors)[0]


def _by_feature(tensor: torch.Tensor, first: nn.Module | None) -> torch.Tensor:
    """Return the values as [samples, features] in double precision: channels of an image, else the last dimension."""
    found = tensor.detach()[:_ROWS]
    channels = found.ndim >= 4 or (found.ndim == 3 and isinstance(first, nn.Conv1d))
    if not tensor.is_floating_point():
        return found.reshape(-1, 1).double()
    if channels:
        found = found.movedim(1, -1)
    step = max(1, found[..., 0].numel() * found.shape[-1] // 2_000_000)
    return found.reshape(-1, found.shape[-1])[::step].double() if found.ndim > 1 else found.reshape(-1, 1).double()


def _add_sums(gathered: _Gathered, values: torch.Tensor) -> None:
    finite = torch.where(torch.isfinite(values), values, torch.zeros_like(values))
    parts = [finite.sum(0), finite.square().sum(0), finite.amin(0), finite.amax(0)]
    flags = torch.stack(
        [
            (~torch.isfinite(values)).sum().double(),
            (values == values.round()).double().min(),
            ((values == 0) | (values == 1)).double().min(),
        ]
    )
    gathered.count += values.shape[0]
    if not gathered.sums:
        gathered.sums, gathered.flags = parts, flags
        return
    old = gathered.sums
    gathered.sums = [
        old[0] + parts[0],
        old[1] + parts[1],
        torch.minimum(old[2], parts[2]),
        torch.maximum(old[3], parts[3]),
    ]
    assert gathered.flags is not None
    gathered.flags = torch.stack(
        [gathered.flags[0] + flags[0], gathered.flags[1] * flags[1], gathered.flags[2] * flags[2]]
    )


def _add_pixels(gathered: _Gathered, tensor: torch.Tensor) -> None:
    found = pixel_order.distances(tensor)
    if found is not None:
        gathered.pixels = found if gathered.pixels is None else gathered.pixels + found


def _summary(gathered: _Gathered) -> torch.Tensor:
    """Return the scalars over all features, in the order of `_SCALARS`."""
    total, square, low, high = gathered.sums
    n = max(1, gathered.count)
    mean = total / n
    std = (square / n - mean.square()).clamp_min(0).sqrt()
    varying = high > low
    size = torch.where(varying, std, torch.full_like(std, torch.nan))
    offset = torch.where(varying, mean.abs() / std.clamp_min(1e-12), torch.zeros_like(mean))
    overall = mean.mean()
    spread = ((square / n).mean() - overall.square()).clamp_min(0).sqrt()
    smallest = torch.nan_to_num(size, nan=float("inf")).min()
    assert gathered.flags is not None
    columns = [low.min(), high.max(), overall, spread, *gathered.flags.unbind(), mean.abs().max(),
               smallest.nan_to_num(posinf=0.0),
               torch.nan_to_num(size, nan=0.0).max(), size.nanmedian().nan_to_num(0.0), (~varying).sum().double(),
               offset.max(), pixel_order.ratio(gathered.pixels, total[0]),
               torch.tensor(float(gathered.examples), dtype=torch.float32, device=mean.device)]  # fmt: skip
    return torch.stack([c.double() for c in columns])
