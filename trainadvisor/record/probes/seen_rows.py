"""Probe: how many of the rows that a model is evaluated on it was trained on, and what the user's code calls them."""

import math
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.instrument.framework_settings import held_out_line
from trainadvisor.instrument.split_words import framework_evaluates, split_in_names
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.evaluations import fingerprints
from trainadvisor.record.evaluations.evaluation_source import first_input
from trainadvisor.record.evaluations.trained_rows import LeftWeights, TrainedRows, pairs_of
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.step import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.data import DataLoader

_MOST_TRAINED, _MOST_LOOKED = 4096, 1024
_TOLD = frozenset(2**power for power in range(1, 40))
_DEPTH = 3
# Loaders of one line that are told apart.
_MOST_OF_LINE = 16
# Events after which no more are written when the script begins anew with each optimizer.
_MOST_TOLD = 200


@dataclass
class _Looked:
    """What one place evaluates a model on."""

    number: int
    model: int
    word: str | None
    place: call_sites.Place | None
    loader: Any
    by_loader: bool
    readings: list[Reading] = field(default_factory=list)
    # How many rows of each batch cannot be equal by chance.
    reals: list[Reading] = field(default_factory=list)
    taken: int = 0
    # Steps before which it was evaluated.
    steps: list[int] = field(default_factory=list)
    calls: int = 0
    # Calls with dropout or batch norm in train mode, and such layers.
    in_train_mode: int = 0
    layers: list[str] = field(default_factory=list)


@probe()
class SharedRowsProbe:
    """Writes events "shared-rows" of the evaluations of each place."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._trained: dict[int, TrainedRows] = {}
        self._looked: dict[object, _Looked] = {}
        self._loader_of: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._training_loaders: weakref.WeakSet[DataLoader[Any]] = weakref.WeakSet()
        self._loader: DataLoader[Any] | None = None
        # The forward with gradients that a backward may follow: its model (number), and what that was given.
        self._open: tuple[int, torch.Tensor] | None = None
        # Models (numbers) whose loss takes only some of the rows that go in.
        self._partial: set[int] = set()
        # Loaders by the line that made them.
        self._loaders_of: dict[int | None, list[Callable[[], Any]]] = {}
        self._known = self._told = 0
        # The line that made the newest optimizer, and what those of the same line before it have left.
        self._place: object = None
        self._left = LeftWeights(context.values)
        self._before: dict[int, tuple[TrainedRows, Reading]] = {}
        self._sites: WeakKeyDictionary[Any, dict[str, Any] | None] = WeakKeyDictionary()

    def rests_until(self, routine: Routine) -> float:
        """Rest once enough rows of every model are taken."""
        found = ((model, self._trained.get(model)) for model in routine.models)
        enough = all(n in self._partial or (t is not None and t.taken >= _MOST_TRAINED) for n, t in found)
        return math.inf if enough and self._open is None else routine.step

    def on_made(self, thing: object, place: object) -> None:
        """Begin anew with a new optimizer: the weights may have been drawn again, as for the next fold.

        Where one of the same line begins with the weights as the last evaluation saw them, their rows stay known.
        """
        if not isinstance(thing, torch.optim.Optimizer):
            return
        same, self._place = place is not None and place == self._place, place
        if self._trained:
            if self._told < _MOST_TOLD:
                self._tell_all()
            found = ((n, trained, self._left.changed(n, thing)) for n, trained in self._trained.items() if same)
            self._before = {n: (trained, changed) for n, trained, changed in found if changed is not None}
            for trained, _ in self._before.values():
                trained.arrive()
            self._trained.clear()
            self._looked.clear()
            self._training_loaders.clear()

    def on_loader_iter(self, args: tuple[Any, ...], _: object, iterator: Any) -> None:
        """Take a new pass over a loader."""
        self._loader_of[iterator] = weakref.ref(args[0])

    def on_batch_ends(self, args: tuple[Any, ...], *_: object) -> None:
        """Take which loader has given the batch."""
        reference = self._loader_of.get(args[0])
        self._loader = reference() if reference else None

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Take what a model is called with."""
        self._open = None
        given = first_input(call)
        if given is None or not fingerprints.tell_examples(given) or call.model.number in self._partial:
            return
        if call.grad and call.training:
            self._open_rows(call.model.number, given)
        elif call.model.trained or not call.grad:
            self._look(call, given)

    def begin_training(self, model: int, given: torch.Tensor) -> None:
        """Take what a model (its number) is trained on, from the shortcut of a forward."""
        self._open = None
        if model not in self._partial and fingerprints.tell_examples(given):
            self._open_rows(model, given)

    def _open_rows(self, model: int, given: torch.Tensor) -> None:
        if self.wants(model):
            self._open = model, given.detach()

    def wants(self, model: int) -> bool:
        """Return whether more rows of a model's training are taken."""
        trained = self._trained.get(model)
        return model not in self._partial and (trained is None or trained.taken < _MOST_TRAINED)

    @unless_resting
    def on_loss(self, _: str, args: tuple[Any, ...], kwargs: dict[str, Any], __: object) -> None:
        """Leave a model alone whose loss is taken of some rows only, as of the labeled nodes of a graph."""
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if self._open is not None and isinstance(target, torch.Tensor) and target.ndim:
            model, given = self._open
            if target.shape[0] < given.shape[0]:
                self._partial.add(model)
                self._open = None

    def on_backward_begins(self, *_: object) -> None:
        """Take the rows that are trained on."""
        taken, self._open = self._open, None
        self.note_training()
        if taken is None:
            return
        self.take(*taken)

    def take(self, model: int, given: torch.Tensor) -> None:
        """Take the rows of a batch that a model (its number) is trained on."""
        trained = self._trained.get(model)
        if trained is None:
            trained = TrainedRows(self._context.values, before=self._before.get(model))
            self._trained[model] = trained
        trained.take(given)

    def note_training(self) -> None:
        """Take that the loader of the last batch feeds the training."""
        if self._loader is not None:
            self._training_loaders.add(self._loader)
            self._loader = None

    def _look(self, call: Call, given: torch.Tensor) -> None:
        frames = call_sites.user_frames(_DEPTH)
        place = (frames[0].f_code.co_filename, frames[0].f_lineno) if frames else None
        made = self._made(self._loader)
        stack = tuple((frame.f_code.co_filename, frame.f_lineno, frame.f_lasti) for frame in frames)
        by_loader = self._loader is not None
        key = call.model.number, self._place_of(self._loader, (made or {}).get("line")) if by_loader else stack
        looked = self._looked.get(key)
        if looked is None:
            word = split_in_names(frames, self._loader, (made or {}).get("code") or "")
            if word is None and framework_evaluates():
                word, place = "framework", held_out_line(place)
            reference = fingerprints.held(self._loader)
            looked = _Looked(self._known, call.model.number, word, place, reference, by_loader)
            self._looked[key] = looked
            self._known += 1
        looked.loader = fingerprints.held(self._loader)
        looked.calls += 1
        caring = [layer for layer in call.caring if layer.training] if call.model.trained else []
        if caring:
            looked.in_train_mode += 1
            looked.layers = looked.layers or [call.model.layer_names.get(id(layer), "") for layer in caring[:5]]
        if looked.taken < _MOST_LOOKED:
            looked.taken += given.shape[0]
            with torch.no_grad():
                looked.readings.append(self._context.values.read(fingerprints.of_rows(given)))
                looked.reals.append(self._context.values.read(fingerprints.real_rows(given)))
        now = self._context.steps_done()
        if not looked.steps or looked.steps[-1] != now:
            looked.steps.append(now)
            self._left.keep(call.model)
            if len(looked.steps) in _TOLD:
                self._tell(looked)
        self._loader = None

    def _place_of(self, loader: Any, line: int | None) -> tuple[int | None, int]:
        """Return the line that made a loader, and which it is of the loaders of this line that there are now.

        One that is made anew for each epoch takes the place of the one before, which nothing holds any more.
        """
        places = self._loaders_of.setdefault(line, [])
        known = next((n for n, place in enumerate(places) if place() is loader), None)
        if known is None:
            free = (n for n, place in enumerate(places) if place() is None)
            known = next(free, min(len(places), _MOST_OF_LINE - 1))
            places[known : known + 1] = [fingerprints.held(loader)]
        return line, known

    def _made(self, loader: Any) -> dict[str, Any] | None:
        """Return where a loader was made."""
        if loader is None:
            return None
        if loader not in self._sites:
            self._sites[loader] = self._context.objects.site_of(loader)
        return self._sites[loader]

    def on_stop(self, _: str) -> None:
        """Tell what was found."""
        self._tell_all()

    def _tell_all(self) -> None:
        for looked in self._looked.values():
            self._tell(looked)

    def _tell(self, looked: _Looked) -> None:
        trained = self._trained.get(looked.model)
        if trained is None:
            return
        trained.arrive()
        rows = trained.all()
        batches = [[row in rows for row in pairs_of(reading)] for reading in looked.readings]
        known = [found for batch in batches for found in batch]
        loader = looked.loader()
        others = self._training_loaders if loader is not None else ()  # its truth would ask for its length
        shares = [fingerprints.shared_examples(loader, other) for other in others]
        detail: dict[str, Any] = {
            "word": looked.word, "site": call_sites.describe(looked.place), "by_loader": looked.by_loader,
            "training_loader": loader is not None and loader in self._training_loaders,
            "looked_at": len(known), "found": sum(known),
            "found_before": sum(row in rows and row not in trained.own for reading in looked.readings
                                for row in pairs_of(reading)),
            "real_rows": sum(value for reading in looked.reals for value in reading.values or ()),
            "whole_batches": sum(all(batch) for batch in batches if batch),
            "new_batches": sum(not any(batch) for batch in batches),
            "trained_rows": len(rows), "trained_taken": trained.taken, "pairs": trained.pairs, "equal": trained.equal,
            "same_examples": max((share for share in shares if share is not None), default=None),
            "times": len(looked.steps), "calls": looked.calls, "in_train_mode": looked.in_train_mode,
            "train_mode_modules": looked.layers, "after": self._context.steps_done(),
        }  # fmt: skip
        self._told += 1
        self._context.event("shared-rows", f"evaluation {looked.number}", detail)
