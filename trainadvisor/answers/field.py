"""Tells questions about training from those of other fields, by the words that each are known to hold."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from trainadvisor.answers.figures import plain
from trainadvisor.answers.meaning import FILLERS, PARTICLES
from trainadvisor.answers.words import CJK, says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WORDS = re.compile(rf"[a-z]+|[{CJK}]+")
WORD, PAIR = 1.0, 0.6  # what a word counts, and two Chinese characters: pairs across words are no words
NEW = -1.0  # what a word speaks that nobody asked with: there are more of them elsewhere
MOST = 3.0  # no word alone decides
SEEN = 0.3  # how often a word is taken to have been seen that was not


def field(own: Iterable[str], others: Iterable[str]) -> dict[str, float]:
    """Return what each word speaks for its being about training, from texts that are and questions that are not."""
    own, others = list(own), list(others)
    here, there = _counts(own), _counts(others)
    base = math.log((len(others) or 1) / (len(own) or 1))
    told = {word: base + math.log((here[word] + SEEN) / (there[word] + SEEN)) for word in (*here, *there)}
    return {word: round(max(-MOST, min(MOST, value)), 2) for word, value in told.items()}


def belonging(question: str, known: Mapping[str, float]) -> float:
    """Return what the words of a question speak for its being about training: 0 where they say nothing."""
    counts = _words(question)
    total = sum(count * known.get(word, NEW) for word, count in counts)
    return total / (1.0 + sum(count for _, count in counts))


def unheard(question: str, known: Mapping[str, float]) -> float:
    """Return which part of a question's English words none about training holds."""
    asked = [word for word, _ in _words(question) if word.isascii()]
    return sum(known.get(word, -MOST) <= -MOST for word in asked) / len(asked) if asked else 0.0


def _counts(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in {word for word, _ in _words(text)})


def _words(text: str) -> list[tuple[str, float]]:
    bare = PARTICLES.sub(" ", FILLERS.sub(" ", plain(text).replace("'", "").replace("’", "")))
    found = []
    for word in WORDS.findall(bare):
        if not word.isascii():
            found += [(first + second, PAIR) for first, second in pairwise(word)]
        elif len(word) > 1 and not says_nothing(word):
            found.append((word, WORD))
    return found
