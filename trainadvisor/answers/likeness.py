"""Finds asked questions that are like a new one, and whose answer's questions hold its pieces more than others do."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from trainadvisor.answers.figures import plain
from trainadvisor.answers.learned import Weights, learn, order, spoken_for
from trainadvisor.answers.meaning import meanings
from trainadvisor.answers.words import CJK, is_chinese

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORDS = re.compile(rf"[a-z]+|[0-9]+(?:\.[0-9]+)?|[{CJK}]+")
CHARACTER, WHOLE, MEANING = 0.5, 1.0, 3.0  # what a shared character, word (or two characters) and meaning count
NEAREST, NEXT = 4, 0.6  # how many questions of an answer count, and what each counts relative to the one before it
SHARES = [NEXT**rank for rank in range(NEAREST)]
Held = dict[str, tuple[float, set[int]]]  # what each piece of a question counts, and the lines that hold it


class Examples:
    """Questions with known answers, found by what they share with another; what few of them hold counts more."""

    def __init__(
        self,
        names: Sequence[str],
        texts: Sequence[str],
        told: Sequence[str] = (),
        norms: Sequence[float] = (),
        weights: Weights | None = None,
    ) -> None:
        """Take the name of the answer to each question, its text, its meanings, its size, and what was learned.

        The last three are found where they are not given; that takes long for many questions.
        """
        self.names, self.texts = names, texts
        self.told = told or [" ".join(meanings(text)) for text in texts]
        words, means = zip(*map(_lines, texts, self.told), strict=True)
        self._words, self._meanings = _Lines(words), _Lines(means)
        self._answers = order(names)
        self.norms, self.weights = (norms, weights) if weights is not None else self._learned()

    def holding(self, question: str) -> Held:
        """Return what each piece of a question counts, with the numbers of the questions that hold it."""
        counts = pieces(question, " ".join(meanings(question)))
        found = {piece: self._holding(piece) for piece in counts}
        return {piece: (counts[piece] * self._rarity(max(len(lines), 1)), lines) for piece, lines in found.items()}

    def nearest(self, held: Held) -> dict[str, list[tuple[float, str]]]:
        """Return the questions most like one with their likeness from 0 to 1, by the names of their answers."""
        shared: defaultdict[int, float] = defaultdict(float)
        for value, lines in held.values():
            for line in lines:
                shared[line] += value**2
        size = _size(value for value, _ in held.values())  # what no question holds makes it less alike
        found: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        for line, part in shared.items():
            found[self.names[line]].append((part / (size * self.norms[line]), self.texts[line]))
        return {name: sorted(likes, reverse=True)[:NEAREST] for name, likes in found.items()}

    def spoken_for(self, held: Held) -> dict[str, float]:
        """Return what the pieces of a question speak for each answer, as was learned from all questions."""
        size = _size(value for value, _ in held.values())
        return spoken_for({piece: value / size for piece, (value, _) in held.items()}, self.weights, self._answers)

    def _holding(self, piece: str) -> set[int]:
        return (self._meanings if piece[0] == " " else self._words).holding(piece)

    def _rarity(self, count: int) -> float:
        """Return the root of what a shared piece counts by how few hold it: rare words alone decide nothing."""
        return math.sqrt(math.log(1 + len(self.texts) / count))

    def _learned(self) -> tuple[list[float], Weights]:
        """Return the size of each question, and what the pieces of all speak for."""
        held = [pieces(text, told) for text, told in zip(self.texts, self.told, strict=True)]
        counts = Counter(piece for each in held for piece in each)
        values = [{piece: count * self._rarity(counts[piece]) for piece, count in each.items()} for each in held]
        sizes = [_size(each.values()) for each in values]
        pairs = zip(values, sizes, strict=True)
        return sizes, learn(
            [{piece: value / size for piece, value in each.items()} for each, size in pairs], self.names
        )


class _Lines:
    """Lines in one text, in which a piece is looked for at once: faster than a set of pieces a line."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._text = "\n".join(lines)
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._known: dict[str, set[int]] = {}

    def holding(self, piece: str) -> set[int]:
        """Return the numbers of the lines that hold a piece."""
        if piece not in self._known:
            self._known[piece] = self._found(piece)
        return self._known[piece]

    def _found(self, piece: str) -> set[int]:
        found, place = set(), self._text.find(piece)
        while place >= 0:
            line = bisect_right(self._starts, place) - 1
            found.add(line)
            place = self._text.find(piece, self._starts[line + 1])
        return found


def likeness(likes: Sequence[tuple[float, str]]) -> float:
    """Return how like a question is to those of one answer, the most like first."""
    return sum(share * like for share, (like, _) in zip(SHARES, likes, strict=False)) / sum(SHARES)


def pieces(text: str, told: str) -> dict[str, float]:
    """Return what a question holds and what each counts: its words, and its meanings after a space."""
    found = {f" {token} ": MEANING for token in told.split()}
    for word in _words(text):
        if is_chinese(word):
            found |= dict.fromkeys(word, CHARACTER) | dict.fromkeys(map("".join, pairwise(word)), WHOLE)
        else:
            found[f"_{word}_"] = WHOLE
    return found


def _size(values: Iterable[float]) -> float:
    return math.hypot(*values) or 1.0


def _lines(text: str, told: str) -> tuple[str, str]:
    return "_".join(("", *_words(text), "")), f" {told.replace(' ', '  ')} "


def _words(text: str) -> list[str]:
    return WORDS.findall(plain(unicodedata.normalize("NFKC", text)).replace("'", "").replace("’", ""))
