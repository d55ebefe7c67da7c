"""Probe: which dimension a recurrent or attention layer takes for time and which for the batch, beside the batch."""

from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import call_sites, private_torch, tracing
from trainadvisor.record.context import Context, probe
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

# Different rows that are kept of a layer; texts of many lengths give no more than that.
_MOST = 16
# Calls after which a layer's rows are told again, though none is new.
_TOLD = {2, 8, 64}
_BATCHED = 3
# Batches after which only a training that has called such a layer is asked for their sizes.
_FEW = 64
# Layers of torch that make an attention in their own code.
_TRANSFORMERS = ("TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer")

Row = dict[str, Any]


@probe()
class SequenceAxesProbe:
    """Writes events "sequence-axes": of each layer the different shapes that it was called with."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # The layers called in the running forward, with the sizes that they take for time and batch.
        self._called: list[tuple[Any, int, int]] = []
        self._inside = False
        self._drawn: int | None = None
        # Whether a layer was ever called, and the batches until nobody asks for their sizes any more.
        self._heard, self._batches = False, 0
        # Whether the first dimension of a loader's tensors is the batch: so far it was as large as asked for.
        self._trusted: dict[tuple[int, int], bool] = {}
        # Of each layer by its name: different rows, and how many calls they stand for.
        self._rows: dict[str, list[Row]] = {}
        self._calls: dict[str, int] = {}
        # The rows of the forward before, until the loss has shown the targets.
        self._waiting: list[tuple[Any, Row]] = []
        self._names: dict[int, str] = {}
        self._made: dict[type[nn.Module], set[call_sites.Place | None]] = {}

    def on_made(self, thing: object, place: call_sites.Place | None) -> None:
        """Remember where layers were made: what torch copies of one has no place."""
        if isinstance(thing, nn.RNNBase | nn.MultiheadAttention):
            self._made.setdefault(type(thing), set()).add(place)

    def on_batch_ends(self, args: tuple[Any, ...], _: object, batch: object) -> None:
        """Take how many examples a loader has given, as far as that is certain: some put time first."""
        if not self._heard and self._batches > _FEW:
            return
        self._batches += 1
        size = private_torch.batch_size_of(args[0])
        if not isinstance(size, int):
            self._drawn = None
            return
        firsts = {tensor.shape[0] for tensor in describe.tensors_in(batch) if tensor.ndim}
        given = firsts.pop() if len(firsts) == 1 else 0
        loader = id(private_torch.dataset_of(args[0])), size
        trusted = self._trusted[loader] = self._trusted.get(loader, given == size) and 0 < given <= size
        self._drawn = given if trusted else None

    def on_forward_begins(self, call: Call) -> None:
        """Listen to the layers of a model."""
        self._settle()
        self._called, self._inside = [], True
        self._names = call.model.layer_names

    def on_sequence_layer(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Take the sizes of what a layer reads: an attention reads its keys."""
        self._heard = True
        if not self._inside or tracing.now() or tracing.in_backward():
            return
        layer, read = args[0], (args[2:] or args[1:])[0] if len(args) > 1 else kwargs.get("key", kwargs.get("input"))
        if isinstance(read, torch.Tensor) and read.ndim == _BATCHED:
            first, second = read.shape[:2]
            self._called.append((layer, second, first) if layer.batch_first else (layer, first, second))

    def on_forward_ends(self, call: Call) -> None:
        """Put what the layers took beside the input and the output of the model."""
        called, self._called, self._inside = self._called, [], False
        if called:
            given, answer = _shape([call.args, call.kwargs]), _shape(call.output)
            shared = {"loader": self._drawn, "input_shape": given, "output_shape": answer}
            self._waiting = [(layer, {"time": time, "batch": batch, **shared}) for layer, time, batch in called]
        if call.grad or called:
            self._drawn = None

    def on_loss(self, _: str, args: tuple[Any, ...], kwargs: dict[str, Any], __: object) -> None:
        """Put the shape of the targets beside it."""
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if self._waiting and isinstance(target, torch.Tensor):
            for _layer, row in self._waiting:
                row["target_shape"] = list(target.shape)
            self._settle()

    def on_stop(self, _: str) -> None:
        """Tell what is left."""
        self._settle()

    def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        for layer, row in waiting:
            name = self._names.get(id(layer), type(layer).__name__)
            rows = self._rows.setdefault(name, [])
            self._calls[name] = self._calls.get(name, 0) + 1
            new = row not in rows and len(rows) < _MOST
            if new:
                rows.append(row)
            if new or self._calls[name] in _TOLD:
                self._tell(name, layer)

    def _tell(self, name: str, layer: Any) -> None:
        site = self._context.objects.site_of(layer) or self._only_site(type(layer))
        code = (site or {}).get("code") or ""
        detail: dict[str, Any] = {
            "class": next((kind for kind in _TRANSFORMERS if f"{kind}(" in code), type(layer).__name__),
            "attention": isinstance(layer, nn.MultiheadAttention), "batch_first": bool(layer.batch_first),
            "site": site, "calls": self._calls[name], "rows": [*self._rows[name]],
        }  # fmt: skip
        self._context.event("sequence-axes", name, detail)

    def _only_site(self, kind: type[nn.Module]) -> dict[str, Any] | None:
        """Return where the one layer was made that all of a kind were copied from."""
        places = self._made.get(kind, set())
        return call_sites.describe(next(iter(places))) if len(places) == 1 else None


def _shape(given: object) -> list[int] | None:
    """Return the shape of the first tensor that has dimensions."""
    return next((list(tensor.shape) for tensor in describe.tensors_in(given) if tensor.ndim), None)
