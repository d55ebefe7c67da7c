"""Ranks answers to a question by the words that they are found by and by questions that others asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.answers.asked import ELSEWHERE
from trainadvisor.answers.field import belonging, unheard
from trainadvisor.answers.likeness import likeness
from trainadvisor.answers.matching import Phrase
from trainadvisor.answers.meaning import contrary, is_defining, undenied
from trainadvisor.answers.special import speaks_of
from trainadvisor.answers.words import is_chinese

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from trainadvisor.answers.asked import Known
    from trainadvisor.answers.likeness import Examples
    from trainadvisor.answers.matching import Matcher

MATCHED = 0.2  # what the best match by words counts, relative to a likeness of 1
ENOUGH = 0.26  # likeness of an answer to a question that no words match
LEARNED = 1.0  # what it counts what the pieces of a question speak for
DEFINED = 0.7  # likeness of a question that has an answer to one that asks what something is
THE_SAME = 0.95  # likeness of a question to itself, however it is written
STRANGE, KNOWN = 0.5, 0.55  # part of a question's words that none about training has, unless one is as like as this
FOREIGN, LIKENESS = 0.2, 3.0  # least that the words of a question speak for the field, with its likeness to others
CLOSER = 0.05  # how much more like one about something else a question is that has no answer
LOOKED_AT = 12
SILENCE = "=silence"  # whoever wants to hear no more of a finding does not ask about it


def ranked(question: str, matcher: Matcher, known: Known, written: Container[str]) -> list[str]:
    """Return the names of the answers to a question, best first; none where no answer is about it."""
    spelled = matcher.mended(question)
    belongs = belonging(spelled, known.words)
    # Misspelled words are unheard too: what they are mended to has to speak for the field.
    strange = not is_chinese(question) and unheard(question, known.words) >= STRANGE and belongs <= 0
    question = undenied(spelled)
    asked = Phrase.of(question)
    if asked.is_elsewhere:
        return []
    matched = {topic.name: score for score, topic in matcher.scored(asked)}
    likes = like(question, asked, known.examples)
    closest = max((alike for alike, _ in likes.values()), default=0.0)
    foreign = belongs + LIKENESS * closest < FOREIGN or (strange and closest < KNOWN)
    defining = is_defining(question) and closest < DEFINED and not matched
    if [*likes] == [ELSEWHERE] or defining or (foreign and question not in known.examples.texts):
        return []
    best = max(matched.values(), default=1.0)
    totals = {
        name: sum(likes.get(name, ())) + MATCHED * matched.get(name, 0.0) / best
        for name in (*likes, *matched)
        if (name in matched or sum(likes[name]) >= ENOUGH)
        and (name in written or SILENCE not in asked.words)
        and speaks_of(name, question)
    }
    names = sorted(totals, key=lambda name: -totals[name])
    return [] if names[:1] == [ELSEWHERE] else [name for name in names if name != ELSEWHERE]


def like(question: str, asked: Phrase, examples: Examples) -> dict[str, tuple[float, float]]:
    """Return how like a question is to those of each answer, and what its pieces speak for that.

    Those that say the opposite do not count; an answer that most of them are of gets as much less from the pieces.
    """
    held = examples.holding(question)
    spoken, found = examples.spoken_for(held), examples.nearest(held)
    alike = {name: likeness(likes) for name, likes in found.items()}
    nearest = sorted(alike, key=lambda name: -alike[name] - LEARNED * spoken[name])[:LOOKED_AT]
    agreeing = {name: likeness([*_agreeing(asked, found[name])]) for name in nearest}
    closest = max((likes[0][0] for name, likes in found.items() if name != ELSEWHERE), default=0.0)
    if found.get(ELSEWHERE, [(0.0, "")])[0][0] >= min(THE_SAME, closest + CLOSER):
        return {ELSEWHERE: (1.0, 0.0)}
    return {name: (total, LEARNED * spoken[name] * total / alike[name]) for name, total in agreeing.items() if total}


def _agreeing(asked: Phrase, likes: Iterable[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    """Yield questions that do not say the opposite."""
    return ((alike, text) for alike, text in likes if not contrary(asked.said, Phrase.of(text).said))
