"""Losses over a vocabulary whose scores never exist as one tensor, told like torch's own.

TRL's trainer for supervised fine-tuning takes log-probabilities of the labels in pieces, straight from what the last
layer gets. Told are the value, the labels, and the scores of as many positions as fit into a small tensor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.compiler import is_compiling

from trainadvisor.instrument import call_sites, taps, tracing
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.user_modes import apart
from trainadvisor.interruptions import unless_it_fails

# Parameters of the fused last layer.
_HEAD = (
    "ctx", "hidden", "weight", "bias", "targets", "temperature", "chunk_size", "final_logit_softcapping", "logit_scale",
)  # fmt: skip
# Scores that are computed again to be looked at, and the least positions of them.
_MOST_SCORES, _LEAST_POSITIONS = 1 << 20, 16


@dataclass
class _Head:
    """What the last layer was called with, and the labels as they were taken."""

    hidden: Any
    weight: Any
    bias: Any
    targets: Any


class LateScores:
    """Scores that are computed when somebody wants to look at them, which few steps do."""

    def __init__(self, compute: Callable[[], torch.Tensor]) -> None:
        """Take what computes them."""
        self._compute = compute
        self._made: torch.Tensor | None = None

    def detach(self) -> torch.Tensor:
        """Return them without a graph."""
        if self._made is None:
            self._made = apart(self._compute)
        return self._made


class _Waiting:
    """Holds the call of the last layer within a loss; None outside of any."""

    heads: list[_Head] | None = None


@veiled
def fused_head(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the fused last layer and keep what went into it for the loss around it."""
    if _Waiting.heads is not None:
        given = dict(zip(_HEAD, args, strict=False)) | kwargs
        if _is_unscaled(given):
            _Waiting.heads.append(_Head(*(given.get(name) for name in ("hidden", "weight", "bias", "targets"))))
    return original(*args, **kwargs)


def _is_unscaled(given: dict[str, Any]) -> bool:
    neutral = {"temperature": 1.0, "final_logit_softcapping": None, "logit_scale": 1.0}
    return all(given.get(name, value) == value for name, value in neutral.items())


@veiled
def fused_loss(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run `compute_loss` of TRL's trainer and tell its loss as a cross-entropy where it is the plain one."""
    if _Waiting.heads is not None or is_compiling() or tracing.now():
        return original(*args, **kwargs)
    _Waiting.heads = []
    try:
        result = original(*args, **kwargs)
        heads = _Waiting.heads
    finally:
        _Waiting.heads = None
    told = unless_it_fails(_read, args, kwargs, heads, result)  # what another library holds is unknown
    if told is not None:
        loss, prediction, target = told
        taps.tell("loss", "cross_entropy", (prediction, target), {"place": call_sites.user_place(2)}, loss)
    return result


def _read(
    args: tuple[Any, ...], kwargs: dict[str, Any], heads: list[_Head], result: Any
) -> tuple[torch.Tensor, LateScores, torch.Tensor] | None:
    """Return loss, scores and labels, None where the loss is another one."""
    trainer, inputs = args[0], args[2] if len(args) > 2 else kwargs["inputs"]
    loss = result[0] if isinstance(result, tuple) else result
    if len(heads) != 1 or not _is_plain(trainer) or not isinstance(loss, torch.Tensor):
        return None
    labels, every = apart(_looked_at, heads[0], inputs)
    return loss, LateScores(partial(_scores, apart(_without_graph, heads[0]), every)), labels


def _is_plain(trainer: Any) -> bool:
    """Return whether the loss is the mean over the labels of one batch, and nothing else."""
    alone = getattr(trainer, "current_gradient_accumulation_steps", 1) in (None, 1) or not trainer.model.training
    other = trainer.compute_loss_func is not None or trainer.label_smoother is not None
    return alone and not other and trainer.args.loss_type == "nll" and not trainer.aux_loss_enabled


def _labels(inputs: dict[str, Any], head: _Head) -> torch.Tensor:
    """Return the label of each position, -100 where it does not count."""
    shifted = inputs.get("shift_labels")
    given: torch.Tensor = (inputs["labels"][:, 1:] if shifted is None else shifted).reshape(-1)
    targets: torch.Tensor = head.targets
    return given if given.shape == targets.shape else targets


def _looked_at(head: _Head, inputs: dict[str, Any]) -> tuple[torch.Tensor, int]:
    """Return the labels of positions at even distances, and the distance."""
    labels = _labels(inputs, head)
    most = max(_LEAST_POSITIONS, _MOST_SCORES // head.weight.shape[0])
    every = -(-labels.shape[0] // most)
    return labels[::every], every


def _without_graph(head: _Head) -> _Head:
    """Return what a last layer was called with, so that whoever keeps it keeps no graph of the training."""
    bias = None if head.bias is None else head.bias.detach()
    return _Head(head.hidden.detach(), head.weight.detach(), bias, head.targets)


def _scores(head: _Head, every: int) -> torch.Tensor:
    """Return the scores of positions at this distance."""
    hidden = head.hidden[::every]
    scores: torch.Tensor = hidden @ head.weight.to(hidden.dtype).t()
    return scores if head.bias is None else scores + head.bias.to(scores.dtype)
