"""Ranks answers to a question by the words that they are found by and by questions that others asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.answers.asked import ELSEWHERE
from trainadvisor.answers.likeness import likeness
from trainadvisor.answers.matching import Phrase
from trainadvisor.answers.meaning import contrary

if TYPE_CHECKING:
    from trainadvisor.answers.likeness import Examples
    from trainadvisor.answers.matching import Matcher

MATCHED = 0.15  # what the best match by words counts, relative to a likeness of 1
ENOUGH = 0.2  # likeness of an answer to a question that no words match
LOOKED_AT = 12


def ranked(question: str, matcher: Matcher, examples: Examples) -> list[str]:
    """Return the names of the answers to a question, best first; none where no answer is about it."""
    question = matcher.mended(question)
    asked = Phrase.of(question)
    if asked.is_elsewhere:
        return []
    matched = {topic.name: score for score, topic in matcher.scored(asked)}
    likes = like(question, asked, examples)
    best = max(matched.values(), default=1.0)
    totals = {
        name: likes.get(name, 0.0) + MATCHED * matched.get(name, 0.0) / best
        for name in (*likes, *matched)
        if name in matched or likes[name] >= ENOUGH
    }
    names = sorted(totals, key=lambda name: -totals[name])
    return [] if names[:1] == [ELSEWHERE] else [name for name in names if name != ELSEWHERE]


def like(question: str, asked: Phrase, examples: Examples, **limits: float) -> dict[str, float]:
    """Return how like a question is to those of each answer, without those that say the opposite."""
    found = examples.nearest(question, **limits)
    nearest = sorted(found, key=lambda name: -likeness(found[name]))[:LOOKED_AT]
    agreed = {
        name: [pair for pair in found[name] if not contrary(asked.said, Phrase.of(pair[1]).said)] for name in nearest
    }
    return {name: likeness(pairs) for name, pairs in agreed.items() if pairs}
