"""Words and what they stand for: one token for all forms and synonyms of a word, in English and Chinese."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CJK = "\u3400-\u9fff"
WORD = re.compile(rf"[a-z]+|[0-9]+(?:\.[0-9]+)?|[{CJK}]+")
ENDING = re.compile(r"(?<=...)(?:ings?|ies|ed|es|e|(?<!s)s|y)$")
DOUBLED = re.compile(r"(?<=..)([bdgmnprt])\1$")
_IGNORED = """
    a an and are as at be been but by can could do does did for from get gets getting got had has have how i if in
    into is it its just keep keeps me my of on or our please so some that the their them then there
    they this to very was we were what when where while who why will with would you your always after about
    pls plz please thx thanks help anyone somebody guys hi hello
    simply here
    am model network neural pytorch torch problem really even ever still seem seems want wants like
"""
_NEGATING = (
    "no not never nothing without cannot cant wont dont doesnt didnt isnt arent wasnt hasnt havent refuses refuse"
)
IGNORED, NEGATING = frozenset(_IGNORED.split()), frozenset(_NEGATING.split())
NOT = "not"
IRREGULAR = {
    "going": "go", "goes": "go", "went": "go", "gone": "go", "rose": "rise", "fell": "fall", "grew": "grow",
    "blew": "blow", "froze": "freeze", "chose": "choose", "learnt": "learn", "learned": "learn", "became": "become",
}  # fmt: skip


def is_chinese(text: str) -> bool:
    """Return whether a text contains Chinese characters."""
    return re.search(f"[{CJK}]", text) is not None


@cache
def concepts() -> dict[str, str]:
    """Return the name of each phrase's concept."""
    return {phrase: name for group in _groups().values() for name, phrases in group.items() for phrase in phrases}


@cache
def happenings() -> frozenset[str]:
    """Return the tokens that say what happens, not to what."""
    return frozenset(f"={name}" for name in _groups()["happenings"])


@cache
def _groups() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("concepts.toml").read_text(encoding="utf-8"))


@cache
def _chinese() -> re.Pattern[str]:
    phrases = sorted((phrase for phrase in concepts() if is_chinese(phrase)), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, phrases)))


@cache
def _english() -> dict[tuple[str, ...], str]:
    phrases = {phrase: name for phrase, name in concepts().items() if not is_chinese(phrase)}
    return {key: name for phrase, name in phrases.items() if (key := tuple(_stems(phrase))) and not _is_worded(phrase)}


def _is_worded(phrase: str) -> bool:
    """Return whether only one word of a phrase would be looked at, which alone does not mean the same."""
    return len(_stems(phrase)) == 1 < len(english_words(phrase))


@cache
def worded() -> re.Pattern[str]:
    """Return the pattern of the English phrases that only stand for a concept as they are written."""
    phrases = sorted((each for each in concepts() if not is_chinese(each) and _is_worded(each)), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, phrases))})(?:e?s|ed|ing)?\b")


@cache
def _longest() -> int:
    return max(map(len, _english()))


def marked(text: str) -> str:
    """Put the names of concepts, as words that no stem looks like, in place of Chinese phrases."""
    text = re.sub(rf"(?<=[{CJK}])\s+(?=[{CJK}])", "", text)
    return _chinese().sub(lambda found: f" {mark(concepts()[found.group()])} ", text)


def mark(name: str) -> str:
    """Return a concept's name as a word that no stem looks like."""
    return f"qq{name}"


def _stems(text: str) -> list[str]:
    return [token for word in WORD.findall(text) for token in of_word(word)]


def of_word(word: str) -> Iterator[str]:
    """Yield the tokens of a word: its stem, or the pairs of its Chinese characters."""
    if is_chinese(word):
        yield from [word[i : i + 2] for i in range(len(word) - 1)] or [word]
    elif word.startswith("qq") or word in NEGATING:
        yield word if word.startswith("qq") else NOT
    elif word not in IGNORED:
        yield _stem(IRREGULAR.get(word, word))


def _stem(word: str) -> str:
    """Return a word without its endings, so that all its forms come to the same."""
    while (shorter := ENDING.sub("", word)) != word:
        word = shorter
    return DOUBLED.sub(r"\1", word)


def joined(stems: list[str]) -> list[str]:
    """Put the names of concepts in place of the longest English phrases."""
    found, place, known = [], 0, _english()
    longest = _longest()
    while place < len(stems):
        for length in range(min(longest, len(stems) - place), 0, -1):
            if name := known.get(tuple(stems[place : place + length])):
                found.append(f"={name}")
                place += length
                break
        else:
            word = stems[place]
            found.append(f"={word[2:]}" if word.startswith("qq") else word)
            place += 1
    return [word for word in found if word not in _aside()]


@cache
def _aside() -> frozenset[str]:
    """Return the tokens that say nothing."""
    return frozenset({"than", *(f"={name}" for name in _groups()["said-by-the-way"])})


def says_nothing(word: str) -> bool:
    """Return whether an English word is in questions of all kinds."""
    return word in IGNORED or word in NEGATING


def english_words(text: str) -> list[str]:
    """Return the English words of a text in lower case."""
    return re.findall("[a-z]+", text.lower())
