"""Probe: whether CTC gets log-probabilities and has a path, whether targets hold blanks, what the best path emits."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_calls import named

_FIRST, _MOST = 16, 200
_TOLD = {1, 4, _FIRST, _MOST}
_SUMS = ("infeasible", "input_frames", "target_labels", "blank_labels", "open_frames")
# How far the logarithm of the sum of a frame's probabilities is from 0 in half precision, at most.
_ROUNDING = 0.1


@dataclass
class _Alignable:
    """Sums over batches, on the device."""

    batches: int = 0
    examples: int = 0
    sums: torch.Tensor | None = None
    told: int = 0


@probe(order=133)
class CtcAlignmentProbe:
    """Compares frames with labels in the first batches and in sampled steps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found = _Alignable()

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches are compared, and in a training without CTC."""
        over = self._found.batches >= _FIRST or "ctc_loss" not in routine.kinds
        return math.inf if over else routine.step

    @unless_resting
    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Look at a CTC loss of the training."""
        if kind != "ctc_loss" or not result.requires_grad:
            return
        found, step = self._found, self._context.step
        if (found.batches >= _FIRST and not step.sample_layers) or found.batches >= _MOST:
            return
        given = named(kind, args, kwargs)
        scores, targets = given["log_probs"].detach(), given["targets"].detach()
        if scores.ndim != 3 or targets.ndim not in (1, 2) or not targets.numel():
            return
        frames, labels = (_lengths(given[name], scores.device) for name in ("input_lengths", "target_lengths"))
        targets = targets.to(scores.device)
        short, blank = frames < labels + _repeats(targets, labels), int(given.get("blank", 0))
        blanks = _counted(targets == blank, labels)
        inside = torch.arange(scores.shape[0], device=scores.device)[:, None] < frames
        open_frames = (scores.float().logsumexp(-1).abs() > _ROUNDING) & inside
        sums = torch.stack([short.sum(), frames.sum(), labels.sum(), blanks.sum(), open_frames.sum()]).double()
        found.sums = sums if found.sums is None else found.sums + sums
        found.batches += 1
        found.examples += labels.shape[0]
        self._emission(scores, inside, labels, blank)
        if found.batches in _TOLD:
            self._tell()

    def _emission(self, scores: torch.Tensor, inside: torch.Tensor, labels: torch.Tensor, blank: int) -> None:
        """Record how many labels the best path emits, for each label of the targets."""
        best = scores.argmax(-1)
        begins = torch.ones_like(best, dtype=torch.bool)
        begins[1:] = best[1:] != best[:-1]
        emitted = ((best != blank) & begins & inside).sum() / labels.sum().clamp_min(1)
        step = self._context.step
        step.expect(self._context.values.read(emitted), lambda values: step.fields.update(ctc_emitted=values[0]))

    def _tell(self) -> None:
        found = self._found
        assert found.sums is not None
        found.told = found.batches
        detail: dict[str, Any] = {"batches": found.batches, "examples": found.examples}

        def arrived(values: list[float]) -> None:
            detail.update(zip(_SUMS, values, strict=True))

        self._context.event("ctc", "", detail, [(self._context.values.read(found.sums), arrived)])

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        if self._found.batches > self._found.told:
            self._tell()


def _lengths(given: Any, device: torch.device) -> torch.Tensor:
    """Return lengths, given as a tensor or as numbers, on a device."""
    return given.detach().to(device) if isinstance(given, torch.Tensor) else torch.tensor(list(given), device=device)


def _counted(chosen: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return which of the chosen places of targets belong to their labels, and not to the padding behind them."""
    if chosen.ndim == 1:
        return chosen
    return chosen & (torch.arange(chosen.shape[1], device=chosen.device)[None] < labels[:, None])


def _repeats(targets: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return how many labels of each target equal the one before: each needs a blank between them.

    Targets are padded rows, or one row after the other without padding, as torch takes both.
    """
    if targets.ndim == 1:
        owner = torch.arange(labels.shape[0], device=targets.device)
        owner = torch.repeat_interleave(owner, labels, output_size=targets.shape[0])
        same = (targets[1:] == targets[:-1]) & (owner[1:] == owner[:-1])
        return torch.zeros_like(labels).scatter_add(0, owner[1:], same.to(labels.dtype))
    counted = torch.arange(1, targets.shape[1], device=targets.device)[None] < labels[:, None]
    return ((targets[:, 1:] == targets[:, :-1]) & counted).sum(1)
