"""Mends typing errors: an English word that nobody uses becomes the nearest one that is used."""

from __future__ import annotations

import re
from functools import cache

from trainadvisor.answers.words import IGNORED, NEGATING, concepts, english_words

SHORTEST_MENDED, ALIKE = 5, 0.85
FURTHEST, SHARE = 2, 3  # letters that a mistyped word is longer or shorter at most, and one for each so many letters


@cache
def _spelled() -> frozenset[str]:
    return frozenset(word for phrase in concepts() for word in english_words(phrase)) | IGNORED | NEGATING


def mended(text: str, known: frozenset[str]) -> str:
    """Return a text whose misspelled English words are the nearest known ones."""
    from difflib import get_close_matches

    right = _spelled() | known

    def mend(found: re.Match[str]) -> str:
        word = found.group()
        if len(word) < SHORTEST_MENDED or word.lower() in right:
            return word
        # Comparing with every word takes longer than all else; who mistypes seldom does so in the first letter.
        alike = [
            known
            for known in right
            if known[:1] == word[0].lower() and abs(len(known) - len(word)) <= min(FURTHEST, len(known) // SHARE)
        ]
        near = get_close_matches(word.lower(), alike, n=1, cutoff=ALIKE)
        return near[0] if near else word

    return re.sub(r"[A-Za-z]+", mend, text)
