"""Matches a typed question to topics by shared words: English words by stem, Chinese by pairs of characters."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CJK = "\u3400-\u9fff"
WORD = re.compile(rf"[a-z]+|[0-9]+(?:\.[0-9]+)?|[{CJK}]+")
ENDING = re.compile(r"(?<=...)(?:ings?|ies|ed|es|e|(?<!s)s|y)$")
IGNORED = """
    a an and are as at be been but by can could do does did for from get gets getting got had has have how i if in
    into is it its just keep keeps me my of on or our please should so some than that the their them then there
    they this to very was we were what when where which while who why will with would you your always after about
    am model network neural pytorch torch help problem
"""
NEGATIONS = "no not never nothing without cannot cant wont dont doesnt didnt isnt arent wasnt"
SAME_IN_CHINESE = (
    (re.compile(r"\bval(idation)? ?loss(es)?"), "验证损失"),
    (re.compile(r"loss(es)?"), "损失"),
    (re.compile(r"accuracy|\bacc\b"), "准确率"),
    (re.compile(r"learning rate|\blr\b"), "学习率"),
    (re.compile(r"batch ?size|\bbatch|批量大小|批次大小"), "批大小"),
    (re.compile(r"神经网络|网络|模型"), "模型"),
)
BREAKS = re.compile(
    "为什么|为何|怎么办|怎么样|怎么|怎样|如何|请问|什么|可以|应该|"
    "但是|而且|因为|所以|我的|我们|一下|模型|吗|呢|吧|啊|呀"
)
PARTICLES = re.compile("[的了很太是在会就都也又还被把我它他们得着]")
IGNORED_WORDS, NEGATING_WORDS = frozenset(IGNORED.split()), frozenset(NEGATIONS.split())
ABBREVIATIONS = {"val": "validation", "acc": "accuracy", "lr": "rate", "grad": "gradient", "grads": "gradient"}
UNKNOWN_WORD = 0.5  # weight of a word that no topic uses, relative to that of the rarest topic word
ENOUGH_OF_PHRASE, ENOUGH_OF_QUESTION, ENOUGH_OF_TEXT = 0.6, 0.4, 0.75
TITLE_WEIGHT, NAMED_WEIGHT, TEXT_WEIGHT = 0.8, 0.2, 0.2
Words = frozenset[str]


@dataclass(frozen=True)
class Topic:
    """A possible subject of a question: its name, the words users type for it, its titles and its texts."""

    name: str
    searches: tuple[str, ...]
    titles: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    weight: float = 1.0


def tokens(text: str) -> list[str]:
    """Return the stems and character pairs of a text, without stop words."""
    text = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    if is_chinese(text):
        for pattern, replacement in SAME_IN_CHINESE:
            text = pattern.sub(replacement, text)
        text = PARTICLES.sub("", BREAKS.sub(" ", text))
    return [token for word in WORD.findall(text) for token in _tokens_of_word(word)]


def is_chinese(text: str) -> bool:
    """Return whether a text contains Chinese characters."""
    return re.search(f"[{CJK}]", text) is not None


def _tokens_of_word(word: str) -> list[str]:
    if is_chinese(word):
        return [word[i : i + 2] for i in range(len(word) - 1)] or [word]
    if word in NEGATING_WORDS:
        return ["not"]
    word = ABBREVIATIONS.get(word, word)
    return [] if word in IGNORED_WORDS else [ENDING.sub("", word)]


class Matcher:
    """Topics and the weight of their words: a word that few topics share weighs more."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        """Count the words of all topics."""
        self._topics = [(topic, (_phrases(topic), _words(topic.titles), _words(topic.texts))) for topic in topics]
        used = [frozenset[str]().union(*(words for words, _ in phrases)) for _, (phrases, *_) in self._topics]
        counts = Counter(word for words in used for word in words)
        self._weights = {word: math.log(1 + len(topics) / count) for word, count in counts.items()}
        self._unknown = UNKNOWN_WORD * math.log(1 + len(topics))

    def match(self, question: str) -> list[Topic]:
        """Return the topics that a question is about, best first."""
        asked = frozenset(tokens(question))
        scores = [(self._score(asked, *words) * topic.weight, topic) for topic, words in self._topics]
        return [topic for score, topic in sorted(scores, key=lambda pair: -pair[0]) if score > 0]

    def _score(self, asked: Words, phrases: list[tuple[Words, float]], titles: Words, texts: Words) -> float:
        best = max((weight * self._phrase_score(asked, words) for words, weight in phrases), default=0.0)
        if best:
            return best + NAMED_WEIGHT * self._mass(asked & titles)
        return TEXT_WEIGHT * self._text_score(asked, titles | texts)

    def _phrase_score(self, asked: Words, words: Words) -> float:
        shared = self._mass(asked & words)
        if not shared:
            return 0.0
        of_phrase, of_question = shared / self._mass(words), shared / self._mass(asked)
        partly = of_phrase >= ENOUGH_OF_PHRASE and of_question >= ENOUGH_OF_QUESTION and asked >= words & {"not"}
        return shared * of_phrase * (1 + of_question) / 2 if partly or words <= asked else 0.0

    def _text_score(self, asked: Words, texts: Words) -> float:
        shared = asked & texts
        of_question = self._mass(shared) / (self._mass(asked) or 1)
        return self._mass(shared) if of_question >= ENOUGH_OF_TEXT else 0.0

    def _mass(self, words: Iterable[str]) -> float:
        return sum(self._weights.get(word, self._unknown) for word in words)


def _phrases(topic: Topic) -> list[tuple[Words, float]]:
    weighted = [(text, 1.0) for text in topic.searches] + [(text, TITLE_WEIGHT) for text in topic.titles]
    phrases = [(frozenset(tokens(text)), weight) for text, weight in weighted]
    return [(words, weight) for words, weight in phrases if words - {"not"}]


def _words(texts: Iterable[str]) -> Words:
    return frozenset(word for text in texts for word in tokens(text))
