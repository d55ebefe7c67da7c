"""Matches a typed question to topics by what its words mean: synonyms and forms are one token, typing errors mended."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.answers.meaning import ELSEWHERE, GENERAL, Said, clauses, contrary, meanings, of_clauses, said
from trainadvisor.answers.spelling import mended
from trainadvisor.answers.words import NOT, english_words, happenings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HAPPENING = 1.5  # weight of what happens, relative to that of what it happens to
CONTRARY = 0.5  # weight of a topic whose title says the opposite of the question
UNKNOWN_WORD = 0.5  # weight of a word that no topic uses, relative to that of the rarest topic word
ENOUGH_OF_PHRASE, ENOUGH_OF_QUESTION, ENOUGH_OF_TEXT = 0.6, 0.35, 0.75
TITLE_WEIGHT, NAMED_WEIGHT, TEXT_WEIGHT = 0.8, 0.2, 0.2
Words = frozenset[str]
Read = dict[str, list[list[str]]]  # the clauses of each text
# What is also asked of books, jobs and downloads.
CHOOSING = frozenset({"=choose", "=count", "=better"})
ANYWHERE = frozenset({"=slow", "=poor", "=low", "=high", "=hang", "=faster", "=same", "=normal"})
SQUARED = frozenset({"=mse", "=regression", "=r2"})  # prices are also what a model predicts
TRAINED = frozenset({"=loss", "=accuracy", "=gradient", "=training", "=validation", "=epoch", "=gpu", "=memory"})


@dataclass(frozen=True)
class Topic:
    """A possible subject of a question: its name, the words users type for it, its titles and its texts."""

    name: str
    searches: tuple[str, ...]
    titles: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True)
class Phrase:
    """What is asked, or may be: the tokens of a text, what they say of what, and what the text counts."""

    words: Words
    said: Said
    weight: float = 1.0

    @classmethod
    def of(cls, text: str) -> Phrase:
        """Read a text."""
        return cls.told(clauses(text))

    @classmethod
    def told(cls, told: list[list[str]], weight: float = 1.0) -> Phrase:
        """Take the clauses of a text."""
        return cls(frozenset(of_clauses(told)), said(told), weight)

    @property
    def is_elsewhere(self) -> bool:
        """Return whether it asks for something that no topic is about."""
        told = happenings() if self.words & TRAINED else happenings() - ANYWHERE
        return ELSEWHERE in self.words and not self.words & (told | SQUARED) - CHOOSING


class Matcher:
    """Topics and the weight of their words: a word that few topics share weighs more."""

    def __init__(self, topics: Sequence[Topic], others: Iterable[str] = (), read: Read | None = None) -> None:
        """Count the words of all topics; those of other texts are only known to be spelled right.

        The clauses of the topics' texts are found where they are not given; that takes long for many topics.
        """
        texts = (*others, *(text for topic in topics for text in _texts(topic)))
        self._known = frozenset(word for text in texts for word in english_words(text))
        self._read = reading(topics) if read is None else read
        self._worded: dict[tuple[str, ...], Words] = {}
        self._topics = [(topic, self._phrases(topic)) for topic in topics]
        used = [frozenset[str]().union(*(phrase.words for phrase in phrases)) for _, phrases in self._topics]
        counts = Counter(word for words in used for word in words)
        weighty = happenings()
        self._weights = {
            word: math.log(1 + len(topics) / count) * (HAPPENING if word in weighty else 1.0)
            for word, count in counts.items()
        }
        self._unknown = UNKNOWN_WORD * math.log(1 + len(topics))

    def match(self, question: str) -> list[Topic]:
        """Return the topics that a question is about, best first."""
        asked = Phrase.of(self.mended(question))
        return [] if asked.is_elsewhere else [topic for _, topic in self.scored(asked)]

    def mended(self, question: str) -> str:
        """Return a question without its typing errors."""
        return mended(question, self._known)

    def scored(self, asked: Phrase) -> list[tuple[float, Topic]]:
        """Return the topics that a question is about with what speaks for each, best first."""
        telling = self._mass(self._telling(asked.words))
        scores = [
            (self._score(asked, telling, topic, phrases) * self._fitting(asked, topic), topic)
            for topic, phrases in self._topics
        ]
        return [pair for pair in sorted(scores, key=lambda pair: -pair[0]) if pair[0] > 0]

    def near(self, question: str) -> list[Topic]:
        """Return the topics that share any word with a question that none answers, nearest first."""
        asked = frozenset(meanings(mended(question, self._known))) - GENERAL
        shared = [
            (self._mass(asked & frozenset().union(*(phrase.words for phrase in phrases))), topic)
            for topic, phrases in self._topics
        ]
        return [topic for mass, topic in sorted(shared, key=lambda pair: -pair[0]) if mass > 0]

    def _score(self, asked: Phrase, telling: float, topic: Topic, phrases: list[Phrase]) -> float:
        best = max((phrase.weight * self._phrase_score(asked, telling, phrase) for phrase in phrases), default=0.0)
        if best:
            return best + NAMED_WEIGHT * self._mass(asked.words & self._words(topic.titles))
        return TEXT_WEIGHT * self._text_score(asked.words, self._words((*topic.titles, *topic.texts)))

    def _phrase_score(self, asked: Phrase, telling: float, phrase: Phrase) -> float:
        words = phrase.words
        both = asked.words & words
        if not (both - GENERAL or asked.words == words) or contrary(asked.said, phrase.said):
            return 0.0
        shared = self._mass(both)
        of_phrase, of_question = shared / self._mass(words), shared / telling
        partly = of_phrase >= ENOUGH_OF_PHRASE and of_question >= ENOUGH_OF_QUESTION and asked.words >= words & {NOT}
        return shared * of_phrase * (1 + of_question) / 2 if partly or words <= asked.words else 0.0

    def _telling(self, words: Words) -> list[str]:
        """Return the words of a question without the figures of a pasted log, which tell nothing of its subject."""
        return [word for word in words if word in self._weights or not word[0].isdigit()]

    def _text_score(self, asked: Words, texts: Words) -> float:
        if not asked & texts - GENERAL:
            return 0.0
        shared = self._mass(asked & texts)
        return shared if shared >= ENOUGH_OF_TEXT * (self._mass(asked) or 1) else 0.0

    def _mass(self, words: Iterable[str]) -> float:
        return sum(self._weights.get(word, self._unknown) for word in words)

    def _fitting(self, asked: Phrase, topic: Topic) -> float:
        """Return what a topic counts: less where its title says the opposite of the question."""
        opposed = any(contrary(asked.said, said(self._read[title])) for title in topic.titles)
        return topic.weight * (CONTRARY if opposed else 1.0)

    def _phrases(self, topic: Topic) -> list[Phrase]:
        weighted = [(text, 1.0) for text in topic.searches] + [(text, TITLE_WEIGHT) for text in topic.titles]
        found = [Phrase.told(self._read[text], weight) for text, weight in weighted]
        return [phrase for phrase in found if phrase.words - {NOT}]

    def _words(self, texts: tuple[str, ...]) -> Words:
        if texts not in self._worded:
            self._worded[texts] = frozenset(word for text in texts for word in of_clauses(self._read[text]))
        return self._worded[texts]


def reading(topics: Iterable[Topic]) -> Read:
    """Return the clauses of all texts of topics."""
    return {text: clauses(text) for topic in topics for text in _texts(topic)}


def _texts(topic: Topic) -> tuple[str, ...]:
    return (*topic.searches, *topic.titles, *topic.texts)
