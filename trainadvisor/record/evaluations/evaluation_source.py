"""Where the batch of a forward comes from: a pass over a loader, or a place of the user's code and what it names."""

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.instrument.split_words import split_word
from trainadvisor.record.objects import describe
from trainadvisor.record.objects.known_tensor import Memory, lies_in_memory, memory, same_memory
from trainadvisor.record.step import Call

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

# File, line, and the instruction within the function: two calls in one line differ in that.
Spot = tuple[str, int, int]
_OWN_DEPTH = 4
_MOST_RANGES = 8
_MOST_WAITING = 2


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
class Stretch:
    """A stretch of memory that the training was given."""

    memory: Memory
    start: int
    stop: int

    @classmethod
    def of(cls, tensor: torch.Tensor | None) -> "Stretch | None":
        """Return the stretch that a tensor covers, None of one that does not lie in memory."""
        return None if tensor is None or not lies_in_memory(tensor) else cls(memory(tensor), *_extent(tensor))


@dataclass
class Sources:
    """Follows loaders, calls of `model.eval()` and what the training is fed with."""

    trained_loaders: "weakref.WeakSet[DataLoader[Any]]" = field(default_factory=weakref.WeakSet)
    # The batches that were drawn last and that no forward has used; a loader of Accelerate draws one ahead.
    waiting: list[object] = field(default_factory=list)
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
    _ahead: bool = False
    _ranges: list[Stretch] = field(default_factory=list)

    def begin_pass(self, loader: "DataLoader[Any]", iterator: object) -> None:
        """Take a new pass over a loader."""
        self._passes += 1
        self.waiting, self._ahead = [], False
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
        self._ahead = self._ahead or bool(self.waiting)
        self.waiting, self.fresh = [*self.waiting, batch][-_MOST_WAITING:], True
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

    def take(self, call: Call, *, first: bool) -> object:
        """Return the batch that a forward is given, None where that is not known; what was drawn before it is over.

        Where batches are drawn ahead, only the very tensors tell.
        """
        own = [n for n, batch in enumerate(self.waiting) if _is_given(call, batch)]
        if not own and not first:
            return None
        number = own[0] if own else 0
        taken = self.waiting[number] if own or (self.waiting and not self._ahead) else None
        self.waiting = self.waiting[number + 1 :]
        return taken

    def train(self) -> Pass | None:
        """Take a training forward: remember its loader; return the pass that it uses."""
        used = self._pass if self._pass and (self.fresh or (self._drawn == 1 and not self._pass.ended)) else None
        if used is not None and not used.trains:
            used.trains = True
            loader = used.loader()
            if loader is not None:
                self.trained_loaders.add(loader)
        self.fresh, self.waiting = False, []
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

    def remembers(self, given: torch.Tensor) -> bool:
        """Return whether a tensor that lies in memory is among what is remembered."""
        for known in self._ranges:
            if known.memory() is given.untyped_storage():
                start = given.storage_offset()
                return known.start <= start and given.is_contiguous() and start + given.numel() <= known.stop
        return False

    def remember(self, given: Stretch | None) -> None:
        """Remember the memory that the training is given where no loader feeds it."""
        held = None if given is None else given.memory()
        if given is None or held is None:
            return
        for known in self._ranges:
            if known.memory() is held:
                known.start, known.stop = min(known.start, given.start), max(known.stop, given.stop)
                return
        alive = [known for known in self._ranges if known.memory() is not None]
        self._ranges = [*alive[1 - _MOST_RANGES :], given]

    def is_training_data(self, call: Call) -> bool:
        """Return whether a forward is given the same numbers in memory as the training was."""
        given = first_input(call)
        if given is None or not self._ranges or not lies_in_memory(given):
            return False
        start, stop = _extent(given)
        return any(start < r.stop and stop > r.start and same_memory(r.memory, given) for r in self._ranges)


def first_input(call: Call) -> torch.Tensor | None:
    """Return the first tensor that a model is called with."""
    first = call.args[0] if call.args else None
    if isinstance(first, torch.Tensor) and first.ndim:
        return first
    return next((t for t in describe.tensors_in([call.args, call.kwargs]) if t.ndim), None)


def _is_given(call: Call, batch: object) -> bool:
    """Return whether a model is called with a tensor of a batch, or with one that begins at the same place."""
    begins = {t.data_ptr() for t in describe.tensors_in([call.args, call.kwargs]) if lies_in_memory(t)}
    return any(t.data_ptr() in begins for t in describe.tensors_in(batch) if lies_in_memory(t))


def _extent(tensor: torch.Tensor) -> tuple[int, int]:
    """Return the stretch of its memory that a tensor covers."""
    start = int(tensor.storage_offset())
    if tensor.is_contiguous():
        return start, start + tensor.numel()
    length = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    return start, start + (length if tensor.numel() else 0)
