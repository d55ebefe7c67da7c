"""Finds asked questions that are like a new one, and whose answer's questions hold its pieces more than others do."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from trainadvisor.answers.meaning import CJK, is_chinese, meanings, says_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = re.compile(rf"[a-z]+|[0-9]+(?:\.[0-9]+)?|[{CJK}]+")
LATIN, CHINESE = (3, 4), (1, 2, 3)  # lengths of pieces
PIECE, CHARACTER, WHOLE, MEANING = 0.5, 0.5, 1.0, 2.0  # what a shared piece, character, word and meaning count
NEAREST, NEXT = 4, 0.6  # how many questions of an answer count, and what each counts relative to the one before it
SHARES = [NEXT**rank for rank in range(NEAREST)]
AS_OFTEN_AS_ALL = 10.0  # questions that hold each piece as often as all do, counted to those of each answer
NEEDED = 0.85  # part of an answer's questions that have a meaning, for a question without it to be less alike
Held = list[tuple[float, set[int]]]  # what each piece of a question counts, and the lines that hold it


class Examples:
    """Questions with known answers, found by what they share with another; what few of them hold counts more."""

    def __init__(
        self, names: Sequence[str], texts: Sequence[str], told: Sequence[str] = (), norms: Sequence[float] = ()
    ) -> None:
        """Take the name of the answer to each question, its text, its meanings, and how much it holds in all.

        The last two are found where they are not given; that takes long for many questions.
        """
        self.names, self.texts = names, texts
        self.told = told or [" ".join(meanings(text)) for text in texts]
        words, means = zip(*map(_lines, texts, self.told), strict=True)
        self._words, self._meanings = _Lines(words), _Lines(means)
        self.norms = norms or self._counted()
        self._asked = Counter(names)
        self._needed: dict[str, set[str]] = {}

    def holding(self, question: str) -> Held:
        """Return what each piece of a question counts, with the numbers of the questions that hold it."""
        held = pieces(question, " ".join(meanings(question)))
        return [(counts, self._holding(piece)) for piece, counts in held.items()]

    def nearest(self, held: Held) -> dict[str, list[tuple[float, str]]]:
        """Return the questions most like one with their likeness from 0 to 1, by the names of their answers."""
        shared: defaultdict[int, float] = defaultdict(float)
        own = 0.0
        for counts, lines in held:
            weight = (counts * self._rarity(max(len(lines), 1))) ** 2  # what no question holds makes it less alike
            own += weight
            for line in lines:
                shared[line] += weight
        found: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        for line, weight in shared.items():
            found[self.names[line]].append((weight / (math.sqrt(own) * self.norms[line]), self.texts[line]))
        return {name: sorted(likes, reverse=True)[:NEAREST] for name, likes in found.items()}

    def leanings(self, held: Held) -> dict[str, float]:
        """Return how much more often than in all questions the pieces of one are held in those of each answer.

        It is the mean of the logarithm of that ratio, 0 where an answer's questions tell nothing of it.
        """
        total = sum(counts for counts, _ in held) or 1.0
        sums = dict.fromkeys(self._asked, 0.0)
        for counts, lines in held:
            usual = AS_OFTEN_AS_ALL * max(len(lines), 1) / len(self.texts)
            for name, number in Counter(self.names[line] for line in lines).items():
                sums[name] += counts * math.log1p(number / usual)
        return {name: sums[name] / total - math.log1p(number / AS_OFTEN_AS_ALL) for name, number in self._asked.items()}

    def needed(self, name: str) -> set[str]:
        """Return the meanings that nearly all questions of an answer have."""
        if name not in self._needed:
            held = Counter(
                meaning
                for other, told in zip(self.names, self.told, strict=True)
                if other == name
                for meaning in {*told.split()}
            )
            self._needed[name] = {meaning for meaning, count in held.items() if count >= NEEDED * self._asked[name]}
        return self._needed[name]

    def unheard(self, question: str, aside: str) -> float:
        """Return which part of a question's English words no question holds but those of one name."""
        asked = [
            f"_{word}_"
            for word in _words(question)
            if word.isascii() and word.isalpha() and len(word) > 1 and not says_nothing(word)
        ]
        known = sum(any(self.names[line] != aside for line in self._words.holding(piece)) for piece in asked)
        return 1.0 - known / len(asked) if asked else 0.0

    def _holding(self, piece: str) -> set[int]:
        return (self._meanings if piece[0] == " " else self._words).holding(piece)

    def _rarity(self, count: int) -> float:
        return math.log(1 + len(self.texts) / count)

    def _counted(self) -> list[float]:
        """Return the root of the sum of the squares of what each question holds."""
        held = [pieces(text, told) for text, told in zip(self.texts, self.told, strict=True)]
        counts = Counter(piece for each in held for piece in each)
        return [
            math.sqrt(sum((weight * self._rarity(counts[piece])) ** 2 for piece, weight in each.items())) or 1.0
            for each in held
        ]


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
    """Return what a question holds and what each counts: pieces of its words, and its meanings after a space."""
    found = {f" {token} ": MEANING for token in told.split()}
    for word in _words(text):
        if is_chinese(word):
            found |= {piece: CHARACTER if len(piece) == 1 else WHOLE for piece in _cut(word, CHINESE)}
        elif word.isdigit() or not word.isalpha():
            found[f"_{word}_"] = WHOLE
        else:
            found |= dict.fromkeys(_cut(f"_{word}_", LATIN), PIECE) | {f"_{word}_": WHOLE}
    return found


def _lines(text: str, told: str) -> tuple[str, str]:
    return "_".join(("", *_words(text), "")), f" {told.replace(' ', '  ')} "


def _words(text: str) -> list[str]:
    return WORDS.findall(unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", ""))


def _cut(word: str, lengths: tuple[int, ...]) -> list[str]:
    return [word[start : start + length] for length in lengths for start in range(len(word) - length + 1)]
