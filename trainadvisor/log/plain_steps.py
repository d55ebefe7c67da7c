"""Step records of one shape, taken out of a block of lines by columns; only the values that change are parsed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import orjson

Ints = npt.NDArray[np.int64]
Columns = dict[str, Sequence[Any]]

# Fewer lines are parsed as fast one by one.
FEWEST = 64
# Lines of a block that are compared to learn which of their values change.
SAMPLES = 5
LONGEST_LINE, LONGEST_VALUE = 4096, 32
COMMA, NEWLINE, BLANK = b",\n "
# What stands between two commas of a flat record: its start, a name and the start of a list, then a value, then ends.
PIECE = re.compile(rb'(\{?(?:"([^"\\]+)":)?\[?)("[^"\\]*"|[^\s"\\\[\]{}:]+)([\]}]{0,2})')


@dataclass(frozen=True)
class PlainSteps:
    """The fields of many step records, and where they stand among the other records of their block."""

    count: int
    columns: Columns
    # How many of them stand before each of the others.
    before: Ints

    @property
    def places(self) -> Ints:
        """Return the places of the others among all."""
        return self.before + np.arange(self.before.size)

    def beside(self, chosen: list[bool]) -> "PlainSteps":
        """Return them as they stand among some of the others."""
        return PlainSteps(self.count, self.columns, self.before[np.array(chosen, dtype=bool)])

    def with_others(self, others: list[Any]) -> list[Any]:
        """Return all records in order, one by one."""
        rows = zip(*self.columns.values(), strict=True)
        records: list[Any] = [dict(zip(self.columns, row, strict=True)) for row in rows]
        for place, other in zip(self.places.tolist(), others, strict=True):
            records.insert(place, other)
        return records


class _Shape(NamedTuple):
    """What step records have in common: all but the values of some pieces, by number."""

    pieces: list[re.Match[bytes]]
    record: dict[str, Any]
    open: list[int]

    def texts(self) -> list[bytes]:
        """Return the texts before, between and behind the open values."""
        starts = [0, *(number + 1 for number in self.open)]
        texts = []
        for start, stop in zip(starts, [*self.open, None], strict=True):
            before = self.pieces[start - 1][4] + b"," if start else b""
            texts.append(before + b"".join(piece[0] + b"," for piece in self.pieces[start:stop]))
            if stop is not None:
                texts[-1] += self.pieces[stop][1]
        return [*texts[:-1], texts[-1] + b"\n"]

    def columns(self, values: list[Any]) -> Columns:
        """Return the fields, given the open values of one record after another."""
        count = len(values) // len(self.open)
        given = {number: values[place :: len(self.open)] for place, number in enumerate(self.open)}
        starts = [number for number, piece in enumerate(self.pieces) if piece[2]]
        columns: Columns = {}
        for (name, value), (start, stop) in zip(
            self.record.items(), pairwise([*starts, len(self.pieces)]), strict=True
        ):
            if given.keys().isdisjoint(range(start, stop)):
                columns[name] = [value] * count
            elif isinstance(value, list):
                parts = (given.get(number, [part] * count) for number, part in enumerate(value, start))
                columns[name] = list(map(list, zip(*parts, strict=True)))
            else:
                columns[name] = given[start]
        return columns


class _Lines:
    """A block of records, each on a line of its own that a comma ends."""

    def __init__(self, body: bytes) -> None:
        self.text = body + b",\n" + bytes([BLANK]) * LONGEST_LINE
        self.data = np.frombuffer(self.text, dtype=np.uint8)
        self.commas = np.flatnonzero(self.data == COMMA)
        # The commas that end the lines, as places among all commas.
        self.ends = np.flatnonzero(self.data[self.commas + 1] == NEWLINE)
        self.starts = np.concatenate(([0], self.commas[self.ends[:-1]] + 2))
        self.pieces = np.diff(self.ends, prepend=-1)

    def of(self, first: int, last: int) -> bytes:
        """Return the text of a line or several."""
        return self.text[self.starts[first] : self.commas[self.ends[last]]]

    def usual(self) -> Ints:
        """Return the lines of as many pieces as most have."""
        numbers = np.minimum(self.pieces, LONGEST_LINE)
        return np.flatnonzero(numbers == np.bincount(numbers).argmax())

    def fitting(self, lines: Ints, shape: _Shape) -> tuple[Ints, list[tuple[Ints, Ints]]]:
        """Return which of some lines have a shape, and where each of its open values starts and stops in them."""
        first, *others = shape.texts()
        place = self.starts[lines]
        fits = self._holds(place, first)
        spans = []
        for number, text, before in zip(shape.open, others, [first, *others], strict=False):
            start = place + len(before)
            place = self.commas[self.ends[lines] - len(shape.pieces) + 1 + number] - len(shape.pieces[number][4])
            fits &= self._holds(place, text) & (start < place) & (place <= start + LONGEST_VALUE)
            spans.append((start, place))
        return lines[fits], [(start[fits], stop[fits]) for start, stop in spans]

    def _holds(self, places: Ints, text: bytes) -> npt.NDArray[np.bool_]:
        return cast("npt.NDArray[np.bool_]", self._windows(f"S{len(text)}", len(text))[places] == text)

    def _windows(self, kind: str, width: int) -> npt.NDArray[Any]:
        """Return the pieces of text of a width that start at each byte."""
        return np.ndarray((len(self.text) - width + 1,), dtype=kind, buffer=self.text, strides=(1,))

    def values(self, spans: list[tuple[Ints, Ints]]) -> list[Any]:
        """Return the values at some places, parsed at once: all at the first place, then all at the second."""
        texts = []
        for start, stop in spans:
            width = int((stop - start).max())
            text = self._windows(f"V{width}", width)[start].view(np.uint8).reshape(-1, width)
            inside = np.arange(width) < (stop - start)[:, None]
            texts += [np.where(inside, text, BLANK), np.full((len(start), 1), COMMA)]
        joined = np.concatenate(texts, axis=1, dtype=np.uint8, casting="unsafe").tobytes()
        values: list[Any] = orjson.loads(b"[" + joined[:-1] + b"]")
        if len(values) != len(spans) * len(spans[0][0]):
            raise ValueError  # a bracket in one value is closed in another
        return values

    def others(self, chosen: Ints) -> tuple[list[Any], Ints]:
        """Return the records of all other lines, and how many of the chosen lines stand before each."""
        left = np.delete(np.arange(len(self.starts)), chosen)
        runs = np.split(left, np.flatnonzero(np.diff(left) > 1) + 1) if left.size else []
        records: list[Any] = []
        before = []
        for run in runs:
            found = orjson.loads(b"[" + self.of(run[0], run[-1]) + b"]")
            if not found:
                raise ValueError  # a comma too many
            records += found
            before += [np.searchsorted(chosen, run[0])] * len(found)
        return records, np.array(before, dtype=np.int64)


def split(body: bytes) -> tuple[list[Any], PlainSteps] | None:
    """Return the records of a block that are no plain steps, and the plain steps; None where it is better parsed whole.

    What is returned is what the block holds as a list in JSON.
    """
    if body.count(b"\n", 0, FEWEST * LONGEST_LINE) < FEWEST:
        return None
    lines = _Lines(body)
    usual = lines.usual()
    chosen = usual[np.linspace(0, usual.size - 1, SAMPLES).astype(np.int64)]
    shape = _shape([lines.of(line, line) for line in chosen.tolist()])
    if shape is None or 2 * usual.size < lines.starts.size:
        return None
    plain, spans = lines.fitting(usual, shape)
    if 2 * plain.size < lines.starts.size:
        return None
    try:
        columns = shape.columns(lines.values(spans))
        others, before = lines.others(plain)
    except ValueError:
        return None
    return others, PlainSteps(plain.size, columns, before)


def _shape(lines: list[bytes]) -> _Shape | None:
    """Return what most of some records of steps have in common; None where they are no such or hold other fields."""
    alike: dict[tuple[Any, ...], list[list[re.Match[bytes]]]] = {}
    for line in lines:
        pieces = _pieces(line)
        alike.setdefault(tuple(piece.group(1, 4) for piece in pieces), []).append(pieces)
    found = max(alike.values(), key=len)
    record = _step(b",".join(piece[0] for piece in found[0]))
    if record is None or len(record) != sum(piece[2] is not None for piece in found[0]):
        return None
    values = zip(*([piece[3] for piece in pieces] for pieces in found), strict=True)
    changing = [number for number, texts in enumerate(values) if len(set(texts)) > 1]
    return _Shape(found[0], record, changing) if changing else None


def _pieces(line: bytes) -> list[re.Match[bytes]]:
    """Return what stands between the commas of a flat record, nothing of any other."""
    pieces = list(map(PIECE.fullmatch, line.split(b","))) if len(line) < LONGEST_LINE else [None]
    return [] if None in pieces else cast("list[re.Match[bytes]]", pieces)


def _step(line: bytes) -> dict[str, Any] | None:
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and record.get("record") == "step" else None
