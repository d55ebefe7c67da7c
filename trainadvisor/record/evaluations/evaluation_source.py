"""Where the batch of a forward comes from: a pass over a loader, or a place of the user's code and what it names."""

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from trainadvisor.instrument import call_sites, private_torch
from trainadvisor.instrument.split_words import split_word
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

# File, line, and the instruction within the function: two calls in one line differ in that.
Spot = tuple[str, int, int]
_OWN_DEPTH = 4
_MOST_RANGES = 8


@dataclass(eq=False)
class Pass:
    """One pass over a loader."""

    number: int
    loader: "weakref.ref[DataLoader[Any]]"
    ended: bool = False
    trains: bool = False

    @property
    def data(self) -> object:
        """Return the data set, while the user holds the loader."""
        loader = self.loader()
        return None if loader is None else loader.dataset


@dataclass(eq=False)
class Source:
    """What tells the batches of one evaluation from those of another."""

    data: Pass | None
    place: tuple[Spot, ...]
    word: str | None
    cut: int

    @property
    def key(self) -> object:
        """Return what is the same for all batches of one evaluation."""
        return self.data.number if self.data else (self.place, self.word, self.cut)


@dataclass
class _Range:
    """A stretch of a tensor that the training was given views of."""

    base: "weakref.ref[torch.Tensor]"
    start: int
    stop: int


@dataclass
class Sources:
    """Follows loaders, calls of `model.eval()` and what the training is fed with."""

    trained_loaders: "weakref.WeakSet[DataLoader[Any]]" = field(default_factory=weakref.WeakSet)
    # The batch that was drawn last, until a forward has begun to use it.
    batch: object = None
    draws: int = 0
    # Whether a batch was drawn that no forward has used.
    fresh: bool = False
    # Whether the script has called `model.eval()` since the last training step.
    announced: bool = False
    _passes: int = 0
    _of_iterator: "WeakKeyDictionary[Any, Pass]" = field(default_factory=WeakKeyDictionary)
    _pass: Pass | None = None
    _cuts: int = 0
    # Draws since the last backward.
    _drawn: int = 0
    _ranges: list[_Range] = field(default_factory=list)

    def begin_pass(self, loader: "DataLoader[Any]", iterator: object) -> None:
        """Take a new pass over a loader."""
        self._passes += 1
        self._of_iterator[iterator] = Pass(self._passes, weakref.ref(loader))

    def ask(self, iterator: object) -> None:
        """Take that the next batch is asked for: unless it comes, the pass has ended."""
        asked = self._of_iterator.get(iterator)
        if asked is not None:
            asked.ended = True

    def draw(self, iterator: object, batch: object) -> None:
        """Take a batch."""
        self._pass = self._of_iterator.get(iterator)
        if self._pass is not None:
            self._pass.ended = False
        self.batch, self.fresh = batch, True
        self.draws += 1
        self._drawn += 1

    def cut(self) -> None:
        """Take a call of `model.eval()`: what comes is another evaluation, unless a batch was just drawn for it."""
        self.announced = True
        if not self.fresh:
            self._cuts += 1
            self._pass = None

    def of_forward(self) -> Source:
        """Return the source of a forward that is about to run."""
        self.fresh = False
        frames = call_sites.user_frames(_OWN_DEPTH)
        place = tuple((frame.f_code.co_filename, frame.f_lineno, frame.f_lasti) for frame in frames)
        return Source(self._pass, place, None if self._pass else split_word(frames), self._cuts)

    def train(self) -> Pass | None:
        """Take a training forward: remember its loader; return the pass that it uses."""
        used = self._pass if self._pass and (self.fresh or (self._drawn == 1 and not self._pass.ended)) else None
        if used is not None and not used.trains:
            used.trains = True
            loader = used.loader()
            if loader is not None:
                self.trained_loaders.add(loader)
        self.fresh, self.batch = False, None
        return used

    def go_on(self) -> None:
        """Take that the training goes on."""
        self.announced = False
        self._drawn = 0
        if not self.fresh:
            self._pass = None

    @property
    def by_hand(self) -> bool:
        """Return whether no loader has given a batch since the last backward."""
        return not self._drawn

    def remember(self, given: torch.Tensor | None) -> None:
        """Remember the memory that the training is given where no loader feeds it."""
        if given is None or not lies_in_memory(given):
            return
        base, start, stop = _extent(given)
        for known in self._ranges:
            if known.base() is base:
                known.start, known.stop = min(known.start, start), max(known.stop, stop)
                return
        alive = [known for known in self._ranges if known.base() is not None]
        self._ranges = [*alive[1 - _MOST_RANGES :], _Range(weakref.ref(base), start, stop)]

    def is_training_data(self, call: Call) -> bool:
        """Return whether a forward is given the same numbers in memory as the training was."""
        given = first_input(call)
        if given is None or not self._ranges or not lies_in_memory(given):
            return False
        base, start, stop = _extent(given)
        return any(r.base() is base and start < r.stop and stop > r.start for r in self._ranges)


def first_input(call: Call) -> torch.Tensor | None:
    """Return the first tensor that a model is called with."""
    first = call.args[0] if call.args else None
    if isinstance(first, torch.Tensor) and first.ndim:
        return first
    return next((t for t in describe.tensors_in([call.args, call.kwargs]) if t.ndim), None)


def lies_in_memory(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is a plain stretch of memory: not sparse, without values, or spread over processes."""
    local = type(tensor) is torch.Tensor or not hasattr(tensor, "to_local")
    return local and tensor.layout is torch.strided and not tensor.is_meta


def storage(tensor: torch.Tensor) -> int | None:
    """Return where a tensor lies in memory."""
    return tensor.untyped_storage().data_ptr() if lies_in_memory(tensor) else None


def _extent(tensor: torch.Tensor) -> tuple[torch.Tensor, int, int]:
    """Return the tensor that owns the memory, and the stretch of it that the tensor covers."""
    base = private_torch.base_of(tensor)
    start = int(tensor.storage_offset())
    if tensor.is_contiguous():
        return base, start, start + tensor.numel()
    length = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    return base, start, start + (length if tensor.numel() else 0)
