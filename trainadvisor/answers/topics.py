"""What can be asked about: each written answer and each rule, with the words and texts that it is found by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.answers.matching import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.answers.written import Answer
    from trainadvisor.judge.rulebook import Rule, Rulebook

WRITTEN_WEIGHT = 1.3  # an answer to the question itself ranks above a rule that shares its words


def topics_of(written: Iterable[Answer], rulebook: Rulebook) -> list[Topic]:
    """Return the topics of all answers and rules."""
    return [*map(_topic_of_answer, written), *map(_topic_of_rule, rulebook.rules.values())]


def _topic_of_answer(entry: Answer) -> Topic:
    both = (entry.en, entry.zh)
    texts = [text for side in both for text in (side.answer, *side.remedies)]
    searches = (*entry.en.search, *entry.zh.search)
    return Topic(entry.id, searches, tuple(side.question for side in both), tuple(texts), weight=WRITTEN_WEIGHT)


def _topic_of_rule(rule: Rule) -> Topic:
    both = tuple(rule.texts.values())
    searches = [rule.code.replace("-", " "), *(word for texts in both for word in texts.get("search", ()))]
    titles = tuple(str(texts.get("title", "")) for texts in both)
    return Topic(rule.code, tuple(searches), titles, tuple(str(texts.get("cause", "")) for texts in both))
