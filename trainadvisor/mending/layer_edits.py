"""Layers put into a chain of layers: a norm between each linear layer or convolution and its activation."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from trainadvisor.mending.names import area_of
from trainadvisor.source import torch_names
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

Arguments = dict[str, Any]
# The norm of each kind of layer, by what the remedy asks for, and the argument that holds the size of its outputs.
NORMS = {
    "batch": {"Linear": "BatchNorm1d", "Conv1d": "BatchNorm1d", "Conv2d": "BatchNorm2d", "Conv3d": "BatchNorm3d"},
    "layer": {"Linear": "LayerNorm"},
}
SIZES = {"Linear": "out_features", "Conv1d": "out_channels", "Conv2d": "out_channels", "Conv3d": "out_channels"}


def normalization(training: Training, arguments: Arguments) -> Fix | None:
    """Put a norm between layer and activation in each plain chain that has none."""
    norms = NORMS.get(str(arguments.get("to")), {})
    chains = [c for c in training.script.calls if training.script.full(c.func) == "torch.nn.Sequential"]
    spans = [span for chain in chains if not _has_norms(chain) for span in _put(training, chain, norms)]
    return tuple(spans) or None


def _has_norms(chain: ast.Call) -> bool:
    return any("Norm" in called(node) for node in chain.args if isinstance(node, ast.Call))


def _put(training: Training, chain: ast.Call, norms: dict[str, str]) -> Iterator[Span]:
    for layer, following in zip(chain.args, chain.args[1:], strict=False):
        if not isinstance(layer, ast.Call) or not isinstance(following, ast.Call):
            continue
        kind = torch_names.layer(training.script.full(layer.func))
        activates = torch_names.layer(training.script.full(following.func)) in torch_names.ACTIVATIONS
        size = keyword(layer, SIZES.get(kind, ""), 1)
        if kind in norms and activates and size is not None:
            area, end = area_of(training, layer.func), span_of(training.source, layer)[1]
            yield Span(end, end, f", {area}.{norms[kind]}({training.source.segment(size)})")
