"""Losses that a model returns from its forward: the one that is trained on is found again in evaluations."""

from collections.abc import Iterator

import torch

from trainadvisor.instrument.user_attributes import attribute, entries, fields
from trainadvisor.record.losses.loss_graph import metadata_of, scaled_from
from trainadvisor.record.step import Call

_MOST_PATHS = 16
_SCALINGS = ("Div", "Mul", "ToCopy", "Mean", "View", "Squeeze")
# Key in a graph node's metadata: which number of which model's output it is.
_MARK = "returned to trainadvisor"
Path = tuple[object, ...]


class ReturnedLosses:
    """Knows for each model which of the numbers that it returns is the loss, and the loss's id."""

    def __init__(self) -> None:
        """Begin without any."""
        self._paths: dict[int, tuple[Path, int]] = {}
        # Whether a forward since the last backward has returned a number.
        self.offered = False

    def offer(self, model: int, output: object) -> None:
        """Mark the numbers that a forward of the training returns, in the graph; take the model's number."""
        if type(output) is torch.Tensor and output.ndim > 1:
            return
        for path, tensor in numbers_in(output):
            if tensor.grad_fn is not None:
                metadata_of(tensor.grad_fn)[_MARK] = model, path
                self.offered = True

    def match(self, loss: object, number: int) -> None:
        """Find the tensor that is differentiated, or what it is a multiple of, among the numbers returned."""
        offered, self.offered = self.offered, False
        if not offered or not isinstance(loss, torch.Tensor):
            return
        for node in scaled_from(loss.grad_fn, _SCALINGS):
            if _MARK in (marks := metadata_of(node)):
                model, path = marks[_MARK]
                self._paths[model] = path, number
                return

    def of(self, call: Call) -> tuple[int | None, torch.Tensor | None]:
        """Return the id of the loss that a model returns, and its value in this call."""
        path, number = self._paths.get(call.model.number, (None, None))
        if path is None:
            return None, None
        return number, next((tensor for found, tensor in numbers_in(call.output) if found == path), None)


def numbers_in(output: object, path: Path = ()) -> Iterator[tuple[Path, torch.Tensor]]:
    """Yield the single floating-point numbers in an output: a tensor, or those in tuples, dictionaries and records."""
    if isinstance(output, torch.Tensor):
        if output.numel() == 1 and output.ndim <= 1 and output.is_floating_point():
            yield path, output
    elif len(path) < 2:
        for name, item in _items(output)[:_MOST_PATHS]:
            yield from numbers_in(item, (*path, name))


def _items(output: object) -> list[tuple[object, object]]:
    if isinstance(output, dict):
        return list(dict.items(output))
    if isinstance(output, tuple | list):
        return list(enumerate(entries(output, _MOST_PATHS)))
    return [(name, attribute(output, name)) for name in fields(output)]
