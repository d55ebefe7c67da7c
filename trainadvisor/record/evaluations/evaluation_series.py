"""Which evaluations repeat one another over a training, and which split of the data they are made on."""

import itertools
import linecache
import re
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Subset, TensorDataset

from trainadvisor.instrument.split_words import HELD_OUT, TRAINING
from trainadvisor.instrument.user_attributes import attribute
from trainadvisor.record.evaluations.evaluation_source import Source, Spot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.utils.data import DataLoader

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_TEST_WORDS = frozenset({"test", "testing"})
_NAMES = re.compile(r"[A-Za-z]+")
_MOST = 200


@dataclass(eq=False)
class _Series:
    """Evaluations of one model on the same data, or at the same place when the data is made anew."""

    number: int
    model: int | None
    # Returns the data set while it is alive.
    data: Any
    place: tuple[tuple[str | int, ...], ...]
    word: str | None


class SeriesBook:
    """Numbers the series of evaluations."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: list[_Series] = []
        self._numbers = itertools.count()

    def number(self, source: Source, model: int | None) -> int:
        """Return the number of the series that an evaluation belongs to."""
        data = source.data.data if source.data else None
        # Two calls of an evaluating function may stand in one line; those inside it are of one evaluation.
        place = (*(spot[:2] for spot in source.place[:1]), *source.place[1:])
        mine = [series for series in self._known if series.model == model]
        found = next((series for series in mine if data is not None and series.data() is data), None)
        found = found or next(
            (s for s in mine if (s.place, s.word) == (place, source.word) and s.data() is None and _fits(s, data)), None
        )
        if found is None:
            found = _Series(next(self._numbers), model, _holding(source), place, source.word)
            self._known = [*self._known, found][-_MOST:]
        elif data is not None:
            found.data = _holding(source)
        return found.number


def _fits(series: _Series, data: object) -> bool:
    """Return whether data made anew may be that of a series whose data is gone; places without loaders stay apart."""
    return (series.data is _nothing) == (data is None)


def _holding(source: Source) -> Any:
    data = source.data.data if source.data else None
    if data is None or source.data is None:
        return _nothing
    loader = source.data.loader
    if not isinstance(data, torch.Tensor):  # of a tensor a weak reference would keep it from being swapped
        with suppress(TypeError):
            return weakref.ref(data)
    return lambda: getattr(loader(), "dataset", None)


def _nothing() -> None:
    return None


def split_of(source: Source, trained: "Iterable[DataLoader[Any]]") -> str | None:
    """Return the split that an evaluation's data shows: that of the training, or a split that it has in its name."""
    if source.data is None:
        return None
    loader = source.data.loader()
    if source.data.trains or (loader is not None and any(_same_data(loader, other) for other in trained)):
        return TRAIN
    return None


def _same_data(one: "DataLoader[Any]", other: "DataLoader[Any]") -> bool:
    first, second = one.dataset, other.dataset
    if one is other or first is second or attribute(first, "dataset") is second:
        return True
    if isinstance(first, TensorDataset) and isinstance(second, TensorDataset):
        return all(a is b for a, b in zip(first.tensors, second.tensors, strict=False))
    if isinstance(first, Subset) and isinstance(second, Subset):
        return first.dataset is second.dataset and list(first.indices) == list(second.indices)
    return False


def split_named(word: str | None) -> str | None:
    """Return the split that a word means."""
    if word in TRAINING:
        return TRAIN
    return TEST if word in _TEST_WORDS else (VALIDATION if word in HELD_OUT else None)


def words_in_code(places: list[tuple[Spot, ...]]) -> list[str | None]:
    """Return for each place the split that the user's line names where the places part, unless all are named alike."""
    found = [_word_at(place, places) for place in places]
    return found if len(set(found)) == len(found) else [None] * len(found)


def _word_at(place: tuple[Spot, ...], places: list[tuple[Spot, ...]]) -> str | None:
    """Return the word in the outermost line that is not the same for all places."""
    for depth in range(1, len(place) + 1):
        lines = {other[-depth] if len(other) >= depth else None for other in places}
        if len(lines) > 1:
            file, line, _ = place[-depth]
            names = {name.lower() for name in _NAMES.findall(linecache.getline(file, line))}
            words = {split_named(name) for name in names} - {None}
            return words.pop() if len(words) == 1 else None
    return None
